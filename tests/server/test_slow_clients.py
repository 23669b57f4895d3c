"""Clients that are slow, or never end what they began, cost the others nothing; reads that
search much are cut, and run beside the worker's thread."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kinto_lite.server.addresses import Address
from kinto_lite.server.connections import Connection
from kinto_lite.server.limits import Limits
from kinto_lite.server.requests import Origin
from tests.kinto.plain_client import PlainClient
from tests.live import Server, start_server
from tests.server.conftest import TINY
from tests.server.wire import connect, exchange, read_next, read_response, request

CROWD = 500
RECORDS = "/v1/buckets/default/collections/tasks/records"
PUT = f"PUT {RECORDS}/x HTTP/1.1\nAuthorization: Basic dXNlcjpwYXNzd29yZA==\nContent-Length: 900"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one worker and a list whose page is large."""
    environ = {"KINTO_BODY_GRACE_SECONDS": "60", "KINTO_BATCH_MAX_REQUESTS": "0"}
    with start_server(tmp_path_factory.mktemp("slow"), environ=environ) as started:
        item = {"method": "POST", "path": RECORDS, "body": {"data": {"text": "x" * 1000}}}
        client = PlainClient(started.url, "user", "password")
        client.send("POST", "/v1/batch", {"requests": [item] * 200})
        yield started


def send_half_a_header(connection: socket.socket) -> None:
    connection.sendall(b"GET /v1/ HTTP/1.1\r\nHost: loc")


def send_half_a_body(connection: socket.socket) -> None:
    connection.sendall(request(PUT, b'{"data": {'))


def send_a_byte_of_a_chunk(connection: socket.socket) -> None:
    head = PUT.replace("Content-Length: 900", "Transfer-Encoding: chunked")
    connection.sendall(request(head, b"384\r\n{"))


def ask_and_read_nothing(connection: socket.socket) -> None:
    head = f"GET {RECORDS} HTTP/1.1\nAuthorization: Basic dXNlcjpwYXNzd29yZA=="
    connection.sendall(request(head) * 4)


def send_a_wrong_password(connection: socket.socket) -> None:
    head = "GET /v1/buckets/secret HTTP/1.1\nAuthorization: Basic dXNlcjp3cm9uZw=="
    connection.sendall(request(head) * 4)


def send_nothing(connection: socket.socket) -> None:
    assert connection.fileno() > 0


@pytest.mark.parametrize(
    "begin",
    [
        send_half_a_header,
        send_half_a_body,
        send_a_byte_of_a_chunk,
        ask_and_read_nothing,
        send_a_wrong_password,
        send_nothing,
    ],
)
def test_five_hundred_slow_clients_do_not_stop_a_healthy_one(
    server: Server, begin: Callable[[socket.socket], None]
) -> None:
    healthy = PlainClient(server.url, "user", "password")
    with ExitStack() as crowd:
        for _ in range(CROWD):
            begin(crowd.enter_context(connect_narrow(server.port)))
        for number in range(20):
            assert healthy.send("PUT", f"{RECORDS}/{number}", {"data": {"n": 1}}).status < 300
            assert healthy.send("GET", f"{RECORDS}/{number}").status == 200


def connect_narrow(port: int) -> socket.socket:
    """Open a connection that takes little before it is read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    return connection


def test_a_body_that_comes_too_slowly_is_408(tmp_path: Path) -> None:
    environ = {"GRACE": "0.1", "PACE": "1000"}
    with start_server(tmp_path, command=TINY, environ=environ) as server:
        response = exchange(server.port, "PUT / HTTP/1.1\nContent-Length: 100", b"half")
    assert response.status == 408
    assert response.json["message"] == (
        "The request body did not arrive within 30 seconds, at 1000 bytes per second or more."
    )


def test_a_body_without_length_that_comes_too_slowly_is_408(tmp_path: Path) -> None:
    environ = {"GRACE": "0.1", "PACE": "1000"}
    with start_server(tmp_path, command=TINY, environ=environ) as server:
        head = "PUT / HTTP/1.1\nTransfer-Encoding: chunked"
        assert exchange(server.port, head, b"64\r\nhalf").status == 408


def test_a_refused_body_does_not_keep_its_connection(tmp_path: Path) -> None:
    environ = {"GRACE": "0.1", "PACE": "1000"}
    with (
        start_server(tmp_path, command=TINY, environ=environ) as server,
        connect(server.port) as connection,
    ):
        connection.sendall(request("PUT / HTTP/1.1\nContent-Length: 100", b"half"))
        assert read_response(connection).status == 408
        assert connection.recv(1) == b""


def test_what_has_arrived_gives_time_for_the_rest(tmp_path: Path) -> None:
    environ = {"GRACE": "0.2", "PACE": "1000", "LIMIT": "2000"}
    with (
        start_server(tmp_path, command=TINY, environ=environ) as server,
        connect(server.port) as connection,
    ):
        connection.sendall(request("PUT / HTTP/1.1\nContent-Length: 1300", b"x" * 1200))
        time.sleep(0.7)
        connection.sendall(b"x" * 100)
        assert read_response(connection).status == 200


class FakeTransport:
    """A client that takes nothing."""

    def __init__(self) -> None:
        self.unread = 100
        self._is_closing = self.is_aborted = False

    def get_extra_info(self, name: str) -> Any:
        return None

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._is_closing = True

    def abort(self) -> None:
        self._is_closing = self.is_aborted = True


class FakeConnection(Connection):
    """A connection at second 0."""

    def __init__(self, limits: Limits) -> None:
        origin = Origin(Address("localhost", 80), "http")
        handler: Any = SimpleNamespace(limits=limits, origin=origin, connections=set())
        loop: Any = SimpleNamespace(time=lambda: 0.0)
        super().__init__(handler, loop)
        self.transport: Any = FakeTransport()
        self.connection_made(self.transport)


def test_who_takes_no_answer_loses_the_connection() -> None:
    connection = FakeConnection(Limits(unread_seconds=5))
    connection.pause_writing()
    connection.check(4)
    assert not connection.transport.is_closing()
    connection.check(5)
    assert connection.transport.is_closing()


@pytest.mark.parametrize(("left", "is_closed"), [(1, False), (5000, False), (5001, True)])
def test_an_answer_must_be_taken_at_the_pace_of_bodies(left: int, is_closed: bool) -> None:
    connection = FakeConnection(Limits(unread_seconds=5, min_bytes_per_second=1000))
    connection.transport.unread = 10_000
    connection.pause_writing()
    connection.transport.unread = left
    connection.check(5)
    assert connection.transport.is_closing() is is_closed


def test_what_is_left_of_a_last_answer_must_be_taken_in_time() -> None:
    connection = FakeConnection(Limits(head_seconds=0, unread_seconds=5))
    connection.check(0)
    assert connection.transport.is_closing()
    connection.check(4)
    assert not connection.transport.is_aborted
    connection.check(5)
    assert connection.transport.is_aborted


def test_a_client_that_does_not_read_is_not_worked_for(port: int) -> None:
    with connect_narrow(port) as connection, connection.makefile("rb") as stream:
        connection.sendall(request("GET /flood HTTP/1.1") + request("GET /slow HTTP/1.1"))
        assert exchange(port, "GET / HTTP/1.1").status == 200
        assert len(read_next(stream).body) == 20_000_000
        assert read_next(stream).json["path"] == "/slow"


def test_half_a_head_is_given_up_after_a_while() -> None:
    connection = FakeConnection(Limits(head_seconds=5))
    connection.data_received(b"GET / HT")
    connection.check(4)
    assert not connection.transport.is_closing()
    connection.data_received(b"TP/1.")
    connection.check(5)
    assert connection.transport.is_closing()


# --- the pace of bodies --------------------------------------------------------------------


def test_without_a_pace_only_the_deadline_counts() -> None:
    limits = Limits(timeout_seconds=7, min_bytes_per_second=0, grace_seconds=1)
    assert limits.allowance(0) == 7


@pytest.mark.parametrize(("size", "seconds"), [(0, 5), (1000, 6), (1_000_000, 30)])
def test_more_bytes_may_take_longer_up_to_the_deadline(size: int, seconds: int) -> None:
    assert Limits().allowance(size) == seconds
