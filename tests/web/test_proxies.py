"""What a proxy says counts when it is trusted, and not a word otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from kinto_lite.errors import ConfigurationError
from kinto_lite.web.proxies import TrustedProxies, read_address

FORWARDED = {
    "HTTP_X_FORWARDED_FOR": "198.51.100.7",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "sync.example.org",
}


def rewrite(trusted: str, peer: str, **headers: str) -> tuple[str, str, str]:
    """Return scheme, host and client after the headers were looked at."""
    environ: dict[str, Any] = {
        "REMOTE_ADDR": peer,
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "localhost:8888",
        **headers,
    }
    TrustedProxies(trusted.split()).rewrite(environ)
    return environ["wsgi.url_scheme"], environ["HTTP_HOST"], environ["REMOTE_ADDR"]


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
    assert rewrite("10.0.0.0/8", "10.0.0.1", HTTP_X_FORWARDED_FOR=chain)[2] == "198.51.100.7"


def test_the_words_that_a_client_put_before_those_of_the_proxy_do_not_count() -> None:
    seen = rewrite(
        "127.0.0.1",
        "127.0.0.1",
        HTTP_X_FORWARDED_PROTO="https, http",
        HTTP_X_FORWARDED_HOST="evil.example, sync.example.org",
    )
    assert seen[:2] == ("http", "sync.example.org")


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_X_FORWARDED_PROTO": "javascript"},
        {"HTTP_X_FORWARDED_HOST": "a/b"},
        {"HTTP_X_FORWARDED_HOST": "user@host"},
        {"HTTP_X_FORWARDED_HOST": "host:123456"},
        {"HTTP_X_FORWARDED_FOR": "unknown"},
        {"HTTP_X_FORWARDED_FOR": ", ,"},
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
