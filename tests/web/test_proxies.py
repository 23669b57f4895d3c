"""What a proxy says counts when it is trusted, and not a word otherwise."""

from __future__ import annotations

import pytest

from kinto_lite.errors import ConfigurationError
from kinto_lite.model import ApiRequest
from kinto_lite.web.proxies import TrustedProxies, read_address

FORWARDED = {
    "x-forwarded-for": "198.51.100.7",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "sync.example.org",
}


def rewrite(trusted: str, peer: str, **headers: str) -> tuple[str, str, str]:
    """Return scheme, host and client after the headers were looked at."""
    request = ApiRequest("GET", "/", headers=headers, remote_address=peer)
    request.origin = "http://localhost:8888"
    TrustedProxies(trusted.split()).rewrite(request)
    scheme, _, host = request.origin.partition("://")
    return scheme, host, request.remote_address


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.0.0.0/8", "::ffff:10.1.2.3"),
        ("fd00::/8", "fd00::1"),
        ("unix", ""),
    ],
)
def test_a_trusted_proxy_is_believed(trusted: str, peer: str) -> None:
    seen = rewrite(trusted, peer, **FORWARDED)
    assert seen == ("https", "sync.example.org", "198.51.100.7")


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [("", "127.0.0.1"), ("127.0.0.1", "127.0.0.2"), ("127.0.0.1", ""), ("unix", "127.0.0.1")],
)
def test_anybody_else_is_not(trusted: str, peer: str) -> None:
    assert rewrite(trusted, peer, **FORWARDED) == ("http", "localhost:8888", peer)


def test_the_client_is_the_nearest_address_that_is_no_trusted_proxy() -> None:
    chain = "6.6.6.6, 198.51.100.7, 10.0.0.2"
    assert rewrite("10.0.0.0/8", "10.0.0.1", **{"x-forwarded-for": chain})[2] == "198.51.100.7"


def test_the_words_that_a_client_put_before_those_of_the_proxy_do_not_count() -> None:
    headers = {
        "x-forwarded-proto": "https, http",
        "x-forwarded-host": "evil.example, sync.example.org",
    }
    seen = rewrite("127.0.0.1", "127.0.0.1", **headers)
    assert seen[:2] == ("http", "sync.example.org")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-proto": "javascript"},
        {"x-forwarded-host": "a/b"},
        {"x-forwarded-host": "user@host"},
        {"x-forwarded-host": "host:123456"},
        {"x-forwarded-for": "unknown"},
        {"x-forwarded-for": ", ,"},
    ],
)
def test_values_that_cannot_be_right_are_left_out(headers: dict[str, str]) -> None:
    expected = ("http", "localhost:8888", "127.0.0.1")
    assert rewrite("127.0.0.1", "127.0.0.1", **headers) == expected


@pytest.mark.parametrize(
    "word", ["192.0.2.1", "192.0.2.1:5678", " ::ffff:192.0.2.1 ", "[::ffff:192.0.2.1]:80"]
)
def test_addresses_are_read_with_and_without_port(word: str) -> None:
    assert str(read_address(word)) == "192.0.2.1"


def test_a_proxy_that_is_no_address_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="'trusted_proxies' names 'nginx'"):
        TrustedProxies(["nginx"])


@pytest.mark.parametrize(
    ("given", "taken"),
    [("abc-123", "abc-123"), ("a" * 129, ""), ("a b", ""), ("a\nb", ""), ("", "")],
)
def test_a_request_id_counts_when_it_can_be_one(given: str, taken: str) -> None:
    headers = {"x-request-id": given}
    request = ApiRequest("GET", "/", headers=headers, remote_address="10.0.0.1")
    TrustedProxies(["10.0.0.0/8"]).rewrite(request)
    assert request.request_id == taken


def test_a_request_id_of_a_stranger_does_not_count() -> None:
    headers = {"x-request-id": "abc"}
    request = ApiRequest("GET", "/", headers=headers, remote_address="192.0.2.1")
    TrustedProxies(["10.0.0.0/8"]).rewrite(request)
    assert request.request_id == ""
