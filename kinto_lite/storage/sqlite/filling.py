"""Writes rows that move into a database: a new file at full speed, or beside what there is.

A new file is written without a journal or syncs, its secondary indexes last; it is synced once
and gets its name in the end, so that it is there completely or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache

import apsw

from kinto_lite.storage.base import StorageOptions
from kinto_lite.storage.moving import (
    ListRow,
    MovedRow,
    NonceRow,
    ObjectRow,
    Refused,
    SecretRow,
    split_uri,
)
from kinto_lite.storage.sqlite.connection import (
    set_foreign_keys,
    set_synchronous,
    set_trusted_schema,
)
from kinto_lite.storage.sqlite.engine import open_sqlite
from kinto_lite.storage.sqlite.errors import translate
from kinto_lite.storage.sqlite.files import replace_database
from kinto_lite.storage.sqlite.functions import register_functions
from kinto_lite.storage.sqlite.indexes import build_step
from kinto_lite.storage.sqlite.migrations import migrate
from kinto_lite.storage.sqlite.names import QUERIES, write_kinds
from kinto_lite.storage.sqlite.snapshot import (
    MOVING_QUERIES,
    SqliteSnapshot,
    find_path,
    open_existing,
    refuse_old_version,
)

#: Names and places whose numbers are remembered while rows are written.
REMEMBERED = 20_000
#: Memory for pages while rows are written, then for the sorting of indexes.
CACHE_KIB = 65_536
SORTING_KIB = 16_384


@contextmanager
def fill_empty(url: str) -> Iterator[SqliteFilling]:
    """See `storage.moving.Mover`."""
    try:
        with (
            replace_database(find_path(url), force=False) as part,
            closing(apsw.Connection(str(part))) as connection,
        ):
            _prepare(connection)
            migrate(connection, str(part))
            indexes = list(connection.execute(MOVING_QUERIES["list_secondary_indexes"]))
            for name, _ in indexes:
                connection.execute(f'DROP INDEX "{name}"')
            connection.execute("BEGIN")
            yield SqliteFilling(connection, [text for _, text in indexes], None)
            connection.execute("COMMIT")
    except apsw.Error as error:
        raise translate(error) from error


def _prepare(connection: apsw.Connection) -> None:
    """Nothing of the file counts before it has its name, so nothing needs to be safe."""
    for name, value in (("journal_mode", "off"), ("synchronous", "off"), ("foreign_keys", False)):
        connection.pragma(name, value)
    connection.pragma("locking_mode", "exclusive")
    connection.pragma("cache_size", -CACHE_KIB)
    set_trusted_schema(connection)
    register_functions(connection)


@contextmanager
def fill_beside(url: str, options: StorageOptions) -> Iterator[SqliteFilling]:
    """See `storage.moving.Mover`."""
    path = find_path(url)
    if not path.exists() or path.stat().st_size == 0:
        open_sqlite(f"sqlite:///{path}", options).close()
    # Not by way of the engine: it would write the inheritance of these options, and a server
    # that runs on the file may have others.
    with open_existing(path) as connection:
        refuse_old_version(connection, path)
        set_synchronous(connection)
        set_foreign_keys(connection)
        register_functions(connection)
        connection.execute("BEGIN IMMEDIATE")
        yield SqliteFilling(connection, [], options)
        connection.execute("COMMIT")


class SqliteFilling(SqliteSnapshot):
    """Implements `storage.moving.Filling` on a connection that is in a write transaction.

    `indexes` are statements to run when everything is written. With `options`, lists that their
    kinds need are made where the rows had none; else the next start does it.
    """

    def __init__(
        self, connection: apsw.Connection, indexes: list[str], options: StorageOptions | None
    ) -> None:
        super().__init__(connection)
        self._connection = connection
        self._indexes = indexes
        self._options = options
        ((last_key, last_list),) = self._execute(MOVING_QUERIES["find_free_places"])
        self.free_key = int(last_key)
        self._first_list = last_list + 1
        ((newest,),) = self._execute(MOVING_QUERIES["find_newest"])
        self.newest = int(newest)
        remember = lru_cache(maxsize=REMEMBERED)
        self._list_key = remember(self._find_list)
        self._principal = remember(self._intern_principal)
        self._permission_name = remember(self._intern_permission_name)

    def write(self, rows: Iterable[MovedRow]) -> None:
        try:
            for row in rows:
                self._write(row)
            self._finish()
        except apsw.ConstraintError as error:
            raise Refused(f"The rows contradict each other, or the database: {error}.") from error

    def _write(self, row: MovedRow) -> None:
        if isinstance(row, ObjectRow):
            self._write_object(row)
        elif isinstance(row, ListRow):
            self._write_list(row)
        elif isinstance(row, SecretRow):
            self._execute(MOVING_QUERIES["fill_secret"], row._asdict())
        elif isinstance(row, NonceRow):
            self._execute(QUERIES["insert_nonce"], row._asdict())

    def _write_list(self, row: ListRow) -> None:
        parent, grandparent = self._find_parent(row.parent_uri) if row.parent_uri else (None, None)
        self._execute(
            MOVING_QUERIES["fill_list"],
            {
                "kind": row.kind,
                "parent_uri": row.parent_uri,
                "parent": parent,
                "grandparent": grandparent,
                "last_modified": row.last_modified,
                "is_indexed": bool(row.indexes),
            },
        )
        if not self._connection.changes():
            raise Refused(f"The list of {row.kind} objects below {row.parent_uri} comes twice.")
        for name in row.indexes:
            list_key = self._list_key(row.kind, row.parent_uri)
            self._execute(QUERIES["insert_index"], {"list": list_key, "field": name})

    def _find_parent(self, uri: str) -> tuple[int, int | None]:
        kind, parent_uri, object_id = split_uri(uri)
        found = self._execute(
            MOVING_QUERIES["find_moved_parent"],
            {"kind": kind, "parent_uri": parent_uri, "id": object_id},
        ).fetchone()
        if found is None:
            raise Refused(f"A list comes before the object it belongs to: {uri}.")
        return found[0], found[1]

    def _write_object(self, row: ObjectRow) -> None:
        list_key = self._list_key(row.kind, row.parent_uri)
        if self._options is not None and not row.parent_uri:
            self._make_room(list_key, row)
        self._execute(
            MOVING_QUERIES["fill_object"],
            (row.key, list_key, row.id, row.last_modified, row.is_deleted, row.data),
        )
        for name, principal in row.permissions:
            numbers = (self._principal(principal), self._permission_name(row.kind, name))
            self._execute(MOVING_QUERIES["fill_permission"], (row.key, *numbers, list_key))
        if row.members:
            group = self._principal(f"{row.parent_uri}/{row.kind}s/{row.id}")
            for member in row.members:
                numbers = (self._principal(member), row.key)
                self._execute(MOVING_QUERIES["fill_member"], (*numbers, group))

    def _make_room(self, list_key: int, row: ObjectRow) -> None:
        self._execute(MOVING_QUERIES["clear_tombstone"], {"list": list_key, "id": row.id})
        changed = {"list": list_key, "last_modified": row.last_modified}
        self._execute(MOVING_QUERIES["raise_timestamp"], changed)

    def _finish(self) -> None:
        if self._indexes:
            self._connection.pragma("cache_size", -SORTING_KIB)
        for text in self._indexes:
            self._execute(text)
        self._execute(MOVING_QUERIES["count_lists_anew"], {"first": self._first_list})
        while build_step(self._execute):
            pass
        if self._options is not None:
            self._execute(MOVING_QUERIES["forget_kinds"])
            write_kinds(self._connection, self._options)

    # Numbers of names

    def _find_list(self, kind: str, parent_uri: str) -> int:
        place = {"kind": kind, "parent_uri": parent_uri}
        found = self._execute(MOVING_QUERIES["find_moved_list"], place).fetchone()
        if found is None:
            raise Refused(f"An object comes before its list: {kind} below {parent_uri or '/'}.")
        return int(found[0])

    def _intern_principal(self, name: str) -> int:
        self._execute(QUERIES["insert_principal"], {"name": name})
        ((key,),) = self._execute(MOVING_QUERIES["find_principal"], {"name": name})
        return int(key)

    def _intern_permission_name(self, kind: str, name: str) -> int:
        names = {"kind": kind, "name": name}
        self._execute(QUERIES["insert_permission_name"], names)
        ((key,),) = self._execute(MOVING_QUERIES["find_permission_name"], names)
        return int(key)
