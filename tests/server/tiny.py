"""A server around a tiny app that shows what reaches it: `tiny.py --port 0 [--plain]`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from kinto_lite.model import Answer, ApiRequest
from kinto_lite.server import messages
from kinto_lite.server.addresses import Address, address_of
from kinto_lite.server.listeners import reserve_port
from kinto_lite.server.parsers import load_plain
from kinto_lite.server.running import Plan, run_here
from kinto_lite.storage.base import Full, StorageError

LIMITS = {
    "max_body_bytes": int(os.environ.get("LIMIT", "1000")),
    "body_timeout_seconds": float(os.environ.get("TIMEOUT", "30")),
    "body_min_bytes_per_second": float(os.environ.get("PACE", "1000")),
    "body_grace_seconds": float(os.environ.get("GRACE", "5")),
}


class TinyApp:
    """Has of an app what a server needs."""

    def __init__(self) -> None:
        self.service = SimpleNamespace(settings=LIMITS)
        self.storage: Any = SimpleNamespace(
            close=lambda: print("closed", flush=True),
            share_commits=lambda: None,
            is_unsettled=False,
            is_open=False,
            reads_side_by_side=False,
        )

    is_observed = False

    def report(self, request: ApiRequest, answer: Answer) -> None:
        """Nobody observes."""

    def close(self) -> None:
        self.storage.close()

    def respond(self, request: ApiRequest) -> Answer:
        return ANSWERS.get(request.path, show)(request)

    def refuse(self, request: ApiRequest, error: StorageError) -> Answer:
        return Answer(507, [("Content-Type", "text/plain")], str(error).encode())


class LosingApp(TinyApp):
    """Cannot commit what its answers rest on."""

    def __init__(self) -> None:
        super().__init__()
        self.storage.is_unsettled = True
        self.storage.settle = self.lose

    def lose(self) -> None:
        raise Full("no space left")


def show(request: ApiRequest) -> Answer:
    """Answer with what arrived, as JSON."""
    seen = {
        "method": request.method,
        "path": request.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "query": request.query,
        "headers": dict(request.headers),
        "body": request.body.decode("latin-1"),
        "origin": request.origin,
        "client": request.remote_address,
    }
    return Answer(200, [("Content-Type", "application/json")], json.dumps(seen).encode())


def fail(request: ApiRequest) -> Answer:
    """Fail in a way that should not be shown."""
    raise ValueError("a secret in a traceback")


def challenge(request: ApiRequest) -> Answer:
    """Answer with a repeated header and one that is not ASCII."""
    headers = [("WWW-Authenticate", "Basic"), ("WWW-Authenticate", "Bearer"), ("X-Name", "\xe9")]
    return Answer(401, headers, b"no")


def split(request: ApiRequest) -> Answer:
    """Answer with a header that would end the headers."""
    return Answer(200, [("X-Name", "a\r\nX-Other: b")], b"no")


def empty(request: ApiRequest) -> Answer:
    """Answer without a body."""
    return Answer(304, [("ETag", '"1"'), ("Content-Length", "7")])


def flood(request: ApiRequest) -> Answer:
    """Answer with more than a socket takes at a time."""
    return Answer(200, [], b"x" * 20_000_000)


def odd(request: ApiRequest) -> Answer:
    """Answer with a status that nobody knows."""
    return Answer(299, [])


def work(request: ApiRequest) -> Answer:
    """Take a while."""
    print("working", flush=True)
    time.sleep(0.5)
    return show(request)


ANSWERS: dict[str, Callable[[ApiRequest], Answer]] = {
    "/fail": fail,
    "/challenge": challenge,
    "/split": split,
    "/empty": empty,
    "/flood": flood,
    "/odd": odd,
    "/slow": work,
}


def main() -> None:
    """Serve until a signal; print the line that tests wait for."""
    if "--plain" in sys.argv:
        messages._kit = load_plain()
    app = LosingApp() if "--losing" in sys.argv else TinyApp()
    with reserve_port(Address("127.0.0.1", 0)) as reserved:
        url = address_of(reserved).url
        text = f"tiny at {url}\nPlugins: none"
        run_here(app, Plan(reserved, lambda: print(text, flush=True), dict))


if __name__ == "__main__":
    main()
