"""Bodies of batches (protocol, part 1, chapter 9.1)."""

from __future__ import annotations

import json

import pytest

from kinto_lite.errors import Detail
from kinto_lite.protocol.batches import SubRequest, merge_defaults, read_batch

JSON = "application/json"
METHODS = "GET, HEAD, DELETE, TRACE, POST, PUT, PATCH"
RECURSION = "Recursive call on /batch endpoint is forbidden."


def read(document: object, limit: int | None = 25) -> tuple[tuple[SubRequest, ...], list[Detail]]:
    return read_batch(json.dumps(document).encode(), JSON, limit)


def errors(document: object, limit: int | None = 25) -> list[tuple[str | int | None, str]]:
    requests, details = read(document, limit)
    assert requests == ()
    return [(detail.name, detail.description) for detail in details]


def test_requests_are_read_in_order() -> None:
    body = {"data": {"a": 1}}
    requests, details = read(
        {"requests": [{"path": "/"}, {"method": "PUT", "path": "/x?y=1", "body": body}]}
    )
    assert details == []
    assert requests == (SubRequest("GET", "/", {}, None), SubRequest("PUT", "/x?y=1", {}, body))


def test_an_empty_list_is_a_batch() -> None:
    assert read({"requests": []}) == ((), [])


@pytest.mark.parametrize("method", [None, ""])
def test_the_method_is_get_by_default(method: object) -> None:
    assert read({"requests": [{"path": "/", "method": method}]})[0][0].method == "GET"


def test_defaults_fill_what_is_missing_at_any_depth() -> None:
    defaults = {"method": "PUT", "headers": {"A": "1"}, "body": {"data": {"x": 1, "y": 1}}}
    item = {"path": "/b", "body": {"data": {"y": 2}, "permissions": {}}}
    (request,), _ = read({"defaults": defaults, "requests": [item]})
    body = {"data": {"x": 1, "y": 2}, "permissions": {}}
    assert request == SubRequest("PUT", "/b", {"a": "1"}, body)


def test_a_scalar_of_the_item_wins_over_an_object_of_the_defaults() -> None:
    assert merge_defaults({"a": {"b": 1}}, {"a": 5}) == {"a": 5}


def test_header_names_have_no_case_and_those_of_the_item_win() -> None:
    document = {
        "defaults": {"headers": {"Accept": "text/html"}},
        "requests": [{"path": "/", "headers": {"accept": JSON}}],
    }
    assert read(document)[0][0].headers == {"accept": JSON}


@pytest.mark.parametrize(
    ("document", "name", "description"),
    [
        ({}, "requests", "Required"),
        ({"requests": None}, "requests", '"None" is not iterable'),
        ({"requests": {}}, "requests", '"{}" is not iterable'),
        ({"requests": [], "other": 1}, "", "Unrecognized keys in mapping: \"{'other': 1}\""),
        ({"requests": [{"method": "GET"}]}, "requests.0.path", "Required"),
        ({"requests": [{"path": None}]}, "requests.0.path", "Required"),
        (
            {"requests": [{"path": "buckets"}]},
            "requests.0.path",
            "String does not match expected pattern",
        ),
        ({"requests": [{"path": 5}]}, "requests.0.path", "5 is not a string: {'path': ''}"),
        (
            {"requests": [{"path": "/", "method": "get"}]},
            "requests.0.method",
            f'"get" is not one of {METHODS}',
        ),
        (
            {"requests": [{"path": "/", "method": 5}]},
            "requests.0.method",
            "5 is not a string: {'method': ''}",
        ),
        (
            {"requests": [{"path": "/", "unknown": 1}]},
            "requests.0",
            "Unrecognized keys in mapping: \"{'unknown': 1}\"",
        ),
        (
            {"requests": [{"path": "/", "headers": {"X": 1}}]},
            "requests.0.headers",
            "{'X': 1} contains non string value",
        ),
        ({"requests": [{"path": "/batch"}]}, "requests", RECURSION),
    ],
)
def test_a_malformed_batch_is_named(document: object, name: str, description: str) -> None:
    assert errors(document) == [(name, description)]


@pytest.mark.parametrize("value", [1, None, []])
@pytest.mark.parametrize("field", ["headers", "body"])
def test_headers_and_body_must_be_objects(field: str, value: object) -> None:
    text = f'"{value}" is not a mapping type: Does not implement dict-like functionality.'
    assert errors({"requests": [{"path": "/", field: value}]}) == [(f"requests.0.{field}", text)]


@pytest.mark.parametrize("raw", [b"[]", b"[1]"])
def test_an_array_is_not_a_batch(raw: bytes) -> None:
    _, (detail,) = read_batch(raw, JSON, 25)
    assert "is not a mapping type" in detail.description


def test_an_empty_body_lacks_requests() -> None:
    assert read_batch(b"", "", 25)[1] == [Detail("requests", "body", "Required")]


def test_an_unknown_key_of_the_defaults_is_reported_for_every_item() -> None:
    found = errors({"defaults": {"no": 1}, "requests": [{"path": "/"}, {"path": "/"}]})
    assert [name for name, _ in found] == ["defaults", "requests.0", "requests.1"]


def test_a_wrong_default_that_an_item_overrides_is_reported_once() -> None:
    found = errors({"defaults": {"path": "x"}, "requests": [{"path": "/"}]})
    assert found == [("defaults.path", "String does not match expected pattern")]


@pytest.mark.parametrize("defaults", [[], None, 5])
def test_defaults_must_be_an_object(defaults: object) -> None:
    ((name, description),) = errors({"defaults": defaults, "requests": [{"path": "/"}]})
    assert name == "defaults"
    assert "is not a mapping type" in description


def test_too_many_requests_are_refused() -> None:
    found = errors({"requests": [{"path": "/"}] * 5}, limit=4)
    assert found == [("requests", "Number of requests is limited to 4")]


@pytest.mark.parametrize("limit", [0, None])
def test_there_may_be_no_limit(limit: int | None) -> None:
    assert len(read({"requests": [{"path": "/"}] * 100}, limit)[0]) == 100


@pytest.mark.parametrize("path", ["/batch", "/v1/batch", "/batch/", "/v1/batch?x=1", "/%62atch"])
def test_a_batch_in_a_batch_is_refused(path: str) -> None:
    assert errors({"requests": [{"path": "/"}, {"path": path}]}) == [("requests", RECURSION)]


@pytest.mark.parametrize(
    "path", ["/buckets/batch", "/buckets/b/collections/c/records/batch-1", "/buckets?x=/batch"]
)
def test_other_paths_may_contain_the_word(path: str) -> None:
    assert read({"requests": [{"path": path}]})[0][0].path == path


def test_the_details_of_a_huge_batch_are_bounded() -> None:
    assert len(errors({"requests": [1] * 10_000}, limit=None)) == 100


def test_defaults_of_great_depth_are_merged() -> None:
    nested = b'{"a":' * 400 + b"1" + b"}" * 400
    raw = b'{"defaults":{"body":%b},"requests":[{"path":"/","body":%b}]}' % (nested, nested)
    requests, details = read_batch(raw, JSON, 25)
    assert details == []
    assert requests[0].body == json.loads(nested)
