"""What a transaction reads: places, lists, counts, permissions. Statements come from the `.sql`
files; filters and sorts are compiled by `filters`, indexes chosen by `indexes`. Writing is left to
`transaction`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from kinto_lite.model import Asker, ListRef, ObjectRef, Page, Place, Query, Row
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.storage.base import OldTombstones, Visibility
from kinto_lite.storage.named_queries import fill
from kinto_lite.storage.narrowing import Narrowing, may_use_index
from kinto_lite.storage.postgres.driver import Rows, Statement
from kinto_lite.storage.postgres.filters import compile_after, compile_filters, compile_sort
from kinto_lite.storage.postgres.indexes import narrow
from kinto_lite.storage.postgres.names import QUERIES, Names
from kinto_lite.storage.postgres.statements import Statements
from kinto_lite.storage.postgres.texts import decode_text

_NOWHERE = Place(None, 0, 0, frozenset())


class PostgresReading:
    """The reading half of `storage.base.Transaction`; see there for what each method promises."""

    def __init__(self, statements: Statements, names: Names, is_write: bool) -> None:
        self.statements = statements
        self._names = names
        self.is_write = is_write

    def _find(self, ref: ListRef, query: Statement) -> Rows:
        """Run a query that says what is known about a list."""
        return self.statements.run(*query)

    def find_object(self, ref: ObjectRef, asker: Asker) -> Place:
        bindings = {
            "asker": _as_array(asker),
            "id": ref.id,
            "parent_uri": ref.parent_uri,
            "kind": ref.kind,
        }
        rows = self._find(ref.list, (QUERIES["find_object"], bindings))
        if not rows:
            return _NOWHERE
        list_key, timestamp, count, is_indexed, key, last_modified, data, *rest = rows[0]
        deleted, needs, shown = rest
        return Place(
            list_key,
            timestamp,
            count,
            self._names.needs(needs),
            None if key is None else Row(key, ref.id, last_modified, data, deleted),
            None if shown is None else self._group(shown),
            is_indexed=is_indexed,
        )

    def find_row(self, ref: ObjectRef) -> Row | None:
        bindings = {"kind": ref.kind, "parent_uri": ref.parent_uri, "id": ref.id}
        rows = self.statements.run(QUERIES["find_row"], bindings)
        if not rows:
            return None
        key, last_modified, data, deleted = rows[0]
        return Row(key, ref.id, last_modified, data, deleted)

    def find_list(self, ref: ListRef, asker: Asker, need: str) -> Place:
        bindings = {
            "asker": _as_array(asker),
            "need": self._names.keys[ref.kind, need],
            "parent_uri": ref.parent_uri,
            "kind": ref.kind,
        }
        rows = self._find(ref, (QUERIES["find_list"], bindings))
        if not rows:
            return _NOWHERE
        list_key, timestamp, count, needs, sees_some = rows[0]
        return Place(list_key, timestamp, count, self._names.needs(needs), sees_some=sees_some)

    def list_objects(
        self, list_key: int, kind: str, query: Query, visible: Visibility | None
    ) -> Page:
        narrowing = self._narrow(list_key, query, visible)
        if narrowing is not None:
            return self._list_by_index(narrowing, query)
        name = "list_visible_objects" if visible else "list_live_objects"
        if query.with_deleted and not visible:
            name = "list_all_objects"
        return self._list(QUERIES[name], query, self._scope(list_key, kind, visible))

    def _narrow(self, list_key: int, query: Query, visible: Visibility | None) -> Narrowing | None:
        """Return the index on a field that serves a query, if there is one."""
        if not may_use_index(query, is_partial=visible is not None):
            return None
        found = self.statements.run(QUERIES["list_ready_indexes"], {"list": list_key})
        return narrow(query, dict(found)) if found else None

    def _list_by_index(self, narrowing: Narrowing, query: Query) -> Page:
        text = fill(QUERIES["list_indexed_objects"], ("entry", narrowing.entry))
        text = text.replace("/* sort */", narrowing.order + "/* sort */")
        return self._list(text, query, narrowing.bindings | {"index": narrowing.key})

    def _list(self, text: str, query: Query, bindings: dict[str, Any]) -> Page:
        """Run a query that shows rows, with its filters, order and position filled in."""
        conditions, filter_bindings = compile_filters(query.filters)
        after, after_bindings = compile_after(query.sort, query.after)
        filled = fill(
            text, ("filters", conditions), ("after", after), ("sort", compile_sort(query.sort))
        )
        bindings = bindings | {"limit": query.limit + 1} | filter_bindings | after_bindings
        rows = list(map(Row._make, self.statements.run(filled, bindings)))
        return Page(rows[: query.limit], len(rows) > query.limit)

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
        ((count,),) = self.statements.run(fill(text, ("filters", conditions)), bindings)
        return int(count)

    def _scope(self, list_key: int, kind: str, visible: Visibility | None) -> dict[str, Any]:
        if visible is None:
            return {"list": list_key}
        return {
            "list": list_key,
            "asker": _as_array(visible.asker),
            "need": self._names.keys[kind, visible.need],
        }

    def list_snapshot(self, collection: ObjectRef, timestamp: int) -> list[Row]:
        bindings = {
            "parent_uri": collection.uri,
            "bucket_uri": collection.parent_uri,
            "collection": collection.id,
            "timestamp": timestamp,
        }
        found = self.statements.run(QUERIES["list_snapshot"], bindings)
        return [
            Row(0, id_, last_modified, _read_entry(data) if is_entry else data)
            for id_, last_modified, data, is_entry in found
        ]

    def read_permissions(self, object_key: int) -> dict[str, list[str]]:
        found = self.statements.run(QUERIES["read_permissions"], {"object": object_key})
        return self._group(found)

    def read_shown_permissions(self, object_key: int, asker: Asker) -> dict[str, list[str]]:
        bindings = {"object": object_key, "asker": _as_array(asker)}
        return self._group(self.statements.run(QUERIES["read_shown_permissions"], bindings))

    def _group(self, rows: Iterable[Sequence[Any]]) -> dict[str, list[str]]:
        lists: dict[str, list[str]] = {}
        for key, principal in rows:
            lists.setdefault(self._names.name(key), []).append(decode_text(principal))
        return lists

    def list_permissions(
        self, asker: Asker, everywhere: Sequence[tuple[str, str]], root: Sequence[str], query: Query
    ) -> Page:
        bindings = self._grants(asker, everywhere, root)
        page = self._list(QUERIES["list_permissions"], query, bindings)
        # jsonb is not as compact as the data of rows are.
        rows = [row._replace(data=dump_json(json.loads(row.data))) for row in page.rows]
        return Page(rows, page.has_more)

    def count_permissions(
        self, asker: Asker, everywhere: Sequence[tuple[str, str]], root: Sequence[str], query: Query
    ) -> int:
        bindings = self._grants(asker, everywhere, root) | {"limit": None}
        conditions, filter_bindings = compile_filters(query.filters)
        text = fill(
            QUERIES["list_permissions"], ("filters", conditions), ("after", ""), ("sort", "o.key")
        )
        count = f"SELECT count(*) FROM ({text}) AS found"  # noqa: S608 - a named query
        ((number,),) = self.statements.run(count, bindings | filter_bindings)
        return int(number)

    def _grants(
        self, asker: Asker, everywhere: Sequence[tuple[str, str]], root: Sequence[str]
    ) -> dict[str, Any]:
        keys = [self._names.keys[grant] for grant in everywhere]
        shown = json.dumps(root) if root else None
        return {"asker": _as_array(asker), "grants": keys, "root": shown}

    def count_all(self) -> tuple[dict[str, int], dict[str, int]]:
        counts: tuple[dict[str, int], dict[str, int]] = ({}, {})
        for kind, is_deleted, number in self.statements.run(QUERIES["count_all"]):
            counts[is_deleted][kind] = number
        return counts

    def find_old_tombstones(
        self, kinds: Iterable[str], keep: int, before: int | None
    ) -> list[OldTombstones]:
        bindings = {"kinds": list(kinds), "keep": keep, "before": before}
        found = self.statements.run(QUERIES["find_old_tombstones"], bindings)
        return list(map(OldTombstones._make, found))

    def list_owned_alone(self, principal: str, kind: str) -> list[tuple[ListRef, Place]]:
        bindings = {"principal": principal, "kind": kind}
        if self.is_write:
            self.statements.send(QUERIES["lock_owned_lists"], bindings)
        return [
            (ListRef(kind, parent_uri), Place(list_key, timestamp, 0, frozenset(), Row(*row)))
            for list_key, parent_uri, timestamp, *row in self.statements.run(
                QUERIES["list_owned_alone"], bindings
            )
        ]


def _as_array(asker: Asker) -> str:
    """Return the keys of an asker's principals as an array of PostgreSQL."""
    return "{" + asker.keys[1:-1] + "}"


def _read_entry(data: str) -> str:
    """Return the data of a record as an entry of the history tells them."""
    state = json.loads(data)["target"]["data"]
    return dump_json({name: state[name] for name in state if name not in ("id", "last_modified")})
