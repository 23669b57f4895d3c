"""GET on `/__heartbeat__`: does everything work? The storage, and what plugins look after.

Checks of plugins may wait for other machines: they run in threads beside the requests, for as
long as a setting allows. One that does not end is not started again meanwhile.

Source: protocol, core chapter 1.5 and plugins chapters 7.4 and 15.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from threading import Thread

from kinto_lite.errors import SlowWork
from kinto_lite.hooks import Call, HealthCheck, Route
from kinto_lite.model import Answer
from kinto_lite.resources.utilities import answer_json

#: Parts of the reference that are one database here.
_NAMES = ("storage", "permission", "cache")
_KEY = "heartbeat"

log = logging.getLogger("kinto_lite")


class Heartbeat:
    """The checks of one service."""

    def __init__(self) -> None:
        self._running: dict[str, Future[bool | None]] = {}

    def answer(self, call: Call) -> Answer:
        """Answer GET and HEAD. Errors: SlowWork, when plugins have checks."""
        service = call.service
        shown: dict[str, bool | None] = {}
        if service.health_checks:
            done = call.request.done
            if _KEY not in done:
                timeout_seconds = service.settings["heartbeat_timeout_seconds"]
                checks = service.health_checks
                check = partial(self.check, checks, timeout_seconds)
                raise SlowWork(_KEY, check, "", is_errand=True)
            shown |= done[_KEY]
        shown |= dict.fromkeys(_NAMES, service.storage.is_healthy())
        is_healthy = all(value is not False for value in shown.values())
        return answer_json(call, shown, 200 if is_healthy else 503)

    def check(
        self, checks: Mapping[str, HealthCheck], timeout_seconds: float
    ) -> dict[str, bool | None]:
        """Return what the checks say; False of one that does not end in time, or fails."""
        deadline = time.monotonic() + timeout_seconds
        futures = {name: self._start(name, check) for name, check in checks.items()}
        return {name: wait(futures[name], deadline) for name in futures}

    def _start(self, name: str, check: HealthCheck) -> Future[bool | None]:
        running = self._running.get(name)
        if running is not None and not running.done():
            return running
        future = self._running[name] = Future[bool | None]()
        Thread(target=run, args=(name, check, future), daemon=True).start()
        return future


def run(name: str, check: HealthCheck, future: Future[bool | None]) -> None:
    """Run a check; one that raises is not healthy."""
    try:
        result = check()
    except Exception:
        log.exception("the health check %r failed", name)
        result = False
    future.set_result(None if result is None else bool(result))


def wait(future: Future[bool | None], deadline: float) -> bool | None:
    """Return the result of a check, False when there is none in time."""
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return False


def heartbeat_route() -> Route:
    """Return the route of the heartbeat; every service needs its own."""
    answer = Heartbeat().answer
    return Route("heartbeat", "/__heartbeat__", {"GET": answer, "HEAD": answer}, is_detached=True)
