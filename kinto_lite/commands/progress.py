"""How far a long command is: one moving line on a terminal, some plain lines elsewhere.

Our own few lines instead of a library: a command that is done within seconds needs no more,
and whoever installs the server has one dependency less. Everything goes to standard error, so
that standard output stays what the command has to say.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

#: How often a terminal is drawn anew, and how often others (a log, cron) get a line.
TERMINAL_SECONDS = 0.1
LOG_SECONDS = 30.0

BAR_WIDTH = 30


class Progress:
    """The bar of one piece of work.

        with Progress("Deleting", total=1000) as bar:
            bar.advance(10)

    `total` is the number of steps, None when nobody knows it: then only the count is shown.
    On a terminal the line stays when the work is done; elsewhere nothing is said about work that
    takes less than `LOG_SECONDS`. An error or Ctrl-C leaves the last state on a line of its own.
    """

    def __init__(
        self,
        title: str,
        total: int | None = None,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.title = title
        self.total = total
        self.count = 0
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._is_terminal = self._stream.isatty()
        # Who asked for quiet made the log so; it is the same wish.
        self._is_quiet = not logging.getLogger("kinto_lite").isEnabledFor(logging.WARNING)
        self._pause_seconds = TERMINAL_SECONDS if self._is_terminal else LOG_SECONDS
        self._next_seconds = clock() + (0 if self._is_terminal else LOG_SECONDS)

    def __enter__(self) -> Self:
        self.advance(0)
        return self

    def advance(self, steps: int = 1) -> None:
        """Count some steps as done, and show it when it is time."""
        self.count += steps
        now = self._clock()
        if now >= self._next_seconds and not self._is_quiet:
            self._next_seconds = now + self._pause_seconds
            self._show()

    def clear(self) -> None:
        """Wipe the line out, so that something else can be printed in its place."""
        if self._is_terminal and not self._is_quiet:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_terminal and not self._is_quiet:
            self._show()
            self._stream.write("\n")
            self._stream.flush()

    def _show(self) -> None:
        text = describe(self.title, self.count, self.total)
        # Carriage return and "erase to the end of the line" draw over what was there.
        self._stream.write(f"\r{text}\x1b[K" if self._is_terminal else f"{text}\n")
        self._stream.flush()


def describe(title: str, count: int, total: int | None) -> str:
    """Return the line: title, bar and percentage when the total is known, and the count."""
    if not total:
        return f"{title}: {count}"
    share = min(count / total, 1.0)
    bar = ("#" * int(share * BAR_WIDTH)).ljust(BAR_WIDTH, ".")
    return f"{title}: [{bar}] {share:4.0%} {count}/{total}"
