"""A server that gives the same short answer to everything, behind kinto-lite's own edge.

What it reaches is the limit of what any app behind this edge could reach. It is started by
`limits`, with the options of kinto-lite, as kinto-lite is; only the app is another one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import kinto_lite
from kinto_lite.cli import main
from kinto_lite.model import Answer, ApiRequest

BODY = b'{"data":{"id":"a","last_modified":1,"title":"Always the same answer"}}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


class BareApp:
    """An app with one answer, that has all else of a real one."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def respond(self, _request: ApiRequest) -> Answer:
        """Answer."""
        return Answer(200, HEADERS, BODY)

    def __getattr__(self, name: str) -> Any:
        """Return what the server asks an app for, such as its storage."""
        return getattr(self._app, name)


def replace_app() -> None:
    """Make every app from now on a bare one."""
    make_app = kinto_lite.make_app

    def make_bare_app(settings: Mapping[str, Any]) -> Any:
        return BareApp(make_app(settings))

    kinto_lite.make_app = make_bare_app


if __name__ == "__main__":
    replace_app()
    sys.exit(main())
