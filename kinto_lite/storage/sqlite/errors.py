"""Turns what APSW raises into the storage's own errors: one function, one table."""

from __future__ import annotations

import apsw

from kinto_lite.storage.base import Busy, Full, StorageError, TooLong, Unavailable

_MEANINGS: tuple[tuple[type[apsw.Error], type[StorageError]], ...] = (
    (apsw.BusyError, Busy),
    (apsw.LockedError, Busy),
    (apsw.FullError, Full),
    (apsw.InterruptError, TooLong),
)


def translate(error: apsw.Error) -> StorageError:
    """Return the storage error that says what this driver error means."""
    for theirs, ours in _MEANINGS:
        if isinstance(error, theirs):
            return ours(str(error))
    return Unavailable(f"{type(error).__name__}: {error}")
