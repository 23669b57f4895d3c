"""Requests, responses, and what later requests may know of earlier responses.

A request is made before anything is sent, so that a sequence can be cut down and sent again.
Where it needs something that only a server can tell, it has a reference to an earlier request
by its number, filled in for each server from that server's own answer:

    «ts:12»     the timestamp that answer 12 showed     («ts:12+5»: 5 ms more)
    «id:12»     the id of the object in answer 12
    «next:12»   path and query of the Next-Page of answer 12
    «token:12»  the token in it
    «now+60000» this many ms after the time of sending, the same for both servers

Leaves the making of requests to `generator`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

REFERENCE = re.compile(r"«(ts|id|next|token|now)(?::(\d+))?([+-]\d+)?»")

#: What a reference becomes when the answer it names has no such thing.
FALLBACKS: Mapping[str, Any] = {
    "ts": 12345,
    "id": "missing",
    "next": "/v1/buckets?_token=none",
    "token": "none",
}


@dataclass(frozen=True)
class Raw:
    """A body that is sent as it is, because it is not JSON or not the usual JSON."""

    data: bytes


@dataclass(frozen=True)
class Request:
    """One request with references; `body` is JSON, `Raw`, or None for no body."""

    number: int
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = None


@dataclass(frozen=True)
class Session:
    """Requests that follow each other on an empty server with these settings."""

    settings: Mapping[str, str]
    requests: tuple[Request, ...]


@dataclass(frozen=True)
class Response:
    """What a server answered. `text` is the body as latin-1, `json` None unless it is JSON."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str
    json: Any = None

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Response:
        """Read a worker's answer."""
        headers = tuple((name.lower(), value) for name, value in message["headers"])
        try:
            body = json.loads(message["body"].encode("latin-1")) if message["body"] else None
        except ValueError:
            body = None
        return cls(message["status"], headers, message["body"], body)

    def get_header(self, name: str) -> str | None:
        """Return the first header of this name (in lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Known:
    """What one server has told so far, by the number of the request."""

    answers: dict[int, dict[str, Any]] = field(default_factory=dict)

    def learn(self, number: int, response: Response) -> None:
        """Keep what later requests may refer to."""
        facts: dict[str, Any] = {}
        data = response.json.get("data") if isinstance(response.json, dict) else None
        etag = (response.get_header("etag") or "").strip('"')
        if etag.isdigit():
            facts["ts"] = int(etag)
        if isinstance(data, dict) and isinstance(data.get("id"), str):
            facts["id"] = data["id"]
        page = response.get_header("next-page")
        if page:
            parts = urlsplit(page)
            facts["next"] = f"{parts.path}?{parts.query}"
            facts["token"] = quote(parse_qs(parts.query).get("_token", ["none"])[0])
        self.answers[number] = facts

    def look_up(self, match: re.Match[str], now: int) -> Any:
        """Return what one reference stands for on this server."""
        kind, number, offset = match.groups()
        if kind == "now":
            return now + int(offset or 0)
        value = self.answers.get(int(number or -1), {}).get(kind, FALLBACKS[kind])
        return value + int(offset) if offset else value

    def fill(self, value: Any, now: int) -> Any:
        """Return `value` (any JSON) with its references filled in.

        A string that is nothing but a reference takes the type of what it stands for.
        """
        if isinstance(value, str):
            whole = REFERENCE.fullmatch(value)
            if whole:
                return self.look_up(whole, now)
            return REFERENCE.sub(lambda match: str(self.look_up(match, now)), value)
        if isinstance(value, list):
            return [self.fill(item, now) for item in value]
        if isinstance(value, dict):
            return {self.fill_name(key, now): self.fill(item, now) for key, item in value.items()}
        return value

    def fill_name(self, name: str, now: int) -> str:
        """Return a text with its references filled in."""
        return str(self.fill(name, now))


def build_message(request: Request, known: Known, now: int) -> dict[str, Any]:
    """Return the line that a worker understands, for one server."""
    headers = [[name, known.fill_name(value, now)] for name, value in request.headers]
    if isinstance(request.body, Raw):
        body = request.body.data
    elif request.body is None:
        body = b""
    else:
        body = json.dumps(known.fill(request.body, now)).encode()
        if "content-type" not in {name.lower() for name, _ in request.headers}:
            headers.append(["Content-Type", "application/json"])
    path = quote(known.fill_name(request.path, now), safe="/%?&=+-_.~!*'(),:;@$[]\"{}|^`#<>\\")
    return {
        "method": request.method,
        "path": path,
        "headers": headers,
        "body": body.decode("latin-1"),
    }


def get_milliseconds() -> int:
    """Return the time of the clock that both servers use."""
    return time.time_ns() // 1_000_000


def wait_until(milliseconds: int) -> None:
    """Return when the clock is past this time."""
    while get_milliseconds() <= milliseconds:
        time.sleep(0.0003)
