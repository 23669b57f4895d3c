"""Whose turn it is to write: a transaction holds the lists that it found in order to write.

A turn is a lock on the row of the list, where the list's timestamp and counter are. Turns are
taken in one order, that of the kinds and then of the URIs, so that nobody waits in a circle.
Most requests need no more than their own list and then the history of the bucket, which is that
order. A request that needs a list out of order (batches do) takes it only when it is free; else
it is undone, and run again with all lists it needed so far taken in order before anything else.
"""

from __future__ import annotations

from collections.abc import Sequence

from kinto_lite.model import Kind, ListRef
from kinto_lite.storage.base import Conflict
from kinto_lite.storage.postgres.driver import Rows, Statement
from kinto_lite.storage.postgres.names import QUERIES
from kinto_lite.storage.postgres.statements import Statements


class Turns:
    """The turns of one transaction. `wanted` is what to take first; what was needed when the
    transaction had to be undone is in `needed`."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._order = {kind.name: number for number, kind in enumerate(kinds)}
        self._held: frozenset[ListRef] = frozenset()
        self.needed: set[ListRef] = set()

    def take_all(self, statements: Statements, wanted: set[ListRef]) -> None:
        """Take several turns, in order."""
        refs = sorted(wanted, key=self._place)
        locks = [(QUERIES["lock_list"], ref._asdict()) for ref in refs]
        for ref, rows in zip(refs, statements.run_all(locks), strict=True):
            if rows:
                self._held |= {ref}

    def find(self, statements: Statements, ref: ListRef, query: Statement) -> Rows:
        """Take the turn of a list, then run a query that begins with the list's key.

        Errors: Conflict when another one writes there, and waiting might never end.
        """
        if ref in self._held:
            return statements.run(*query)
        self.needed |= {ref, *self._held}
        lock, found = statements.run_all([self._lock(ref), query])
        if lock:
            self._held |= {ref}
        elif found:
            raise Conflict(f"others write to the {ref.kind} list of {ref.parent_uri!r}")
        return found

    def _lock(self, ref: ListRef) -> Statement:
        is_in_order = all(self._place(held) < self._place(ref) for held in self._held)
        return QUERIES["lock_list" if is_in_order else "lock_list_at_once"], ref._asdict()

    def _place(self, ref: ListRef) -> tuple[int, str]:
        return self._order[ref.kind], ref.parent_uri

    @property
    def held(self) -> frozenset[ListRef]:
        """The lists whose turn it is. A savepoint that is undone gives back those taken since."""
        return self._held

    @held.setter
    def held(self, refs: frozenset[ListRef]) -> None:
        self._held = refs
