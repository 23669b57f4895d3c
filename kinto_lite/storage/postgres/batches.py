"""Sends rows that move to the tables, many at a time, by COPY."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinto_lite.storage.moving import ListRow, ObjectRow
from kinto_lite.storage.postgres.driver import Connection, Rows, copy_rows, run_statements
from kinto_lite.storage.postgres.names import QUERIES
from kinto_lite.storage.postgres.snapshot import MOVING_QUERIES
from kinto_lite.storage.postgres.texts import encode_text, make_fields

#: A batch is sent when it has so many rows (of all tables), or so many characters.
BATCH_ROWS = 5_000
BATCH_SIZE = 2_000_000
#: Names whose numbers are remembered.
REMEMBERED = 20_000

Row = tuple[Any, ...]


class Batch:
    """Rows that wait to be sent, in the order of what refers to what."""

    def __init__(self, connection: Connection, run: Callable[..., Rows]) -> None:
        self._connection = connection
        self._run = run
        self._principals: dict[str, int] = {}
        self._permission_names: dict[tuple[str, str], int] = {}
        self._begin()

    def _begin(self) -> None:
        self._rows = self._size = 0
        self._lists: list[Row] = []
        self._indexes: list[Row] = []
        self._objects: list[Row] = []
        #: Object, principal, permission, list; and member, group, the group as a principal.
        self._permissions: list[tuple[int, str, int, int]] = []
        self._members: list[tuple[str, int, str]] = []

    def add_list(self, row: ListRow, key: int, parent: int, above: int | None) -> None:
        """Add a list below an object, and its indexes."""
        place = (key, row.kind, row.parent_uri, parent, above)
        self._lists.append((*place, row.last_modified, bool(row.indexes)))
        self.add_indexes(row, key)
        self._count(1, 0)

    def add_indexes(self, row: ListRow, key: int) -> None:
        """Add the indexes that a list has, to be built in the end."""
        self._indexes += [(key, field, 0) for field in row.indexes]

    def add_object(self, row: ObjectRow, list_key: int) -> None:
        """Add an object or a tombstone with its permissions and members."""
        place = (row.key, list_key, row.id, row.last_modified, row.is_deleted)
        self._objects.append((*place, row.data, make_fields(row.data)))
        for name, principal in row.permissions:
            number = self._number_permission(row.kind, name)
            self._permissions.append((row.key, principal, number, list_key))
        if row.members:
            group = f"{row.parent_uri}/{row.kind}s/{row.id}"
            self._members += [(member, row.key, group) for member in row.members]
        self._count(1 + len(row.permissions) + len(row.members), len(row.data))

    def _count(self, rows: int, size: int) -> None:
        self._rows += rows
        self._size += size
        if self._rows >= BATCH_ROWS or self._size >= BATCH_SIZE:
            self.send()

    def send(self) -> None:
        """Send what waits. Errors: DriverError."""
        numbers = self._number_principals()
        granted = [(key, numbers[who], *rest) for key, who, *rest in self._permissions]
        tables = {
            "fill_lists": self._lists,
            "fill_indexes": self._indexes,
            "fill_objects": self._objects,
            "fill_permissions": granted,
            "fill_members": [(numbers[m], key, numbers[own]) for m, key, own in self._members],
        }
        for query, rows in tables.items():
            if rows:
                copy_rows(self._connection, MOVING_QUERIES[query], rows)
        self._begin()

    def _number_principals(self) -> dict[str, int]:
        """Return the numbers of the principals of this batch; those without one get one."""
        names = {who for _, who, _, _ in self._permissions}
        for member, _, group in self._members:
            names |= {member, group}
        if len(self._principals) > REMEMBERED:
            self._principals.clear()
        unknown = sorted(names - self._principals.keys())
        if unknown:
            bindings = {"names": unknown}
            run_statements(self._connection, [(QUERIES["insert_principals"], bindings)])
            by_stored = {encode_text(name): name for name in unknown}
            for stored, key in self._run("number_principals", **bindings):
                self._principals[by_stored[stored]] = key
        return self._principals

    def _number_permission(self, kind: str, name: str) -> int:
        number = self._permission_names.get((kind, name))
        if number is None:
            bindings = {"kind": kind, "name": name}
            run_statements(self._connection, [(QUERIES["insert_permission_name"], bindings)])
            ((number,),) = self._run("find_permission_name", **bindings)
            if len(self._permission_names) > REMEMBERED:
                self._permission_names.clear()
            self._permission_names[kind, name] = int(number)
        return int(number)
