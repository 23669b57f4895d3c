"""The line of a request: what it says, and what it keeps to itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from webtest import TestApp

from kinto_lite.hooks import Observation
from kinto_lite.logs import ITEMS, REQUESTS
from kinto_lite.model import ApiRequest, Trace
from kinto_lite.pipeline.request_log import describe

AUTH = {"Authorization": "Basic dTpzZWNyZXRfcGFzc3dvcmQ="}


@pytest.fixture
def http(make_client: Any, caplog: pytest.LogCaptureFixture) -> Iterator[TestApp]:
    """A server whose log has the requests."""
    with caplog.at_level(logging.INFO, REQUESTS), caplog.at_level(logging.INFO, ITEMS):
        yield make_client({"includes": "kinto.plugins.default_bucket"})


def read_fields(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    return [(record.name, record.__dict__["fields"]) for record in caplog.records]


def observe(path: str, query: str = "", **params: str) -> Observation:
    request = ApiRequest("GET", path, query)
    return Observation(request, Trace(0, params=params), 200, 2, 0, 0.5)


def test_a_request_is_one_line(http: TestApp, caplog: pytest.LogCaptureFixture) -> None:
    http.get("/v1/buckets?_sort=id", headers={**AUTH, "User-Agent": "me", "Accept-Language": "de"})
    ((name, fields),) = read_fields(caplog)
    assert name == REQUESTS
    assert fields.pop("t") > 0
    assert fields.pop("time").endswith("+00:00")
    assert fields.pop("uid").startswith("basicauth:")
    assert fields == {
        "method": "GET",
        "path": "/v1/buckets",
        "code": 200,
        "errno": 0,
        "authn_type": "basicauth",
        "agent": "me",
        "lang": "de",
        "querystring": {"_sort": "id"},
    }


def test_items_of_a_batch_have_lines_of_their_own(
    http: TestApp, caplog: pytest.LogCaptureFixture
) -> None:
    items = [{"path": "/v1/buckets/default"}, {"path": "/v1/none"}]
    http.post_json("/v1/batch", {"requests": items}, headers=AUTH)
    lines = read_fields(caplog)
    assert [(name, one["path"], one["errno"]) for name, one in lines] == [
        (ITEMS, "/v1/buckets/default", 0),
        (ITEMS, "/v1/none", 111),
        (REQUESTS, "/v1/batch", 0),
    ]
    assert lines[-1][1]["batch_size"] == 2
    assert len({record.__dict__["rid"] for record in caplog.records}) == 1


def test_no_secret_comes_into_the_log(http: TestApp, caplog: pytest.LogCaptureFixture) -> None:
    headers = {**AUTH, "Cookie": "a=secret_cookie"}
    http.get("/v1/?access_token=secret_1&code=secret_2&PASSWORD=secret_3", headers=headers)
    http.put_json("/v1/buckets/b", {"data": {"x": "secret_body"}}, headers=headers)
    assert "secret" not in str([record.__dict__ for record in caplog.records])
    assert "[hidden]" in str(read_fields(caplog))


def test_a_part_of_the_path_that_is_a_token_is_hidden() -> None:
    fields = describe(observe("/v1/accounts/bob/validate/s3cret", id="bob", token="s3cret"))
    assert fields["path"] == "/v1/accounts/bob/validate/[hidden]"


@pytest.mark.parametrize(
    ("name", "is_hidden"),
    [
        ("id_token", True),
        ("code", True),
        ("api_key", True),
        ("like_password", True),
        ("_token", True),
        ("keyword", False),
        ("status", False),
        ("_since", False),
    ],
)
def test_names_say_what_is_secret(name: str, is_hidden: bool) -> None:
    fields = describe(observe("/", f"{name}=value"))
    assert fields["querystring"] == {name: "[hidden]" if is_hidden else "value"}


def test_what_clients_send_is_cut() -> None:
    fields = describe(observe("/" + "x" * 9000, "&".join(f"a{n}={'y' * 900}" for n in range(99))))
    assert len(fields["path"]) == 1000
    assert len(str(fields["querystring"])) < 6000


def test_a_query_string_that_is_no_text_is_shown_all_the_same() -> None:
    assert describe(observe("/", "a=%ff&b"))["querystring"] == {"a": "\ufffd", "b": ""}


def test_a_server_that_is_not_asked_for_lines_observes_nothing(make_wsgi: Any) -> None:
    assert make_wsgi({}).service.observers == []
