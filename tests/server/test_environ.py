"""From Granian's request to a WSGI environ."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from kinto_lite.server.addresses import Address
from kinto_lite.server.environ import build_base, build_environ, decode_latin, read_headers


@dataclass
class FakeHeaders:
    """Readable headers, and names of which some have no readable value."""

    readable: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def keys(self) -> list[str]:
        return list(dict.fromkeys([*(name for name, _ in self.readable), *self.unreadable]))

    def items(self) -> list[tuple[str, str]]:
        return self.readable


@dataclass
class FakeScope:
    """A request as Granian describes it."""

    path: str = "/v1/"
    query_string: str = ""
    method: str = "GET"
    http_version: str = "1.1"
    client: str = "127.0.0.1:5000"
    authority: str | None = None
    headers: FakeHeaders = field(default_factory=FakeHeaders)


BASE = build_base(Address("127.0.0.1", 8888), "http", False)


def get(key: str, scope: FakeScope, headers: dict[str, str] | None = None) -> object:
    return build_environ(BASE, scope, headers or {}, b"").get(key)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/a b", "/a b"), ("/é", "/\xc3\xa9"), ("/\ufffd", "/\xff")],
)
def test_the_path_is_bytes_in_latin_1_and_what_is_no_utf_8_stays_none(
    path: str, expected: str
) -> None:
    assert get("PATH_INFO", FakeScope(path=path)) == expected


def test_the_query_stays_as_it_was_sent() -> None:
    assert get("QUERY_STRING", FakeScope(query_string="a=%E9&b=x+y")) == "a=%E9&b=x+y"


def test_headers_have_their_prefix_and_the_content_type_has_none() -> None:
    headers = {"if-match": '"1"', "content-type": "application/json"}
    made = build_environ(BASE, FakeScope(), headers, b"")
    assert made["HTTP_IF_MATCH"] == '"1"'
    assert made["CONTENT_TYPE"] == "application/json"
    assert "HTTP_CONTENT_TYPE" not in made


def test_a_header_with_an_underscore_cannot_pose_as_another_one() -> None:
    assert get("HTTP_IF_MATCH", FakeScope(), {"if_match": '"1"'}) is None


def test_a_chunked_body_arrives_with_its_length() -> None:
    headers = {"transfer-encoding": "chunked"}
    made = build_environ(BASE, FakeScope(), headers, b"abc")
    assert made["CONTENT_LENGTH"] == "3"
    assert "HTTP_TRANSFER_ENCODING" not in made
    assert made["wsgi.input"].read() == b"abc"


def test_the_host_of_the_request_line_wins_over_the_header() -> None:
    scope = FakeScope(authority="other:8")
    assert get("HTTP_HOST", scope, {"host": "h"}) == "other:8"


@pytest.mark.parametrize(
    ("client", "expected"), [("10.0.0.1:5", "10.0.0.1"), ("[::1]:5000", "::1")]
)
def test_the_remote_address_has_no_port(client: str, expected: str) -> None:
    assert get("REMOTE_ADDR", FakeScope(client=client)) == expected


def test_http_1_0_is_called_so() -> None:
    assert get("SERVER_PROTOCOL", FakeScope(http_version="1")) == "HTTP/1.0"


def test_repeated_headers_are_joined_by_a_comma() -> None:
    assert read_headers(FakeHeaders([("x-a", "1"), ("x-a", "2")])) == {"x-a": "1,2"}


def test_a_header_that_granian_cannot_read_is_not_forgotten() -> None:
    headers = FakeHeaders([("host", "h")], ["if-match"])
    assert read_headers(headers) == {"host": "h", "if-match": "\xff"}


@pytest.mark.parametrize(
    ("value", "expected"), [("abc", "abc"), ("\xc3\xa9", "é"), ("\xe9", "\xe9")]
)
def test_header_values_go_out_as_the_bytes_they_were(value: str, expected: str) -> None:
    assert decode_latin(value) == expected
