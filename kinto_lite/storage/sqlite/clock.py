"""The clock of reads: a statement of a read that has searched for too long is interrupted.

SQLite asks it every so many steps of its machine, which is rare enough to cost nothing and
often enough to keep time. Writes are not timed: an interrupted one would undo everything that
shares its transaction.
"""

from __future__ import annotations

import math
from time import monotonic

import apsw

#: Steps between two looks at the clock: less than a millisecond.
STEPS = 10_000


class ReadClock:
    """The clock of one connection. `limit_seconds`: for each transaction; 0: no limit."""

    def __init__(self, connection: apsw.Connection, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        #: Whether the transaction that began last was interrupted by this clock.
        self.was_cut = False
        self._end = math.inf
        self._looks = 0
        connection.set_progress_handler(self._is_over, STEPS)

    def start(self, write: bool) -> None:
        """Begin to count, unless it is for a write."""
        self.was_cut = False
        self._looks = 0
        self._end = monotonic() + self.limit_seconds if self.limit_seconds else math.inf
        if write:
            self._end = math.inf

    def stop(self) -> None:
        """Stop counting: the transaction ends."""
        self._end = math.inf

    def _is_over(self) -> bool:
        # SQLite counts the steps of a statement's earlier runs, too: one look says nothing.
        self._looks += 1
        if self._looks < 2 or monotonic() < self._end:
            return False
        self.was_cut = True
        return True
