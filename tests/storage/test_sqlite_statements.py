"""How many statements the engine needs for what is asked most often."""

from __future__ import annotations

from typing import Any

import pytest

from kinto_lite.storage.base import Transaction
from kinto_lite.storage.sqlite.engine import SqliteStorage
from tests.storage.conftest import StorageOpener
from tests.storage.trees import RECORDS, Tree, record, undone


@pytest.fixture
def storage(reopen: StorageOpener) -> SqliteStorage:
    """A database with the record r0, which alice may write."""
    storage = reopen("sqlite://")
    assert isinstance(storage, SqliteStorage)
    tree = Tree(storage)
    tree.put_parents()
    tree.put_records(3, write=["alice"])
    return storage


def trace(storage: SqliteStorage) -> list[str]:
    """The texts of the statements that are run from now on."""
    texts: list[str] = []

    def note(_connection: object, text: str, _bindings: Any) -> bool:
        texts.append(text)
        return True

    storage.connection().exec_trace = note
    return texts


def add_writer(tx: Transaction, number: int, principal: str) -> None:
    place = tx.find_object(record(number), tx.find_asker("alice"))
    assert place.row is not None
    assert place.list_key is not None
    tx.add_permission(place.list_key, place.row.key, "record", "write", principal)


def read_writers(storage: SqliteStorage, number: int) -> list[str]:
    with storage.transaction(write=False) as tx:
        place = tx.find_object(record(number), tx.find_asker("alice"))
        assert place.row is not None
        return tx.read_permissions(place.row.key)["write"]


def test_a_writer_who_is_one_already_is_added_in_one_statement(storage: SqliteStorage) -> None:
    with storage.transaction(write=True) as tx:
        tx.find_asker("alice")
        texts = trace(storage)
        add_writer(tx, 0, "alice")
    assert [text.split()[0] for text in texts] == ["SELECT", "INSERT", "COMMIT"]
    assert read_writers(storage, 0) == ["alice"]


def test_a_user_who_was_numbered_in_what_was_undone_gets_a_number_anew(
    storage: SqliteStorage,
) -> None:
    with undone(storage) as tx:
        tx.find_asker("bob")
        add_writer(tx, 0, "bob")
    with storage.transaction(write=True) as tx:
        add_writer(tx, 0, "bob")
    assert sorted(read_writers(storage, 0)) == ["alice", "bob"]


def test_a_user_whom_a_flush_removed_gets_a_number_anew(storage: SqliteStorage) -> None:
    tree = Tree(storage)
    with storage.transaction(write=True) as tx:
        tx.find_asker("alice")
        tx.flush()
    tree.put_parents()
    tree.put_records(1, write=["alice"])
    assert read_writers(storage, 0) == ["alice"]


def test_many_are_deleted_without_looking_for_entries_of_indexes(storage: SqliteStorage) -> None:
    with storage.transaction(write=True) as tx:
        places = [tx.find_object(record(number), tx.find_asker("alice")) for number in range(3)]
        rows = [place.row for place in places if place.row is not None]
        (list_key, *_) = {place.list_key for place in places}
        assert list_key is not None
        texts = trace(storage)
        tx.delete_objects(list_key, RECORDS.kind, rows, [9001, 9002, 9003])
    assert not [text for text in texts if "field_value" in text]
    assert len(texts) == 1 + 2 * len(rows) + 2
