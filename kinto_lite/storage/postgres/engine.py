"""The PostgreSQL storage: transactions and their ends, health, opening, closing.

Each transaction is one of the database's own, on a connection from the pool; when it ends
without an error, what was written is on the database's disk. Commits are not shared.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from types import TracebackType

from kinto_lite.model import ListRef
from kinto_lite.storage.base import (
    Busy,
    Conflict,
    StorageError,
    StorageOptions,
    TooLong,
)
from kinto_lite.storage.builder import Builder
from kinto_lite.storage.postgres.driver import (
    DriverError,
    Statement,
    connect,
    explain,
    translate,
)
from kinto_lite.storage.postgres.indexes import build_step
from kinto_lite.storage.postgres.migrations import list_pending, migrate
from kinto_lite.storage.postgres.names import QUERIES, Names
from kinto_lite.storage.postgres.pool import Pool, close_connection
from kinto_lite.storage.postgres.statements import Statements
from kinto_lite.storage.postgres.transaction import PostgresTransaction

_log = logging.getLogger("kinto_lite.storage")

#: How long one statement of a write may take: deleting a large tree takes a while.
WRITE_SECONDS = 60
#: How long a write may do nothing: a node that hangs gives its turns back.
IDLE_SECONDS = 60


def open_postgres(url: str, options: StorageOptions) -> PostgresStorage:
    """Open `postgresql://user:password@host:port/database`, or any other URL that libpq takes.

    Errors: UnusableFile, Unavailable, with one line for the operator.
    """
    return PostgresStorage(url, options)


def list_pending_steps(url: str, options: StorageOptions) -> list[str]:
    """Return the names of the migrations that opening would run. Nothing is changed, nor made.

    Errors: UnusableFile, Unavailable, as when it is opened.
    """
    try:
        connection = connect(url, options.has_prepared_statements)
        try:
            return list_pending(connection, url)
        finally:
            close_connection(connection)
    except DriverError as error:
        raise explain(url, error) from error


class PostgresStorage:
    """Implements `storage.base.Storage`."""

    def __init__(self, url: str, options: StorageOptions) -> None:
        self._options = options
        self._local = threading.local()
        self._pool = Pool(url, options)
        self._builder = Builder(self._build_step)
        self._read_seconds = options.read_timeout_seconds
        try:
            self._open(url)
        except DriverError as error:
            self.close()
            raise explain(url, error) from error
        except BaseException:
            self.close()
            raise

    def _open(self, url: str) -> None:
        connection = self._pool.take()
        try:
            migrate(connection, url, self._options)
            self.names = Names(connection)
            ((is_writable,),) = connection.execute(QUERIES["probe"].encode()).fetchall()
            is_unbuilt = connection.execute(QUERIES["find_unbuilt_index"].encode()).fetchone()
            risks = connection.execute(QUERIES["find_risks"].encode()).fetchall()
        finally:
            self._pool.give(connection)
        for (name,) in risks:
            _log.warning("PostgreSQL runs with %s = off: a power cut can lose writes.", name)
        # A server that is read only for its clients still keeps what it needs itself, if it may.
        self._is_readonly = self._options.is_readonly and not is_writable
        if is_unbuilt and not self._is_readonly:
            self._builder.wake()

    def transaction(self, write: bool) -> Session:
        """See `storage.base.Storage.transaction`."""
        return Session(self, write, write and not self._is_readonly)

    def begin(self, write: bool, may_write: bool) -> PostgresTransaction:
        """Begin a transaction, for a write that may or may not reach the database.

        Errors: Busy when all connections are in use for too long.
        """
        self._local.was_cut = False
        opening = self._open_write() if may_write else self._open_read()
        try:
            statements = Statements(self._pool, opening)
        except DriverError as error:
            raise translate(error) from error
        tx = PostgresTransaction(
            statements, self.names, self._options.kinds, write, may_write, self._builder.wake
        )
        self._take_turns(tx, statements, may_write)
        return tx

    def _take_turns(self, tx: PostgresTransaction, statements: Statements, may_write: bool) -> None:
        """Take what the transaction before needed, when that had to be undone."""
        wanted: set[ListRef] = getattr(self._local, "wanted", set())
        self._local.wanted = set()
        if not wanted or not may_write:
            return
        try:
            tx.turns.take_all(statements, wanted)
        except DriverError as error:
            self._abandon(statements)
            raise translate(error) from error

    def _abandon(self, statements: Statements) -> None:
        try:
            statements.roll_back()
        finally:
            statements.release()

    def _open_write(self) -> list[Statement]:
        limits = {
            "wait": str(int(self._options.busy_timeout_seconds * 1000)),
            "statement": str(WRITE_SECONDS * 1000),
            "idle": str(IDLE_SECONDS * 1000),
        }
        return [(QUERIES["begin_write"], None), (QUERIES["limit_write"], limits)]

    def _open_read(self) -> list[Statement]:
        seconds = getattr(self._local, "read_seconds", self._read_seconds)
        limit = {"read": str(int(seconds * 1000))}
        return [(QUERIES["begin_read"], None), (QUERIES["limit_read"], limit)]

    def end(self, statements: Statements, may_write: bool, commit: bool) -> None:
        """Commit or roll back. When a commit returns, what it wrote is on the database's disk
        (see `limit_write`). Errors: DriverError."""
        try:
            if commit and may_write:
                statements.commit()
            elif commit:
                statements.end_read()
            else:
                statements.roll_back()
        finally:
            statements.release()

    def note(self, tx: PostgresTransaction, error: StorageError) -> StorageError:
        """Remember what an error means for the next transaction of this thread; return it."""
        if isinstance(error, TooLong):
            if tx.is_write:
                return Busy(str(error))
            self._local.was_cut = True
        if isinstance(error, Conflict):
            self._local.wanted = set(tx.turns.needed)
        return error

    def _build_step(self) -> bool:
        with Session(self, write=True, may_write=True) as tx:
            return build_step(tx.statements)

    def share_commits(self) -> None:
        """See `storage.base.Storage.share_commits`: here each transaction commits by itself."""

    def limit_reads(self, seconds: float) -> None:
        """See `storage.base.Storage.limit_reads`."""
        self._local.read_seconds = min(seconds, self._read_seconds or seconds)

    @property
    def was_cut(self) -> bool:
        """See `storage.base.Storage.was_cut`."""
        return getattr(self._local, "was_cut", False)

    @property
    def reads_side_by_side(self) -> bool:
        """See `storage.base.Storage.reads_side_by_side`."""
        return True

    @property
    def is_unsettled(self) -> bool:
        """See `storage.base.Storage.is_unsettled`."""
        return False

    @property
    def is_open(self) -> bool:
        """See `storage.base.Storage.is_open`."""
        return False

    def settle(self) -> None:
        """See `storage.base.Storage.settle`: there is nothing that waits."""

    def when_settled(self, call: Callable[[], None]) -> None:
        """See `storage.base.Storage.when_settled`: it is."""
        call()

    def read_secret(self, name: str) -> str:
        """See `storage.base.Storage.read_secret`."""
        bindings = {"name": name, "value": secrets.token_hex(32)}
        with self.transaction(write=False) as tx:
            found = tx.statements.run(QUERIES["read_secret"], bindings)
        if not found:
            with Session(self, write=True, may_write=True) as tx:
                tx.statements.send(QUERIES["insert_secret"], bindings)
                found = tx.statements.run(QUERIES["read_secret"], bindings)
        ((value,),) = found
        return str(value)

    def is_healthy(self) -> bool:
        """See `storage.base.Storage.is_healthy`."""
        try:
            with self.transaction(write=True) as tx:
                ((is_writable,),) = tx.statements.run(QUERIES["probe"])
        except StorageError:
            return False
        return bool(is_writable) or self._is_readonly

    def flush(self) -> None:
        """See `storage.base.Storage.flush`."""
        with self.transaction(write=True) as tx:
            tx.flush()

    def close(self) -> None:
        """Close all connections that are not in use."""
        self._builder.stop()
        self._pool.close()


class Session:
    """The block of one transaction: `with storage.transaction(write) as tx`."""

    def __init__(self, storage: PostgresStorage, write: bool, may_write: bool) -> None:
        self._storage = storage
        self._write = write
        self._may_write = may_write

    def __enter__(self) -> PostgresTransaction:
        self._tx = self._storage.begin(self._write, self._may_write)
        return self._tx

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        tx, storage = self._tx, self._storage
        try:
            storage.end(tx.statements, self._may_write, commit=error is None)
        except DriverError as failure:
            if error is None or isinstance(error, DriverError):
                raise storage.note(tx, translate(failure)) from failure
        if isinstance(error, DriverError):
            raise storage.note(tx, translate(error)) from error
        if isinstance(error, StorageError):
            storage.note(tx, error)
