"""Slow work that requests ask for before they can go on (`errors.SlowWork`: password hashes).

Done by a few threads beside the worker's, so that other requests are answered meanwhile. Equal
work that is asked for while it is under way is done once. How much may wait is bounded, in all
and for each client, so that nobody who makes the server compute keeps others from it for long.
Errands, which wait for other servers, are kept apart: they are chores with threads of their own.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import Counter
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kinto_lite.errors import SlowWork
from kinto_lite.server.refusals import too_busy

THREADS = 2
#: Of errands, which take no time of this machine.
ERRAND_THREADS = 8
#: Works that run and wait.
MAX_WORKS = 64
MAX_WORKS_OF_CLIENT = 16
#: How much these threads give way to the worker's (19 is the most).
NICENESS = 10


class Chores:
    """The slow work of one worker. Used by its event loop only."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, initializer=step_back)
        self._running: dict[Hashable, asyncio.Future[Any]] = {}
        self._clients: Counter[str] = Counter()

    async def do(self, work: SlowWork) -> Any:
        """Return the result of a work. Errors: Refusal when too much waits already."""
        running = self._running.get(work.key)
        if running is None:
            running = self._start(work)
        # One request that gives up does not take the result away from the others.
        return await asyncio.shield(running)

    def _start(self, work: SlowWork) -> asyncio.Future[Any]:
        if len(self._running) >= MAX_WORKS or self._clients[work.client] >= MAX_WORKS_OF_CLIENT:
            raise too_busy()
        loop = asyncio.get_running_loop()
        future = self._running[work.key] = loop.run_in_executor(self._threads, work.run)
        self._clients[work.client] += 1
        future.add_done_callback(lambda _: self._end(work))
        return future

    def _end(self, work: SlowWork) -> None:
        del self._running[work.key]
        self._clients[work.client] -= 1
        if not self._clients[work.client]:
            del self._clients[work.client]

    def close(self) -> None:
        """Forget what waits, let what runs end."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def step_back() -> None:
    """Let other threads of this process go first, where threads have priorities of their own."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        # A process that gives way even more may not take that back.
        niceness = max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread))
        os.setpriority(os.PRIO_PROCESS, thread, niceness)
