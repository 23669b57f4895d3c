"""The plain client again, for an application in this process instead of a server."""

from __future__ import annotations

import json
from typing import Any

from webtest import TestApp

from tests.kinto.plain_client import PlainClient, Reply


class WsgiClient(PlainClient):
    """Sends requests straight to a WSGI application; one client per thread."""

    def __init__(self, app: Any, user: str | None = None, password: str = "") -> None:
        super().__init__("http://localhost", user, password)
        self.app = TestApp(app)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send one request; `if_match='"5"'` becomes the header `If-Match: "5"`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        response = self.app.request(
            path,
            method=method,
            headers={**sent, **self.credentials},
            body=b"" if body is None else json.dumps(body).encode(),
            expect_errors=True,
        )
        return Reply(
            response.status_int, response.headers, response.json if response.body else None
        )
