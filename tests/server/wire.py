"""HTTP by hand: bytes out, bytes in, for what no well-behaved client would send."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import IO, Any

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Response:
    """A response as it came; header names are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        """The values of a header."""
        return [value for one, value in self.headers if one == name]


def connect(port: int) -> socket.socket:
    """Open a connection that does not wait for ever."""
    return socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)


def request(head: str, body: bytes = b"") -> bytes:
    """Return a request: `head` has the request line and headers, one in each line."""
    lines = [*head.split("\n"), "Host: localhost"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def exchange(port: int, head: str, body: bytes = b"") -> Response:
    """Send one request and read the response to the end of the connection."""
    with connect(port) as connection:
        return exchange_on(connection, head, body)


def exchange_on(connection: socket.socket, head: str, body: bytes = b"") -> Response:
    """Send the last request of a connection and read the response."""
    connection.sendall(request(f"{head}\nConnection: close", body))
    return read_response(connection)


def read_response(connection: socket.socket, method: str = "") -> Response:
    """Read one response: its head, and as much body as that announces (none for HEAD)."""
    with connection.makefile("rb") as stream:
        return read_next(stream, method)


def read_next(stream: IO[bytes], method: str = "") -> Response:
    """Read the next response of a connection with several of them on their way."""
    status = int(stream.readline().split()[1])
    headers = []
    for line in iter(stream.readline, b"\r\n"):
        name, _, value = line.decode("latin-1").rstrip("\r\n").partition(": ")
        headers.append((name.lower(), value))
    length = int(dict(headers).get("content-length", 0))
    return Response(status, headers, b"" if method == "HEAD" else stream.read(length))
