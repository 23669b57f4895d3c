"""Logs and metrics of a real server: every line is JSON, numbers are those of all workers."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.live import Server, start_server

METRICS = """[app:main]
multiauth.policies = basicauth
kinto.includes = kinto.plugins.prometheus
"""
AUTH = ("user", "secret_password")
REQUESTS = 40

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture
def metered(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server with metrics and as many workers as the test asks for."""
    (tmp_path / "kinto.ini").write_text(METRICS)
    workers = getattr(request, "param", "2")
    with start_server(tmp_path, "--ini", "kinto.ini", "--workers", workers) as server:
        yield server


def read_lines(server: Server) -> list[dict[str, Any]]:
    """Return the log; each line of it is JSON."""
    return [json.loads(line) for line in server.errors().splitlines()]


def count_requests(server: Server, endpoint: str) -> float:
    text = requests.get(f"{server.url}/v1/__metrics__", timeout=60).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "kinto_request_summary_total" and sample.labels["endpoint"] == endpoint
    )


def send_requests(server: Server) -> None:
    """Ask on a connection for each request, so that all workers get some."""
    for _ in range(REQUESTS):
        requests.get(f"{server.url}/v1/buckets", auth=AUTH, timeout=60)


def list_workers(server: Server) -> list[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [int(word) for word in children.read_text().split()]


@pytest.mark.parametrize("metered", ["1", "2"], indirect=True)
def test_the_numbers_are_those_of_the_whole_server(metered: Server) -> None:
    send_requests(metered)
    assert [count_requests(metered, "bucket-plural") for _ in range(6)] == [REQUESTS] * 6


@linux_only
def test_what_a_dead_worker_has_counted_is_kept(metered: Server) -> None:
    send_requests(metered)
    workers = list_workers(metered)
    os.kill(workers[0], signal.SIGKILL)
    deadline = time.monotonic() + 60
    while len(set(list_workers(metered)) - set(workers)) < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert count_requests(metered, "bucket-plural") == REQUESTS


@pytest.mark.parametrize("metered", ["1", "2"], indirect=True)
def test_a_restart_forgets_no_number(metered: Server) -> None:
    send_requests(metered)
    again = "https://example.org/again"
    (metered.folder / "kinto.ini").write_text(f"{METRICS}project_docs = {again}\n")
    metered.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 60
    shown: set[str] = set()
    while time.monotonic() < deadline and shown != {again}:
        time.sleep(0.05)
        shown = {read_hello(metered)["project_docs"] for _ in range(8)}
    assert shown == {again}
    assert count_requests(metered, "bucket-plural") == REQUESTS


def read_hello(server: Server) -> Any:
    return requests.get(f"{server.url}/v1/", timeout=60).json()


@pytest.mark.parametrize("metered", ["1", "2"], indirect=True)
def test_nothing_of_the_metrics_is_left_when_the_server_ends(metered: Server) -> None:
    send_requests(metered)
    metered.stop()
    name = f"kinto-lite-{metered.process.pid}-*"
    folders = (Path("/dev/shm"), Path(os.environ.get("TMPDIR", "/tmp")))
    assert [path for folder in folders for path in folder.glob(name)] == []


def test_a_healthy_server_writes_nothing(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        requests.get(f"{server.url}/v1/nothing", timeout=60)
        server.stop()
        assert server.errors() == ""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_requests_that_are_asked_for_are_json_lines(tmp_path: Path, workers: str) -> None:
    with start_server(tmp_path, "--log-requests", "--workers", workers) as server:
        requests.put(f"{server.url}/v1/buckets/b?token=secret_token", auth=AUTH, timeout=60)
        requests.get(f"{server.url}/v1/a%0AINFO%20forged", timeout=60)
        requests.get(f"{server.url}/v1/", headers={"User-Agent": "a\tb"}, timeout=60)
        lines = read_lines(server)
        assert [line["Fields"]["code"] for line in lines] == [201, 404, 200]
        assert {line["Type"] for line in lines} == {"request.summary"}
        assert lines[1]["Fields"]["path"] == "/v1/a\nINFO forged"
        assert "secret" not in server.errors()


def test_everything_that_is_asked_for_is_json_too(tmp_path: Path) -> None:
    with start_server(tmp_path, "-v") as server:
        requests.get(f"{server.url}/v1/", timeout=60)
        types = {line["Type"] for line in read_lines(server)}
    assert "request.summary" in types


def test_the_level_may_come_from_the_environment_and_the_format_too(tmp_path: Path) -> None:
    environ = {"KINTO_LOG_LEVEL": "INFO", "KINTO_LOG_FORMAT": "text"}
    with start_server(tmp_path, environ=environ) as server:
        requests.get(f"{server.url}/v1/", timeout=60)
        (line,) = server.errors().splitlines()
    assert line.startswith("INFO   rid=")
    assert " path=/v1/ code=200 " in line


def test_a_trusted_proxy_names_the_request(tmp_path: Path) -> None:
    headers = {"X-Request-Id": "from-the-proxy"}
    with start_server(
        tmp_path, "--log-requests", environ={"KINTO_TRUSTED_PROXIES": "127.0.0.1"}
    ) as server:
        answer = requests.get(f"{server.url}/v1/", headers=headers, timeout=60)
        (line,) = read_lines(server)
    assert line["Fields"]["rid"] == "from-the-proxy"
    assert "X-Request-Id" not in answer.headers


def test_anybody_else_does_not_name_it(tmp_path: Path) -> None:
    with start_server(tmp_path, "--log-requests") as server:
        requests.get(f"{server.url}/v1/", headers={"X-Request-Id": "mine"}, timeout=60)
        (line,) = read_lines(server)
    assert line["Fields"]["rid"] != "mine"


def test_warnings_of_the_start_are_json_too(tmp_path: Path) -> None:
    (tmp_path / "kinto.ini").write_text(
        "[app:main]\nno_such_setting = 1\n[loggers]\n[logger_root]\nlevel = LOUD\n"
    )
    with start_server(tmp_path, "--ini", "kinto.ini") as server:
        messages = [line["Fields"]["msg"] for line in read_lines(server)]
    assert any("no_such_setting" in message for message in messages)
    assert any("LOUD" in message for message in messages)


def test_a_word_that_is_no_level_stops_the_start_with_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="'log_level' must be"),
        start_server(tmp_path, environ={"KINTO_LOG_LEVEL": "loud"}),
    ):
        pass
