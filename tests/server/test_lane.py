"""Reads that search much run beside the worker's thread, within a time, and not too many."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kinto_lite.model import Answer, ApiRequest
from kinto_lite.server import lane
from kinto_lite.server.lane import SlowLane, find_shape, pack, pack_request, serve_lane
from kinto_lite.server.refusals import Refusal
from tests.kinto.plain_client import PlainClient
from tests.live import start_server

RECORDS = "/v1/buckets/b/collections/c/records"


def make_storage(side_by_side: bool = True) -> Any:
    """Has of a storage what a lane needs."""
    return SimpleNamespace(
        reads_side_by_side=side_by_side,
        limit_reads=lambda seconds: None,
        was_cut=True,
    )


@pytest.fixture
def slow() -> SlowLane:
    """A lane that has met a slow filter and a slow page."""
    made = SlowLane(make_storage(), {})
    assert made.takes(ApiRequest("GET", RECORDS, "title=x"))
    assert made.takes(ApiRequest("GET", RECORDS, "_limit=9000"))
    return made


@pytest.mark.parametrize(
    ("method", "query", "is_expected"),
    [
        ("GET", "title=y", True),
        ("HEAD", "made_up=1&_limit=5", True),
        ("GET", "_limit=1", True),
        ("GET", "_since=5", False),
        ("GET", "", False),
        ("PUT", "title=y", False),
    ],
)
def test_requests_that_look_like_a_slow_one_go_there_at_once(
    slow: SlowLane, method: str, query: str, is_expected: bool
) -> None:
    assert slow.is_expected(ApiRequest(method, RECORDS, query)) is is_expected


def test_other_lists_do_not(slow: SlowLane) -> None:
    assert not slow.is_expected(ApiRequest("GET", "/v1/buckets/b/collections/d/records", "title=y"))


def test_only_so_many_are_remembered(slow: SlowLane) -> None:
    for number in range(lane.MAX_REMEMBERED):
        slow.takes(ApiRequest("GET", f"/v1/{number}"))
    assert not slow.is_expected(ApiRequest("GET", RECORDS, "title=y"))


def test_a_query_of_names_that_an_index_serves_is_a_shape_of_its_own() -> None:
    assert find_shape("/", "_limit=1&_since=%223%22") == ("/", ("_limit", "_since"))
    assert find_shape("/", "a=1") == find_shape("/", "b=2&_limit=1")


def test_a_storage_that_reads_one_by_one_has_no_lane() -> None:
    assert not SlowLane(make_storage(side_by_side=False), {}).takes(ApiRequest("GET", "/"))


def test_more_requests_than_can_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "MAX_REQUESTS", 0)
    with pytest.raises(Refusal) as caught:
        asyncio.run(SlowLane(make_storage(), {}).run(ApiRequest("GET", "/")))
    assert caught.value.answer.status == 503
    assert ("Retry-After", "3") in caught.value.answer.headers


def test_a_process_that_does_not_start_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "worker_command", lambda: [sys.executable, "-c", ""])

    async def run() -> None:
        made = SlowLane(make_storage(), {})
        try:
            await made.run(ApiRequest("GET", "/"))
        finally:
            await made.close()

    with pytest.raises(Refusal):
        asyncio.run(run())


def test_the_process_answers_as_the_worker_would(tmp_path: Path) -> None:
    settings = {"storage_url": f"sqlite:///{tmp_path / 'test.db'}", "project_name": "lane"}
    request = ApiRequest("GET", "/v1/")

    async def run_two() -> list[Answer]:
        made = SlowLane(make_storage(), {"settings": settings})
        try:
            return await asyncio.gather(made.run(request), made.run(request))
        finally:
            await made.close()

    first, second = asyncio.run(run_two())
    assert json.loads(first.body)["project_name"] == "lane"
    assert second.body == first.body


def test_requests_are_answered_one_after_the_other() -> None:
    first, second = ApiRequest("GET", "/1"), ApiRequest("GET", "/2", body=b"body")
    source = io.BytesIO(pack_request(first) + pack_request(second))
    sink = io.BytesIO()
    serve_lane(lambda request: Answer(200, [], request.path.encode() + request.body), source, sink)
    assert sink.getvalue() == pack(200, [], b"/1") + pack(200, [], b"/2body")


@pytest.mark.parametrize(("timeout", "status"), [("0", 200), ("0.000001", 503)])
def test_a_search_has_the_time_of_the_setting(tmp_path: Path, timeout: str, status: int) -> None:
    environ = {"KINTO_READ_TIMEOUT_SECONDS": timeout, "KINTO_BATCH_MAX_REQUESTS": "0"}
    with start_server(tmp_path, environ=environ) as server:
        client = PlainClient(server.url, "user", "password")
        client.send("PUT", "/v1/buckets/b")
        client.send("PUT", "/v1/buckets/b/collections/c")
        item = {"method": "POST", "path": RECORDS, "body": {"data": {"title": "x" * 99}}}
        client.send("POST", "/v1/batch", {"requests": [item] * 3000})
        for _ in range(2):
            reply = client.send("GET", f"{RECORDS}?like_title=*y*z*")
            assert reply.status == status
    assert reply.headers["Retry-After"] == ("3" if status == 503 else None)
