"""The one module that imports psycopg: connections, and what their errors mean.

Statements name their values as `%(name)s`. Connections commit by themselves; `statements` begins
and ends transactions. Nothing is set on a connection that would have to be there for the next
transaction, so a pooler that hands out connections by the transaction may stand between.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumperUnknown

from kinto_lite.storage.base import (
    Busy,
    Conflict,
    Full,
    StorageError,
    TooLong,
    Unavailable,
    UnusableFile,
)
from kinto_lite.storage.postgres.texts import encode_text

Connection = psycopg.Connection[tuple[Any, ...]]
DriverError = psycopg.Error
#: When a transaction that has failed is to be committed.
UndoneError = psycopg.errors.InFailedSqlTransaction

Rows = list[tuple[Any, ...]]
#: A text, and the values it names.
Statement = tuple[str, Mapping[str, Any] | None]


class Result(NamedTuple):
    """What a statement answered: its rows, if it shows any, and its tag ("COMMIT" ...)."""

    rows: Rows
    status: str | None


#: What libpq is told unless the URL says otherwise: a server that is gone is noticed.
_DEFAULTS = {
    "connect_timeout": "10",
    "tcp_user_timeout": "30000",
    "application_name": "kinto-lite",
    "client_encoding": "UTF8",
}
#: How the name begins that the connections of a server have; the name of a schema follows.
SIGNATURE = "kinto-lite in "
_SIGN = "SELECT set_config('application_name', %s || current_schema(), false)"
#: Statements that each connection keeps prepared.
_PREPARED = 300
#: Runs of a statement after which it is prepared.
_PREPARE_AFTER = 2

#: SQLSTATEs, or the classes they begin with, and what they mean; the first that fits counts.
_MEANINGS: tuple[tuple[str, type[StorageError]], ...] = (
    # It may have gone through: not to be run again.
    ("40003", Unavailable),
    ("40", Conflict),
    ("23505", Conflict),
    ("55P03", Busy),
    ("57014", TooLong),
    ("54001", TooLong),
    ("53100", Full),
)


class _TextDumper(StrDumperUnknown):
    """Sends texts, changed so that PostgreSQL can hold any (see `texts`)."""

    def dump(self, obj: str) -> Buffer:
        return encode_text(obj).encode("utf-8", "replace")


def connect(url: str, has_prepared_statements: bool) -> Connection:
    """Open a connection. Errors: DriverError."""
    given = conninfo_to_dict(url)
    options: dict[str, Any] = {**_DEFAULTS, **given}
    connection = psycopg.connect(**options, autocommit=True)
    connection.prepare_threshold = _PREPARE_AFTER if has_prepared_statements else None
    connection.prepared_max = _PREPARED
    _adapt(connection.adapters)
    return connection


def sign(connection: Connection) -> None:
    """Let others see which schema a server uses this connection for. Errors: DriverError."""
    connection.execute(_SIGN, (SIGNATURE,))


def _adapt(adapters: AdaptersMap) -> None:
    adapters.register_dumper(str, _TextDumper)
    # All as bigint, so that a statement is prepared once and not for each size of number.
    adapters.register_dumper(int, Int8Dumper)


def describe_place(url: str) -> str:
    """Return a URL's host and database, for messages: never its password."""
    try:
        given = conninfo_to_dict(url)
    except DriverError:
        return "the URL"
    name = given.get("dbname") or given.get("service") or "?"
    return f"the database {name} at {given.get('host') or 'the local socket'}"


def is_lost(connection: Connection) -> bool:
    """Tell whether a connection can not be used any more."""
    return connection.closed or connection.broken


def is_idle(connection: Connection) -> bool:
    """Tell whether no transaction is open on a connection."""
    return connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE


def is_usable(connection: Connection) -> bool:
    """Tell whether a connection can be used again, perhaps after `finish`."""
    states = psycopg.pq.TransactionStatus
    is_over = connection.info.transaction_status in (states.IDLE, states.ACTIVE)
    return is_over and not is_lost(connection)


def commit_later(connection: Connection) -> None:
    """Send COMMIT without waiting for the answer, which `finish` reads. Of a transaction that has
    only read, so that the answer says nothing new. Errors: DriverError."""
    connection.pgconn.send_query(b"COMMIT")
    connection.pgconn.flush()


def finish(connection: Connection) -> bool:
    """Wait for what `commit_later` has sent; tell whether the connection can be used."""
    while connection.pgconn.get_result() is not None:
        pass
    return not is_lost(connection) and is_idle(connection)


def run_statements(connection: Connection, statements: Sequence[Statement]) -> list[Result]:
    """Run statements in order; several are sent together and waited for once. Errors: DriverError,
    the first; what comes after it is not run."""
    if len(statements) == 1:
        ((text, bindings),) = statements
        return [_read(connection.execute(text.encode(), bindings))]
    with connection.pipeline():
        cursors = [connection.execute(text.encode(), bindings) for text, bindings in statements]
    return list(map(_read, cursors))


def stream_rows(
    connection: Connection, statement: Statement
) -> Generator[tuple[Any, ...], None, None]:
    """Yield the rows of one statement as they come, holding one; until the last one was taken,
    nothing else can be run. Errors: DriverError."""
    text, bindings = statement
    yield from connection.cursor().stream(text.encode(), bindings)


def copy_rows(connection: Connection, text: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write rows by a statement `COPY table (columns) FROM STDIN`. Errors: DriverError."""
    with connection.cursor().copy(text.encode()) as copy:
        for row in rows:
            copy.write_row(row)


def _read(cursor: psycopg.Cursor[tuple[Any, ...]]) -> Result:
    return Result(cursor.fetchall() if cursor.description else [], cursor.statusmessage)


def explain(url: str, error: DriverError) -> StorageError:
    """Return what to tell the operator when a database cannot be opened."""
    if (error.sqlstate or "").startswith(("42", "25", "3F")):
        return UnusableFile(
            f"{describe_place(url)} cannot be used ({translate(error)}): see docs/postgresql.md"
            " for the rights that are needed, or use a database of its own."
        )
    return translate(error)


def contradicts(error: DriverError) -> bool:
    """Tell whether an error means that values cannot be stored, whatever the database does."""
    return (error.sqlstate or "").startswith(("22", "23"))


def translate(error: DriverError) -> StorageError:
    """Return the storage error that says what this driver error means."""
    state = error.sqlstate or ""
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    for beginning, meaning in _MEANINGS:
        if state.startswith(beginning):
            return meaning(text)
    return Unavailable(f"{type(error).__name__} {state}: {text}")
