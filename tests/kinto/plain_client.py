"""A bare HTTP client for the acceptance tests: it knows basic auth and JSON, nothing of Kinto.

One connection per request, so a server may be killed and started between two of them.
"""

from __future__ import annotations

import base64
import http.client
import json
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

#: Long enough for a loaded machine; a server that hangs fails the test instead of stopping it.
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Reply:
    """A response: `body` is the decoded JSON, or None where there is none."""

    status: int
    headers: Message
    body: Any

    @property
    def data(self) -> Any:
        """The `data` member of the body."""
        return self.body["data"]

    @property
    def etag(self) -> str:
        """The `ETag` header, quotes included."""
        return self.headers["ETag"]


class PlainClient:
    """Sends requests to one server as one user; without `user`, as nobody."""

    def __init__(self, url: str, user: str | None = None, password: str = "") -> None:
        parts = urlsplit(url)
        self.address = f"{parts.hostname}:{parts.port}"
        self.credentials: dict[str, str] = {}
        if user is not None:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            self.credentials = {"Authorization": f"Basic {pair}"}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send one request; `if_match='"5"'` becomes the header `If-Match: "5"`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.update(self.credentials)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        return Reply(response.status, response.headers, json.loads(text) if text else None)

    def get(self, path: str, **headers: str) -> Reply:
        """Send a GET."""
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        """Send a POST with a JSON body."""
        return self.send("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Reply:
        """Send a PUT with a JSON body."""
        return self.send("PUT", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Reply:
        """Send a PATCH with a JSON body."""
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Reply:
        """Send a DELETE."""
        return self.send("DELETE", path, **headers)

    @property
    def user_id(self) -> str:
        """The id the server knows this user by, as its hello view shows it."""
        user_id = self.get("/v1/").body["user"]["id"]
        assert isinstance(user_id, str)
        return user_id
