"""What a transaction reads: places, lists, counts, permissions. Statements come from the `.sql`
files; filters and sorts are compiled by `filters`, indexes chosen by `indexes`. Writing is left to
`transaction`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from kinto_lite.model import Asker, Kind, ListRef, ObjectRef, Page, Place, Query, Row
from kinto_lite.storage.base import OldTombstones, Visibility
from kinto_lite.storage.named_queries import fill
from kinto_lite.storage.narrowing import Narrowing, may_use_index
from kinto_lite.storage.sqlite.connection import PreparedConnection
from kinto_lite.storage.sqlite.filters import compile_after, compile_filters, compile_sort
from kinto_lite.storage.sqlite.ids import pack_id
from kinto_lite.storage.sqlite.indexes import narrow
from kinto_lite.storage.sqlite.names import QUERIES, Names

#: Makes a row of a tuple; `Row._make` does it in Python, in four times the time.
_make_row: Callable[[tuple[Any, ...]], Row] = partial(tuple.__new__, Row)
_NOWHERE = Place(None, 0, 0, frozenset())


class SqliteReading:
    """The reading half of `storage.base.Transaction`; see there for what each method promises."""

    def __init__(
        self, connection: PreparedConnection, names: Names, kinds: Sequence[Kind], is_write: bool
    ) -> None:
        self._execute = connection.execute
        self._connection = connection
        self._askers = connection.askers
        self._names = names
        self._kinds = kinds
        self.is_write = is_write

    def find_object(self, ref: ObjectRef, asker: Asker) -> Place:
        found = self._execute(
            QUERIES["find_object"],
            {
                "asker": asker.keys,
                "id_key": pack_id(ref.id),
                "parent_uri": ref.parent_uri,
                "kind": ref.kind,
            },
        ).fetchone()
        if found is None:
            return _NOWHERE
        list_key, timestamp, count, is_indexed, key, last_modified, data, *rest = found
        deleted, needs, shown = rest
        return Place(
            list_key,
            timestamp,
            count,
            self._names.needs(needs),
            None if key is None else Row(key, ref.id, last_modified, data, bool(deleted)),
            None if shown is None else self._names.shown(shown),
            is_indexed=bool(is_indexed),
        )

    def find_row(self, ref: ObjectRef) -> Row | None:
        found = self._execute(
            QUERIES["find_row"],
            {"kind": ref.kind, "parent_uri": ref.parent_uri, "id_key": pack_id(ref.id)},
        ).fetchone()
        if found is None:
            return None
        key, last_modified, data, deleted = found
        return Row(key, ref.id, last_modified, data, bool(deleted))

    def find_list(self, ref: ListRef, asker: Asker, need: str) -> Place:
        found = self._execute(
            QUERIES["find_list"],
            {
                "asker": asker.keys,
                "need": self._names.keys[ref.kind, need],
                "parent_uri": ref.parent_uri,
                "kind": ref.kind,
            },
        ).fetchone()
        if found is None:
            return _NOWHERE
        list_key, timestamp, count, needs, sees_some = found
        return Place(
            list_key, timestamp, count, self._names.needs(needs), sees_some=bool(sees_some)
        )

    def list_objects(
        self, list_key: int, kind: str, query: Query, visible: Visibility | None
    ) -> Page:
        narrowing = self._narrow(list_key, query, visible)
        if narrowing is not None:
            return self._list_by_index(narrowing, query)
        name = "list_visible_objects" if visible else "list_live_objects"
        if query.with_deleted and not visible:
            name = "list_all_objects"
        bindings = self._scope(list_key, kind, visible) | {"limit": query.limit + 1}
        rows = self._select(QUERIES[name], query, bindings)
        return Page(rows[: query.limit], len(rows) > query.limit)

    def _narrow(self, list_key: int, query: Query, visible: Visibility | None) -> Narrowing | None:
        """Return the index on a field that serves a query, if there is one."""
        if not may_use_index(query, is_partial=visible is not None):
            return None
        ready = dict(self._execute(QUERIES["list_ready_indexes"], {"list": list_key}))
        return narrow(query, ready) if ready else None

    def _list_by_index(self, narrowing: Narrowing, query: Query) -> Page:
        text = fill(QUERIES["list_indexed_objects"], ("entry", narrowing.entry))
        text = text.replace("/* sort */", narrowing.order + "/* sort */")
        bindings = narrowing.bindings | {"index": narrowing.key, "limit": query.limit + 1}
        rows = self._select(text, query, bindings)
        return Page(rows[: query.limit], len(rows) > query.limit)

    def _select(
        self, text: str, query: Query, bindings: dict[str, Any], *, is_stored: bool = True
    ) -> list[Row]:
        """Run a query that shows rows, with its filters, order and position filled in."""
        conditions, filter_bindings = compile_filters(query.filters, is_stored=is_stored)
        after, after_bindings = compile_after(query.sort, query.after)
        filled = fill(
            text, ("filters", conditions), ("after", after), ("sort", compile_sort(query.sort))
        )
        found = self._execute(filled, bindings | filter_bindings | after_bindings)
        return list(map(_make_row, found))

    def count_objects(
        self, list_key: int, kind: str, query: Query, visible: Visibility | None
    ) -> int:
        conditions, bindings = compile_filters(query.filters)
        narrowing = self._narrow(list_key, replace(query, with_deleted=False), visible)
        if narrowing is not None and narrowing.entry:
            text = fill(QUERIES["count_indexed_objects"], ("entry", narrowing.entry))
            bindings |= narrowing.bindings | {"index": narrowing.key}
        else:
            text = QUERIES["count_visible_objects" if visible else "count_live_objects"]
            bindings |= self._scope(list_key, kind, visible)
        text = fill(text, ("filters", conditions))
        ((count,),) = self._execute(text, bindings)
        return int(count)

    def _scope(self, list_key: int, kind: str, visible: Visibility | None) -> dict[str, Any]:
        if visible is None:
            return {"list": list_key}
        return {
            "list": list_key,
            "asker": visible.asker.keys,
            "need": self._names.keys[kind, visible.need],
        }

    def list_snapshot(self, collection: ObjectRef, timestamp: int) -> list[Row]:
        bindings = {
            "parent_uri": collection.uri,
            "bucket_uri": collection.parent_uri,
            "collection": collection.id,
            "timestamp": timestamp,
        }
        return list(map(_make_row, self._execute(QUERIES["list_snapshot"], bindings)))

    def read_permissions(self, object_key: int) -> dict[str, list[str]]:
        return self._names.group(self._execute(QUERIES["read_permissions"], {"object": object_key}))

    def read_shown_permissions(self, object_key: int, asker: Asker) -> dict[str, list[str]]:
        bindings = {"object": object_key, "asker": asker.keys}
        return self._names.group(self._execute(QUERIES["read_shown_permissions"], bindings))

    def list_permissions(
        self, asker: Asker, everywhere: Sequence[tuple[str, str]], root: Sequence[str], query: Query
    ) -> Page:
        bindings = self._grants(asker, everywhere, root) | {"limit": query.limit + 1}
        rows = self._select(QUERIES["list_permissions"], query, bindings, is_stored=False)
        return Page(rows[: query.limit], len(rows) > query.limit)

    def count_permissions(
        self, asker: Asker, everywhere: Sequence[tuple[str, str]], root: Sequence[str], query: Query
    ) -> int:
        bindings = self._grants(asker, everywhere, root) | {"limit": -1}
        conditions, filter_bindings = compile_filters(query.filters, is_stored=False)
        text = fill(
            QUERIES["list_permissions"], ("filters", conditions), ("after", ""), ("sort", "o.key")
        )
        count = f"SELECT count(*) FROM ({text})"  # noqa: S608 - a named query, values bound
        ((number,),) = self._execute(count, bindings | filter_bindings)
        return int(number)

    def _grants(
        self, asker: Asker, everywhere: Sequence[tuple[str, str]], root: Sequence[str]
    ) -> dict[str, Any]:
        keys = [self._names.keys[grant] for grant in everywhere]
        shown = json.dumps(root) if root else None
        return {"asker": asker.keys, "grants": json.dumps(keys), "root": shown}

    def count_all(self) -> tuple[dict[str, int], dict[str, int]]:
        counts: tuple[dict[str, int], dict[str, int]] = ({}, {})
        for kind, is_deleted, number in self._execute(QUERIES["count_all"]):
            counts[is_deleted][kind] = number
        return counts

    def find_old_tombstones(
        self, kinds: Iterable[str], keep: int, before: int | None
    ) -> list[OldTombstones]:
        bindings = {"kinds": json.dumps(list(kinds)), "keep": keep, "before": before}
        found = self._execute(QUERIES["find_old_tombstones"], bindings)
        return [OldTombstones(*row[:4]) for row in found]

    def list_owned_alone(self, principal: str, kind: str) -> list[tuple[ListRef, Place]]:
        found = self._execute(QUERIES["list_owned_alone"], {"principal": principal, "kind": kind})
        return [
            (ListRef(kind, parent_uri), Place(list_key, timestamp, 0, frozenset(), Row(*row)))
            for list_key, parent_uri, timestamp, *row in found
        ]
