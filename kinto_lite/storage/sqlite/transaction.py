"""The verbs of the storage interface on one SQLite connection, between BEGIN and COMMIT: what is
written, and who asks. `reading` has what is only read. Beginning and ending the transaction is
the engine's job.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType

from kinto_lite.model import Asker, Filter, ListRef, ObjectRef, Place, Row
from kinto_lite.storage.base import OldTombstones
from kinto_lite.storage.named_queries import fill
from kinto_lite.storage.sqlite.connection import PreparedConnection
from kinto_lite.storage.sqlite.filters import compile_filters
from kinto_lite.storage.sqlite.indexes import (
    BUILT_AT_ONCE,
    replace_indexes,
    write_entries,
)
from kinto_lite.storage.sqlite.names import QUERIES
from kinto_lite.storage.sqlite.reading import SqliteReading

_TOMBSTONE = '{"deleted":true}'


class SqliteTransaction(SqliteReading):
    """Implements `storage.base.Transaction`; see there for what each method promises."""

    def savepoint(self) -> Savepoint:
        return Savepoint(self._connection)

    # Who asks

    def find_asker(self, user_id: str | None, policy: str | None = None) -> Asker:
        known = self._askers.find(self._connection, user_id, policy, self.is_write)
        if known is not None:
            return known
        names = ["system.Everyone"]
        if user_id is not None:
            names += [user_id, "system.Authenticated"]
        rows = self._find_principals(names)
        is_numbered = {name for _, name in rows}.issuperset(names)
        if self.is_write and not is_numbered:
            # What this request stores will belong to these principals: they need numbers now.
            for name in names:
                self._insert_principal(name)
            rows = self._find_principals(names)
            is_numbered = True
        principals = frozenset(names).union(name for _, name in rows)
        keys = "[" + ",".join(str(key) for key, _ in rows) + "]"
        asker = Asker(user_id, principals, keys, policy)
        self._askers.remember(asker, is_numbered)
        return asker

    def _find_principals(self, names: list[str]) -> list[tuple[int, str]]:
        return list(self._execute(QUERIES["find_principals"], {"names": json.dumps(names)}))

    def start_list(self, list_key: int, timestamp: int) -> None:
        self._execute(QUERIES["start_list"], {"list": list_key, "timestamp": timestamp})

    # Writes

    def write_object(
        self, place: Place, ref: ObjectRef, data: str, last_modified: int, list_timestamp: int
    ) -> Row:
        if place.row is None:
            self._execute(
                QUERIES["insert_object"],
                {
                    "list": place.list_key,
                    "id": ref.id,
                    "last_modified": last_modified,
                    "data": data,
                },
            )
            key = self._connection.last_insert_rowid()
        else:
            key = place.row.key
            self._execute(
                QUERIES["update_object"],
                {"key": key, "last_modified": last_modified, "data": data},
            )
        is_new = place.live is None
        if is_new or list_timestamp:
            self._change_list(place.list_key, list_timestamp, int(is_new))
        if is_new:
            self._insert_child_lists(place.list_key, ref, key)
        if place.is_indexed and place.list_key is not None:
            write_entries(self._execute, place.list_key, key)
        return Row(key, ref.id, last_modified, data)

    def replace_indexes(self, children: ListRef, fields: Sequence[str]) -> None:
        bindings = {"parent_uri": children.parent_uri, "kind": children.kind}
        found = self._execute(QUERIES["find_child_list"], bindings).fetchone()
        if found is None:
            return
        list_key, live_count = found
        self._execute(QUERIES["mark_indexed"], {"list": list_key, "is_indexed": bool(fields)})
        replace_indexes(self._execute, list_key, live_count, fields)
        if live_count > BUILT_AT_ONCE:
            self._connection.wake_builder()

    def _change_list(self, list_key: int | None, timestamp: int, change: int) -> None:
        self._execute(
            QUERIES["change_list"], {"list": list_key, "timestamp": timestamp, "change": change}
        )

    def _insert_child_lists(self, list_key: int | None, ref: ObjectRef, key: int) -> None:
        for kind in self._kinds:
            if kind.parent == ref.kind:
                self._execute(
                    QUERIES["insert_child_list"],
                    {"list": list_key, "kind": kind.name, "parent": key, "parent_uri": ref.uri},
                )

    def delete_objects(
        self, list_key: int, kind: str, rows: Sequence[Row], timestamps: Sequence[int]
    ) -> list[Row]:
        is_parent = any(child.parent == kind for child in self._kinds)
        is_indexed = bool(list(self._execute(QUERIES["list_indexes"], {"list": list_key})))
        tombstones = []
        for row, timestamp in zip(rows, timestamps, strict=True):
            self._bury(row.key, timestamp, is_parent, kind == "group")
            if is_indexed:
                self._execute(QUERIES["delete_entries"], {"object": row.key})
            tombstones.append(Row(row.key, row.id, timestamp, _TOMBSTONE, True))
        if rows:
            self._change_list(list_key, max(timestamps), -len(rows))
        if is_parent or kind == "group":
            self._askers.forget()
        return tombstones

    def _bury(self, key: int, timestamp: int, is_parent: bool, is_group: bool) -> None:
        self._execute(QUERIES["bury_object"], {"key": key, "last_modified": timestamp})
        self._execute(QUERIES["delete_permissions"], {"key": key})
        if is_parent:
            self._execute(QUERIES["delete_child_lists"], {"key": key})
        if is_group:
            self._execute(QUERIES["delete_members"], {"key": key})

    def delete_oldest(self, list_key: int, filters: Sequence[Filter], keep: int) -> None:
        conditions, bindings = compile_filters(filters)
        text = fill(QUERIES["delete_oldest"], ("filters", conditions))
        self._execute(text, bindings | {"list": list_key, "keep": keep})
        self._change_list(list_key, 0, -self._connection.changes())

    def delete_tombstones(self, old: OldTombstones, limit: int) -> int:
        self._execute(QUERIES["delete_tombstones"], old._asdict() | {"limit": limit})
        return self._connection.changes()

    def issue_nonce(self, value: str, now: int, expires: int) -> None:
        self._execute(QUERIES["delete_old_nonces"], {"now": now})
        self._execute(QUERIES["insert_nonce"], {"value": value, "expires": expires})

    def take_nonce(self, value: str, now: int) -> bool:
        bindings = {"value": value, "now": now}
        return bool(list(self._execute(QUERIES["take_nonce"], bindings)))

    def forget_nonces(self) -> None:
        self._execute(QUERIES["delete_all_nonces"])

    # Permissions

    def replace_permissions(
        self, list_key: int, object_key: int, kind: str, permissions: Mapping[str, Iterable[str]]
    ) -> None:
        for name, principals in permissions.items():
            self._execute(
                QUERIES["delete_permission_list"],
                {"object": object_key, "name": self._names.keys[kind, name]},
            )
            for principal in principals:
                self.add_permission(list_key, object_key, kind, name, principal)

    def add_permission(
        self, list_key: int, object_key: int, kind: str, name: str, principal: str
    ) -> None:
        bindings = {
            "object": object_key,
            "list": list_key,
            "name": self._names.keys[kind, name],
            "principal": principal,
        }
        self._execute(QUERIES["insert_permission"], bindings)
        if not self._connection.changes() and not self._askers.is_numbered(principal):
            # It was there already, or the principal has no number yet.
            self._insert_principal(principal)
            self._execute(QUERIES["insert_permission"], bindings)

    def copy_readers(self, list_key: int, object_key: int, kind: str, about_key: int) -> None:
        self._execute(
            QUERIES["copy_readers"],
            {
                "list": list_key,
                "object": object_key,
                "about": about_key,
                "read": self._names.keys[kind, "read"],
            },
        )

    def replace_members(self, group: ObjectRef, group_key: int, members: Iterable[str]) -> None:
        self._askers.forget()
        self._execute(QUERIES["delete_members"], {"key": group_key})
        self._insert_principal(group.uri)
        for member in members:
            self._insert_principal(member)
            self._execute(
                QUERIES["insert_member"], {"key": group_key, "member": member, "uri": group.uri}
            )

    def _insert_principal(self, name: str) -> None:
        self._execute(QUERIES["insert_principal"], {"name": name})
        if self._connection.changes():
            self._askers.forget()

    def remove_principal(self, principal: str) -> None:
        self._askers.forget()
        for name in ("delete_permissions_of_principal", "delete_memberships_of_principal"):
            self._execute(QUERIES[name], {"principal": principal})

    def flush(self) -> None:
        self._askers.forget()
        self._execute(QUERIES["delete_all_lists"])
        self._execute(QUERIES["delete_all_principals"])
        for kind in self._kinds:
            if kind.parent is None:
                self._execute(QUERIES["insert_root_list"], {"kind": kind.name})


class Savepoint:
    """A part of a write transaction that can be undone alone."""

    def __init__(self, connection: PreparedConnection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("SAVEPOINT part")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._connection.in_transaction:
            # A full disk has ended everything; whoever ends the transaction will find out.
            return
        if error is not None:
            self._connection.execute("ROLLBACK TO part")
            self._connection.askers.forget()
        self._connection.execute("RELEASE part")
