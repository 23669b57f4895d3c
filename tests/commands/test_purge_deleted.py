"""`purge-deleted` on what a server has stored, beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kinto_lite.commands import purge_deleted
from kinto_lite.storage.base import Storage, Transaction
from tests.kinto.plain_client import PlainClient
from tests.live import Server, run_command, start_server
from tests.storage.conftest import StorageOpener, options, reopen, storage, tree
from tests.storage.trees import EVERYTHING, RECORDS, Tree, record

__all__ = ["StorageOpener", "options", "reopen", "storage", "tree"]

BUCKET = "/v1/buckets/b"
RECORDS_URL = f"{BUCKET}/collections/c/records"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running server with three tombstones and a live record, whose twin elsewhere is deleted."""
    with start_server(tmp_path) as running:
        send = PlainClient(running.url, "user", "pw").send
        send("PUT", BUCKET)
        for name in ("c", "d"):
            send("PUT", f"{BUCKET}/collections/{name}")
        for name in ("r1", "r2", "r3"):
            send("PUT", f"{RECORDS_URL}/{name}")
            send("DELETE", f"{RECORDS_URL}/{name}")
        send("PUT", f"{BUCKET}/collections/d/records/r1")
        yield running


def list_changes(server: Server) -> list[dict[str, Any]]:
    """What a client that synchronises from the beginning sees."""
    client = PlainClient(server.url, "user", "pw")
    data: list[dict[str, Any]] = client.send("GET", f"{RECORDS_URL}?_since=0").body["data"]
    return data


def test_beside_a_running_server_the_newest_tombstones_stay(server: Server) -> None:
    done = run_command(server.folder, "purge-deleted", "record", "1")
    assert done.stderr.endswith("INFO   2 tombstone(s) deleted.\n")
    assert [(item["id"], item["deleted"]) for item in list_changes(server)] == [("r3", True)]


def test_live_objects_that_share_an_id_with_a_tombstone_stay(server: Server) -> None:
    run_command(server.folder, "purge-deleted", "record", "0")
    client = PlainClient(server.url, "user", "pw")
    assert client.send("GET", f"{BUCKET}/collections/d/records/r1").status == 200


def test_the_timestamp_of_the_list_stays(server: Server) -> None:
    client = PlainClient(server.url, "user", "pw")
    before = client.send("GET", RECORDS_URL).headers["ETag"]
    run_command(server.folder, "purge-deleted", "record", "0")
    assert list_changes(server) == []
    assert client.send("GET", RECORDS_URL).headers["ETag"] == before


def test_young_tombstones_stay(server: Server) -> None:
    done = run_command(server.folder, "purge-deleted", "record", "--older-than", "1")
    assert done.stderr.endswith("INFO   0 tombstone(s) deleted.\n")
    assert len(list_changes(server)) == 3


def test_age_counts_in_days(tree: Tree) -> None:
    tree.put_records(2)
    tree.delete(record(0), at=1000)
    tree.delete(record(1))
    # The second one is younger than the first, and both are of 1970.
    wanted = purge_deleted.Wanted(("record",), keep=0, days=1)
    assert purge_deleted.purge(tree.storage, wanted) == 2


def test_each_transaction_deletes_a_batch_and_no_more(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_deleted, "BATCH", 4)
    tree.put_records(10)
    tree.delete(*(record(n) for n in range(10)))
    counted = CountingStorage(tree.storage)
    wanted = purge_deleted.Wanted(("record",), keep=1, days=None)
    assert purge_deleted.purge(counted, wanted) == 9  # type: ignore[arg-type]
    assert counted.writes == 3
    assert len(tree.read_ids(RECORDS, EVERYTHING)) == 1


class CountingStorage:
    """Counts the write transactions on another storage."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.writes = 0

    @contextmanager
    def transaction(self, write: bool) -> Iterator[Transaction]:
        self.writes += write
        with self.storage.transaction(write) as tx:
            yield tx
