"""The verbs of the storage interface between BEGIN and COMMIT: what is written, and who asks.
`reading` has what is only read, `turns` says who may write. Beginning and ending the transaction
is the engine's job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType

from kinto_lite.model import Asker, Filter, Kind, ListRef, ObjectRef, Place, Row
from kinto_lite.storage.base import OldTombstones
from kinto_lite.storage.named_queries import fill
from kinto_lite.storage.postgres.driver import Rows, Statement
from kinto_lite.storage.postgres.filters import compile_filters
from kinto_lite.storage.postgres.indexes import BUILT_AT_ONCE, replace_indexes, write_entries
from kinto_lite.storage.postgres.names import QUERIES, Names
from kinto_lite.storage.postgres.reading import PostgresReading
from kinto_lite.storage.postgres.statements import Statements
from kinto_lite.storage.postgres.texts import decode_text, make_fields
from kinto_lite.storage.postgres.turns import Turns

_TOMBSTONE = '{"deleted":true}'


class PostgresTransaction(PostgresReading):
    """Implements `storage.base.Transaction`; see there for what each method promises.

    `may_write` is False in a read, and when the database is only read: then nothing is stored
    that reading would have started.
    """

    def __init__(
        self,
        statements: Statements,
        names: Names,
        kinds: Sequence[Kind],
        is_write: bool,
        may_write: bool,
        wake_builder: Callable[[], None],
    ) -> None:
        super().__init__(statements, names, is_write)
        self._kinds = kinds
        self._derived = {kind.name for kind in kinds if kind.is_derived}
        self._may_write = may_write
        self._wake_builder = wake_builder
        self.turns = Turns(kinds)

    def _find(self, ref: ListRef, query: Statement) -> Rows:
        """What a writer finds is what it may go on to write: it takes the turn of the list."""
        if not self._may_write:
            return super()._find(ref, query)
        return self.turns.find(self.statements, ref, query)

    def find_row(self, ref: ObjectRef) -> Row | None:
        """What is derived from other objects is looked at in order to bring it up to date, so
        this is where a writer takes its turn."""
        if self._may_write and ref.kind in self._derived:
            self.turns.find(self.statements, ref.list, self._find_key(ref.list))
        return super().find_row(ref)

    def _find_key(self, ref: ListRef) -> Statement:
        return QUERIES["find_child_list"], ref._asdict()

    def savepoint(self) -> Savepoint:
        return Savepoint(self.statements, self.turns)

    # Who asks

    def find_asker(self, user_id: str | None, policy: str | None = None) -> Asker:
        names = ["system.Everyone"]
        if user_id is not None:
            names += [user_id, "system.Authenticated"]
        rows = self._find_principals(names)
        is_numbered = {decode_text(name) for _, name in rows}.issuperset(names)
        if self._may_write and not is_numbered:
            # What this request stores will belong to these principals: they need numbers now.
            self._insert_principals(names)
            rows = self._find_principals(names)
        principals = frozenset(names).union(decode_text(name) for _, name in rows)
        keys = "[" + ",".join(str(key) for key, _ in rows) + "]"
        return Asker(user_id, principals, keys, policy)

    def _find_principals(self, names: list[str]) -> Rows:
        return self.statements.run(QUERIES["find_principals"], {"names": names})

    def start_list(self, list_key: int, timestamp: int) -> None:
        if self._may_write:
            bindings = {"list": list_key, "timestamp": timestamp}
            self.statements.send(QUERIES["start_list"], bindings)

    # Writes

    def write_object(
        self, place: Place, ref: ObjectRef, data: str, last_modified: int, list_timestamp: int
    ) -> Row:
        is_new = place.live is None
        if is_new or list_timestamp:
            self._change_list(place.list_key, list_timestamp, int(is_new))
        fields = make_fields(data)
        values = {
            "last_modified": last_modified,
            "data": data,
            "fields": None if fields is data else fields,
        }
        if place.row is None:
            values |= {"list": place.list_key, "id": ref.id}
            ((key,),) = self.statements.run(QUERIES["insert_object"], values)
        else:
            key = place.row.key
            self.statements.send(QUERIES["update_object"], values | {"key": key})
        if is_new:
            self._insert_child_lists(place.list_key, ref, key)
        if place.is_indexed and place.list_key is not None:
            write_entries(self.statements, place.list_key, key)
        return Row(key, ref.id, last_modified, data)

    def replace_indexes(self, children: ListRef, fields: Sequence[str]) -> None:
        found = self.statements.run(QUERIES["find_child_list"], children._asdict())
        if not found:
            return
        ((list_key, _),) = found
        bindings = {"list": list_key, "is_indexed": bool(fields)}
        self.statements.send(QUERIES["mark_indexed"], bindings)
        # Counted again: by now nobody else writes there.
        ((_, live_count),) = self.statements.run(QUERIES["find_child_list"], children._asdict())
        replace_indexes(self.statements, list_key, live_count, fields)
        if live_count > BUILT_AT_ONCE:
            self._wake_builder()

    def _change_list(self, list_key: int | None, timestamp: int, change: int) -> None:
        bindings = {"list": list_key, "timestamp": timestamp, "change": change}
        self.statements.send(QUERIES["change_list"], bindings)

    def _insert_child_lists(self, list_key: int | None, ref: ObjectRef, key: int) -> None:
        for kind in self._kinds:
            if kind.parent == ref.kind:
                self.statements.send(
                    QUERIES["insert_child_list"],
                    {"list": list_key, "kind": kind.name, "parent": key, "parent_uri": ref.uri},
                )

    def delete_objects(
        self, list_key: int, kind: str, rows: Sequence[Row], timestamps: Sequence[int]
    ) -> list[Row]:
        tombstones = []
        for row, timestamp in zip(rows, timestamps, strict=True):
            self._bury(row.key, timestamp, kind == "group")
            tombstones.append(Row(row.key, row.id, timestamp, _TOMBSTONE, True))
        if rows:
            self._change_list(list_key, max(timestamps), -len(rows))
        if any(child.parent == kind for child in self._kinds):
            self._delete_below([row.key for row in rows])
        return tombstones

    def _bury(self, key: int, timestamp: int, is_group: bool) -> None:
        self.statements.send(QUERIES["bury_object"], {"key": key, "last_modified": timestamp})
        self.statements.send(QUERIES["delete_permissions"], {"key": key})
        self.statements.send(QUERIES["delete_entries"], {"object": key})
        if is_group:
            self.statements.send(QUERIES["delete_members"], {"key": key})

    def _delete_below(self, parents: list[int]) -> None:
        kinds = [kind.name for kind in self._kinds]
        bindings = {"parents": parents, "kinds": kinds}
        found = self.statements.run(QUERIES["lock_lists_below"], bindings)
        lists = [key for (key,) in found]
        self.statements.send(QUERIES["delete_child_lists"], {"lists": lists})

    def delete_oldest(self, list_key: int, filters: Sequence[Filter], keep: int) -> None:
        conditions, bindings = compile_filters(filters)
        text = fill(QUERIES["delete_oldest"], ("filters", conditions))
        ((number,),) = self.statements.run(text, bindings | {"list": list_key, "keep": keep})
        self._change_list(list_key, 0, -number)

    def delete_tombstones(self, old: OldTombstones, limit: int) -> int:
        # Nobody may be about to bring one of them to life.
        self.statements.send(QUERIES["lock_list_by_key"], {"list": old.list_key})
        bindings = old._asdict() | {"limit": limit}
        ((number,),) = self.statements.run(QUERIES["delete_tombstones"], bindings)
        return int(number)

    def forget_nonces(self) -> None:
        self.statements.send(QUERIES["delete_all_nonces"])

    def issue_nonce(self, value: str, now: int, expires: int) -> None:
        self.statements.send(QUERIES["delete_old_nonces"], {"now": now})
        self.statements.send(QUERIES["insert_nonce"], {"value": value, "expires": expires})

    def take_nonce(self, value: str, now: int) -> bool:
        return bool(self.statements.run(QUERIES["take_nonce"], {"value": value, "now": now}))

    # Permissions

    def replace_permissions(
        self, list_key: int, object_key: int, kind: str, permissions: Mapping[str, Iterable[str]]
    ) -> None:
        for name, principals in permissions.items():
            self.statements.send(
                QUERIES["delete_permission_list"],
                {"object": object_key, "name": self._names.keys[kind, name]},
            )
            self._insert_permissions(list_key, object_key, kind, name, list(principals))

    def add_permission(
        self, list_key: int, object_key: int, kind: str, name: str, principal: str
    ) -> None:
        self._insert_permissions(list_key, object_key, kind, name, [principal])

    def _insert_permissions(
        self, list_key: int, object_key: int, kind: str, name: str, principals: list[str]
    ) -> None:
        if not principals:
            return
        self._insert_principals(principals)
        bindings = {
            "object": object_key,
            "list": list_key,
            "name": self._names.keys[kind, name],
            "names": principals,
        }
        self.statements.send(QUERIES["insert_permissions"], bindings)

    def copy_readers(self, list_key: int, object_key: int, kind: str, about_key: int) -> None:
        bindings = {
            "list": list_key,
            "object": object_key,
            "about": about_key,
            "read": self._names.keys[kind, "read"],
        }
        self.statements.send(QUERIES["copy_readers"], bindings)

    def replace_members(self, group: ObjectRef, group_key: int, members: Iterable[str]) -> None:
        names = list(members)
        self.statements.send(QUERIES["delete_members"], {"key": group_key})
        self._insert_principals([group.uri, *names])
        bindings = {"key": group_key, "names": names, "uri": group.uri}
        self.statements.send(QUERIES["insert_members"], bindings)

    def _insert_principals(self, names: list[str]) -> None:
        self.statements.send(QUERIES["insert_principals"], {"names": names})

    def remove_principal(self, principal: str) -> None:
        for name in ("delete_permissions_of_principal", "delete_memberships_of_principal"):
            self.statements.send(QUERIES[name], {"principal": principal})

    def flush(self) -> None:
        self.statements.send(QUERIES["lock_all_lists"])
        self.statements.send(QUERIES["delete_all_lists"])
        self.statements.send(QUERIES["reset_root_lists"])


class Savepoint:
    """A part of a write transaction that can be undone alone."""

    def __init__(self, statements: Statements, turns: Turns) -> None:
        self.statements = statements
        self._turns = turns
        self._held = turns.held

    def __enter__(self) -> None:
        self.statements.send("SAVEPOINT part")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self.statements.send("ROLLBACK TO part")
            self._turns.held = self._held
        self.statements.send("RELEASE part")
