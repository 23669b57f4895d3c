"""Bodies and URLs that a server should not believe: too large, too deep, not text, not JSON."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from tests.resources.asking import RECORD, RECORDS, Asking, credentials
from tests.web.calling import call, make_environ

MILLION = 1_000_000

BROKEN: dict[str, bytes] = {
    "white space": b"  ",
    "cut": b'{"data": {"n": 1}',
    "twice": b"{}{}",
    "deep arrays": b'{"data":{"n":' + b"[" * 500 + b"]" * 500 + b"}}",
    "deep objects": b'{"data":' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}",
    "a million brackets": b"[" * MILLION,
    "a million braces": b'{"a":' * (MILLION // 5),
    "invalid UTF-8": b'{"data":{"n":"\xff"}}',
    "overlong UTF-8": b'{"data":{"n":"\xc0\xaf"}}',
    "UTF-8 surrogate": b'{"data":{"n":"\xed\xa0\x80"}}',
    "UTF-16": '{"data":{}}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"data":{}}',
    "NaN": b'{"data":{"n":NaN}}',
    "Infinity": b'{"data":{"n":-Infinity}}',
    "1e400": b'{"data":{"n":1e400}}',
    "-1e400": b'{"data":{"n":-1e400}}',
    "5000 digits": b'{"data":{"n":' + b"9" * 5000 + b"}}",
    "a million digits": b'{"data":{"n":' + b"9" * MILLION + b"}}",
    "leading zero": b'{"data":{"n":01}}',
    "trailing comma": b'{"data":{"n":1,}}',
    "comment": b'{"data":{}} // x',
    "single quotes": b"{'data':{}}",
    "lone surrogate": b'{"data":{"n":"\\ud800"}}',
    "lone low surrogate": b'{"data":{"n":"\\udc00x"}}',
    "lone surrogate in a key": b'{"data":{"\\ud800":1}}',
    "bad escape": b'{"data":{"n":"\\x41"}}',
    "raw control": b'{"data":{"n":"\n"}}',
    "null": b"null",
    "text": b'"x"',
    "number": b"1",
    "array": b"[]",
    "array of a million": b"[" + b"1," * (MILLION // 2) + b"1]",
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in BROKEN.items()])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_a_broken_body_is_a_400_that_stores_nothing(tree: Asking, method: str, body: bytes) -> None:
    before = tree("GET", RECORDS)
    reply = tree(method, RECORDS if method == "POST" else RECORD, body)
    assert (reply.status_int, reply.json["code"], reply.json["errno"]) == (400, 400, 107)
    assert reply.json["error"] == "Invalid parameters"
    after = tree("GET", RECORDS)
    assert (after.json, after.headers["ETag"]) == (before.json, before.headers["ETag"])


#: An empty JSON patch is a patch.
@pytest.mark.parametrize(
    "body", [pytest.param(body, id=name) for name, body in BROKEN.items() if name != "array"]
)
@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/batch", "application/json"),
        ("PATCH", RECORD, "application/merge-patch+json"),
        ("PATCH", RECORD, "application/json-patch+json"),
    ],
)
def test_a_broken_body_is_400_in_other_forms_too(
    tree: Asking, method: str, path: str, kind: str, body: bytes
) -> None:
    assert tree(method, path, body, headers={"Content-Type": kind}).status_int == 400


def test_a_broken_body_is_shown_shortly(tree: Asking) -> None:
    for body in BROKEN.values():
        assert len(tree("PUT", RECORD, body).body) < 5000


#: Unusual values that are kept as they are: what is sent, what is in the answer.
KEPT = [
    (b"9223372036854775807", b"9223372036854775807"),
    (b"18446744073709551615", b"18446744073709551615"),
    (b"-9223372036854775808", b"-9223372036854775808"),
    (b"18446744073709551616", b"1.8446744073709552e+19"),
    (b"1.0", b"1.0"),
    (b"1e2", b"100.0"),
    (b"-0.0", b"-0.0"),
    (b"5e-324", b"5e-324"),
    (b"1.7976931348623157e308", b"1.7976931348623157e+308"),
    (b'"\\u0000"', b'"\\u0000"'),
    (b'"\\ud83d\\ude00"', b'"\\uD83D\\uDE00"'),
    (b'"\\u2028\\u00e9"', b'"\\u2028\\u00E9"'),
    (b"[" * 440 + b"]" * 440, b"[" * 440 + b"]" * 440),
    (b"null", b"null"),
    (b'{"":{" ":[]}}', b'{"":{" ":[]}}'),
]


@pytest.mark.parametrize(("sent", "kept"), KEPT)
def test_unusual_values_are_kept(tree: Asking, sent: bytes, kept: bytes) -> None:
    assert tree("PUT", RECORD, b'{"data":{"v":' + sent + b"}}").status_int == 200
    for body in (tree("GET", RECORD).body, tree("GET", RECORDS + "?id=r").body):
        assert b'"v":' + kept + b"," in body


def test_unusual_values_survive_a_patch(tree: Asking) -> None:
    for sent, kept in KEPT:
        tree("PUT", RECORD, b'{"data":{"v":' + sent + b"}}")
        assert tree("PATCH", RECORD, {"data": {"w": 1}}).status_int == 200
        assert b'"v":' + kept in tree("GET", RECORD).body


def test_of_duplicate_keys_the_last_wins(tree: Asking) -> None:
    body = b'{"data":{"n":1},"data":{"n":2,"n":3,"id":"r","id":"r"}}'
    assert tree("PUT", RECORD, body).json["data"]["n"] == 3


def test_an_empty_body_is_an_empty_object(tree: Asking) -> None:
    assert tree("PUT", RECORD + "9", b"").status_int == 201


# Sizes


@pytest.fixture
def small(make_ask: Callable[..., Asking]) -> Asking:
    """An app that takes bodies of 1000 bytes."""
    ask = make_ask(max_body_bytes="1000")
    ask("PUT", "/buckets/b", {})
    return ask


def padded(length: int) -> bytes:
    """A body of so many bytes."""
    return b'{"data":{"n":"' + b"x" * (length - 17) + b'"}}'


def test_a_body_of_just_the_limit_is_taken(small: Asking) -> None:
    assert len(padded(1000)) == 1000
    assert small("PUT", "/buckets/b", padded(1000)).status_int == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/buckets/b"), ("POST", "/batch"), ("DELETE", "/buckets"), ("GET", "/nope")],
)
def test_a_larger_body_is_413(small: Asking, method: str, path: str) -> None:
    reply = small(method, path, padded(1001))
    assert (reply.status_int, reply.json["code"], reply.json["errno"]) == (413, 413, 113)
    assert "1000 bytes" in reply.json["message"]
    assert small.ids("/buckets") == ["b"]


def test_a_larger_chunked_body_is_413(small: Asking) -> None:
    stream = io.BytesIO(padded(100_000))
    given: dict[str, Any] = {"HTTP_AUTHORIZATION": credentials("alice"), "wsgi_input": stream}
    environ = make_environ("PUT", "/v1/buckets/b", **given)
    environ["wsgi.input_terminated"] = True
    assert call(small.client.app, environ).code == 413
    assert stream.tell() <= 1001


@pytest.mark.parametrize(
    "path",
    [
        "/buckets/" + "a" * MILLION,
        "/buckets/b/collections/c/records/" + "a" * MILLION,
        "/buckets?" + "a" * MILLION,
        "/buckets?" + "a=1&" * (MILLION // 4),
        "/buckets?_sort=" + "a," * (MILLION // 2),
        "/" * MILLION,
        "/buckets" + "/" * MILLION,
        "/buckets/b?_fields=" + "a." * (MILLION // 2),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_endless_url_is_a_client_error(tree: Asking, method: str, path: str) -> None:
    reply = tree(method, path, {"data": {}} if method == "PUT" else None)
    assert 400 <= reply.status_int < 500
    assert len(reply.body) < 100_000


@pytest.mark.parametrize("length", [2000, 20_000])
def test_long_ids_are_ids(tree: Asking, length: int) -> None:
    path = f"{RECORDS}/{'a' * length}"
    assert tree("PUT", path, {"data": {}}).status_int == 201
    assert tree("GET", path).json["data"]["id"] == "a" * length


def test_a_posted_id_may_be_long(tree: Asking) -> None:
    reply = tree("POST", RECORDS, {"data": {"id": "a" * 100_000}})
    assert reply.status_int in (201, 400)
    assert tree("GET", RECORDS).status_int == 200


def test_a_principal_may_be_a_million_characters(tree: Asking) -> None:
    long = "u" * MILLION
    assert tree("PUT", RECORD, {"permissions": {"read": [long]}}).status_int == 200
    assert tree.permissions(RECORD)["read"] == {long}


@pytest.mark.parametrize("depth", [10, 100, 449])
@pytest.mark.parametrize("query", ["?_fields={}", "?{}=1", "?_sort={}", "?has_{}=true"])
def test_deep_field_names_are_no_failure(tree: Asking, depth: int, query: str) -> None:
    name = ".".join("a" * depth)
    value: Any = 1
    for _ in range(min(depth, 440)):
        value = {"a": value}
    tree("PUT", RECORD, {"data": {"a": value}})
    assert tree("GET", RECORDS + query.format(name)).status_int in (200, 400)
