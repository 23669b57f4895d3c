"""A bounded pool of connections.

Written here, rather than taken from psycopg_pool, for what happens while the database is away: a
request finds out in its own thread and is refused at once, and the first one after the database
is back works. A pool that connects in the background lets every request wait for its timeout,
and a worker has one thread.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import NamedTuple

from kinto_lite.storage.base import Busy, StorageOptions
from kinto_lite.storage.postgres.driver import (
    Connection,
    DriverError,
    connect,
    finish,
    is_usable,
    sign,
)


class _Pooled(NamedTuple):
    connection: Connection
    #: On the monotonic clock.
    opened: float


class Pool:
    """The connections of one storage in one process."""

    def __init__(self, url: str, options: StorageOptions) -> None:
        self._url = url
        self._options = options
        self._slots = threading.BoundedSemaphore(options.pool_size + options.max_overflow)
        self._idle: list[_Pooled] = []
        self._opened: dict[int, float] = {}
        self._process = os.getpid()
        self._is_closed = False

    def take(self) -> Connection:
        """Return a connection for this thread alone; `give` it back.

        Errors: Busy when all are in use for too long, DriverError when none can be made.
        """
        if not self._slots.acquire(timeout=self._options.pool_timeout_seconds):
            raise Busy("all connections to the database are in use (see storage_pool_size)")
        try:
            return self._find() or self._connect()
        except BaseException:
            self._slots.release()
            raise

    def give(self, connection: Connection) -> None:
        """Take a connection back, to be used again if it is in order."""
        opened = self._opened.pop(id(connection), 0.0)
        try:
            is_wanted = len(self._idle) < self._options.pool_size and not self._is_closed
            if is_wanted and is_usable(connection):
                self._idle.append(_Pooled(connection, opened))
            else:
                close_connection(connection)
        finally:
            self._slots.release()

    def replace(self, connection: Connection) -> Connection:
        """Return a new connection for one that turned out to be lost. Those that were idle are
        closed: what ended this one has probably ended them.

        Errors: DriverError; the lost one has to be given back all the same.
        """
        self._drop_idle()
        fresh = self._connect()
        self._opened.pop(id(connection), None)
        close_connection(connection)
        return fresh

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it is given back."""
        self._is_closed = True
        self._drop_idle()

    def _find(self) -> Connection | None:
        """Return an idle connection, the one that was used last."""
        if self._process != os.getpid():
            # After a fork the sockets are the parent's; psycopg leaves them alone here.
            self._process, self._idle = os.getpid(), []
        while True:
            try:
                connection, opened = self._idle.pop()
            except IndexError:
                return None
            if not self._is_old(opened) and finish(connection):
                self._opened[id(connection)] = opened
                return connection
            close_connection(connection)

    def _is_old(self, opened: float) -> bool:
        limit = self._options.pool_recycle_seconds
        return limit >= 0 and time.monotonic() - opened > limit

    def _connect(self) -> Connection:
        connection = connect(self._url, self._options.has_prepared_statements)
        sign(connection)
        self._opened[id(connection)] = time.monotonic()
        return connection

    def _drop_idle(self) -> None:
        while True:
            try:
                connection, _ = self._idle.pop()
            except IndexError:
                return
            close_connection(connection)


def close_connection(connection: Connection) -> None:
    """Close a connection in whatever state it is."""
    with suppress(DriverError):
        # The server ends what was open on it; there is nobody left to tell of a failure.
        connection.close()
