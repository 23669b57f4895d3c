"""What goes wrong on our side: 500, 503, 507, and what stays (protocol, core 10.4, 10.5)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kinto_lite.errors import FORBIDDEN, ApiError
from kinto_lite.storage.base import Busy, Full, StorageError, Unavailable
from tests.resources.asking import ANONYMOUS, BUCKET, RECORD, RECORDS, Asking

FAILURES = [(Busy, 503), (Unavailable, 503), (StorageError, 503), (Full, 507)]


def break_begin(ask: Asking, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let no transaction begin."""

    def refuse(write: bool) -> Any:
        raise error

    monkeypatch.setattr(ask.storage, "transaction", refuse)


def break_commit(ask: Asking, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let no transaction end well."""
    begin = ask.storage.transaction

    @contextmanager
    def fail(write: bool) -> Iterator[Any]:
        with begin(write) as tx:
            yield tx
            raise error

    monkeypatch.setattr(ask.storage, "transaction", fail)


@pytest.mark.parametrize(("error", "status"), FAILURES)
@pytest.mark.parametrize("breaks", [break_begin, break_commit])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/buckets", None),
        ("GET", RECORD, None),
        ("PUT", RECORD, {"data": {"n": 2}}),
        ("POST", RECORDS, {"data": {"n": 2}}),
        ("DELETE", BUCKET, None),
        ("POST", "/batch", {"requests": [{"method": "PUT", "path": RECORD}]}),
    ],
)
def test_a_storage_that_fails_is_told_with_retry_after(
    tree: Asking,
    monkeypatch: pytest.MonkeyPatch,
    error: type[StorageError],
    status: int,
    breaks: Callable[..., None],
    method: str,
    path: str,
    body: Any,
) -> None:
    before = tree("GET", RECORD).json
    with monkeypatch.context() as patch:
        breaks(tree, patch, error("/secret/path.db is gone"))
        reply = tree(method, path, body)
    assert (reply.status_int, reply.json["code"], reply.json["errno"]) == (status, status, 201)
    assert reply.headers["Retry-After"] == "3"
    assert b"secret" not in reply.body
    assert tree("GET", RECORD).json == before


def test_the_time_to_wait_is_a_setting(
    make_ask: Callable[..., Asking], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = make_ask(retry_after_seconds="45")
    with monkeypatch.context() as patch:
        break_begin(ask, patch, Busy("x"))
        assert ask("GET", "/buckets").headers["Retry-After"] == "45"


def test_a_failed_storage_is_logged(
    ask: Asking, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        break_begin(ask, patch, Full("no space on /data"))
        ask("GET", "/buckets")
    assert any("no space on /data" in record.getMessage() for record in caplog.records)


def test_the_answer_of_a_failure_has_the_headers_of_all_answers(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        break_begin(ask, patch, Busy("x"))
        headers = ask("GET", "/buckets", headers={"Origin": "http://x"}).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Next-Page" in headers["Access-Control-Expose-Headers"]
    assert headers["Content-Type"] == "application/json"


def test_heartbeats_answer_while_the_storage_does_not(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        break_begin(ask, patch, Unavailable("x"))
        heartbeat, alive = ask("GET", "/__heartbeat__"), ask("GET", "/__lbheartbeat__")
    assert (heartbeat.status_int, set(heartbeat.json)) == (503, {"storage", "permission", "cache"})
    assert not any(heartbeat.json.values())
    assert "Retry-After" not in heartbeat.headers
    assert (alive.status_int, alive.json) == (200, {})


@pytest.mark.parametrize(("user", "status"), [("alice", 503), (ANONYMOUS, 200)])
def test_hello_needs_the_storage_only_to_say_who_asks(
    ask: Asking, monkeypatch: pytest.MonkeyPatch, user: str, status: int
) -> None:
    with monkeypatch.context() as patch:
        break_begin(ask, patch, Unavailable("x"))
        assert ask("GET", "/", user=user).status_int == status


# 500


@pytest.fixture
def broken(tree: Asking, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    """An app in which everything that is written meets an error of ours."""

    def fail(_call: object, _change: object) -> None:
        raise ZeroDivisionError("the secret number is 42")

    with monkeypatch.context() as patch:
        patch.setattr(tree.service, "listeners", [fail])
        yield tree


def test_an_unexpected_error_is_500_and_tells_nothing(broken: Asking) -> None:
    reply = broken("PUT", RECORD, {"data": {}})
    assert reply.status_int == 500
    assert reply.json == {
        "code": 500,
        "errno": 999,
        "error": "Internal Server Error",
        "message": "A programmatic error occurred, developers have been informed.",
        "info": "https://github.com/Kinto/kinto/issues/",
    }
    assert "Retry-After" not in reply.headers


def test_an_unexpected_error_is_logged_with_its_traceback(
    broken: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    broken("PUT", RECORD, {"data": {}})
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert RECORD in record.getMessage()
    assert record.exc_info is not None
    assert "the secret number is 42" in str(record.exc_info[1])


def test_a_log_line_is_one_line(
    broken: Asking, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(broken.storage, "transaction", fail)
    assert broken("GET", "/buckets/a%0AERROR%20forged").status_int == 500
    assert not any("\n" in record.getMessage() for record in caplog.records)


def test_an_unexpected_error_undoes_the_request(broken: Asking) -> None:
    before = broken("GET", RECORD).json
    broken("PUT", RECORD, {"data": {"n": 99}})
    assert broken("GET", RECORD).json == before


def test_an_unexpected_error_undoes_the_whole_batch(broken: Asking) -> None:
    requests = [{"path": "/"}, {"method": "PUT", "path": RECORD + "3"}]
    reply = broken("POST", "/batch", {"requests": requests})
    assert (reply.status_int, reply.json["errno"]) == (500, 999)
    assert broken("GET", RECORD + "3").status_int == 404


def test_the_link_for_help_is_a_setting(
    make_ask: Callable[..., Asking], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = make_ask(error_info_link="https://help.example")

    def fail(_call: object, _change: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ask.service, "listeners", [fail])
    assert ask("PUT", BUCKET, {}).json["info"] == "https://help.example"


# A listener that refuses (hooks)


@pytest.fixture
def refusing(tree: Asking, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    """An app with a listener that lets no record with `n` = 13 be stored."""

    def refuse(_call: object, change: Any) -> None:
        if change.new is not None and '"n":13' in change.new.data:
            raise ApiError(FORBIDDEN, "Not thirteen.")

    with monkeypatch.context() as patch:
        patch.setattr(tree.service, "listeners", [refuse])
        yield tree


def test_a_listener_may_refuse(refusing: Asking) -> None:
    reply = refusing("PUT", RECORD, {"data": {"n": 13}})
    assert (reply.status_int, reply.json["message"]) == (403, "Not thirteen.")
    assert refusing.data(RECORD)["n"] == 1


def test_what_a_listener_refuses_in_a_batch_is_not_stored(refusing: Asking) -> None:
    requests = [
        {"method": "PUT", "path": f"{RECORDS}/x{n}", "body": {"data": {"n": n}}}
        for n in (12, 13, 14)
    ]
    responses = refusing("POST", "/batch", {"requests": requests}).json["responses"]
    assert [item["status"] for item in responses] == [201, 403, 201]
    assert refusing.ids(RECORDS + "?min_n=12") == ["x12", "x14"]


def test_listeners_hear_of_every_change(tree: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, str, bool, bool]] = []

    def listen(_call: object, change: Any) -> None:
        news = (change.action, change.ref.uri, change.old is not None, change.new is not None)
        heard.append(news)

    monkeypatch.setattr(tree.service, "listeners", [listen])
    tree("PUT", RECORD + "3", {})
    tree("PATCH", RECORD, {"data": {}})
    tree("POST", RECORDS, {"data": {"id": "r"}})
    tree("DELETE", RECORDS + "?_sort=id&_limit=2")
    assert heard == [
        ("create", RECORD + "3", False, True),
        ("update", RECORD, True, True),
        ("delete", RECORD, True, True),
        ("delete", RECORD + "2", True, True),
    ]


def test_a_request_that_turns_out_to_write_is_run_once_more(
    tree: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[bool] = []
    begin = tree.storage.transaction

    def watch(write: bool) -> Any:
        begun.append(write)
        return begin(write)

    monkeypatch.setattr(tree.storage, "transaction", watch)
    path = "/buckets/b/collections/c2/records"
    assert [tree("GET", path).status_int for _ in "ab"] == [200, 200]
    assert begun == [False, True, False]
