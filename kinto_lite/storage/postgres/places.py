"""The numbers of lists and of their parents while rows are written: a few are remembered, the
others are looked up, so that memory does not grow with the number of lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from kinto_lite.storage.moving import ListRow, ObjectRow, Refused, split_uri
from kinto_lite.storage.postgres.batches import Batch
from kinto_lite.storage.postgres.driver import Rows

#: How many of each are remembered.
REMEMBERED = 20_000

K = TypeVar("K")
V = TypeVar("V")


class Parent(NamedTuple):
    """The key of an object, and that of its own parent (None: it hangs below nothing)."""

    key: int
    above: int | None


class Place(NamedTuple):
    """The key of a list, and that of the object it belongs to."""

    list_key: int
    parent: int | None


class Places:
    """Gives lists their keys, from `first_list` on, and finds them again."""

    def __init__(self, run: Callable[..., Rows], batch: Batch, first_list: int) -> None:
        self._run = run
        self._batch = batch
        self._next_list = first_list
        self._lists: dict[tuple[str, str], Place] = {}
        self._parents: dict[str, Parent] = {}
        #: Nearly always, a list belongs to the object before it.
        self._last: tuple[ObjectRow, Parent] | None = None

    def add_list(self, row: ListRow) -> None:
        """Store a list. Errors: Refused when its parent did not come before."""
        key, self._next_list = self._next_list, self._next_list + 1
        if row.parent_uri:
            parent = self._find_parent(row.parent_uri)
            self._batch.add_list(row, key, parent.key, parent.above)
            place = Place(key, parent.key)
        else:
            given = {"kind": row.kind, "last_modified": row.last_modified}
            rows = self._run("fill_root_list", key=key, is_indexed=bool(row.indexes), **given)
            ((key,),) = rows
            self._batch.add_indexes(row, key)
            place = Place(key, None)
        _remember(self._lists, (row.kind, row.parent_uri), place)

    def find_list(self, kind: str, parent_uri: str) -> Place:
        """Return the list for objects of a kind. Errors: Refused when it did not come before."""
        place = self._lists.get((kind, parent_uri))
        if place is None:
            self._batch.send()
            found = self._run("find_moved_list", kind=kind, parent_uri=parent_uri)
            if not found:
                raise Refused(f"An object comes before its list: {kind} below {parent_uri or '/'}.")
            place = Place(*found[0])
            _remember(self._lists, (kind, parent_uri), place)
        return place

    def note_object(self, row: ObjectRow, parent: int | None) -> None:
        """Remember an object: the lists below it come next."""
        self._last = None if row.is_deleted else (row, Parent(row.key, parent))

    def _find_parent(self, uri: str) -> Parent:
        kind, parent_uri, object_id = split_uri(uri)
        if self._last is not None:
            row, parent = self._last
            if (row.kind, row.parent_uri, row.id) == (kind, parent_uri, object_id):
                return parent
        known = self._parents.get(uri)
        if known is None:
            self._batch.send()
            bindings = {"kind": kind, "parent_uri": parent_uri, "id": object_id}
            found = self._run("find_moved_parent", **bindings)
            if not found:
                raise Refused(f"A list comes before the object it belongs to: {uri}.")
            known = Parent(*found[0])
            _remember(self._parents, uri, known)
        return known


def _remember(known: dict[K, V], key: K, value: V) -> None:
    if len(known) >= REMEMBERED:
        known.clear()
    known[key] = value
