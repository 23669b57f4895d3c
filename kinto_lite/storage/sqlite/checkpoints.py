"""Moves the write-ahead log into the database file beside the requests, not within one.

SQLite would do it in the commit that fills the log, and the requests of that commit would wait
for it. Here a thread with a connection of its own does it. Only when the log has grown far,
because writers never paused, does a commit move the little that is left itself; the next one
then begins the log anew.
"""

from __future__ import annotations

import logging
import threading

import apsw

#: Pages of 4 KiB in the log that wake the thread, and that make a commit help.
WAKING_PAGES = 1000
HELPING_PAGES = 4000
#: How long a commit waits for the thread before it helps.
PATIENCE_SECONDS = 0.5

log = logging.getLogger("kinto_lite")


class Checkpointer:
    """The thread, for one database file of one process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._woken = threading.Event()
        self._is_idle = threading.Event()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    def watch(self, connection: apsw.Connection) -> None:
        """Be told how long the log is after each commit of this connection."""
        connection.set_wal_hook(self._hear)

    def stop(self) -> None:
        """End the thread and close its connection."""
        self._is_stopped = True
        self._woken.set()
        self._thread.join()

    def _hear(self, connection: apsw.Connection, _name: str, pages: int) -> int:
        if pages >= WAKING_PAGES:
            self._woken.set()
        if pages >= HELPING_PAGES:
            self._is_idle.wait(PATIENCE_SECONDS)
            _move_log(connection)
        return apsw.SQLITE_OK

    def _run(self) -> None:
        connection = apsw.Connection(self._path)
        try:
            self._is_idle.set()
            while self._woken.wait() and not self._is_stopped:
                self._woken.clear()
                self._is_idle.clear()
                _move_log(connection)
                self._is_idle.set()
        finally:
            self._is_idle.set()
            connection.close()


def _move_log(connection: apsw.Connection) -> None:
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    except (apsw.BusyError, apsw.LockedError):
        log.debug("another one moves the log")
    except apsw.Error as error:
        # Nothing is lost: the log stays as it is, and the next commit tries again.
        log.error("the log cannot be moved: %s: %s", type(error).__name__, error)
