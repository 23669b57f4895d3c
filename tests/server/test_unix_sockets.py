"""Serving on a unix socket."""

from __future__ import annotations

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from tests.live import start_server
from tests.server.wire import PATIENCE_SECONDS, Response, exchange_on

OPEN = {"KINTO_MULTIAUTH_POLICIES": "basicauth"}


def exchange(path: Path, head: str, body: bytes = b"") -> Response:
    """Send one request through a unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(str(path))
        return exchange_on(connection, head, body)


@pytest.mark.parametrize(
    "options", [("--unix", "s"), ("--host", "unix:s"), ("--unix", "s", "--workers", "2")]
)
def test_a_unix_socket_is_served_and_removed_at_the_end(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    with start_server(tmp_path, *options) as server:
        assert server.lines[0].endswith(f" at unix:{tmp_path}/s")
        answer = exchange(tmp_path / "s", "GET /v1/ HTTP/1.1")
        assert answer.json["url"] == "http://localhost/v1/"
        assert server.stop() == 0
        assert server.errors() == ""
    assert not (tmp_path / "s").exists()


def test_nobody_signs_in_through_it_until_the_settings_say_who_may(tmp_path: Path) -> None:
    with start_server(tmp_path, "--unix", "s"):
        head = "GET /v1/buckets HTTP/1.1\nAuthorization: Basic dTpw"
        assert exchange(tmp_path / "s", head).status == 401


def test_the_umask_says_who_may_connect(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with start_server(tmp_path, "--unix", "s"):
            assert stat.S_IMODE((tmp_path / "s").stat().st_mode) & 0o077 == 0
    finally:
        os.umask(before)


def test_the_proxy_behind_it_is_believed_when_the_settings_say_so(tmp_path: Path) -> None:
    head = (
        "GET /v1/ HTTP/1.1\nX-Forwarded-Proto: https\nX-Forwarded-Host: sync.example.org\n"
        "X-Forwarded-For: 198.51.100.7"
    )
    with start_server(tmp_path, "--unix", "s", environ={"KINTO_TRUSTED_PROXIES": "unix"}):
        answer = exchange(tmp_path / "s", head)
    assert answer.json["url"] == "https://sync.example.org/v1/"


def test_a_server_that_was_killed_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    with start_server(tmp_path, "--unix", "s") as server:
        server.stop(signal.SIGKILL)
    assert (tmp_path / "s").exists()
    with start_server(tmp_path, "--unix", "s"):
        assert exchange(tmp_path / "s", "GET /v1/ HTTP/1.1").status == 200
