"""Metrics of all requests for a StatsD server, as UDP datagrams.

Sending never waits, and what cannot be sent is lost: metrics must not slow a request down or
fail it. Plain datagrams are a dozen lines; a client library would send each metric by itself, and
none writes Kinto's names.

Source: protocol, plugins chapter 9.2, and chapter 18, D-28 (the URL alone sends nothing).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from kinto_lite.errors import ConfigurationError
from kinto_lite.hooks import Observation, Parts, Plugin, Service
from kinto_lite.plugins.measures import Measure, has_user, measure
from kinto_lite.settings import Settings, log_warning

DEFAULT_PORT = 8125
#: Fits into a packet on every usual network.
MAX_BYTES = 1400
#: What would end a name or a value, or begin another line.
_UNSAFE = re.compile(r"[^A-Za-z0-9._@+/-]")


class Sender:
    """Sends lines to one address (an entry of `socket.getaddrinfo`)."""

    def __init__(self, family: int, address: Any) -> None:
        self._address = address
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def __del__(self) -> None:
        self._socket.close()

    def send(self, lines: Iterator[str]) -> None:
        """Send lines in as few datagrams as they fit into. Never raises, never waits."""
        waiting = b""
        for line in lines:
            coded = line.encode("ascii")
            if waiting and len(waiting) + len(coded) >= MAX_BYTES:
                self._send(waiting)
                waiting = b""
            waiting += b"\n" + coded if waiting else coded
        self._send(waiting)

    def _send(self, packet: bytes) -> None:
        # Nobody listens, no route, no room: numbers are lost, requests go on.
        with suppress(OSError):
            self._socket.sendto(packet, self._address)


def check(settings: Settings) -> None:
    """Refuse (ConfigurationError) a URL that is none."""
    if settings["statsd_url"]:
        read_url(str(settings["statsd_url"]))


def read_url(url: str) -> tuple[str, int]:
    """Return host and port of `udp://host:port`. Errors: ConfigurationError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme != "udp":
        raise ConfigurationError(f"Setting 'statsd_url' must be udp://HOST:PORT, not {url[:60]!r}.")
    return host, port or DEFAULT_PORT


def write_lines(prefix: str, fields: tuple[str, ...], seen: Observation) -> Iterator[str]:
    """Yield the lines about a request."""
    taken = measure(seen, fields)
    place = _name_place(taken, fields)
    yield f"{prefix}.request_summary:{place}.status.{taken.status}|s"
    yield f"{prefix}.request_duration_seconds.{place}:{round(taken.seconds * 1000, 3)}|ms"
    yield f"{prefix}.request_size:{taken.size_bytes}|g"
    if has_user(seen, taken):
        yield f"{prefix}.users:auth.{clean(taken.policy)}.userid.{clean(taken.user_id)}|s"
        yield f"{prefix}.authentication:type.{clean(taken.policy)}|s"


def write_timer(prefix: str, name: str, method: str, seconds: float) -> str:
    """Return the line about a step within a request, see `hooks.Timer`."""
    place = f".method.{clean(method)}" if method else ""
    return f"{prefix}.{clean(name)}.seconds{place}:{round(seconds * 1000, 3)}|ms"


def _name_place(taken: Measure, fields: tuple[str, ...]) -> str:
    pairs = [("method", taken.method), ("endpoint", taken.endpoint)]
    pairs += zip(fields, taken.parts, strict=True)
    return ".".join(f"{clean(name)}.{clean(value)}" for name, value in pairs)


def clean(text: str) -> str:
    """Return a text without what the format has a meaning for."""
    return _UNSAFE.sub("_", text)


def _set_up(service: Service) -> Parts:
    settings = service.settings
    url = settings["statsd_url"]
    if not url:
        return Parts()
    host, port = read_url(str(url))
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except OSError as error:
        log_warning(f"No metrics are sent: {host}, of 'statsd_url', is not known: {error}.")
        return Parts()
    sender = Sender(family, address)
    prefix = clean(settings["project_name"] or settings["statsd_prefix"])
    fields = settings["metrics_matchdict_fields"]
    return Parts(
        observe=lambda seen: sender.send(write_lines(prefix, fields, seen)),
        time=lambda *step: sender.send(iter((write_timer(prefix, *step),))),
    )


PLUGIN = Plugin("statsd", _set_up, check=check)
