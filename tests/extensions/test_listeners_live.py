"""Listeners in a running server: they hear after the shared commit, and nobody waits for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kinto.plain_client import PlainClient
from tests.live import Server, start_server

#: Writes down what it hears; the first time, it waits until somebody opens the pipe.
PLUGIN = """
from pathlib import Path
from kinto_lite.events import AfterResourceChanged, AfterResourceRead, ResourceChanged
from kinto_lite.errors import ApiError, FORBIDDEN
from kinto_lite.hooks import Listener, Parts, Plugin

FOLDER = Path(__file__).parent
waited = []

def follow(event):
    if not waited:
        waited.append((FOLDER / "pipe").read_text())
    with (FOLDER / "heard").open("a") as file:
        print(event.payload["action"], event.payload["uri"], file=file)

def refuse(event):
    if event.payload["uri"] == "/buckets/forbidden":
        raise ApiError(FORBIDDEN)

PLUGIN = Plugin("follower", lambda service: Parts(listeners=(
    Listener(AfterResourceChanged, follow),
    Listener(AfterResourceRead, follow),
    Listener(ResourceChanged, refuse),
)))
"""
INI = """
[app:main]
includes = follower
multiauth.policies = basicauth
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server whose listener waits for the pipe."""
    (tmp_path / "follower.py").write_text(PLUGIN)
    (tmp_path / "kinto.ini").write_text(INI)
    os.mkfifo(tmp_path / "pipe")
    with start_server(tmp_path, "--ini", "kinto.ini") as server:
        yield server


def open_pipe(server: Server) -> None:
    """Let the listener go on."""
    (server.folder / "pipe").write_text("go on")


def test_nobody_waits_for_a_listener_that_hears_after_the_commit(server: Server) -> None:
    client = PlainClient(server.url, "user", "pw")
    answers = [client.send("PUT", f"/v1/buckets/{name}", {}).status for name in "abc"]
    assert (answers, client.send("GET", "/v1/buckets/a").status) == ([201, 201, 201], 200)
    assert not (server.folder / "heard").exists()
    open_pipe(server)


def test_all_is_heard_in_order_before_the_server_ends(server: Server) -> None:
    client = PlainClient(server.url, "user", "pw")
    assert client.send("PUT", "/v1/buckets/forbidden", {}).status == 403
    for name in "ab":
        client.send("PUT", f"/v1/buckets/{name}", {})
    client.send("GET", "/v1/buckets/b")
    client.send("DELETE", "/v1/buckets/a")
    open_pipe(server)
    assert server.stop() == 0
    assert (server.folder / "heard").read_text().splitlines() == [
        "create /buckets/a",
        "create /buckets/b",
        "read /buckets/b",
        "delete /buckets/a",
    ]
    assert server.errors() == ""
