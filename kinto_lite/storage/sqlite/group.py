"""A shared commit: requests that arrive together are savepoints in one transaction, which is
committed and synced once for all of them.

A request that fails is undone alone. When the transaction itself is lost (a full disk ends it
at once), everything in it fails when it is settled: nobody was answered yet.
"""

from __future__ import annotations

import apsw


class Group:
    """The transaction that is shared, on the connection of the one thread that uses it."""

    def __init__(self) -> None:
        self._connection: apsw.Connection | None = None
        self._loss: apsw.Error | None = None

    @property
    def is_open(self) -> bool:
        """Whether a transaction waits to be committed."""
        return self._connection is not None

    def open(self, connection: apsw.Connection) -> None:
        """Begin the shared transaction. Errors: apsw.Error; it is not open then."""
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
            self._connection.execute("ROLLBACK TO request")
            self._connection.execute("RELEASE request")

    def commit(self) -> None:
        """Commit and sync everything, and close the group. Errors: apsw.Error; all is undone."""
        connection, self._connection = self._connection, None
        assert connection is not None
        if self._loss is not None:
            raise self._loss
        try:
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
