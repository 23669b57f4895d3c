"""Transactions that requests share which arrive together: one snapshot for those that read; and,
from the first that writes, one transaction in which each is a savepoint, with one commit and one
sync for all of them.

A snapshot is as new as the requests that share it: whatever was committed before one of them
arrived is in it, because they are read from their connections before it is opened, and it is
settled before the next ones are read.

A request that fails is undone alone. When the transaction itself is lost (a full disk ends it
at once), everything in it fails when it is settled: nobody was answered yet.
"""

from __future__ import annotations

from collections.abc import Callable

import apsw


class Group:
    """The transaction that is shared, on the connection of the one thread that uses it."""

    def __init__(self) -> None:
        self._connection: apsw.Connection | None = None
        self._loss: apsw.Error | None = None
        self._reading: apsw.Connection | None = None
        #: Called when everything is on disk.
        self.waiting: list[Callable[[], None]] = []

    @property
    def is_reading(self) -> bool:
        """Whether a snapshot is open."""
        return self._reading is not None

    def read(self, connection: apsw.Connection) -> bool:
        """Read in the snapshot; return whether it is a new one. Errors: apsw.Error."""
        if self._reading is not None and connection.in_transaction:
            return False
        connection.execute("BEGIN")
        self._reading = connection
        return True

    def stop_reading(self) -> None:
        """Close the snapshot, if there is one. Errors: apsw.Error."""
        connection, self._reading = self._reading, None
        if connection is not None and connection.in_transaction:
            close_transaction(connection, "COMMIT")

    @property
    def is_open(self) -> bool:
        """Whether a transaction waits to be committed."""
        return self._connection is not None

    def open(self, connection: apsw.Connection) -> None:
        """Begin the shared transaction. Errors: apsw.Error; it is not open then."""
        self.stop_reading()
        connection.execute("BEGIN IMMEDIATE")
        self._connection = connection
        self._loss = None

    def begin(self, write: bool) -> None:
        """Begin one request. Errors: the loss of the transaction, or another apsw.Error."""
        assert self._connection is not None
        if self._loss is not None:
            raise self._loss
        if write:
            self._connection.execute("SAVEPOINT request")

    def end(self, write: bool, keep: bool) -> None:
        """End one request: keep what it wrote, or undo that alone."""
        assert self._connection is not None
        if not self._connection.in_transaction:
            self._loss = self._loss or apsw.FullError("the transaction was lost")
        elif write and keep:
            self._connection.execute("RELEASE request")
        elif write:
            self._undo(self._connection)

    def _undo(self, connection: apsw.Connection) -> None:
        """Undo what one request wrote. Errors: apsw.Error; then nothing of the group is kept, since
        the commit would keep what that request wrote, too."""
        try:
            connection.execute("ROLLBACK TO request")
            connection.execute("RELEASE request")
        except apsw.Error as error:
            self._loss = self._loss or error
            raise

    def take_waiting(self) -> list[Callable[[], None]]:
        """Return what is to be called after the commit, and forget it."""
        waiting, self.waiting = self.waiting, []
        return waiting

    def commit(self) -> None:
        """Commit and sync everything, and close the group. Errors: apsw.Error; all is undone."""
        connection, self._connection = self._connection, None
        assert connection is not None
        close_transaction(connection, "COMMIT" if self._loss is None else "ROLLBACK")
        if self._loss is not None:
            raise self._loss


def close_transaction(connection: apsw.Connection, statement: str) -> None:
    """End a transaction in this way, or else undo it, if it has not ended already. Errors:
    apsw.Error."""
    try:
        if connection.in_transaction or statement == "COMMIT":
            connection.execute(statement)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
