"""Writes rows that move into a database, in one transaction: all of it is there, or nothing.

Rows are sent in batches by COPY (`batches`). What others refer to gets its number here: lists
those that come after all that were given, principals those that the database gives them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

from kinto_lite.storage.base import StorageOptions
from kinto_lite.storage.moving import (
    ListRow,
    MovedRow,
    NonceRow,
    ObjectRow,
    Refused,
    SecretRow,
)
from kinto_lite.storage.postgres.batches import Batch
from kinto_lite.storage.postgres.driver import (
    SIGNATURE,
    Connection,
    DriverError,
    Rows,
    contradicts,
    describe_place,
    run_statements,
)
from kinto_lite.storage.postgres.engine import open_postgres
from kinto_lite.storage.postgres.indexes import build_step
from kinto_lite.storage.postgres.migrations import is_made, run_steps
from kinto_lite.storage.postgres.names import QUERIES, write_kinds
from kinto_lite.storage.postgres.places import Places
from kinto_lite.storage.postgres.snapshot import (
    PostgresSnapshot,
    open_connection,
    open_existing,
)

#: How long to wait for others to be gone; a server that was just stopped takes a moment.
PATIENCE_SECONDS = 3.0
_PAUSE_SECONDS = 0.05


@contextmanager
def fill_empty(url: str) -> Iterator[PostgresFilling]:
    """See `storage.moving.Mover`. The tables are made when they are not there."""
    with open_connection(url) as connection:
        empty = PostgresSnapshot(connection)
        _run_text(connection, QUERIES["begin_write"])
        empty.run("set_patience", wait=int(PATIENCE_SECONDS * 1000))
        run_steps(connection, url)
        _keep_others_out(empty, url)
        ((has_objects,),) = empty.run("has_objects")
        if has_objects:
            raise Refused(f"T{describe_place(url)[1:]} is not empty.")
        empty.run("empty_tables")
        # One by one, entries would be written all over the indexes.
        indexes = empty.run("list_secondary_indexes")
        for name, _ in indexes:
            _run_text(connection, f"DROP INDEX {name}")
        yield PostgresFilling(connection, None, [text for _, text in indexes])
        _run_text(connection, "COMMIT")


def _keep_others_out(database: PostgresSnapshot, url: str) -> None:
    """Lock all tables. Errors: Refused when servers are connected; DriverError."""
    database.run("lock_tables")
    deadline = monotonic() + PATIENCE_SECONDS
    while database.run("find_servers", signature=SIGNATURE) != [(0,)]:
        if monotonic() > deadline:
            raise Refused(f"T{describe_place(url)[1:]} is in use: stop the servers first.")
        sleep(_PAUSE_SECONDS)


@contextmanager
def fill_beside(url: str, options: StorageOptions) -> Iterator[PostgresFilling]:
    """See `storage.moving.Mover`. Writers wait until it is done."""
    with open_connection(url) as connection:
        is_new = not is_made(connection)
    if is_new:
        open_postgres(url, options).close()
    # Not by way of the engine: it would write the inheritance of these options, and servers
    # that run on the database may have others.
    with open_existing(url) as connection:
        _run_text(connection, QUERIES["begin_write"])
        wait = int(options.busy_timeout_seconds * 1000)
        PostgresSnapshot(connection).run("set_patience", wait=wait)
        _run_text(connection, QUERIES["lock_all_lists"])
        yield PostgresFilling(connection, options, [])
        _run_text(connection, "COMMIT")


def _run_text(connection: Connection, text: str) -> None:
    run_statements(connection, [(text, None)])


class PostgresFilling(PostgresSnapshot):
    """Implements `storage.moving.Filling` on a connection that is in a write transaction which
    keeps all other writers out.

    `indexes` are statements to run when everything is written. With `options`, lists that their
    kinds need are made where the rows had none; else the next start does it.
    """

    def __init__(
        self, connection: Connection, options: StorageOptions | None, indexes: list[str]
    ) -> None:
        super().__init__(connection)
        self._indexes = indexes
        self._options = options
        ((last_key, last_list),) = self.run("find_free_places")
        self.free_key = int(last_key)
        self._first_list = int(last_list) + 1
        ((newest,),) = self.run("find_newest")
        self.newest = int(newest)
        self._batch = Batch(connection, self.run)
        self._places = Places(self.run, self._batch, self._first_list)

    def write(self, rows: Iterable[MovedRow]) -> None:
        try:
            for row in rows:
                self._write(row)
            self._batch.send()
            self._finish()
        except DriverError as error:
            if contradicts(error):
                raise Refused(
                    f"The rows contradict each other, or the database: {error}"
                ) from error
            raise

    def _write(self, row: MovedRow) -> None:
        if isinstance(row, ObjectRow):
            self._write_object(row)
        elif isinstance(row, ListRow):
            self._places.add_list(row)
        elif isinstance(row, SecretRow):
            self.run("fill_secret", **row._asdict())
        elif isinstance(row, NonceRow):
            bindings: Mapping[str, Any] = row._asdict()
            run_statements(self._connection, [(QUERIES["insert_nonce"], bindings)])

    def _write_object(self, row: ObjectRow) -> None:
        list_key, parent = self._places.find_list(row.kind, row.parent_uri)
        if self._options is not None and not row.parent_uri:
            self.run("clear_tombstone", list=list_key, id=row.id)
            self.run("raise_timestamp", list=list_key, last_modified=row.last_modified)
        self._batch.add_object(row, list_key)
        self._places.note_object(row, parent)

    def _finish(self) -> None:
        for text in self._indexes:
            _run_text(self._connection, text)
        self.run("count_lists_anew", first=self._first_list)
        self.run("move_sequences")
        while build_step(_AtOnce(self._connection)):
            pass
        self.run("forget_kinds")
        if self._options is None:
            self.run("analyze")
        else:
            write_kinds(self._connection, self._options)


class _AtOnce:
    """Runs statements one by one, in the transaction that is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, text: str, bindings: Mapping[str, Any] | None = None) -> None:
        """Run a statement."""
        self.run(text, bindings)

    def run(self, text: str, bindings: Mapping[str, Any] | None = None) -> Rows:
        """Run a statement; return its rows."""
        (result,) = run_statements(self._connection, [(text, bindings)])
        return result.rows
