"""Reads everything in a database, or one bucket, as rows that move: see `storage.moving`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from kinto_lite.storage.base import UnusableFile
from kinto_lite.storage.moving import (
    ListRow,
    MovedRow,
    NonceRow,
    ObjectRow,
    Refused,
    SecretRow,
)
from kinto_lite.storage.named_queries import fill, load_queries
from kinto_lite.storage.sqlite.connection import (
    APPLICATION_ID,
    check_version,
    set_busy_timeout,
    set_trusted_schema,
)
from kinto_lite.storage.sqlite.errors import translate
from kinto_lite.storage.sqlite.migrations import list_migrations
from kinto_lite.storage.sqlite.names import QUERIES

MOVING_QUERIES = load_queries("kinto_lite.storage.sqlite", "moving.sql")
BUSY_TIMEOUT_SECONDS = 10.0

_EVERYTHING = "FROM object AS o CROSS JOIN list AS l ON l.key = o.list ORDER BY o.key"
_ONE = "FROM object AS o CROSS JOIN list AS l ON l.key = o.list WHERE o.key = :key"
_ONE_LIST = "FROM list AS l CROSS JOIN object AS o ON o.list = l.key WHERE l.key = :key"
_NOTHING = "[]"


def find_path(url: str) -> Path:
    """Return the file of an SQLite URL. Errors: Refused for a database in memory."""
    path = url.removeprefix("sqlite://").removeprefix("/")
    if not path:
        raise Refused(f"{url} is a database in memory: name a file, as in sqlite:///kinto-lite.db.")
    return Path(path).absolute()


@contextmanager
def open_existing(path: Path) -> Iterator[apsw.Connection]:
    """Open a database file that is ours, and not newer than this program, to look at it; it may
    lie where nothing can be written.

    Errors: Refused, UnusableFile; and what SQLite says meanwhile as another StorageError.
    """
    if not path.is_file() or path.stat().st_size == 0:
        raise Refused(f"There is no database {path}.")
    is_writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    flags = apsw.SQLITE_OPEN_READWRITE if is_writable else apsw.SQLITE_OPEN_READONLY
    try:
        with closing(apsw.Connection(str(path), flags=flags)) as connection:
            set_busy_timeout(connection, BUSY_TIMEOUT_SECONDS)
            set_trusted_schema(connection)
            if int(connection.pragma("application_id")) != APPLICATION_ID:
                raise Refused(f"{path} is no database of kinto-lite.")
            check_version(path, int(connection.pragma("user_version")), len(list_migrations()))
            yield connection
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise UnusableFile(f"The database {path} is damaged ({error}).") from error
    except apsw.Error as error:
        raise translate(error) from error


def refuse_old_version(connection: apsw.Connection, path: Path) -> None:
    """Refuse a file whose schema is older than the queries. Errors: Refused."""
    if int(connection.pragma("user_version")) < len(list_migrations()):
        raise Refused(f"The database {path} is of an older version: start the server on it once.")


@contextmanager
def open_snapshot(url: str) -> Iterator[SqliteSnapshot]:
    """See `storage.moving.Mover`. The log of the file grows while the snapshot is open."""
    path = find_path(url)
    with open_existing(path) as connection:
        refuse_old_version(connection, path)
        connection.pragma("query_only", True)
        connection.execute("BEGIN")
        yield SqliteSnapshot(connection)


class SqliteSnapshot:
    """Implements `storage.moving.Snapshot` on a connection that is in a transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._execute = connection.execute

    def count_objects(self) -> int:
        ((count,),) = self._execute(MOVING_QUERIES["count_stored"])
        return int(count)

    def has_bucket(self, bucket: str) -> bool:
        return self._find_bucket(bucket) is not None

    def _find_bucket(self, bucket: str) -> int | None:
        found = self._execute(MOVING_QUERIES["find_bucket"], {"id": bucket}).fetchone()
        return found and found[0]

    def rows(self, bucket: str | None = None) -> Iterator[MovedRow]:
        if bucket is not None:
            yield from self._read_bucket(self._find_bucket(bucket))
            return
        for name, value in self._execute(MOVING_QUERIES["move_secrets"]):
            yield SecretRow(name, value)
        for value, expires in self._execute(MOVING_QUERIES["move_nonces"]):
            yield NonceRow(value, expires)
        for found in self._execute(MOVING_QUERIES["move_root_lists"]):
            yield self._make_list(*found)
        for has_lists, row in self._read_objects(_EVERYTHING):
            yield row
            if has_lists:
                yield from (made for _, made in self._read_child_lists(row.key))

    def _read_bucket(self, key: int | None) -> Iterator[MovedRow]:
        for _, bucket in self._read_objects(_ONE, key):
            yield bucket
            yield from self._read_below(bucket.key)

    def _read_below(self, parent: int) -> Iterator[MovedRow]:
        """Yield the lists below an object, each with its objects and what is below these."""
        for list_key, made in self._read_child_lists(parent):
            yield made
            for has_lists, row in self._read_objects(_ONE_LIST, list_key):
                yield row
                if has_lists:
                    yield from self._read_below(row.key)

    def _read_child_lists(self, parent: int) -> Iterator[tuple[int, ListRow]]:
        for found in self._execute(MOVING_QUERIES["move_child_lists"], {"parent": parent}):
            yield found[0], self._make_list(*found)

    def _make_list(
        self, key: int, kind: str, parent_uri: str, last_modified: int, is_indexed: int
    ) -> ListRow:
        indexes: tuple[str, ...] = ()
        if is_indexed:
            found = self._execute(QUERIES["list_indexes"], {"list": key})
            indexes = tuple(sorted(field for _, field, _ in found))
        return ListRow(kind, parent_uri, last_modified, indexes)

    def _read_objects(
        self, source: str, key: int | None = None
    ) -> Iterator[tuple[bool, ObjectRow]]:
        text = fill(MOVING_QUERIES["move_objects"], ("from", source))
        for has_lists, *found in self._execute(text, {"key": key}):
            yield bool(has_lists), _make_object(*found)


def _make_object(
    key: int,
    kind: str,
    parent_uri: str,
    object_id: str,
    last_modified: int,
    is_deleted: int,
    data: str,
    permissions: str,
    members: str,
) -> ObjectRow:
    pairs: tuple[tuple[str, str], ...] = ()
    if permissions != _NOTHING:
        pairs = tuple(sorted((name, principal) for name, principal in json.loads(permissions)))
    names = () if members == _NOTHING else tuple(sorted(json.loads(members)))
    place = key, kind, parent_uri, object_id
    return ObjectRow(*place, last_modified, bool(is_deleted), data, pairs, names)
