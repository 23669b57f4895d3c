"""The bar of long commands: what a terminal sees, and what a log gets."""

from __future__ import annotations

import io
import logging
from contextlib import suppress

import pytest

from kinto_lite.commands.progress import LOG_SECONDS, Progress, describe


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that moves when it is told to."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


def test_a_terminal_sees_the_line_move_and_the_end_stay(clock: Clock) -> None:
    terminal = Terminal()
    with Progress("Deleting", 4, stream=terminal, clock=clock) as bar:
        clock.seconds += 1
        bar.advance(2)
        clock.seconds += 1
        bar.advance(2)
    drawn = terminal.getvalue().split("\r")
    assert "  0% 0/4" in drawn[1]
    assert " 50% 2/4" in drawn[2]
    assert drawn[-1].endswith("100% 4/4\x1b[K\n")


def test_a_terminal_is_not_drawn_for_every_step(clock: Clock) -> None:
    terminal = Terminal()
    with Progress("Deleting", 1000, stream=terminal, clock=clock) as bar:
        for _ in range(1000):
            bar.advance()
    assert terminal.getvalue().count("\r") == 2
    assert "1000/1000" in terminal.getvalue()


def test_a_log_gets_nothing_about_short_work(clock: Clock) -> None:
    log = io.StringIO()
    with Progress("Deleting", 10, stream=log, clock=clock) as bar:
        bar.advance(10)
    assert log.getvalue() == ""


def test_a_log_gets_a_line_now_and_then(clock: Clock) -> None:
    log = io.StringIO()
    with Progress("Deleting", 10, stream=log, clock=clock) as bar:
        for _ in range(4):
            clock.seconds += LOG_SECONDS / 2
            bar.advance()
    assert [line[-4:] for line in log.getvalue().splitlines()] == ["2/10", "4/10"]
    assert "\r" not in log.getvalue()


def test_an_error_leaves_the_last_state_on_a_line_of_its_own(clock: Clock) -> None:
    terminal = Terminal()
    with suppress(KeyboardInterrupt), Progress("Copying", 10, stream=terminal, clock=clock) as bar:
        bar.advance(3)
        raise KeyboardInterrupt
    assert terminal.getvalue().endswith("3/10\x1b[K\n")


def test_who_asked_for_quiet_sees_no_bar(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("kinto_lite"), "isEnabledFor", lambda _level: False)
    terminal = Terminal()
    with Progress("Deleting", 10, stream=terminal, clock=clock) as bar:
        clock.seconds += LOG_SECONDS
        bar.advance(10)
    assert (terminal.getvalue(), bar.count) == ("", 10)


def test_without_a_total_there_is_a_count_only() -> None:
    assert describe("Reading", 7, None) == "Reading: 7"


def test_nothing_to_do_is_no_division_by_zero() -> None:
    assert describe("Reading", 0, 0) == "Reading: 0"


def test_more_than_the_total_is_shown_as_all() -> None:
    assert describe("Reading", 12, 10) == f"Reading: [{'#' * 30}] 100% 12/10"
