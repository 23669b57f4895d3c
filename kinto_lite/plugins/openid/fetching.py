"""One call to a provider: bounded in time and size, redirects are not followed.

Leaves to `addresses` which URLs may be called, and to `line` how often.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Event, Timer
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from kinto_lite.version import VERSION

#: For the whole of a call, once there is a connection; and for making one.
TIMEOUT_SECONDS = 5.0
MAX_BODY_BYTES = 262_144
NOTHING: Mapping[str, str] = MappingProxyType({})


class Unreachable(Exception):
    """A provider gave no answer, or not in time, or one that is too large."""


class Reply(NamedTuple):
    """What a provider answered."""

    status: int
    body: bytes


def fetch(
    url: str,
    headers: Mapping[str, str] = NOTHING,
    form: Mapping[str, str] | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Reply:
    """Send a GET, or a POST when there is a form. Errors: Unreachable."""
    host = urlsplit(url).netloc
    try:
        with _connect(url, timeout_seconds) as connection:
            _send(connection, url, headers, form)
            response = connection.getresponse()
            body = response.read(MAX_BODY_BYTES + 1)
            if response.length and len(body) <= MAX_BODY_BYTES:
                raise Unreachable(f"{host}: the answer was cut short")
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(f"{host}: {str(error) or type(error).__name__}") from None
    if len(body) > MAX_BODY_BYTES:
        raise Unreachable(f"{host}: the answer is too large")
    return Reply(response.status, body)


def _send(
    connection: HTTPConnection, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
) -> None:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {"Accept": "application/json", "User-Agent": f"kinto-lite/{VERSION}", **headers}
    if form is None:
        connection.request("GET", target, headers=sent)
        return
    sent["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request("POST", target, urlencode(form).encode("ascii"), sent)


@contextmanager
def _connect(url: str, seconds: float) -> Iterator[HTTPConnection]:
    """Open a connection that ends, whatever the other side does, when the time is over."""
    parts = urlsplit(url)
    is_secure, host = parts.scheme == "https", parts.hostname or ""
    port = parts.port or (443 if is_secure else 80)
    kind = HTTPSConnection if is_secure else HTTPConnection
    connection = kind(host, port, timeout=seconds)
    plain = socket.create_connection((host, port), seconds)
    try:
        connection.sock = _secure(plain, host) if is_secure else plain
    except BaseException:
        plain.close()
        raise
    try:
        with _deadline(connection.sock, seconds):
            if isinstance(connection.sock, ssl.SSLSocket):
                connection.sock.do_handshake()
            yield connection
    finally:
        connection.close()


def _secure(plain: socket.socket, host: str) -> ssl.SSLSocket:
    return _tls().wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@contextmanager
def _deadline(wire: socket.socket, seconds: float) -> Iterator[None]:
    """Cut a connection when the time is over: a timeout of the socket begins anew with each byte.

    Errors: Unreachable when it was cut, even if what was read until then looks complete.
    """
    is_over = Event()

    def cut() -> None:
        is_over.set()
        try:
            # Of the plain socket: the reader still uses the TLS above it.
            socket.socket.shutdown(wire, socket.SHUT_RDWR)
        except OSError:
            # It has ended by itself meanwhile.
            return

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if is_over.is_set():
            raise Unreachable("the answer did not come in time")
