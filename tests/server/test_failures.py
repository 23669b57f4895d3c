"""Failures of our own: logged, answered, and nobody else's business."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from kinto_lite.errors import SlowWork
from kinto_lite.model import Answer, ApiRequest
from kinto_lite.server.addresses import Address
from kinto_lite.server.commits import Commits
from kinto_lite.server.edge import Edge
from kinto_lite.server.limits import Limits
from kinto_lite.server.requests import Origin
from kinto_lite.storage.base import Full
from tests.live import Server
from tests.server.wire import exchange

REQUEST = ApiRequest("GET", "/")
OK = Answer(200, [])


class Client:
    """Keeps its answers."""

    def __init__(self, fails: bool = False) -> None:
        self.statuses: list[int] = []
        self._fails = fails

    def answer(self, answer: Answer) -> None:
        if self._fails:
            raise ValueError("the client is broken")
        self.statuses.append(answer.status)


def make_storage(**given: Any) -> Any:
    defaults = {
        "share_commits": lambda: None,
        "settle": lambda: None,
        "is_unsettled": False,
        "is_open": False,
        "close": lambda: None,
    }
    return SimpleNamespace(**(defaults | given))


def fail_with(error: Exception) -> Any:
    def fail(*_: Any) -> Any:
        raise error

    return fail


def commit(storage: Any, refuse: Any, *clients: Client) -> None:
    """Let clients wait for one commit."""

    async def wait() -> None:
        commits = Commits(storage, refuse)
        for client in clients:
            commits.add(REQUEST, client, OK)
        commits.settle()

    asyncio.run(wait())


def refuse(request: ApiRequest, error: Exception) -> Answer:
    return Answer(507, [])


def test_a_client_that_fails_takes_no_answer_away_from_others() -> None:
    first, last = Client(), Client()
    commit(make_storage(), refuse, first, Client(fails=True), last)
    assert (first.statuses, last.statuses) == ([200], [200])


@pytest.mark.parametrize(("error", "status"), [(Full("no space"), 507), (ValueError("bug"), 500)])
def test_who_waits_for_a_commit_that_fails_is_answered(error: Exception, status: int) -> None:
    client = Client()
    commit(make_storage(settle=fail_with(error)), refuse, client)
    assert client.statuses == [status]


def test_a_refusal_that_fails_is_an_answer() -> None:
    client = Client()
    commit(make_storage(settle=fail_with(Full("x"))), fail_with(ValueError("bug")), client)
    assert client.statuses == [500]


class FakeEdge(Edge):
    """An edge around one function. `expects`: what the lane says of each request."""

    def __init__(
        self, respond: Any, expects: Any = lambda request: False, is_observed: bool = False
    ) -> None:
        app: Any = SimpleNamespace(
            storage=make_storage(),
            respond=respond,
            refuse=refuse,
            report=fail_with(ValueError("bug")),
            is_observed=is_observed,
            close=lambda: None,
        )
        lane: Any = SimpleNamespace(is_expected=expects, takes=lambda request: False)
        super().__init__(app, Origin(Address("localhost", 80), "http"), Limits(held_bytes=10), lane)


def ask_once(edge: Edge) -> list[int]:
    """Let an edge answer one request; return the statuses of its answers."""
    client: Any = Client()

    async def ask() -> None:
        edge.handle(REQUEST, client)
        await asyncio.sleep(0)

    asyncio.run(ask())
    statuses: list[int] = client.statuses
    return statuses


@pytest.mark.parametrize("expects", [lambda request: False, fail_with(ValueError("bug"))])
def test_an_app_or_a_lane_that_fails_is_an_answer(expects: Any) -> None:
    assert ask_once(FakeEdge(fail_with(ValueError("bug")), expects)) == [500]


def test_an_observer_that_fails_takes_no_answer_away() -> None:
    assert ask_once(FakeEdge(lambda request: OK, is_observed=True)) == [200]


def test_slow_work_that_is_asked_for_without_end_is_an_answer() -> None:
    client: Any = Client()

    async def ask() -> None:
        edge = FakeEdge(fail_with(SlowWork("key", lambda: None, "client")))
        edge.handle(ApiRequest("GET", "/"), client)
        while not client.statuses:
            await asyncio.sleep(0.01)
        edge.close()

    asyncio.run(ask())
    assert client.statuses == [500]


class Held:
    """A connection of a client that keeps some memory."""

    def __init__(self, held_bytes: int, fails: bool = False) -> None:
        self.held_bytes = held_bytes
        self.is_open = True
        self._fails = fails

    def check(self, now: float) -> None:
        if self._fails:
            raise ValueError("the connection is broken")

    def abort(self) -> None:
        self.is_open = False


def check(*connections: Any) -> list[bool]:
    """Have an edge look after connections; return which are still open."""
    edge = FakeEdge(lambda request: OK)
    edge.connections.update(connections)
    edge.check(0.0)
    return [connection.is_open for connection in connections]


def test_a_connection_that_fails_ends_alone(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert check(Held(0), Held(0, fails=True), Held(0)) == [True, False, True]
    assert "a connection failed" in caplog.text


def test_when_clients_keep_too_much_those_with_the_most_are_ended() -> None:
    assert check(Held(1), Held(9), Held(3)) == [True, False, True]
    assert check(Held(1), Held(6), Held(3)) == [True, True, True]


def test_an_answer_that_cannot_be_written_is_a_failure_of_ours(tiny: Server) -> None:
    assert exchange(tiny.port, "GET /odd HTTP/1.1").status == 500
    assert exchange(tiny.port, "GET / HTTP/1.1").status == 200
    assert "an answer could not be sent" in tiny.errors()
