"""Slow work is done by threads that give way to the one that answers."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from kinto_lite.errors import SlowWork
from kinto_lite.server.chores import NICENESS, Chores


def read_niceness() -> int:
    """Return how much this thread gives way."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priorities of their own")
def test_slow_work_gives_way_and_its_asker_does_not() -> None:
    before = read_niceness()

    async def ask() -> int:
        chores = Chores()
        niceness: int = await chores.do(SlowWork("key", read_niceness, "client"))
        chores.close()
        return niceness

    assert asyncio.run(ask()) == max(before, NICENESS)
    assert read_niceness() == before
