"""What a request sees is as new as the request: whatever was acknowledged before its last byte was
sent is in the answer, though requests that arrive together share one view of the database."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from kinto_lite import make_app
from kinto_lite.model import Answer, ApiRequest
from kinto_lite.server.addresses import Address
from kinto_lite.server.connections import Connection
from kinto_lite.server.edge import Edge
from kinto_lite.server.lane import SlowLane
from kinto_lite.server.limits import Limits
from kinto_lite.server.requests import Origin
from kinto_lite.server.runner import end_connections
from tests.conftest import PLAIN_SETTINGS
from tests.resources.asking import BUCKET, credentials
from tests.server.wire import PATIENCE_SECONDS, read_response, request

READ = request(f"GET /v1{BUCKET} HTTP/1.1\nAuthorization: {credentials('alice')}")

Runner = Callable[[Coroutine[Any, Any, bytes]], bytes]


class Scene:
    """Two clients of one worker, and another worker of the same database."""

    def __init__(self, folder: Path) -> None:
        settings = PLAIN_SETTINGS | {"storage_url": f"sqlite:///{folder / 'db'}"}
        self.elsewhere = make_app(settings)
        self.app = make_app(settings)
        self.pairs = [socket.socketpair() for _ in range(2)]
        self.clients = [client for client, _ in self.pairs]
        for client in self.clients:
            client.settimeout(PATIENCE_SECONDS)

    def write_elsewhere(self, title: str) -> None:
        """Write through the other worker, and have it acknowledged."""
        body = f'{{"data":{{"title":"{title}"}}}}'.encode()
        headers = {"authorization": credentials("alice"), "content-type": "application/json"}
        answer = self.elsewhere.respond(ApiRequest("PUT", f"/v1{BUCKET}", "", headers, body))
        assert answer.status in (200, 201)

    async def serve(self, first: bytes, second: bytes) -> bytes:
        """Serve both clients, who send this at once; return what the second one got."""
        loop = asyncio.get_running_loop()
        lane = SlowLane(self.app.storage, {})
        edge = Edge(self.app, Origin(Address("127.0.0.1", 80), "http"), Limits(), lane)
        for _, served in self.pairs:
            served.setblocking(False)
            await loop.connect_accepted_socket(lambda: Connection(edge, loop), served)
        # The next turn of the loop finds both.
        self.clients[0].sendall(first)
        self.clients[1].sendall(second)
        answers = [asyncio.to_thread(read_response, client) for client in self.clients]
        body = (await asyncio.gather(*answers))[1].body
        await end_connections(edge, set())
        return body

    def close(self) -> None:
        """End both workers."""
        for pair in self.pairs:
            for end in pair:
                end.close()
        self.app.close()
        self.elsewhere.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_request_that_ends_within_a_turn_sees_what_was_written_in_that_turn(
    tmp_path: Path, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path)
    scene.write_elsewhere("old")
    respond = scene.app.respond

    def respond_slowly(asked: ApiRequest) -> Answer:
        """Answer the first client; meanwhile the second one writes elsewhere, and then goes on."""
        answer = respond(asked)
        monkeypatch.setattr(scene.app, "respond", respond)
        scene.write_elsewhere("new")
        scene.clients[1].sendall(READ[20:])
        return answer

    monkeypatch.setattr(scene.app, "respond", respond_slowly)
    try:
        assert b'"title":"new"' in run(scene.serve(READ, READ[:20]))
    finally:
        scene.close()
