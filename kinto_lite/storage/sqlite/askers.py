"""Remembers who the askers are, for as long as that is certainly true.

An entry holds while nothing was committed by anybody else (`PRAGMA data_version`) and while
this connection has changed neither principals nor memberships. What a transaction found out
is forgotten when it is undone: numbers it gave to principals may then mean somebody else.
"""

from __future__ import annotations

import apsw

from kinto_lite.model import Asker

#: Users remembered on each connection.
MAX_ASKERS = 4096


class Askers:
    """The askers that one connection remembers."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._execute = connection.execute
        self._known: dict[tuple[str | None, str | None], Asker] = {}
        self._data_version = -1

    def find(self, user_id: str | None, policy: str | None) -> Asker | None:
        """Return who this is, if it was found out in the state that this transaction sees."""
        ((data_version,),) = self._execute("PRAGMA data_version")
        if data_version != self._data_version:
            self._known.clear()
            self._data_version = data_version
        return self._known.get((user_id, policy))

    def remember(self, asker: Asker) -> None:
        """Remember an asker, until `forget`."""
        if len(self._known) >= MAX_ASKERS:
            self._known.clear()
        self._known[asker.user_id, asker.policy] = asker

    def forget(self) -> None:
        """Forget everybody: principals or memberships were changed here, or a change undone."""
        self._known.clear()
