"""Asks a running Kinto over HTTP: one connection, credentials, patience when it is busy.

Bounded in the size of an answer and in the number and length of waits. Redirects are not
followed, so that credentials go nowhere else. Leaves to `kinto_server` what is asked.

Source: protocol, core chapters 1.4, 10.5 and 10.6.
"""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from kinto_lite.model import Json
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.storage.base import Unavailable
from kinto_lite.storage.kinto_objects import read_data
from kinto_lite.storage.moving import Refused
from kinto_lite.version import VERSION

TIMEOUT_SECONDS = 60.0
MAX_BODY_BYTES = 256 * 1024 * 1024
#: How often a request is sent in all, and how long to wait between.
ATTEMPTS = 8
MAX_WAIT_SECONDS = 300.0
#: Too many requests, and what servers and proxies say when they are overloaded or starting.
BUSY = frozenset({429, 502, 503, 504})
#: What a read-only server says forever of a list that was never used (core 10.8).
NEVER_USED = "hit at least once from a writable instance"

NOTHING: Mapping[str, str] = MappingProxyType({})


class Reply(NamedTuple):
    """What the server answered; `body` is None when it is no JSON."""

    status: int
    headers: HTTPMessage | Mapping[str, str]
    body: Json

    @property
    def timestamp(self) -> int:
        """The ETag in milliseconds; 0 when there is none."""
        tag = (self.headers.get("ETag") or "").strip('"')
        return int(tag) if tag.isdecimal() and len(tag) < 18 else 0


class KintoClient:
    """Asks one server. `authorization` is the whole header, None to be anonymous."""

    def __init__(
        self,
        url: str,
        authorization: str | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused("The address of a Kinto looks like https://kinto.example.com/v1.")
        self.base = parts.path.rstrip("/")
        self._host = parts.netloc.rpartition("@")[2]
        self._sleep = sleep
        self._connection = make_connection(parts.scheme, parts.hostname, parts.port)
        self._headers = {"Accept": "application/json", "User-Agent": f"kinto-lite/{VERSION}"}
        if authorization is None and parts.username:
            given = unquote(parts.username), unquote(parts.password or "")
            authorization = basic_authorization(*given)
        if authorization is not None:
            self._headers["Authorization"] = authorization

    @property
    def has_credentials(self) -> bool:
        """Whether requests say who asks."""
        return "Authorization" in self._headers

    def get(self, path: str) -> Reply:
        """Send a GET; `path` is that below the version, with its query. See `send`."""
        return self.send("GET", path)

    def send(self, method: str, path: str, document: Json = None) -> Reply:
        """Send a request until the server has time for it.

        Errors: Unavailable when it never has, or cannot be reached; Refused for an answer that
        leads away or is too large.
        """
        wait_seconds, reason = 0.0, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(min(wait_seconds or 2.0**attempt, MAX_WAIT_SECONDS))
            try:
                reply = self._send_once(method, path, document)
            except (OSError, HTTPException) as error:
                self._connection.close()
                wait_seconds, reason = 0.0, str(error) or type(error).__name__
                continue
            if reply.status not in BUSY or is_never_used(reply):
                self._rest(reply)
                return reply
            wait_seconds, reason = read_wait(reply), f"it answers {reply.status}"
        raise Unavailable(f"{self._host} cannot be read: {reason}.")

    def _send_once(self, method: str, path: str, document: Json) -> Reply:
        headers, body = dict(self._headers), None
        if document is not None:
            headers["Content-Type"] = "application/json"
            body = dump_json(document).encode("ascii")
        self._connection.request(method, self.base + path, body, headers)
        response = self._connection.getresponse()
        raw = response.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise Refused(f"{self._host}: the answer to {path} is too large.")
        if 300 <= response.status < 400 and response.status != 304:
            place = response.headers.get("Location", "elsewhere")
            raise Refused(f"{self._host} points to {place[:200]}: give the right address.")
        return Reply(response.status, response.headers, read_body(raw))

    def _rest(self, reply: Reply) -> None:
        """Wait when the server asks everybody to."""
        seconds = read_seconds(reply.headers.get("Backoff"))
        if seconds:
            self._sleep(min(seconds, MAX_WAIT_SECONDS))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def make_connection(scheme: str, host: str, port: int | None) -> HTTPConnection:
    """Return a connection that opens when it is used, and again after it was lost."""
    if scheme == "https":
        context = ssl.create_default_context()
        return HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)
    return HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)


def basic_authorization(user: str, password: str) -> str:
    """Return the header of basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def read_body(raw: bytes) -> Json:
    """Return the JSON of an answer, None when it is none."""
    try:
        return read_data(raw)
    except ValueError:
        return None


def is_never_used(reply: Reply) -> bool:
    """Tell whether a list cannot be read since nobody used it before the server was read-only."""
    body = reply.body if isinstance(reply.body, dict) else {}
    return reply.status == 503 and NEVER_USED in str(body.get("message"))


def read_wait(reply: Reply) -> float:
    """Return the seconds that a busy server asks for, 0 when it does not say."""
    return max(read_seconds(reply.headers.get(name)) for name in ("Retry-After", "Backoff"))


def read_seconds(text: str | None) -> float:
    """Return a number of seconds, 0 for what is none (a date)."""
    text = (text or "").strip()
    return float(text) if text.isdecimal() and len(text) < 10 else 0.0
