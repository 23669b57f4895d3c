"""The heartbeat, with checks of plugins (protocol, plugins chapter 15)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from kinto_lite.hooks import HealthCheck
from tests.resources.asking import Asking

PARTS = {"storage": True, "permission": True, "cache": True}


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """Ends what waits for it when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def beat(make_ask: Callable[..., Asking], **checks: HealthCheck) -> tuple[int, dict[str, object]]:
    """Status and body of a heartbeat with these checks."""
    ask = make_ask(heartbeat_timeout_seconds="0.05")
    ask.service.health_checks |= checks
    reply = ask("GET", "/__heartbeat__")
    return reply.status_int, reply.json


def fail() -> bool:
    raise OSError("the mail server is gone")


def test_without_checks_the_storage_is_all(make_ask: Callable[..., Asking]) -> None:
    assert beat(make_ask) == (200, PARTS)


@pytest.mark.parametrize("result", [True, None])
def test_a_check_that_finds_nothing_wrong(
    make_ask: Callable[..., Asking], result: bool | None
) -> None:
    assert beat(make_ask, mail=lambda: result) == (200, {"mail": result} | PARTS)


def test_a_check_that_finds_something_wrong(make_ask: Callable[..., Asking]) -> None:
    found = beat(make_ask, mail=lambda: False, rest=lambda: True)
    assert found == (503, {"mail": False, "rest": True} | PARTS)


def test_a_check_that_raises_is_logged(
    make_ask: Callable[..., Asking], caplog: pytest.LogCaptureFixture
) -> None:
    assert beat(make_ask, mail=fail) == (503, {"mail": False} | PARTS)
    assert "the mail server is gone" in caplog.text


def test_a_check_that_does_not_end_is_given_up_and_not_started_again(
    make_ask: Callable[..., Asking], stuck: threading.Event
) -> None:
    started: list[int] = []

    def wait() -> bool:
        started.append(1)
        return stuck.wait()

    ask = make_ask(heartbeat_timeout_seconds="0.05")
    ask.service.health_checks["mail"] = wait
    statuses = [ask("GET", "/__heartbeat__").status_int for _ in "abc"]
    assert (statuses, len(started)) == ([503, 503, 503], 1)


def test_a_heartbeat_in_a_batch_has_the_checks_too(
    make_ask: Callable[..., Asking],
) -> None:
    ask = make_ask()
    ask.service.health_checks["mail"] = lambda: True
    requests = [{"method": "GET", "path": "/__heartbeat__"}]
    (part,) = ask("POST", "/batch", {"requests": requests}).json["responses"]
    assert (part["status"], part["body"]["mail"]) == (200, True)
