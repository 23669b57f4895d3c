"""Backoff, Alert, end of service, read-only mode (protocol, core chapters 10.6 to 10.8)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.resources.asking import BUCKET, RECORD, Asking

MakeAsk = Callable[..., Asking]
KINDS_OF_ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/nope", 404),
    ("PUT", "/", 405),
    ("GET", BUCKET, 403),
    ("GET", "/buckets?_limit=x", 400),
    ("GET", "/buckets/", 307),
    ("OPTIONS", "/buckets", 400),
    ("GET", "/__lbheartbeat__", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), KINDS_OF_ANSWERS)
def test_every_answer_carries_the_backoff(
    make_ask: MakeAsk, method: str, path: str, status: int
) -> None:
    reply = make_ask(backoff="10")(method, path)
    assert (reply.status_int, reply.headers["Backoff"]) == (status, "10")


def test_304_carries_the_backoff_too(make_ask: MakeAsk) -> None:
    ask = make_ask(backoff="10")
    etag = ask("GET", "/buckets").headers["ETag"]
    reply = ask("GET", "/buckets", headers={"If-None-Match": etag})
    assert (reply.status_int, reply.headers["Backoff"]) == (304, "10")


@pytest.mark.parametrize(("share", "count"), [("0", 0), ("100", 20)])
def test_a_share_of_the_answers_carries_it(make_ask: MakeAsk, share: str, count: int) -> None:
    ask = make_ask(backoff="10", backoff_percentage=share)
    assert sum("Backoff" in ask("GET", "/").headers for _ in range(20)) == count


@pytest.mark.parametrize(("method", "path", "status"), KINDS_OF_ANSWERS)
def test_the_end_of_the_service_is_announced(
    make_ask: MakeAsk, method: str, path: str, status: int
) -> None:
    reply = make_ask(eos="2999-01-01", eos_message="bye", eos_url="http://x")(method, path)
    assert reply.status_int == status
    assert reply.headers["Alert"] == '{"code":"soft-eol","message":"bye","url":"http://x"}'


def test_hello_tells_the_end(make_ask: MakeAsk) -> None:
    hello = make_ask(eos="2999-01-01")("GET", "/")
    assert hello.json["eos"] == "2999-01-01"
    alert = json.loads(hello.headers["Alert"])
    assert alert == {"code": "soft-eol", "message": None, "url": hello.json["project_docs"]}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/nope", "/buckets", "/__heartbeat__", "/batch"])
def test_an_ended_service_is_gone(make_ask: MakeAsk, method: str, path: str) -> None:
    reply = make_ask(eos="2001-01-01")(method, path)
    assert (reply.status_int, json.loads(reply.headers["Alert"])["code"]) == (410, "hard-eol")
    if method != "HEAD":
        assert (reply.json["errno"], reply.json["error"]) == (202, "Gone")


def test_the_alert_of_the_end_replaces_others(make_ask: MakeAsk) -> None:
    reply = make_ask(eos="2999-01-01")("GET", "/buckets?_to=5")
    assert reply.headers.getall("Alert") == [reply.headers["Alert"]]
    assert "_to" not in reply.headers["Alert"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_an_old_parameter_is_alerted(ask: Asking, method: str) -> None:
    alert = json.loads(ask(method, "/buckets?_to=5").headers["Alert"])
    assert alert == {
        "code": "soft-eol",
        "message": "_to is now deprecated, you should use _before instead",
        "url": "https://kinto.readthedocs.io/en/2.4.0/api/resource.html"
        "#list-of-available-url-parameters",
    }
    assert "Alert" not in ask(method, "/buckets?_before=5").headers


# Read-only mode


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/buckets", BUCKET, RECORD, "/batch", "/nope", "/__flush__"])
def test_a_read_only_server_refuses_writes_everywhere(
    make_ask: MakeAsk, method: str, path: str
) -> None:
    reply = make_ask(readonly="true")(method, path)
    assert (reply.status_int, reply.json["errno"]) == (405, 115)
    assert "Allow" not in reply.headers


def test_a_read_only_server_reads(make_ask: MakeAsk) -> None:
    ask = make_ask(readonly="true")
    statuses = [ask("GET", path).status_int for path in ("/", "/buckets", "/__heartbeat__")]
    assert statuses == [200, 200, 200]


def test_a_read_only_server_says_so_and_may_be_cached(make_ask: MakeAsk) -> None:
    reply = make_ask(readonly="true")("GET", "/")
    assert reply.json["settings"]["readonly"] is True
    assert reply.headers["Cache-Control"] == "max-age=86400"
    assert "Expires" in reply.headers


@pytest.mark.parametrize(("text", "shown"), [("False", False), ("True", True), ("yes", True)])
def test_hello_shows_a_real_boolean(make_ask: MakeAsk, text: str, shown: bool) -> None:
    reply = make_ask(readonly=text)("GET", "/")
    assert reply.json["settings"]["readonly"] is shown
    assert (reply.headers.get("Cache-Control") == "max-age=86400") is shown


@pytest.mark.parametrize(
    ("path", "methods"), [("/buckets", "HEAD,GET,OPTIONS"), (BUCKET, "GET,HEAD,OPTIONS")]
)
def test_preflights_of_a_read_only_server(make_ask: MakeAsk, path: str, methods: str) -> None:
    ask = make_ask(readonly="true")
    headers = {"Origin": "http://x", "Access-Control-Request-Method": "GET"}
    reply = ask("OPTIONS", path, headers=headers)
    assert reply.headers["Access-Control-Allow-Methods"] == methods
    headers["Access-Control-Request-Method"] = "DELETE"
    assert ask("OPTIONS", path, headers=headers).status_int == 400
