"""The door for other servers: a Bottle application with one catch-all route.

Loaded when a WSGI server calls for the first time; our own server never does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import bottle

from kinto_lite.model import Answer

_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
Environ = dict[str, Any]


class WsgiDoor:
    """A WSGI callable that has every request answered by `run`."""

    def __init__(self, run: Callable[[Environ], Answer]) -> None:
        self._run = run
        self._bottle = bottle.Bottle()
        self._bottle.config.update({"catchall": False, "json.disable": True})
        self._bottle.route("<path:re:.*>", method="ANY", callback=self._answer)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        # Bottle answers in HTML what it cannot decode, so it routes a path that says nothing.
        environ["kinto_lite.path"] = environ.get("PATH_INFO", "")
        environ["PATH_INFO"] = "/"

        def start(_status: str, _headers: list[tuple[str, str]], *rest: Any) -> Any:
            # Bottle spells header names its own way (`Etag`); these go out as they were given.
            answer: Answer = environ["kinto_lite.answer"]
            return start_response(_STATUS_LINES[answer.status], answer.headers, *rest)

        chunks: Iterable[bytes] = self._bottle(environ, start)
        return chunks

    def _answer(self, path: str) -> bytes:
        environ: Environ = bottle.request.environ
        environ["PATH_INFO"] = environ["kinto_lite.path"]
        answer = environ["kinto_lite.answer"] = self._run(environ)
        return answer.body
