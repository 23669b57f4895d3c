"""Measures steps within requests that Kinto has metrics for: who asks, and what plugins do at the
end of a request.

Done once, when a service is built and somebody wants to know; nothing here runs otherwise.

Source: protocol, plugins chapter 9.1.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from kinto_lite.hooks import Call, Policy, Service, Timer
from kinto_lite.model import ApiRequest
from kinto_lite.storage.base import Transaction


def add_timers(service: Service) -> None:
    """Put timers around the policies and the finishers of a service."""
    tell = _join(service.timers)
    service.policies = tuple(TimedPolicy(policy, tell) for policy in service.policies)
    service.finishers = [
        _time(finish, f"plugins.{name}", tell)
        for name, finish in zip(service.finisher_names, service.finishers, strict=True)
    ]


def _join(timers: list[Timer]) -> Timer:
    def tell(name: str, method: str, seconds: float) -> None:
        for timer in timers:
            timer(name, method, seconds)

    return tell


def _time(finish: Callable[[Call], None], name: str, tell: Timer) -> Callable[[Call], None]:
    def run(call: Call) -> None:
        started = time.perf_counter()
        finish(call)
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
