"""Remembers who the askers are, for as long as that is certainly true.

An entry holds while nobody else has committed anything (`PRAGMA data_version`) and while this
connection has changed neither principals nor memberships. What a transaction found out is
forgotten when it is undone: the numbers it gave may then come to mean somebody else.
"""

from __future__ import annotations

import apsw

from kinto_lite.model import Asker

#: Users remembered on each connection.
MAX_ASKERS = 4096


class Askers:
    """The askers that one connection remembers."""

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, str | None], tuple[Asker, bool]] = {}
        #: User ids among them that have numbers.
        self._numbered: set[str] = set()
        self._data_version = -1
        #: Whether this was compared with the state that the open transaction sees.
        self.is_current = False

    def find(
        self, connection: apsw.Connection, user_id: str | None, policy: str | None, is_write: bool
    ) -> Asker | None:
        """Return who this is, if it was found out in the state that this transaction sees.

        For a write it must be somebody whose principals all have numbers.
        """
        if not self.is_current:
            self._compare(connection)
        asker, is_numbered = self._known.get((user_id, policy), (None, False))
        return asker if is_numbered or not is_write else None

    def _compare(self, connection: apsw.Connection) -> None:
        ((data_version,),) = connection.execute("PRAGMA data_version")
        if data_version != self._data_version:
            self.forget()
            self._data_version = data_version
        self.is_current = True

    def is_numbered(self, user_id: str) -> bool:
        """Tell whether a user certainly has a number in the state that this transaction sees."""
        return self.is_current and user_id in self._numbered

    def remember(self, asker: Asker, is_numbered: bool) -> None:
        """Remember an asker, and whether all her principals have numbers, until `forget`."""
        if len(self._known) >= MAX_ASKERS:
            self.forget()
        self._known[asker.user_id, asker.policy] = asker, is_numbered
        if is_numbered and asker.user_id is not None:
            self._numbered.add(asker.user_id)

    def forget(self) -> None:
        """Forget everybody: principals or memberships were changed here, or a change undone."""
        self._known.clear()
        self._numbered.clear()
