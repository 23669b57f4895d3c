"""What was acknowledged survives a power cut, and nothing half is ever there.

The power of a simulated disk (see `power`) goes at a random moment of a row of transactions:
within one, between two, within a checkpoint. Then the file is opened again and compared with
what the same transactions leave in memory. The last tests take the engine's promise away and show
that this way of testing notices.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import apsw
import pytest

from kinto_lite.permissions.tree import KINDS, TREE
from kinto_lite.storage.base import Full, Storage, StorageError, StorageOptions, Unavailable
from kinto_lite.storage.engines import open_storage
from kinto_lite.storage.sqlite.engine import SqliteStorage
from tests.storage.power import Disk
from tests.storage.trees import (
    BUCKETS,
    COLLECTION,
    COLLECTIONS,
    EVERYTHING,
    GROUPS,
    RECORDS,
    Tree,
    record,
)

OPTIONS = StorageOptions(KINDS, TREE, busy_timeout_seconds=5)
TRANSACTIONS = 40

#: Writes until it is killed, and says so after each transaction.
WRITER = """
import sys
from kinto_lite.storage.engines import open_storage
from tests.storage.test_sqlite_durability import OPTIONS, run_transaction
storage = open_storage(sys.argv[1], OPTIONS)
number = 0
while True:
    run_transaction(storage, number)
    print(number, flush=True)
    number += 1
"""

Snapshot = tuple[Any, ...]


def run_transaction(storage: Storage, number: int) -> None:
    """Do many things in the transaction of this number, always the same ones."""
    tree = Tree(storage)
    start = 1000 + 10 * number
    if number == 0:
        tree.put_parents()
        return
    with storage.transaction(write=True) as tx:
        data = f'{{"n":{number},"text":"{"x" * (number * 97 % 6000)}"}}'
        tree.put_in(tx, record(number), data, start, write=["alice"], read=["bob"])
        tree.put_in(tx, record(number + 1000), data, start + 1, write=[f"user {number}"])
        tree.put_in(tx, COLLECTION, f'{{"last":{number}}}', start)
        if number % 3 == 2:
            tree.delete_in(tx, record(number - 1), record(number + 999), at=start + 2)
        tx.issue_nonce(f"n{number}", start, start + 10**6)


def read_all(storage: Storage) -> Snapshot:
    """Everything that `run_transaction` changes."""
    tree = Tree(storage)
    if tree.find_list(RECORDS).list_key is None:
        return (tree.find_list(BUCKETS).live_count, tree.find_list(COLLECTIONS).live_count)
    places = [tree.find_list(ref, "bob")[:3] if False else tree.find_list(ref, "bob")
              for ref in (BUCKETS, GROUPS, COLLECTIONS, RECORDS)]
    lists = [(place.list_timestamp, place.live_count, place.sees_some) for place in places]
    rows = [tuple(row[1:]) for row in tree.read(RECORDS, EVERYTHING).rows]
    return (lists, rows, tree.read_ids(RECORDS, user="bob"), tree.read_ids(RECORDS, user="user 4"))
