"""Keys of ids: the schema and Python make the same ones, and two ids never share one."""

from __future__ import annotations

import uuid

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinto_lite.model import Filter, ObjectRef, Query
from kinto_lite.storage.sqlite.engine import SqliteStorage
from kinto_lite.storage.sqlite.ids import pack_id
from kinto_lite.storage.sqlite.migrations import list_migrations
from tests.storage.conftest import StorageOpener
from tests.storage.trees import RECORDS, Tree

UUID = "0b4e57f2-7b1c-4e9f-a3b0-3d0f1a2b3c4d"
#: As long as a UUID, but not written as one.
ALIKE = (
    UUID.upper(),
    "0b4e57f2-7b1c-4e9f-a3b0-3d0f1a2b3c-4",
    "0b4e57f2-7b1c-4e9f-a3b0-3d0f1a2b-3c4",
    "0b4e57f27-b1c-4e9f-a3b0-3d0f1a2b3c4d",
    "0b4e57f2-7b1c-4e9f-a3b0-3d0f1a2b3c4g",
    "0b4e57f2-7b1c-4e9f-a3b0-3d0f1a2b3c4d\n",
    UUID.replace("-", ""),
)


def open_tables() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    for step in list_migrations():
        connection.execute(step)
    return connection


def read_key(connection: apsw.Connection, id_: str) -> object:
    connection.execute(
        "INSERT OR REPLACE INTO object (key, list, id, last_modified, data)"
        " VALUES (1, 1, ?, 1, '{}')",
        (id_,),
    )
    ((key,),) = connection.execute("SELECT id_key FROM object")
    return key


@settings(max_examples=300, deadline=None)
@given(
    st.uuids().map(str)
    | st.text("0123456789abcdefAFg-_", max_size=40)
    | st.text("0af-", min_size=36, max_size=36)
    | st.sampled_from(ALIKE)
)
def test_schema_and_python_make_the_same_key(id_: str) -> None:
    with open_tables() as connection:
        assert read_key(connection, id_) == pack_id(id_)


def test_a_uuid_takes_sixteen_bytes() -> None:
    assert pack_id(UUID) == uuid.UUID(UUID).bytes


@pytest.mark.parametrize("id_", ALIKE)
def test_what_is_not_written_as_a_uuid_stays_as_it_is(id_: str) -> None:
    assert pack_id(id_) == id_


def test_ids_that_only_look_alike_are_different_objects(reopen: StorageOpener) -> None:
    storage = reopen("sqlite://")
    assert isinstance(storage, SqliteStorage)
    tree = Tree(storage)
    tree.put_parents()
    ids = [UUID, *ALIKE]
    for id_ in ids:
        tree.put(ObjectRef("record", RECORDS.parent_uri, id_), f'{{"n":{ids.index(id_)}}}')
    with storage.transaction(write=False) as tx:
        asker = tx.find_asker("alice")
        list_key = tx.find_list(RECORDS, asker, "read").list_key
        assert list_key is not None
        for id_ in ids:
            for item in (Filter("id", "eq", id_), Filter("id", "in", [id_, 7])):
                (row,) = tx.list_objects(list_key, "record", Query((item,)), None).rows
                assert row.id == id_
        nothing = Query((Filter("id", "eq", 7),))
        assert tx.list_objects(list_key, "record", nothing, None).rows == []
