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
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
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
    BUCKET,
    BUCKETS,
    COLLECTION,
    COLLECTIONS,
    EVERYTHING,
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
from tests.storage.test_sqlite_durability import OPTIONS, TRANSACTIONS, run_transaction
storage = open_storage(sys.argv[1], OPTIONS)
for number in range(TRANSACTIONS):
    run_transaction(storage, number)
    print(number, flush=True)
sys.stdin.read()
"""

Snapshot = tuple[Any, ...]


def run_transaction(storage: Storage, number: int) -> None:
    """Do many things in the transaction of this number, always the same ones."""
    tree = Tree(storage)
    start = 1000 + 10 * number
    with storage.transaction(write=True) as tx:
        if number == 0:
            tree.put_in(tx, BUCKET, at=start)
        data = f'{{"n":{number},"text":"{"x" * (number * 977 % 6000)}"}}'
        tree.put_in(tx, COLLECTION, data, start)
        tree.put_in(tx, record(number), data, start, write=["alice"], read=["bob"])
        tree.put_in(tx, record(number + 1000), data, start + 1, write=[f"user {number}"])
        if number % 3 == 2:
            tree.delete_in(tx, record(number - 1), record(number + 999), at=start + 2)


def read_all(storage: Storage) -> Snapshot:
    """Everything that `run_transaction` changes."""
    tree = Tree(storage)
    if tree.find(COLLECTION).row is None:
        return (tree.find_list(BUCKETS), tree.find(BUCKET))
    lists = [tree.find_list(ref, "bob") for ref in (BUCKETS, COLLECTIONS, RECORDS)]
    rows = tree.read(RECORDS, EVERYTHING).rows
    return (lists, rows, tree.read_ids(RECORDS, user="bob"), tree.read_ids(RECORDS, user="user 4"))


@pytest.fixture(scope="module")
def states() -> list[Snapshot]:
    """What is stored after no, one, two ... transactions."""
    storage = open_storage("sqlite://", OPTIONS)
    found = [read_all(storage)]
    for number in range(TRANSACTIONS):
        run_transaction(storage, number)
        found.append(read_all(storage))
    storage.close()
    return found


@pytest.fixture
def disk() -> Iterator[Disk]:
    """The disk on which databases are opened."""
    with Disk() as disk:
        yield disk


class Outcome(NamedTuple):
    """What a power cut left: `acknowledged` counts transactions; `found` is what was read after
    it, or the error that reading it gave."""

    acknowledged: int
    found: Snapshot | StorageError
    shared: int = 1

    def is_kept(self, states: list[Snapshot]) -> bool:
        """Whether all is there that was acknowledged; of the next commit, all or nothing."""
        return self.found in states[self.acknowledged :: self.shared][:2]


def write_until_the_power_goes(
    url: str, synchronous: str, pages_per_checkpoint: int, shared: int = 1
) -> int:
    """Run all transactions, or as many as can be; return how many were acknowledged.

    With `shared`, so many transactions share one commit.
    """
    storage = cast(SqliteStorage, open_storage(url, OPTIONS))
    storage.connection().pragma("synchronous", synchronous)
    storage.connection().wal_autocheckpoint(pages_per_checkpoint)
    if shared > 1:
        storage.share_commits()
    acknowledged = 0
    try:
        for number in range(TRANSACTIONS):
            run_transaction(storage, number)
            if (number + 1) % shared == 0:
                storage.settle()
                acknowledged = number + 1
    except StorageError:
        assert acknowledged < TRANSACTIONS
    close(storage)
    return acknowledged


def close(storage: Storage) -> None:
    """Close a storage whose disk may have no power: APSW passes on what SQLite does not mind."""
    with suppress(apsw.IOError):
        storage.close()
    assert apsw.connections() == []


def read_after_the_cut(url: str) -> Snapshot | StorageError:
    """Open the database again, check it, and read all of it."""
    try:
        with closing(cast(SqliteStorage, open_storage(url, OPTIONS))) as storage:
            with storage.transaction(write=False):
                for check in ("PRAGMA integrity_check", "PRAGMA foreign_key_check"):
                    if list(storage.connection().execute(check)) not in ([("ok",)], []):
                        return StorageError(f"{check} found damage")
            return read_all(storage)
    except StorageError as error:
        return error


def lose_power(
    disk: Disk,
    folder: Path,
    seed: int,
    synchronous: str = "full",
    pages_per_checkpoint: Sequence[int] = (1, 4, 30, 1000),
    shared: int = 1,
) -> Outcome:
    """Write, lose the power at a random moment, and see what is left."""
    chance = random.Random(seed)
    url = f"sqlite:///{folder / f'{seed}.db'}"
    disk.cut_power_after(chance.randrange(100, 900 // shared))
    pages = chance.choice(pages_per_checkpoint)
    acknowledged = write_until_the_power_goes(url, synchronous, pages, shared)
    disk.restore_power(chance)
    return Outcome(acknowledged, read_after_the_cut(url), shared)


@pytest.mark.parametrize("seed", range(60))
def test_acknowledged_transactions_survive_a_power_cut(
    disk: Disk, tmp_path: Path, states: list[Snapshot], seed: int
) -> None:
    outcome = lose_power(disk, tmp_path, seed)
    assert outcome.is_kept(states), f"{outcome.acknowledged} were acknowledged"


@pytest.mark.parametrize("seed", range(20))
def test_transactions_that_share_a_commit_survive_together_or_not_at_all(
    disk: Disk, tmp_path: Path, states: list[Snapshot], seed: int
) -> None:
    outcome = lose_power(disk, tmp_path, seed, shared=4)
    assert outcome.is_kept(states), f"{outcome.acknowledged} were acknowledged"


@pytest.mark.parametrize("synchronous", ["normal", "off"])
def test_without_a_sync_per_commit_this_way_of_testing_sees_losses(
    disk: Disk, tmp_path: Path, states: list[Snapshot], synchronous: str
) -> None:
    outcomes = [lose_power(disk, tmp_path, seed, synchronous, (1000,)) for seed in range(20)]
    kept = [outcome for outcome in outcomes if outcome.is_kept(states)]
    assert len(kept) < len(outcomes) / 2


def test_power_cuts_come_in_transactions_and_in_checkpoints(disk: Disk, tmp_path: Path) -> None:
    acknowledged = {
        lose_power(disk, tmp_path, seed, pages_per_checkpoint=(1, 4)).acknowledged
        for seed in range(20)
    }
    assert len(acknowledged) > 10
    assert min(acknowledged) < 10
    assert disk.cuts["wal"] > 5
    assert disk.cuts["database"] > 2


@pytest.mark.parametrize("operations", range(0, 60, 2))
def test_power_cut_while_a_database_is_made_leaves_one_that_can_be_used(
    disk: Disk, tmp_path: Path, states: list[Snapshot], operations: int
) -> None:
    for seed in range(4):
        url = f"sqlite:///{tmp_path / f'{seed}.db'}"
        disk.cut_power_after(operations)
        with suppress(StorageError, apsw.IOError):
            open_storage(url, OPTIONS).close()
        disk.restore_power(random.Random(operations + seed))
        assert read_after_the_cut(url) == states[0]


def test_secret_that_was_shown_survives_a_power_cut(disk: Disk, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    storage = open_storage(url, OPTIONS)
    secret = storage.read_secret("a")
    disk.cut_power_after(0)
    close(storage)
    disk.restore_power(random.Random(1))
    again = open_storage(url, OPTIONS)
    assert again.read_secret("a") == secret
    again.close()


@pytest.fixture
def tree(disk: Disk, tmp_path: Path) -> Iterator[Tree]:
    """A tree on the disk that can fail."""
    storage = open_storage(f"sqlite:///{tmp_path / 'test.db'}", OPTIONS)
    tree = Tree(storage)
    tree.put_parents()
    yield tree
    storage.close()


def test_sync_that_fails_is_no_success_and_leaves_nothing(disk: Disk, tree: Tree) -> None:
    disk.sync_error = apsw.IOError("the disk cannot sync")
    with pytest.raises(Unavailable):
        tree.put_records(3)
    disk.sync_error = None
    assert tree.read_ids(RECORDS) == []
    tree.put_records(1)
    assert tree.find_list(RECORDS).live_count == 1


def test_numbers_that_a_failed_commit_gave_mean_nobody_later(disk: Disk, tree: Tree) -> None:
    disk.sync_error = apsw.IOError("the disk cannot sync")
    with pytest.raises(Unavailable), tree.storage.transaction(write=True) as tx:
        tx.find_asker("mallory")
    disk.sync_error = None
    tree.put(record(0), write=["bob"])
    assert tree.find(record(0), "mallory").held == frozenset()
    assert ("record", "write") in tree.find(record(0), "bob").held


def test_shared_commit_that_fails_leaves_nothing_of_any_request(disk: Disk, tree: Tree) -> None:
    tree.storage.share_commits()
    tree.put(record(0))
    tree.put(record(1))
    disk.sync_error = apsw.IOError("the disk cannot sync")
    with pytest.raises(Unavailable):
        tree.storage.settle()
    disk.sync_error = None
    assert tree.storage.is_unsettled is False
    assert tree.read_ids(RECORDS) == []
    tree.put(record(2))
    tree.storage.settle()
    assert tree.read_ids(RECORDS) == ["r2"]


def test_disk_that_fills_up_fails_all_that_share_a_commit(disk: Disk, tree: Tree) -> None:
    tree.storage.share_commits()
    tree.put(record(0))
    disk.write_error = apsw.FullError("the disk is full")
    with pytest.raises(Full):
        tree.storage.settle()
    disk.write_error = None
    tree.put(record(1))
    tree.storage.settle()
    assert tree.read_ids(RECORDS) == ["r1"]


def test_what_waits_for_a_commit_that_is_lost_is_never_called(disk: Disk, tree: Tree) -> None:
    called: list[str] = []
    tree.storage.share_commits()
    tree.put(record(0))
    tree.storage.when_settled(lambda: called.append("lost"))
    disk.write_error = apsw.FullError("the disk is full")
    with pytest.raises(Full):
        tree.storage.settle()
    disk.write_error = None
    tree.put(record(1))
    tree.storage.settle()
    assert called == []


def test_full_disk_is_named_and_leaves_nothing(disk: Disk, tree: Tree) -> None:
    disk.write_error = apsw.FullError("the disk is full")
    with pytest.raises(Full):
        tree.put_records(3)
    assert tree.storage.is_healthy() is True
    assert tree.read_ids(RECORDS) == []
    disk.write_error = None
    tree.put_records(1)
    assert tree.find_list(RECORDS).live_count == 1


def test_killed_process_leaves_all_that_it_acknowledged(
    tmp_path: Path, states: list[Snapshot], root: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    command = [sys.executable, "-c", WRITER, url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        acknowledged = 0
        while acknowledged < 12:
            acknowledged = int(process.stdout.readline()) + 1
        process.send_signal(signal.SIGKILL)
        acknowledged += len(process.stdout.read().split())
    assert Outcome(acknowledged, read_after_the_cut(url)).is_kept(states)
