"""How a writer waits for a writer of another process: trying often, to the end of its patience."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from kinto_lite.storage.sqlite import connection
from kinto_lite.storage.sqlite.connection import WAITING_PAUSE_SECONDS, set_busy_timeout


class Clock:
    """Stands for the module `time`: sleeping moves it on, and may do something."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []
        self.wakes: Iterator[object] = iter(())

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        next(self.wakes, None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(connection, "time", clock)
    return clock


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[tuple[apsw.Connection, apsw.Connection]]:
    """Two connections to one file; the first one writes, the second one is patient."""
    here, there = (apsw.Connection(str(tmp_path / "test.db")) for _ in range(2))
    here.execute("BEGIN IMMEDIATE")
    set_busy_timeout(there, 0.5)
    yield here, there
    here.close()
    there.close()


def test_tries_do_not_become_rarer(
    clock: Clock, writers: tuple[apsw.Connection, apsw.Connection]
) -> None:
    with pytest.raises(apsw.BusyError):
        writers[1].execute("BEGIN IMMEDIATE")
    assert set(clock.pauses) == {WAITING_PAUSE_SECONDS}


def test_patience_ends(clock: Clock, writers: tuple[apsw.Connection, apsw.Connection]) -> None:
    for begin in (100.0, 200.0):
        clock.now = begin
        with pytest.raises(apsw.BusyError):
            writers[1].execute("BEGIN IMMEDIATE")
        assert clock.now - begin == pytest.approx(0.5, abs=3 * WAITING_PAUSE_SECONDS)


def test_the_turn_is_taken_when_it_comes(
    clock: Clock, writers: tuple[apsw.Connection, apsw.Connection]
) -> None:
    here, there = writers
    clock.wakes = iter(here.execute(text) for text in ("SELECT 1", "SELECT 2", "COMMIT"))
    there.execute("BEGIN IMMEDIATE")
    assert there.in_transaction
    assert len(clock.pauses) == 3
