"""How a server ends: what is in flight is answered, and the storage is closed."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.live import Server, start_server
from tests.server.conftest import TINY
from tests.server.wire import connect, exchange, read_response, request

WITH = pytest.mark.parametrize("arguments", [(), ("--plain",)], ids=["httptools", "h11"])


def read_rest(server: Server) -> str:
    """What the server printed after its start."""
    assert server.process.stdout is not None
    return server.process.stdout.read()


@WITH
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_storage_and_ends_with_0(
    tmp_path: Path, arguments: tuple[str, ...], number: int
) -> None:
    with start_server(tmp_path, *arguments, command=TINY) as server:
        assert exchange(server.port, "GET / HTTP/1.1").status == 200
        assert server.stop(number) == 0
        assert read_rest(server) == "closed\n"
        assert server.errors() == ""


@WITH
def test_a_request_in_flight_is_answered(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with start_server(tmp_path, *arguments, command=TINY) as server:
        with connect(server.port) as connection:
            connection.sendall(request("POST /slow HTTP/1.1\nContent-Length: 2", b"ok"))
            assert server.process.stdout is not None
            assert server.process.stdout.readline() == "working\n"
            server.process.send_signal(signal.SIGTERM)
            assert read_response(connection).json["body"] == "ok"
        assert server.process.wait() == 0


def test_an_idle_connection_does_not_keep_the_server(tmp_path: Path) -> None:
    with start_server(tmp_path, command=TINY) as server, connect(server.port) as connection:
        connection.sendall(request("GET / HTTP/1.1"))
        assert read_response(connection).status == 200
        assert server.stop() == 0
        assert connection.recv(1) == b""


def test_a_client_that_never_ends_its_request_does_not_keep_the_server(tmp_path: Path) -> None:
    with start_server(tmp_path, command=TINY) as server, connect(server.port) as connection:
        connection.sendall(b"GET / HT")
        assert server.stop() == 0
        assert read_rest(server) == "closed\n"


def test_the_first_request_of_a_new_connection_is_answered(tmp_path: Path) -> None:
    with start_server(tmp_path, command=TINY) as server:
        with connect(server.port) as used, connect(server.port) as new:
            used.sendall(request("GET / HTTP/1.1"))
            assert read_response(used).status == 200
            server.process.send_signal(signal.SIGTERM)
            assert used.recv(1) == b""
            new.sendall(request("GET / HTTP/1.1"))
            assert read_response(new).all("connection") == ["close"]
        assert server.process.wait() == 0
