"""The statements of one transaction, sent with as few waits for the server as possible.

A statement whose answer nobody needs is kept until the next one whose answer is needed, or until
the end, and then sent along with it (libpq's pipeline mode). So BEGIN costs no wait of its own,
and a write waits about as often as it has to know something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinto_lite.storage.postgres.driver import (
    Connection,
    DriverError,
    Result,
    Rows,
    Statement,
    UndoneError,
    commit_later,
    is_lost,
    run_statements,
)
from kinto_lite.storage.postgres.pool import Pool

Bindings = Mapping[str, Any] | None


class Statements:
    """What is sent on one connection, from BEGIN (`opening`) to the end."""

    def __init__(self, pool: Pool, opening: Sequence[Statement]) -> None:
        self._pool = pool
        self._connection: Connection = pool.take()
        self._waiting: list[Statement] = list(opening)
        self._opening = len(opening)
        self._is_begun = False

    def send(self, text: str, bindings: Bindings = None) -> None:
        """Run a statement, at the latest when the transaction ends."""
        self._waiting.append((text, bindings))

    def run(self, text: str, bindings: Bindings = None) -> Rows:
        """Run what waits, then this statement; return its rows. Errors: DriverError."""
        return self.run_all([(text, bindings)])[0]

    def run_all(self, statements: Sequence[Statement]) -> list[Rows]:
        """Run what waits, then these statements; return the rows of each. Errors: DriverError."""
        number = len(self._waiting)
        try:
            results = self._exchange(statements)
        except DriverError:
            if self._is_begun or not is_lost(self._connection):
                raise
            # It was lost while it was idle, and nothing was done yet.
            self._connection = self._pool.replace(self._connection)
            results = self._exchange(statements)
        self._waiting.clear()
        self._is_begun = True
        return [result.rows for result in results[number:]]

    def commit(self) -> None:
        """Make what was written durable: the server answers when it is. Errors: DriverError."""
        if not self._is_begun and len(self._waiting) == self._opening:
            return
        result = self._exchange([("COMMIT", None)])[-1]
        if result.status != "COMMIT":
            raise UndoneError("the transaction had failed before")

    def end_read(self) -> None:
        """End a transaction that has only read, without a wait. Errors: DriverError."""
        if self._is_begun:
            commit_later(self._connection)

    def roll_back(self) -> None:
        """Undo everything. Errors: DriverError."""
        if self._is_begun and not is_lost(self._connection):
            self._connection.execute("ROLLBACK")

    def release(self) -> None:
        """Give the connection back. A transaction that is still open ends with it."""
        self._pool.give(self._connection)

    def _exchange(self, statements: Sequence[Statement]) -> list[Result]:
        return run_statements(self._connection, [*self._waiting, *statements])
