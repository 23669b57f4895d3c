"""What asks a process to end or to start again: signals, and the end of its standard input."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

END_SIGNALS = ("SIGINT", "SIGTERM")
RESTART_SIGNAL = "SIGHUP"


def watch_signals(
    on_end: Callable[[], object], on_restart: Callable[[], object] | None = None
) -> None:
    """Call one of these in the running loop when the process gets a signal.

    A hang-up asks for a restart, or for the end when there is no `on_restart`, or when it is the
    terminal that hangs up.
    """
    for name in END_SIGNALS:
        watch_signal(name, on_end)
    watch_signal(RESTART_SIGNAL, on_end if on_restart is None or has_terminal() else on_restart)


def watch_signal(name: str, on_signal: Callable[[], object]) -> None:
    """Call `on_signal` in the running loop when the signal comes, if this system has it."""
    loop = asyncio.get_running_loop()
    number = getattr(signal, name, None)
    # `nohup` has the hang-up ignored, and it must stay so.
    if number is None or signal.getsignal(number) is signal.SIG_IGN:
        return
    try:
        loop.add_signal_handler(number, on_signal)
    except NotImplementedError:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal))


def has_terminal() -> bool:
    """Tell whether the process belongs to a terminal, whose closing would hang it up."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def watch_input(on_end: Callable[[], object]) -> None:
    """Call `on_end` in the running loop when standard input ends: the parent is gone."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def end() -> None:
        loop.remove_reader(descriptor)
        on_end()

    loop.add_reader(descriptor, end)
