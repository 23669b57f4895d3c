"""Calls those who hear after the commit.

Under plain WSGI that is at once, before the answer. Where a server's event loop runs in this
thread, all its clients would wait for a listener: there a thread of its own calls them, in
order. When very much waits for it, requests wait, too; nothing is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import Queue
from threading import Lock, Thread

#: Announcements that may wait.
MAX_WAITING = 1000
#: How long a server that stops waits for listeners.
CLOSE_SECONDS = 10.0

Announcement = Callable[[], None]


class Announcer:
    """The thread of one service, which starts when it is needed."""

    def __init__(self) -> None:
        self._waiting: Queue[Announcement | None] = Queue(MAX_WAITING)
        self._thread: Thread | None = None
        self._starting = Lock()

    def announce(self, announcement: Announcement) -> None:
        """Call what must not raise, now or soon."""
        if not is_loop_running():
            announcement()
            return
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="announcer", daemon=True)
                self._thread.start()
        self._waiting.put(announcement)

    def _run(self) -> None:
        while (announcement := self._waiting.get()) is not None:
            announcement()

    def close(self) -> None:
        """Let the thread end when it has called all that waits, within bounds."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join(CLOSE_SECONDS)


def is_loop_running() -> bool:
    """Tell whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
