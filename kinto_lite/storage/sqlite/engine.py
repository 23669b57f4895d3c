"""The SQLite storage: connections, transactions and their turn, durability, opening, closing.

A file has one connection for each thread that uses it; an in-memory database has a single
one, used by one thread at a time. Writers of this process wait for each other at a lock, in
order; writers of other processes are waited for inside SQLite.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from weakref import WeakSet

import apsw

from kinto_lite.storage.base import Busy, StorageError, StorageOptions, UnusableFile
from kinto_lite.storage.builder import Builder
from kinto_lite.storage.sqlite.checkpoints import Checkpointer
from kinto_lite.storage.sqlite.clock import ReadClock
from kinto_lite.storage.sqlite.connection import PreparedConnection, check_file, connect
from kinto_lite.storage.sqlite.errors import translate
from kinto_lite.storage.sqlite.group import Group
from kinto_lite.storage.sqlite.indexes import build_step
from kinto_lite.storage.sqlite.migrations import list_migrations, list_pending, migrate
from kinto_lite.storage.sqlite.names import QUERIES, Names
from kinto_lite.storage.sqlite.transaction import SqliteTransaction

MEMORY = ":memory:"


def open_sqlite(url: str, options: StorageOptions) -> SqliteStorage:
    """Open `sqlite:///relative/or/absolute/path.db` or `sqlite://` (in memory).

    Errors: UnusableFile, with one line for the operator.
    """
    file = find_file(url)
    if file is None:
        return SqliteStorage(MEMORY, options)
    try:
        check_file(file, len(list_migrations()), options.busy_timeout_seconds)
        return SqliteStorage(str(file), options)
    except apsw.Error as error:
        raise describe_unusable(file, error) from error


def find_file(url: str) -> Path | None:
    """Return the file that a URL names; None: the database is in memory."""
    path = url.removeprefix("sqlite://").removeprefix("/") or MEMORY
    return None if path == MEMORY else Path(path).absolute()


def list_pending_steps(url: str, options: StorageOptions) -> list[str]:
    """Return the names of the migrations that opening would run. Nothing is changed, nor made.

    Errors: UnusableFile, as when it is opened.
    """
    file = find_file(url)
    if file is None:
        return []
    try:
        check_file(file, len(list_migrations()), options.busy_timeout_seconds)
        return list_pending(file)
    except apsw.Error as error:
        raise describe_unusable(file, error) from error


def describe_unusable(file: Path, error: apsw.Error) -> UnusableFile:
    """Return the error about a file that SQLite cannot open, with what to do about it."""
    if isinstance(error, apsw.BusyError):
        return UnusableFile(
            f"The database {file} is locked by another program: end that one, or try again."
        )
    return UnusableFile(
        f"The database {file} cannot be used ({error}): restore a backup or use another path."
    )


class SqliteStorage:
    """Implements `storage.base.Storage`."""

    def __init__(self, path: str, options: StorageOptions) -> None:
        self.path = path
        self._options = options
        self._local = threading.local()
        self._write_turn = threading.RLock()
        self._checkpointer: Checkpointer | None = None
        self._builder = Builder(self._build_step)
        # Weak, so that the connection of a thread closes when the thread ends.
        self._opened: WeakSet[apsw.Connection] = WeakSet()
        self._opening = threading.Lock()
        self._shared = self._connect() if path == MEMORY else None
        try:
            connection = self.connection()
            migrate(connection, path)
            self.names = Names(connection, options)
            if connection.execute(QUERIES["find_unbuilt_index"]).fetchone():
                self._builder.wake()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> PreparedConnection:
        connection = connect(self.path, self._options.busy_timeout_seconds)
        connection.wake_builder = self._builder.wake
        connection.clock = ReadClock(connection, self._options.read_timeout_seconds)
        return connection

    def connection(self) -> PreparedConnection:
        """Return the connection of this thread."""
        if self._shared is not None:
            return self._shared
        found: PreparedConnection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self._connect()
            with self._opening:
                self._opened.add(found)
        return found

    def transaction(self, write: bool) -> Session:
        """See `storage.base.Storage.transaction`."""
        return Session(self, write)

    def begin(self, write: bool) -> SqliteTransaction:
        """Begin a transaction on this thread's connection, after waiting for its turn.

        Errors: Busy when the turn does not come in time.
        """
        connection, group = self.connection(), self._group
        connection.clock.start(write)
        if group is not None and (write or group.is_open):
            return self._begin_in_group(group, write)
        if group is not None and self._shared is None:
            return self._begin_in_snapshot(group)
        if write or self._shared is not None:
            self._take_turn()
        try:
            connection.askers.is_current = False
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        except apsw.Error as error:
            self._give_turn(write)
            raise translate(error) from error
        return SqliteTransaction(connection, self.names, self._options.kinds, write)

    def _begin_in_group(self, group: Group, write: bool) -> SqliteTransaction:
        """Begin a transaction that shares its commit with others of this thread."""
        connection = self.connection()
        try:
            if not group.is_open:
                self._take_turn()
                connection.askers.is_current = False
                group.open(connection)
            group.begin(write)
        except apsw.Error as error:
            if not group.is_open:
                self._give_turn(True)
            raise translate(error) from error
        return SqliteTransaction(connection, self.names, self._options.kinds, write)

    def _begin_in_snapshot(self, group: Group) -> SqliteTransaction:
        """Begin a transaction that shares its view with others of this thread."""
        connection = self.connection()
        try:
            if group.read(connection):
                connection.askers.is_current = False
        except apsw.Error as error:
            raise translate(error) from error
        return SqliteTransaction(connection, self.names, self._options.kinds, False)

    def _build_step(self) -> bool:
        with self.transaction(write=True):
            return build_step(self.connection().execute)

    def share_commits(self) -> None:
        """See `storage.base.Storage.share_commits`."""
        self._local.group = Group()
        if self._shared is None and self._checkpointer is None:
            self._checkpointer = Checkpointer(self.path)
            self._checkpointer.watch(self.connection())

    @property
    def _group(self) -> Group | None:
        """What this thread shares commits in, if it does."""
        return getattr(self._local, "group", None)

    def limit_reads(self, seconds: float) -> None:
        """See `storage.base.Storage.limit_reads`."""
        clock = self.connection().clock
        clock.limit_seconds = min(seconds, clock.limit_seconds or seconds)

    @property
    def was_cut(self) -> bool:
        """See `storage.base.Storage.was_cut`."""
        return self.connection().clock.was_cut

    @property
    def reads_side_by_side(self) -> bool:
        """See `storage.base.Storage.reads_side_by_side`."""
        return self._shared is None

    @property
    def is_unsettled(self) -> bool:
        """See `storage.base.Storage.is_unsettled`."""
        return self._group is not None and self._group.is_open

    @property
    def is_open(self) -> bool:
        """See `storage.base.Storage.is_open`."""
        group = self._group
        return group is not None and (group.is_open or group.is_reading)

    def settle(self) -> None:
        """See `storage.base.Storage.settle`."""
        group = self._group
        if group is None:
            return
        if not group.is_open:
            self._stop_reading(group)
            return
        waiting = group.take_waiting()
        try:
            group.commit()
        except apsw.Error as error:
            self.connection().askers.forget()
            raise translate(error) from error
        finally:
            self._give_turn(True)
        for call in waiting:
            call()

    def _stop_reading(self, group: Group) -> None:
        try:
            group.stop_reading()
        except apsw.Error as error:
            raise translate(error) from error

    def when_settled(self, call: Callable[[], None]) -> None:
        """See `storage.base.Storage.when_settled`."""
        if self._group is not None and self._group.is_open:
            self._group.waiting.append(call)
        else:
            call()

    def end(self, write: bool, commit: bool) -> None:
        """Commit or roll back. When a commit returns, what it wrote is on disk: SQLite synced
        the write-ahead log (`synchronous=FULL`) before it answered.

        This is where a transaction of its own becomes durable; `settle` is where those become
        durable that share a commit. There is no third place.
        """
        connection = self.connection()
        connection.clock.stop()
        if write and not commit:
            connection.askers.forget()
        group = self._group
        if group is not None and group.is_open:
            group.end(write, commit)
            return
        if group is not None and group.is_reading:
            return
        try:
            if commit:
                connection.execute("COMMIT")
        except apsw.Error:
            connection.askers.forget()
            raise
        finally:
            try:
                # A failed commit, or an error that already ended the transaction, leaves one
                # state.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            finally:
                self._give_turn(write)

    def _take_turn(self) -> None:
        if not self._write_turn.acquire(timeout=self._options.busy_timeout_seconds):
            raise Busy("another writer kept the database for too long")

    def _give_turn(self, write: bool) -> None:
        if write or self._shared is not None:
            self._write_turn.release()

    def read_secret(self, name: str) -> str:
        """See `storage.base.Storage.read_secret`."""
        with self.transaction(write=True):
            execute = self.connection().execute
            execute(QUERIES["insert_secret"], {"name": name, "value": secrets.token_hex(32)})
            ((value,),) = execute(QUERIES["read_secret"], {"name": name})
            return str(value)

    def is_healthy(self) -> bool:
        """See `storage.base.Storage.is_healthy`."""
        is_within_request = self._group is None and self.connection().in_transaction
        if self.is_unsettled or is_within_request:
            return True
        try:
            with self.transaction(write=True):
                self.connection().execute(QUERIES["probe"])
        except StorageError:
            return False
        return True

    def flush(self) -> None:
        """See `storage.base.Storage.flush`."""
        with self.transaction(write=True) as tx:
            tx.flush()

    def close(self) -> None:
        """Close all connections. The last one to close moves the log into the file.

        No transaction may be open in any thread.
        """
        self._builder.stop()
        if self._checkpointer is not None:
            self._checkpointer.stop()
            self._checkpointer = None
        with self._opening:
            connections = [*self._opened, *([self._shared] if self._shared else [])]
            self._opened.clear()
        for connection in connections:
            if connection is connections[-1]:
                with suppress(apsw.Error):
                    # Statistics for the query planner: worth having, not worth failing for.
                    connection.pragma("optimize")
            connection.close()
        self._local = threading.local()


class Session:
    """The block of one transaction: `with storage.transaction(write) as tx`."""

    def __init__(self, storage: SqliteStorage, write: bool) -> None:
        self._storage = storage
        self._write = write

    def __enter__(self) -> SqliteTransaction:
        return self._storage.begin(self._write)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._storage.end(self._write, commit=error is None)
        except apsw.Error as failure:
            raise translate(failure) from failure
        if isinstance(error, apsw.Error):
            raise translate(error) from error
