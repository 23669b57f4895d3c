"""A server around a tiny WSGI app that shows what reaches it: `tiny.py --port 0 [--waitress]`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from kinto_lite.model import Answer
from kinto_lite.server import runner
from kinto_lite.server.addresses import Address, address_of
from kinto_lite.server.listeners import reserve_port
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
            reads_side_by_side=False,
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = ANSWERS.get(environ["PATH_INFO"], show)
        return answer(environ, start_response)


class LosingApp(TinyApp):
    """Cannot commit what its answers rest on."""

    def __init__(self) -> None:
        super().__init__()
        self.storage.is_unsettled = True
        self.storage.settle = self.lose

    def lose(self) -> None:
        raise Full("no space left")

    def refuse(self, environ: dict[str, Any], error: StorageError) -> Answer:
        return Answer(507, [("Content-Type", "text/plain")], str(error).encode())


def show(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with what arrived, as JSON."""
    body = environ["wsgi.input"].read().decode("latin-1")
    seen = {key: value for key, value in environ.items() if isinstance(value, str)}
    text = json.dumps({"body": body, **seen}).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [text]


def fail(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Fail in a way that should not be shown."""
    raise ValueError("a secret in a traceback")


def challenge(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with a repeated header and one that is not ASCII."""
    headers = [
        ("WWW-Authenticate", "Basic"),
        ("WWW-Authenticate", "Bearer"),
        ("X-Name", "\xc3\xa9"),
    ]
    start_response("401 Unauthorized", headers)
    return [b"no"]


def empty(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer without a body."""
    start_response("304 Not Modified", [("ETag", '"1"')])
    return []


def work(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Take a while."""
    print("working", flush=True)
    time.sleep(0.5)
    return show(environ, start_response)


ANSWERS: dict[str, Callable[..., Iterable[bytes]]] = {
    "/fail": fail,
    "/challenge": challenge,
    "/empty": empty,
    "/slow": work,
}


def main() -> None:
    """Serve until a signal; print the line that tests wait for."""
    if "--waitress" in sys.argv:
        runner.is_available = lambda: False
    app = LosingApp() if "--losing" in sys.argv else TinyApp()
    with reserve_port(Address("127.0.0.1", 0)) as reserved:
        url = address_of(reserved).url
        text = f"tiny at {url}\nPlugins: none"
        run_here(app, Plan(reserved, lambda: print(text, flush=True), dict))


if __name__ == "__main__":
    main()
