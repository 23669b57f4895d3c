"""Cross-origin headers of whole answers (protocol, core chapter 1.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kinto_lite.protocol.cors import exposed_headers
from tests.resources.asking import ANONYMOUS, BUCKET, RECORD, RECORDS, Asking

MakeAsk = Callable[..., Asking]
EVIL = {"Origin": "http://evil"}
ELSEWHERE = "Backoff,Retry-After,Alert,Content-Length,Content-Type"

ANSWERS: list[tuple[str, str, Any, str, dict[str, str], int, str]] = [
    # method, path, body, user, headers, status, shape of the endpoint
    ("GET", RECORDS, None, "alice", {}, 200, "plural"),
    ("HEAD", RECORDS, None, "alice", {}, 200, "plural"),
    ("GET", RECORDS, None, ANONYMOUS, {}, 401, "plural"),
    ("GET", RECORDS, None, "bob", {}, 403, "plural"),
    ("GET", RECORDS + "?_limit=x", None, "alice", {}, 400, "plural"),
    ("GET", RECORDS, None, "alice", {"If-Match": '"1"'}, 412, "plural"),
    ("GET", RECORDS, None, "alice", {"Accept": "text/html"}, 406, "plural"),
    ("POST", RECORDS, {}, "alice", {}, 201, "plural"),
    ("DELETE", RECORDS, None, "alice", {}, 200, "plural"),
    ("GET", RECORD, None, "alice", {}, 200, "object"),
    ("GET", RECORD + "9", None, "alice", {}, 404, "object"),
    ("PUT", RECORD, {}, "alice", {}, 200, "object"),
    ("PUT", RECORD, {}, ANONYMOUS, {}, 401, "object"),
    ("PUT", RECORD, b"x", "alice", {"Content-Type": "text/plain"}, 415, "object"),
    ("PATCH", RECORD, {"data": {}}, "alice", {}, 200, "object"),
    ("DELETE", RECORD, None, "alice", {}, 200, "object"),
    ("POST", "/batch", {"requests": []}, "alice", {}, 200, ""),
    ("GET", "/", None, ANONYMOUS, {}, 200, ""),
    ("GET", "/__heartbeat__", None, ANONYMOUS, {}, 200, ""),
]


@pytest.mark.parametrize("origin", [{}, EVIL])
@pytest.mark.parametrize(("method", "path", "body", "user", "headers", "status", "shape"), ANSWERS)
def test_an_answer_exposes_what_its_endpoint_exposes(
    tree: Asking,
    method: str,
    path: str,
    body: Any,
    user: str,
    headers: dict[str, str],
    status: int,
    shape: str,
    origin: dict[str, str],
) -> None:
    reply = tree(method, path, body, user, headers | origin)
    exposed = set(reply.headers["Access-Control-Expose-Headers"].split(", "))
    assert (reply.status_int, exposed) == (status, set(exposed_headers(shape, method)))
    assert reply.headers.get("Access-Control-Allow-Origin") == ("*" if origin else None)


@pytest.mark.parametrize("path", ["/nope", "/buckets/"])
@pytest.mark.parametrize("origin", [{}, EVIL])
def test_other_urls_expose_a_fixed_list(ask: Asking, path: str, origin: dict[str, str]) -> None:
    headers = ask("GET", path, headers=origin).headers
    assert headers["Access-Control-Expose-Headers"] == ELSEWHERE
    assert headers.get("Access-Control-Allow-Origin") == ("*" if origin else None)


WRITES: list[tuple[str, str, Any]] = [
    ("PUT", RECORD, {"data": {"n": 2}}),
    ("PATCH", RECORD, {"data": {"n": 2}}),
    ("POST", RECORDS, {}),
    ("DELETE", RECORD, None),
    ("DELETE", RECORDS, None),
    ("GET", RECORD, None),
    ("GET", RECORDS, None),
    ("GET", "/", None),
    ("POST", "/batch", {"requests": [{"method": "DELETE", "path": RECORDS}]}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_refused_origin_does_nothing(
    make_ask: MakeAsk, method: str, path: str, body: Any
) -> None:
    ask = make_ask(cors_origins="https://ours https://*.ours")
    for place in (BUCKET, "/buckets/b/collections/c", RECORD):
        ask("PUT", place, {})
    before = ask("GET", RECORDS)
    reply = ask(method, path, body, headers=EVIL)
    assert (reply.status_int, reply.json["message"]) == (
        400,
        "Origin in header: http://evil not allowed",
    )
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert ask("GET", RECORDS).headers["ETag"] == before.headers["ETag"]


def test_an_allowed_origin_is_named(make_ask: MakeAsk) -> None:
    ask = make_ask(cors_origins="https://ours https://*.ours")
    shown = [
        ask("GET", "/", headers={"Origin": origin}).headers["Access-Control-Allow-Origin"]
        for origin in ("https://ours", "https://a.ours")
    ]
    assert shown == ["https://ours", "https://a.ours"]


def test_a_405_names_the_origin_but_exposes_nothing(ask: Asking) -> None:
    headers = ask("PUT", "/buckets", headers=EVIL).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Expose-Headers" not in headers
