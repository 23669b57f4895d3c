"""Short words for what most storage tests do: a tree of objects, each step one transaction.

`alice` writes everything unless a test says otherwise; timestamps count up from 1001.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

from kinto_lite.model import Filter, ListRef, ObjectRef, Page, Place, Query, Row
from kinto_lite.storage.base import Storage, Transaction, Visibility

BUCKETS = ListRef("bucket", "")
BUCKET = ObjectRef("bucket", "", "b")
GROUPS = ListRef("group", BUCKET.uri)
GROUP = ObjectRef("group", BUCKET.uri, "g")
COLLECTIONS = ListRef("collection", BUCKET.uri)
COLLECTION = ObjectRef("collection", BUCKET.uri, "c")
RECORDS = ListRef("record", COLLECTION.uri)

EVERYTHING = Query(filters=(Filter("last_modified", "gt", 0),), with_deleted=True)


def record(number: int) -> ObjectRef:
    """The place of a record: r0, r1 ..."""
    return ObjectRef("record", COLLECTION.uri, f"r{number}")


class Undone(Exception):
    """What ends a transaction that shall leave nothing."""


@contextmanager
def undone(storage: Storage, error: type[BaseException] = Undone) -> Iterator[Transaction]:
    """A write transaction that fails in the end."""
    with suppress(error), storage.transaction(write=True) as tx:
        yield tx
        raise error


def select(storage: Storage, text: str) -> list[Any]:
    """The rows of a query, past the interface of storages."""
    with storage.transaction(write=False) as tx:
        run = tx.statements.run if hasattr(tx, "statements") else storage.connection().execute  # type: ignore[attr-defined]
        return list(run(text))


class Tree:
    """A storage and what tests do with it."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._times = count(1001)

    def put(
        self, ref: ObjectRef, data: str = "{}", at: int | None = None, **permissions: Iterable[str]
    ) -> Row:
        """Create or replace an object; its permissions are these, by name."""
        with self.storage.transaction(write=True) as tx:
            return self.put_in(tx, ref, data, at=at, **permissions)

    def put_in(
        self,
        tx: Transaction,
        ref: ObjectRef,
        data: str = "{}",
        at: int | None = None,
        **permissions: Iterable[str],
    ) -> Row:
        """The same inside a transaction. `record_create` stands for `record:create`."""
        place = tx.find_object(ref, tx.find_asker("alice"))
        assert place.list_key is not None, f"nothing holds {ref.uri}"
        when = next(self._times) if at is None else at
        row = tx.write_object(place, ref, data, when, when)
        lists = {name.replace("_", ":"): names for name, names in permissions.items()}
        tx.replace_permissions(place.list_key, row.key, ref.kind, lists)
        return row

    def put_parents(self) -> None:
        """Create the bucket and the collection, both written by alice."""
        self.put(BUCKET, write=["alice"])
        self.put(COLLECTION, write=["alice"])

    def put_records(self, number: int, **permissions: Iterable[str]) -> list[Row]:
        """Create records r0, r1 ... with `{"n": 0}`, `{"n": 1}` ..., in one transaction."""
        with self.storage.transaction(write=True) as tx:
            return [
                self.put_in(tx, record(n), f'{{"n":{n}}}', None, **permissions)
                for n in range(number)
            ]

    def delete(self, *refs: ObjectRef, at: int | None = None) -> list[Row]:
        """Delete objects of one list, together."""
        with self.storage.transaction(write=True) as tx:
            return self.delete_in(tx, *refs, at=at)

    def delete_in(self, tx: Transaction, *refs: ObjectRef, at: int | None = None) -> list[Row]:
        """The same inside a transaction."""
        asker = tx.find_asker("alice")
        places = [tx.find_object(ref, asker) for ref in refs]
        rows = [place.live for place in places if place.live is not None]
        assert len(rows) == len(refs), "only live objects can be deleted"
        list_key = places[0].list_key
        assert list_key is not None
        times = [next(self._times) if at is None else at for _ in rows]
        return tx.delete_objects(list_key, refs[0].kind, rows, times)

    def put_group(self, *members: str) -> None:
        """Create or replace the group with these members."""
        with self.storage.transaction(write=True) as tx:
            row = self.put_in(tx, GROUP)
            tx.replace_members(GROUP, row.key, members)

    def find(self, ref: ObjectRef, user: str | None = "alice") -> Place:
        """What a user finds at the URL of an object."""
        with self.storage.transaction(write=False) as tx:
            return tx.find_object(ref, tx.find_asker(user))

    def find_list(self, ref: ListRef, user: str | None = "alice", need: str = "read") -> Place:
        """What a user finds at the URL of a list."""
        with self.storage.transaction(write=False) as tx:
            return tx.find_list(ref, tx.find_asker(user), need)

    def list_key(self, ref: ListRef) -> int:
        """The storage's number of a list."""
        key = self.find_list(ref).list_key
        assert key is not None
        return key

    def read(
        self,
        ref: ListRef,
        query: Query = Query(),  # noqa: B008 (frozen)
        user: str | None = None,
        need: str = "read",
    ) -> Page:
        """One page of a list; with a user, of what she holds a need on directly."""
        with self.storage.transaction(write=False) as tx:
            visible = None if user is None else Visibility(tx.find_asker(user), need)
            return tx.list_objects(self.list_key_in(tx, ref), ref.kind, query, visible)

    def read_ids(
        self,
        ref: ListRef,
        query: Query = Query(),  # noqa: B008 (frozen)
        user: str | None = None,
        need: str = "read",
    ) -> list[str]:
        """The ids of such a page."""
        return [row.id for row in self.read(ref, query, user, need).rows]

    def count(
        self,
        ref: ListRef,
        query: Query = Query(),  # noqa: B008 (frozen)
        user: str | None = None,
    ) -> int:
        """How many objects match; with a user, of those she may read directly."""
        with self.storage.transaction(write=False) as tx:
            visible = None if user is None else Visibility(tx.find_asker(user), "read")
            return tx.count_objects(self.list_key_in(tx, ref), ref.kind, query, visible)

    def list_key_in(self, tx: Transaction, ref: ListRef) -> int:
        """The storage's number of a list, inside a transaction."""
        key = tx.find_list(ref, tx.find_asker(None), "read").list_key
        assert key is not None
        return key
