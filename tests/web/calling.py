"""Calls a WSGI app with a hand-made environment, validated both ways by the standard library."""

from __future__ import annotations

import io
import sys
from typing import Any, NamedTuple
from wsgiref.validate import validator


class Reply(NamedTuple):
    """What the app answered: status, headers as given, body."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def code(self) -> int:
        """The status as a number."""
        return int(self.status.split()[0])

    def get(self, name: str) -> list[str]:
        """All values of a header, by its exact spelling."""
        return [value for key, value in self.headers if key == name]


def make_environ(method: str = "GET", path: str = "/v1/", **given: Any) -> dict[str, Any]:
    """A WSGI environment; a value of None takes a key away. `wsgi_input=` stands for
    `wsgi.input`."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8888",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost:8888",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ.update({key.replace("wsgi_", "wsgi."): value for key, value in given.items()})
    return {key: value for key, value in environ.items() if value is not None}


def call(app: Any, environ: dict[str, Any], is_validated: bool = True) -> Reply:
    """Call the app as a server does."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        started.append((status, headers))
        return lambda _chunk: None

    chunks = (validator(app) if is_validated else app)(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    ((status, headers),) = started
    return Reply(status, headers, body)
