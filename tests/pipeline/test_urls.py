"""Unknown URLs, redirects, methods and preflights (protocol, core chapters 1.2, 1.3, 1.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.resources.asking import BUCKET, RECORD, RECORDS, Asking, credentials

NOT_FOUND = (404, 111, "The resource you are looking for could not be found.")
NO_VERSION = (404, 116, "The requested API version is not available on this server.")


def get(ask: Asking, path: str, method: str = "GET", **headers: str) -> Any:
    """Send a request to a path with its version."""
    given = {"Authorization": credentials("alice")} | headers
    return ask.client.request(path, method=method, headers=given, expect_errors=True)


UNKNOWN = [
    ("/v2", NO_VERSION),
    ("/v2/buckets", NO_VERSION),
    ("/v0/", NO_VERSION),
    ("/v99/nope", NO_VERSION),
    ("/v1/nope", NOT_FOUND),
    ("/v1//buckets", NOT_FOUND),
    ("/v1/buckets/a%2Fb", NOT_FOUND),
    ("/v1/buckets/a%2Fgroups%2Fg/x", NOT_FOUND),
    ("/v1/Buckets", NOT_FOUND),
    ("/v1/permissions", NOT_FOUND),
    ("/v1/__flush__", NOT_FOUND),
    ("/v1/buckets/b/records", NOT_FOUND),
]


@pytest.mark.parametrize(("path", "expected"), UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_an_unknown_url_is_404_for_every_method(
    ask: Asking, path: str, expected: tuple[int, int, str], method: str
) -> None:
    reply = get(ask, path, method)
    assert (reply.status_int, reply.json["errno"], reply.json["message"]) == expected
    assert "details" not in reply.json


REDIRECTS = [
    ("/", "/v1/"),
    ("/buckets", "/v1/buckets"),
    ("/buckets?x=1&y=%20", "/v1/buckets?x=1&y=%20"),
    ("/buckets/", "/v1/buckets/"),
    ("/vx", "/v1/vx"),
    ("/V1/", "/v1/V1/"),
    ("/%C3%A9%20?a", "/v1/%C3%A9%20?a"),
    ("//evil.example/x", "/v1//evil.example/x"),
    ("/v1", "/v1/"),
    ("/v1?a=b", "/v1/?a=b"),
    ("/v1/buckets/", "/v1/buckets"),
    ("/v1/buckets/?_limit=3", "/v1/buckets?_limit=3"),
    ("/v1/buckets/b///", "/v1/buckets/b"),
    ("/v1/unknown/", "/v1/unknown"),
    ("/v1/buckets/%3Fx/", "/v1/buckets/%3Fx"),
    ("/v1/buckets/%25/", "/v1/buckets/%25"),
]


@pytest.mark.parametrize(("path", "location"), REDIRECTS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_redirect_keeps_method_and_query(
    ask: Asking, path: str, location: str, method: str
) -> None:
    reply = get(ask, path, method)
    assert (reply.status_int, reply.headers["Location"]) == (307, "http://localhost" + location)


def test_only_paths_without_version_are_redirected_to_one(ask: Asking) -> None:
    assert get(ask, "/v1/v1/buckets").status_int == 404


@pytest.mark.parametrize(
    ("ttl", "headers"),
    [
        ("-1", {}),
        ("60", {"Cache-Control": "max-age=60"}),
        (
            "0",
            {
                "Cache-Control": "max-age=0, must-revalidate, no-cache, no-store",
                "Pragma": "no-cache",
            },
        ),
    ],
)
@pytest.mark.parametrize(
    ("setting", "path"),
    [
        ("trailing_slash_redirect_ttl_seconds", "/v1/buckets/"),
        ("version_prefix_redirect_ttl_seconds", "/buckets"),
    ],
)
def test_redirects_are_cached_as_set(
    make_ask: Callable[..., Asking], setting: str, path: str, ttl: str, headers: dict[str, str]
) -> None:
    reply = get(make_ask(**{setting: ttl}), path)
    shown = {
        name: reply.headers[name] for name in ("Cache-Control", "Pragma") if name in reply.headers
    }
    assert shown == headers
    assert ("Expires" in reply.headers) == (ttl != "-1")
    assert ("Last-Modified" in reply.headers) == (ttl == "0")


def test_redirects_have_defaults_for_caches(ask: Asking) -> None:
    shown = [get(ask, path).headers.get("Cache-Control") for path in ("/buckets", "/v1/buckets/")]
    assert shown == [None, "max-age=3600"]


def test_redirects_go_where_the_settings_say(make_ask: Callable[..., Asking]) -> None:
    ask = make_ask(http_scheme="https", http_host="public.example")
    assert get(ask, "/buckets").headers["Location"] == "https://public.example/v1/buckets"


@pytest.mark.parametrize(
    ("setting", "path", "expected"),
    [
        ("version_prefix_redirect_enabled", "/buckets", NO_VERSION),
        ("version_prefix_redirect_enabled", "/", NO_VERSION),
        ("trailing_slash_redirect_enabled", "/v1", NOT_FOUND),
        ("trailing_slash_redirect_enabled", "/v1/buckets/", NOT_FOUND),
    ],
)
def test_redirects_can_be_turned_off(
    make_ask: Callable[..., Asking], setting: str, path: str, expected: tuple[int, int, str]
) -> None:
    reply = get(make_ask(**{setting: "false"}), path)
    assert (reply.status_int, reply.json["errno"], reply.json["message"]) == expected


def test_options_without_version_does_not_redirect(ask: Asking) -> None:
    reply = get(ask, "/buckets", "OPTIONS", Origin="http://x")
    assert (reply.status_int, reply.body) == (200, b"")
    assert reply.headers["Access-Control-Allow-Origin"] == "*"


# Methods

PLURAL = "HEAD, GET, POST, DELETE, OPTIONS"
OBJECT = "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
METHODS = [
    ("/", "POST", "GET, HEAD, OPTIONS"),
    ("/__heartbeat__", "PUT", "GET, HEAD, OPTIONS"),
    ("/__lbheartbeat__", "DELETE", "GET, HEAD, OPTIONS"),
    ("/__version__", "POST", "GET, HEAD, OPTIONS"),
    ("/contribute.json", "POST", "GET, HEAD, OPTIONS"),
    ("/batch", "GET", "POST, OPTIONS"),
    ("/batch", "HEAD", "POST, OPTIONS"),
    ("/buckets", "PUT", PLURAL),
    ("/buckets", "PATCH", PLURAL),
    ("/buckets", "TRACE", PLURAL),
    (BUCKET, "POST", OBJECT),
    (RECORDS, "PUT", PLURAL),
    (RECORD, "TRACE", OBJECT),
]


@pytest.mark.parametrize(("path", "method", "allow"), METHODS)
def test_a_wrong_method_is_405_and_tells_the_right_ones(
    tree: Asking, path: str, method: str, allow: str
) -> None:
    reply = tree(method, path)
    assert (reply.status_int, reply.headers["Allow"]) == (405, allow)
    if method != "HEAD":
        assert (reply.json["errno"], reply.json["error"]) == (115, "Method Not Allowed")
    assert "Access-Control-Expose-Headers" not in reply.headers


def test_a_disabled_method_is_405(make_ask: Callable[..., Asking]) -> None:
    ask = make_ask(plural_bucket_post_enabled="false", object_bucket_delete_enabled="false")
    replies = [ask("POST", "/buckets", {}), ask("DELETE", BUCKET)]
    assert [(reply.status_int, reply.headers["Allow"]) for reply in replies] == [
        (405, "HEAD, GET, DELETE, OPTIONS"),
        (405, "GET, HEAD, PUT, PATCH, OPTIONS"),
    ]


def test_head_survives_a_disabled_get(make_ask: Callable[..., Asking]) -> None:
    ask = make_ask(plural_bucket_get_enabled="false")
    assert [ask(method, "/buckets").status_int for method in ("GET", "HEAD")] == [405, 200]


# Preflights

WANTED = "Access-Control-Request-Method"


def preflight(ask: Asking, path: str, **headers: str) -> Any:
    """Send OPTIONS, without credentials."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask("OPTIONS", path, user="", headers=given)


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/", "GET", "GET,HEAD,OPTIONS"),
        ("/batch", "POST", "POST,OPTIONS"),
        ("/buckets", "POST", "HEAD,GET,POST,DELETE,OPTIONS"),
        ("/buckets/none", "PUT", "GET,HEAD,PUT,PATCH,DELETE,OPTIONS"),
        ("/buckets/-/collections/-/records/-", "PATCH", "GET,HEAD,PUT,PATCH,DELETE,OPTIONS"),
    ],
)
def test_a_preflight_needs_neither_credentials_nor_objects(
    ask: Asking, path: str, method: str, allowed: str
) -> None:
    reply = preflight(ask, path, Origin="http://x", Access_Control_Request_Method=method)
    assert (reply.status_int, reply.body) == (200, b"null")
    assert reply.headers["Access-Control-Allow-Methods"] == allowed
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Access-Control-Max-Age"] == "3600"
    assert "Access-Control-Expose-Headers" not in reply.headers


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ({}, [WANTED, "Origin"]),
        ({"Origin": "http://x"}, [WANTED]),
        ({"Access_Control_Request_Method": "GET"}, ["Origin"]),
        ({"Origin": "http://x", "Access_Control_Request_Method": "get"}, [WANTED]),
        ({"Origin": "http://x", "Access_Control_Request_Method": "POST"}, [WANTED]),
    ],
)
def test_a_preflight_that_is_refused(
    ask: Asking, headers: dict[str, str], names: list[str]
) -> None:
    reply = preflight(ask, BUCKET, **headers)
    assert reply.status_int == 400
    assert [detail["name"] for detail in reply.json["details"]] == names


def test_a_disabled_method_is_no_preflight(make_ask: Callable[..., Asking]) -> None:
    ask = make_ask(object_bucket_put_enabled="false")
    wanted = {"Origin": "http://x", "Access_Control_Request_Method": "PUT"}
    assert preflight(ask, BUCKET, **wanted).status_int == 400
