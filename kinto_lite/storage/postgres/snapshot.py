"""Reads everything in a database, or one bucket, as rows that move: see `storage.moving`.

Rows come through the driver one by one as the server finds them, so that memory does not depend
on how many there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from kinto_lite.storage.moving import (
    ListRow,
    MovedRow,
    NonceRow,
    ObjectRow,
    Refused,
    SecretRow,
)
from kinto_lite.storage.named_queries import fill, load_queries
from kinto_lite.storage.postgres.driver import (
    Connection,
    DriverError,
    Rows,
    connect,
    describe_place,
    explain,
    run_statements,
    stream_rows,
)
from kinto_lite.storage.postgres.migrations import is_made, refuse_other_version
from kinto_lite.storage.postgres.texts import decode_text

MOVING_QUERIES = load_queries("kinto_lite.storage.postgres", "moving.sql")

_EVERYTHING = ""
#: A bucket, and what is in lists below it.
_ONE_BUCKET = """
WHERE o.key IN (
    SELECT %(key)s::bigint
    UNION ALL
    SELECT object.key FROM list JOIN object ON object.list = list.key
    WHERE list.parent_uri = %(uri)s OR starts_with(list.parent_uri, %(uri)s || '/')
)
"""


@contextmanager
def open_connection(url: str) -> Iterator[Connection]:
    """Open a connection for a command, and close it; what was not committed is undone.

    Errors: StorageError, also for what the driver says meanwhile.
    """
    try:
        with closing(connect(url, has_prepared_statements=False)) as connection:
            yield connection
    except DriverError as error:
        raise explain(url, error) from error


@contextmanager
def open_existing(url: str) -> Iterator[Connection]:
    """Open a database that has our schema, of the version of this program.

    Errors: Refused, UnusableFile, and StorageError as `open_connection`.
    """
    with open_connection(url) as connection:
        if not is_made(connection):
            raise Refused(f"There is nothing of kinto-lite in {describe_place(url)}.")
        refuse_other_version(connection, url)
        yield connection


@contextmanager
def open_snapshot(url: str) -> Iterator[PostgresSnapshot]:
    """See `storage.moving.Mover`. PostgreSQL keeps what is deleted meanwhile until its end."""
    with open_existing(url) as connection:
        snapshot = PostgresSnapshot(connection)
        snapshot.run("begin_snapshot")
        snapshot.run("set_patience", wait=0)
        yield snapshot


class PostgresSnapshot:
    """Implements `storage.moving.Snapshot` on a connection that is in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, query: str, /, **bindings: Any) -> Rows:
        """Run a query of `moving.sql`; return its rows. Errors: DriverError."""
        (result,) = run_statements(self._connection, [(MOVING_QUERIES[query], bindings)])
        return result.rows

    def count_objects(self) -> int:
        ((count,),) = self.run("count_stored")
        return int(count)

    def has_bucket(self, bucket: str) -> bool:
        return bool(self.run("find_bucket", id=bucket))

    def rows(self, bucket: str | None = None) -> Iterator[MovedRow]:
        if bucket is not None:
            for (key,) in self.run("find_bucket", id=bucket):
                yield from self._read_objects(_ONE_BUCKET, key, f"/buckets/{bucket}")
            return
        for name, value in self.run("move_secrets"):
            yield SecretRow(decode_text(name), decode_text(value))
        for value, expires in self._stream(MOVING_QUERIES["move_nonces"], {}):
            yield NonceRow(decode_text(value), expires)
        for kind, parent_uri, last_modified, indexes in self.run("move_root_lists"):
            yield _make_list(kind, parent_uri, last_modified, json.loads(indexes or "[]"))
        yield from self._read_objects(_EVERYTHING)

    def _read_objects(
        self, which: str, key: int | None = None, uri: str | None = None
    ) -> Iterator[MovedRow]:
        text = fill(MOVING_QUERIES["move_objects"], ("which", which))
        for *found, lists in self._stream(text, {"key": key, "uri": uri}):
            yield _make_object(*found)
            if lists is not None:
                for kind, parent_uri, last_modified, indexes in json.loads(lists):
                    yield _make_list(kind, parent_uri, last_modified, indexes or [])

    def _stream(self, text: str, bindings: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        return stream_rows(self._connection, (text, bindings))


def _make_list(kind: str, parent_uri: str, last_modified: int, indexes: list[str]) -> ListRow:
    fields = tuple(sorted(map(decode_text, indexes)))
    return ListRow(decode_text(kind), decode_text(parent_uri), last_modified, fields)


def _make_object(
    key: int,
    kind: str,
    parent_uri: str,
    object_id: str,
    last_modified: int,
    is_deleted: bool,
    data: str,
    permissions: str | None,
    members: str | None,
) -> ObjectRow:
    pairs: tuple[tuple[str, str], ...] = ()
    if permissions is not None:
        found = json.loads(permissions)
        pairs = tuple(sorted((decode_text(name), decode_text(who)) for name, who in found))
    names: tuple[str, ...] = ()
    if members is not None:
        names = tuple(sorted(map(decode_text, json.loads(members))))
    place = key, decode_text(kind), decode_text(parent_uri), decode_text(object_id)
    return ObjectRow(*place, last_modified, is_deleted, decode_text(data), pairs, names)
