"""Cross-origin headers (protocol, part 1, chapter 1.7)."""

from __future__ import annotations

import pytest

from kinto_lite.errors import Detail, InvalidRequest
from kinto_lite.protocol.cors import Origins, exposed_headers

BASE = {"Backoff", "Retry-After", "Alert", "Content-Length", "Content-Type"}
OBJECT = {"Last-Modified", "ETag", "Cache-Control", "Expires", "Pragma"}
PLURAL = OBJECT | {"Next-Page"}
TOTALS = {"Total-Objects", "Total-Records"}

EXPOSED = [
    ("plural", "GET", BASE | PLURAL),
    ("plural", "HEAD", BASE | PLURAL | TOTALS),
    ("plural", "POST", BASE),
    ("plural", "DELETE", BASE),
    ("object", "GET", BASE | OBJECT),
    ("object", "HEAD", BASE | OBJECT),
    ("object", "PUT", BASE),
    ("object", "PATCH", BASE),
    ("object", "DELETE", BASE),
    ("", "GET", BASE),
    ("", "POST", BASE),
]


@pytest.mark.parametrize(("shape", "method", "expected"), EXPOSED)
def test_scripts_may_read_these_headers(shape: str, method: str, expected: set[str]) -> None:
    names = exposed_headers(shape, method)
    assert (set(names), len(names)) == (expected, len(expected))


ALLOWED = [
    (["*"], "http://any", True, "*"),
    (["*"], "null", True, "*"),
    (["http://a", "*"], "http://any", True, "*"),
    (["https://*.example.com"], "https://x.example.com", True, "https://x.example.com"),
    (["https://*.example.com"], "https://x.y.example.com", True, "https://x.y.example.com"),
    (["https://*.example.com"], "https://example.com", False, None),
    (["https://*.example.com"], "https://x.example.com.evil", False, None),
    (["https://*.example.com"], "http://x.example.com", False, None),
    (["https://a", "https://b"], "https://b", True, "https://b"),
    (["https://a"], "https://a:8080", False, None),
    (["https://a.c"], "https://abc", False, None),
    (["https://a"], "https://a\n", False, None),
    ([], "https://a", False, None),
]


@pytest.mark.parametrize(("patterns", "origin", "is_allowed", "shown"), ALLOWED)
def test_an_origin_is_allowed_by_a_pattern(
    patterns: list[str], origin: str, is_allowed: bool, shown: str | None
) -> None:
    origins = Origins(patterns, 3600)
    assert origins.allows(origin) is is_allowed
    headers = dict(origins.known_url_headers(origin, "X"))
    assert headers.get("Access-Control-Allow-Origin") == shown
    assert headers["Access-Control-Expose-Headers"] == "X"
    assert "Access-Control-Allow-Credentials" not in headers


def test_a_refused_origin_is_a_validation_error() -> None:
    origins = Origins(["https://a"], 3600)
    expected = [Detail("Origin", "header", "http://evil not allowed")]
    assert origins.errors("http://evil") == expected
    assert InvalidRequest(expected).message == "Origin in header: http://evil not allowed"


@pytest.mark.parametrize("origin", [None, "", "https://a"])
def test_other_origins_are_no_error(origin: str | None) -> None:
    assert Origins(["https://a"], 3600).errors(origin) == []


def test_without_an_origin_only_the_exposed_headers_are_told() -> None:
    headers = Origins(["*"], 3600).known_url_headers(None, "X")
    assert headers == [("Access-Control-Expose-Headers", "X")]


@pytest.mark.parametrize(
    ("patterns", "shown"),
    [(["*"], "*"), (["https://a"], "https://a"), (["https://*"], None), (["https://b"], None)],
)
def test_unknown_urls_know_no_patterns(patterns: list[str], shown: str | None) -> None:
    headers = dict(Origins(patterns, 3600).other_url_headers("https://a"))
    assert headers.get("Access-Control-Allow-Origin") == shown
    assert headers["Access-Control-Expose-Headers"] == (
        "Backoff,Retry-After,Alert,Content-Length,Content-Type"
    )


# Preflights

METHODS = ("GET", "HEAD", "OPTIONS")
WANTED = {"origin": "https://a", "access-control-request-method": "GET"}


def test_a_preflight_is_granted() -> None:
    requested = {"access-control-request-headers": "authorization, X-Other,,"}
    headers = Origins(["https://a"], 60).preflight_headers(WANTED | requested, METHODS, ["ETag"])
    assert dict(headers) == {
        "Access-Control-Allow-Origin": "https://a",
        "Access-Control-Allow-Methods": "GET,HEAD,OPTIONS",
        "Access-Control-Allow-Headers": "ETag,X-Other,authorization",
        "Access-Control-Max-Age": "60",
    }


def test_without_the_setting_there_is_no_age() -> None:
    headers = Origins(["*"], None).preflight_headers(WANTED, METHODS, [])
    assert "Access-Control-Max-Age" not in dict(headers)


REFUSED = [
    ({}, ["Access-Control-Request-Method", "Origin"], "this header is mandatory"),
    ({"origin": "https://a"}, ["Access-Control-Request-Method"], "this header is mandatory"),
    ({"access-control-request-method": "GET"}, ["Origin"], "this header is mandatory"),
    (
        WANTED | {"access-control-request-method": "get"},
        ["Access-Control-Request-Method"],
        "Method not allowed",
    ),
    (WANTED | {"origin": "https://b"}, ["Origin"], "https://b not allowed"),
]


@pytest.mark.parametrize(("headers", "names", "description"), REFUSED)
def test_a_preflight_is_refused(
    headers: dict[str, str], names: list[str], description: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Origins(["https://a"], 60).preflight_headers(headers, METHODS, [])
    assert [detail["name"] for detail in caught.value.details] == names
    assert {detail["description"] for detail in caught.value.details} == {description}
