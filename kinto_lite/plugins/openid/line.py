"""The line to one provider: how often it is called when it is slow."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from kinto_lite.model import Json
from kinto_lite.plugins.openid.fetching import NOTHING, TIMEOUT_SECONDS, Reply, Unreachable, fetch
from kinto_lite.protocol.json_text import parse_json

#: A call that fails sooner holds nobody up.
SLOW_SECONDS = 0.5


class Line:
    """Calls a provider. When a call failed after some seconds, no other is made for as long, so
    that the threads are free for others half of the time at least. Thread-safe."""

    def __init__(
        self,
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._resume = clock()

    def call(
        self,
        url: str,
        headers: Mapping[str, str] = NOTHING,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return the answer, whatever its status. Errors: Unreachable."""
        begun = self._clock()
        if begun < self._resume:
            raise Unreachable("the provider was too slow a moment ago")
        try:
            return fetch(url, headers, form, self._timeout_seconds)
        except Unreachable:
            now = self._clock()
            if now - begun >= SLOW_SECONDS:
                self._resume = max(self._resume, now + now - begun)
            raise

    def read_object(self, url: str, headers: Mapping[str, str] = NOTHING) -> dict[str, Json] | None:
        """Return the JSON object at a URL; None for an answer that is something else.

        Errors: Unreachable.
        """
        reply = self.call(url, headers)
        if reply.status != 200:
            return None
        try:
            content = parse_json(reply.body)
        except ValueError:
            return None
        return content if isinstance(content, dict) else None
