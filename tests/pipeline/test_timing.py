"""Timers around policies and plugins."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from kinto_lite.model import ApiRequest
from kinto_lite.pipeline.timing import TimedPolicy

Told = list[tuple[str, str]]


def test_a_timed_policy_tells_how_long_it_takes_and_answers_as_before() -> None:
    told: Told = []
    policy: Any = SimpleNamespace(
        name="mine",
        challenge="Mine",
        header="x-mine",
        authorization_url="https://login.example.org",
        authenticate=lambda request, tx: "mine:me",
    )
    timed: Any = TimedPolicy(policy, lambda name, method, seconds: told.append((name, method)))
    assert timed.authenticate(ApiRequest("GET", "/"), None) == "mine:me"
    assert (timed.name, timed.challenge, timed.header) == ("mine", "Mine", "x-mine")
    assert timed.authorization_url == "https://login.example.org"
    assert told == [("authentication.mine", "authenticated_userid")]
