"""Measures steps within requests that Kinto has metrics for: who asks, what plugins do at the
end of a request, and listeners that settings name.

Done once, when a service is built and somebody wants to know; nothing here runs otherwise.

Source: protocol, plugins chapter 9.1.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kinto_lite.hooks import Policy, Service, Timer
from kinto_lite.model import ApiRequest
from kinto_lite.storage.base import Transaction


def add_timers(service: Service) -> None:
    """Put timers around policies, finishers and listeners, before events are connected."""
    tell = _join(service.timers)
    service.policies = tuple(TimedPolicy(policy, tell) for policy in service.policies)
    service.finishers = [
        _time(finish, f"plugins.{name}", tell)
        for name, finish in zip(service.finisher_names, service.finishers, strict=True)
    ]
    service.event_listeners = [
        replace(one, hear=_time(one.hear, f"listeners.{one.name}", tell)) if one.name else one
        for one in service.event_listeners
    ]


def _join(timers: list[Timer]) -> Timer:
    def tell(name: str, method: str, seconds: float) -> None:
        for timer in timers:
            timer(name, method, seconds)

    return tell


def _time(do: Callable[[Any], None], name: str, tell: Timer) -> Callable[[Any], None]:
    def run(what: Any) -> None:
        started = time.perf_counter()
        do(what)
        tell(name, "", time.perf_counter() - started)

    return run


class TimedPolicy:
    """A policy that tells how long it takes."""

    def __init__(self, policy: Policy, tell: Timer) -> None:
        self.name = policy.name
        self.challenge = policy.challenge
        self.header = policy.header
        self._policy = policy
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        # What else a policy offers, such as `authorization_url`.
        return getattr(self._policy, name)

    def authenticate(self, request: ApiRequest, tx: Transaction) -> str | None:
        """See `hooks.Policy`."""
        started = time.perf_counter()
        user_id = self._policy.authenticate(request, tx)
        seconds = time.perf_counter() - started
        self._tell(f"authentication.{self.name}", "authenticated_userid", seconds)
        return user_id
