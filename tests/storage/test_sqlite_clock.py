"""Reads that search for too long are interrupted; writes are not."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kinto_lite.storage.base import TooLong
from kinto_lite.storage.sqlite.engine import SqliteStorage
from tests.storage.conftest import StorageOpener

#: Takes more steps than the clock leaves unseen.
LONG = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) "
    "SELECT max(i) FROM n"
)


@pytest.fixture
def storage(tmp_path: Path, reopen: StorageOpener) -> SqliteStorage:
    """A database whose reads have next to no time."""
    opened = reopen(f"sqlite:///{tmp_path / 'test.db'}", read_timeout_seconds=1e-6)
    assert isinstance(opened, SqliteStorage)
    return opened


@pytest.fixture
def unlimited(tmp_path: Path, reopen: StorageOpener) -> SqliteStorage:
    """A database whose reads have all the time."""
    opened = reopen(f"sqlite:///{tmp_path / 'another.db'}", read_timeout_seconds=0)
    assert isinstance(opened, SqliteStorage)
    return opened


def search(storage: SqliteStorage, write: bool, statement: str = LONG) -> None:
    """Run a statement in a transaction."""
    with storage.transaction(write):
        storage.connection().execute(statement).fetchall()


def test_a_read_that_searches_for_too_long_is_cut(storage: SqliteStorage) -> None:
    with pytest.raises(TooLong):
        search(storage, write=False)
    assert storage.was_cut


def test_the_next_transaction_begins_anew(storage: SqliteStorage) -> None:
    with pytest.raises(TooLong):
        search(storage, write=False)
    search(storage, write=False, statement="SELECT 1")
    assert not storage.was_cut


def test_a_write_is_not_cut(storage: SqliteStorage) -> None:
    search(storage, write=True)
    assert not storage.was_cut


def test_a_cut_read_leaves_what_waits_for_a_shared_commit(storage: SqliteStorage) -> None:
    storage.share_commits()
    storage.flush()
    with pytest.raises(TooLong):
        search(storage, write=False)
    assert storage.is_unsettled
    storage.settle()
    assert not storage.is_unsettled


def test_without_a_limit_a_read_takes_the_time_it_needs(unlimited: SqliteStorage) -> None:
    search(unlimited, write=False)
    assert not unlimited.was_cut


def test_a_thread_may_give_itself_less_time(unlimited: SqliteStorage) -> None:
    unlimited.limit_reads(1e-6)
    with pytest.raises(TooLong):
        search(unlimited, write=False)


def test_a_thread_cannot_give_itself_more_time(storage: SqliteStorage) -> None:
    storage.limit_reads(60)
    with pytest.raises(TooLong):
        search(storage, write=False)


def test_shared_commits_are_those_of_one_thread(storage: SqliteStorage) -> None:
    storage.share_commits()
    storage.flush()
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(storage.is_unsettled))
    thread.start()
    thread.join()
    assert seen == [False]
    storage.settle()


def test_a_file_is_read_side_by_side_and_memory_is_not(
    storage: SqliteStorage, reopen: StorageOpener
) -> None:
    assert storage.reads_side_by_side
    assert not reopen("sqlite://").reads_side_by_side
