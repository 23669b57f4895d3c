"""Signals and deaths: what was acknowledged is kept, what waits is served, others take over."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.kinto.plain_client import PlainClient
from tests.live import Server, start_server
from tests.server.wire import (
    PATIENCE_SECONDS,
    Response,
    connect,
    exchange,
    exchange_on,
    read_response,
    request,
)

RECORDS = "/v1/buckets/default/collections/tasks/records"
HALF = request("PUT /v1/buckets/x HTTP/1.1\nContent-Length: 2", b"{")

each_count = pytest.mark.parametrize("workers", ["1", "2"])
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def write_ini(folder: Path, name: str) -> str:
    """Write settings that show their version at `/v1/`; return the path."""
    path = folder / "kinto.ini"
    path.write_text(f"[app:main]\nproject_name = {name}\nmultiauth.policies = basicauth\n")
    return str(path)


def list_workers(server: Server) -> set[int]:
    """The processes that the server has started."""
    process = server.process.pid
    return set(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something that takes a while; fail when it never comes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def read_name(server: Server) -> str:
    """The version of the settings that answers. A new connection may be the last one that a
    worker closes; the port never refuses one."""
    with connect(server.port) as connection:
        try:
            return str(exchange_on(connection, "GET /v1/ HTTP/1.1").json["project_name"])
        except (ConnectionResetError, BrokenPipeError, IndexError):
            return ""


# --- restart -------------------------------------------------------------------------------


@each_count
def test_a_hang_up_takes_new_settings_and_no_connection_is_refused(
    tmp_path: Path, workers: str
) -> None:
    ini = write_ini(tmp_path, "before")
    with start_server(tmp_path, "--ini", ini, "--workers", workers) as server:
        assert read_name(server) == "before"
        write_ini(tmp_path, "after")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: read_name(server) == "after")
        wait_until(lambda: all(read_name(server) == "after" for _ in range(20)))
        assert server.stop() == 0


@each_count
def test_a_hang_up_with_settings_that_cannot_be_read_changes_nothing(
    tmp_path: Path, workers: str
) -> None:
    ini = write_ini(tmp_path, "before")
    with start_server(tmp_path, "--ini", ini, "--workers", workers) as server:
        Path(ini).write_text("nonsense")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "The server goes on as it is: " in server.errors())
        assert read_name(server) == "before"


def test_a_request_in_flight_is_answered_by_the_worker_that_leaves(tmp_path: Path) -> None:
    ini = write_ini(tmp_path, "before")
    with start_server(tmp_path, "--ini", ini, "--workers", "2") as server:
        with connect(server.port) as connection:
            connection.sendall(HALF)
            write_ini(tmp_path, "after")
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: all(read_name(server) == "after" for _ in range(20)))
            connection.sendall(b"}")
            assert read_response(connection).status == 401
        assert server.stop() == 0


@linux_only
def test_new_workers_that_do_not_serve_leave_the_old_ones_alone(tmp_path: Path) -> None:
    ini = write_ini(tmp_path, "before")
    with start_server(tmp_path, "--ini", ini, "--workers", "2") as server:
        before = list_workers(server)
        with Path(ini).open("a") as file:
            file.write("paginate_by = many\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "A new worker does not serve: the old ones stay." in server.errors())
        wait_until(lambda: list_workers(server) == before)
        assert read_name(server) == "before"


# --- death ---------------------------------------------------------------------------------


@linux_only
def test_a_worker_that_is_killed_is_replaced_and_only_its_requests_are_lost(tmp_path: Path) -> None:
    with start_server(tmp_path, "--workers", "2") as server:
        before = list_workers(server)
        begun = [connect(server.port) for _ in range(32)]
        for connection in begun:
            connection.sendall(request("GET /v1/ HTTP/1.1"))
            assert read_response(connection).status == 200
            connection.sendall(HALF)
        os.kill(min(before), signal.SIGKILL)
        answers = [exchange(server.port, "GET /v1/ HTTP/1.1").status for _ in range(32)]
        assert answers == [200] * 32
        wait_until(lambda: len(list_workers(server)) == 2)
        assert len(list_workers(server) & before) == 1
        ends = [finish(connection) for connection in begun]
        assert {end and end.status for end in ends} == {None, 401}


def finish(connection: Any) -> Response | None:
    """Send the rest of `HALF`; return the answer, None when the connection is lost."""
    with connection:
        try:
            connection.sendall(b"}")
            return read_response(connection)
        except (ConnectionResetError, BrokenPipeError, IndexError):
            return None


def kill_one(server: Server) -> None:
    """Kill a worker, and wait for the one that replaces it."""
    worker = min(list_workers(server))
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: worker not in list_workers(server))
    wait_until(lambda: len(list_workers(server)) == 2)


@linux_only
def test_a_worker_may_be_killed_any_number_of_times(tmp_path: Path) -> None:
    with start_server(tmp_path, "--workers", "2") as server:
        for _ in range(5):
            kill_one(server)
            assert exchange(server.port, "GET /v1/ HTTP/1.1").status == 200


@linux_only
def test_no_worker_outlives_the_process_that_was_started(tmp_path: Path) -> None:
    with start_server(tmp_path, "--workers", "2") as server:
        workers = list_workers(server)
        server.stop(signal.SIGKILL)
        wait_until(lambda: not any(Path(f"/proc/{worker}/stat").exists() for worker in workers))


# --- under load ----------------------------------------------------------------------------


def write_until_gone(url: str, names: Iterator[str], stored: list[str]) -> None:
    """Store records until the server is gone; note those that were acknowledged."""
    client = PlainClient(url, "user", "password")
    for name in names:
        try:
            status = client.send("PUT", f"{RECORDS}/{name}", {"data": {"x": 1}}).status
        except (OSError, HTTPException):
            return
        if status == 201:
            stored.append(name)


@each_count
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_under_load_loses_no_acknowledged_write(
    tmp_path: Path, workers: str, number: int
) -> None:
    stored: list[str] = []
    with ThreadPoolExecutor(4) as threads, start_server(tmp_path, "--workers", workers) as server:
        for thread in range(4):
            names = (f"r{thread}-{index}" for index in range(1_000_000))
            threads.submit(write_until_gone, server.url, names, stored)
        wait_until(lambda: len(stored) > 200)
        server.stop(number)
    with start_server(tmp_path) as server:
        client = PlainClient(server.url, "user", "password")
        found = {record["id"] for record in client.send("GET", RECORDS).data}
    assert set(stored) <= found


@each_count
def test_a_restart_under_load_loses_no_acknowledged_write(tmp_path: Path, workers: str) -> None:
    stored: list[str] = []
    is_over = threading.Event()

    def write(url: str, thread: int) -> None:
        for index in range(1_000_000):
            if is_over.is_set():
                return
            write_until_gone(url, iter([f"r{thread}-{index}"]), stored)

    with ThreadPoolExecutor(4) as threads, start_server(tmp_path, "--workers", workers) as server:
        threads.map(write, [server.url] * 4, range(4))
        try:
            wait_until(lambda: len(stored) > 100)
            server.process.send_signal(signal.SIGHUP)
            before = len(stored)
            wait_until(lambda: len(stored) > before + 500)
        finally:
            is_over.set()
        acknowledged = set(stored)
        client = PlainClient(server.url, "user", "password")
        found = {record["id"] for record in client.send("GET", RECORDS).data}
    assert acknowledged <= found
