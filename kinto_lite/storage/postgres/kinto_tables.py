"""Reads the tables of Kinto's own PostgreSQL backends, storage and permission, changing nothing.

All of it is one snapshot, read through cursors of the server, a few rows at a time; Kinto may go
on working. Implements `kinto_objects.KintoSource`. Leaves the rows to `storage.kinto_objects`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from kinto_lite.storage.kinto_objects import (
    BELOW,
    PLURALS,
    KintoList,
    KintoObject,
    read_data,
)
from kinto_lite.storage.moving import Refused
from kinto_lite.storage.named_queries import fill, load_queries
from kinto_lite.storage.postgres.driver import (
    Connection,
    DriverError,
    connect,
    describe_place,
    translate,
)

#: Rows that are fetched at once; one of them may have a megabyte.
ROWS_AT_ONCE = 200

#: Kinds in the order in which they are read, and where they hang.
_READ = {
    "bucket": "from_roots",
    "group": "from_buckets",
    "collection": "from_buckets",
    "history": "from_buckets",
    "record": "from_collections",
    "account": "from_accounts",
}
_ROOTS = ("bucket", "account")
_PARENT_URI = {"bucket": "''", "account": "''"}

_QUERIES = load_queries("kinto_lite.storage.postgres", "kinto_tables.sql")
#: SQLAlchemy's way to name a driver in a URL.
_DRIVER = re.compile(r"\Apostgres(?:ql)?(?:\+\w+)?://")
#: SQLSTATEs of tables, columns and functions that are not there.
_MISSING = frozenset({"42P01", "42703", "42883"})


@contextmanager
def open_kinto_tables(url: str) -> Iterator[KintoTables]:
    """Open a snapshot of a Kinto's database, by its URL as Kinto's settings have it.

    Errors: Refused for a database that is not Kinto's; StorageError.
    """
    url = _DRIVER.sub("postgresql://", url)
    try:
        with closing(connect(url, has_prepared_statements=False)) as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield KintoTables(connection)
            connection.execute("ROLLBACK")
    except DriverError as error:
        if error.sqlstate in _MISSING:
            raise Refused(
                f"{describe_place(url)} has not the tables of Kinto's storage and permissions, "
                f"or those of an older Kinto: run the command migrate of Kinto 26 on it first."
            ) from error
        raise type(translate(error))(f"{describe_place(url)}: {translate(error)}") from error


class KintoTables:
    """A `KintoSource` on a connection whose transaction is one snapshot."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        #: All cursors are read to their ends.
        connection.execute("SET LOCAL cursor_tuple_fraction = 1")
        counts = connection.execute(_QUERIES["count_kinto_objects"]).fetchall()
        self._stored: Counter[str] = Counter(dict(counts))
        self._read: Counter[str] = Counter()

    def count_objects(self) -> int:
        """See `KintoSource`."""
        return sum(self._stored[kind] for kind in _READ)

    def root_lists(self) -> list[KintoList]:
        """See `KintoSource`."""
        return [KintoList(kind, self._find_root_timestamp(kind)) for kind in _ROOTS]

    def _find_root_timestamp(self, kind: str) -> int:
        return self._ask_number("find_kinto_root_list", {"kind": kind})

    def _ask_number(self, name: str, given: dict[str, Any] | None = None) -> int:
        found = self._connection.execute(_QUERIES[name].encode(), given).fetchone()
        return int(found[0]) if found else 0

    def objects(self) -> Iterator[KintoObject]:
        """See `KintoSource`."""
        for kind in _READ:
            for found in self._read_kind(kind):
                self._read[kind] += 1
                yield found

    def _read_kind(self, kind: str) -> Iterator[KintoObject]:
        given = {"kind": kind, "kinds_below": list(BELOW.get(kind, ()))}
        with self._connection.cursor(name="kinto") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(write_query(kind).encode(), given)
            for parent_uri, *rest in cursor:
                yield make_found(kind, "" if kind in _ROOTS else parent_uri, *rest)

    def describe_losses(self) -> list[str]:
        """See `KintoSource`."""
        losses = []
        if members := self._ask_number("count_lost_members"):
            losses.append(
                f"{members} memberships in groups that do not exist any more: Kinto leaves them "
                "behind when it deletes a bucket."
            )
        for kind, stored in sorted(self._stored.items()):
            lost = stored - self._read[kind]
            if kind not in _READ:
                losses.append(f"{lost} of the kind {kind!r}, which kinto-lite does not have.")
            elif lost:
                losses.append(
                    f"{lost} of the kind {kind!r} below something that does not exist any more: "
                    "nobody could reach them."
                )
        return losses


def write_query(kind: str) -> str:
    """Return the statement that reads the objects of a kind."""
    is_group = kind == "group"
    parent = _PARENT_URI.get(kind, "o.parent_id")
    joined = _QUERIES["join_members"] if is_group else ""
    return fill(
        _QUERIES["read_kinto_objects"],
        ("from", fill(_QUERIES[_READ[kind]], ("joined", joined))),
        ("members", "member.names" if is_group else "NULL"),
        ("uri", f"{parent} || '/{PLURALS[kind]}/' || o.id"),
    )


def make_found(
    kind: str,
    parent_uri: str,
    id_: str,
    last_modified: int,
    is_deleted: bool,
    data: str,
    permissions: str | None,
    members: str | None,
    lists: str | None,
) -> KintoObject:
    """Return an object from the columns of `read_kinto_objects`. Errors: Refused."""
    place = kind, parent_uri, id_
    try:
        attributes = read_data(data)
    except ValueError as error:
        where = KintoObject(*place, last_modified, is_deleted, {}).uri
        raise Refused(f"{where} cannot be read: {error}.") from None
    if not isinstance(attributes, dict):
        attributes = {}
    return KintoObject(
        *place,
        last_modified,
        is_deleted,
        attributes,
        [(name, principal) for name, principal in json.loads(permissions or "[]")],
        json.loads(members or "[]"),
        [KintoList(below, timestamp) for below, timestamp in json.loads(lists or "[]")],
    )
