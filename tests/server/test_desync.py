"""What could make client, proxy and server disagree about where a request ends, or whose answer
is whose; with each of the parsers."""

from __future__ import annotations

import pytest

from tests.server.wire import Response, connect, exchange, read_next, read_response, request

EMPTY_CHUNKED = b"0\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


def send(port: int, data: bytes) -> list[Response]:
    """Send bytes, and no more; return the responses up to the end of the connection."""
    found = []
    with connect(port) as connection, connection.makefile("rb") as stream:
        connection.sendall(data)
        connection.shutdown(1)
        while stream.peek(1):
            found.append(read_next(stream))
    return found


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n",
        "GET / HTTP/1.1\r\nHost: user@a\r\n",
        "GET http://user:password@a/ HTTP/1.1\r\nHost: a\r\n",
        "GET http:///x HTTP/1.1\r\nHost: a\r\n",
        "GET x HTTP/1.1\r\nHost: a\r\n",
        "GET /\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n",
        "PRI * HTTP/2.0\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n",
        "GET / HTTP/1.1\r\n Host: a\r\n",
    ],
)
def test_a_head_that_others_may_read_otherwise_ends_the_connection(port: int, head: str) -> None:
    (refused,) = send(port, head.encode() + b"\r\n" + SMUGGLED)
    assert refused.status == 400
    assert refused.all("connection") == ["close"]


@pytest.mark.parametrize("upgrade", ["", "Connection: upgrade\nUpgrade: x\n"])
@pytest.mark.parametrize(
    "framing",
    [
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: ,chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\nTransfer-Encoding: identity",
        "Transfer-Encoding: chunked\nContent-Length: 5",
        "Content-Length: 5\nContent-Length: 6",
        "Content-Length: +5",
        "Content-Length: 0x5",
    ],
)
def test_a_length_that_others_may_read_otherwise_ends_the_connection(
    port: int, upgrade: str, framing: str
) -> None:
    head = request(f"POST / HTTP/1.1\n{upgrade}{framing}")
    (refused,) = send(port, head + EMPTY_CHUNKED + SMUGGLED)
    assert refused.status == 400
    assert refused.all("connection") == ["close"]


def test_the_old_version_has_no_chunks(port: int) -> None:
    (refused,) = send(port, request("POST / HTTP/1.0\nTransfer-Encoding: chunked", EMPTY_CHUNKED))
    assert refused.status == 400


def test_what_comes_after_a_body_is_no_header(port: int) -> None:
    body = b"1\r\nx\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\nAuthorization: Basic eDp5\r\n\r\n"
    (answer,) = send(port, request("PUT / HTTP/1.1\nTransfer-Encoding: chunked", body))
    assert answer.json["body"] == "x"
    assert set(answer.json["headers"]) == {"host", "transfer-encoding"}


def test_a_query_may_follow_the_host_at_once(port: int) -> None:
    seen = exchange(port, "GET http://example.org?x=a/b HTTP/1.1").json
    assert (seen["origin"], seen["path"], seen["query"]) == ("http://example.org", "/", "x=a/b")


def test_white_space_around_a_value_is_not_part_of_it(port: int) -> None:
    assert exchange(port, "GET / HTTP/1.1\nX-A: \t b c \t").json["headers"]["x-a"] == "b c"


# --- another protocol is offered -----------------------------------------------------------

UPGRADE = "Upgrade: h2c\nConnection: Upgrade"


def test_a_chunked_body_after_such_an_offer_is_read(port: int) -> None:
    head = f"PUT /x HTTP/1.1\n{UPGRADE}\nTransfer-Encoding: chunked"
    first, second = send(
        port, request(head, b"3\r\nabc\r\n" + EMPTY_CHUNKED) + request("GET /y HTTP/1.1")
    )
    assert (first.json["method"], first.json["path"], first.json["body"]) == ("PUT", "/x", "abc")
    assert second.json["path"] == "/y"


@pytest.mark.parametrize(
    "head",
    [f"GET / HTTP/1.0\n{UPGRADE}", f"GET / HTTP/1.1\n{UPGRADE}, close"],
)
def test_such_an_offer_does_not_change_how_the_connection_ends(port: int, head: str) -> None:
    (answer,) = send(port, request(head) + SMUGGLED)
    assert (answer.status, answer.all("connection")) == (200, ["close"])


def test_any_number_of_such_offers_is_answered(port: int) -> None:
    answers = send(port, request(f"GET / HTTP/1.1\n{UPGRADE}") * 3000)
    assert [answer.status for answer in answers] == [200] * 3000


# --- many at a time ------------------------------------------------------------------------


def test_a_flood_of_requests_is_answered_to_the_last_one(port: int) -> None:
    heads = [request(f"DELETE /{number} HTTP/1.1") for number in range(4000)]
    answers = send(port, b"".join(heads))
    assert [answer.json["path"] for answer in answers] == [f"/{n}" for n in range(4000)]


def test_packets_that_end_within_a_head_are_no_endless_head(port: int) -> None:
    data = request("GET /empty HTTP/1.1") * 12_000
    with connect(port) as connection, connection.makefile("rb") as stream:
        connection.settimeout(60)
        answered = 0
        for begin in range(0, len(data), 21_000):
            piece = data[begin : begin + 21_000]
            connection.sendall(piece)
            for _ in range(data[: begin + len(piece)].count(b"\r\n\r\n") - answered):
                assert read_next(stream).status == 304
                answered += 1
    assert answered == 12_000


@pytest.mark.parametrize(
    "head", [b"GET /" + b"x" * 200_000, b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000]
)
def test_a_head_that_is_too_long_is_refused_though_it_has_an_end(port: int, head: bytes) -> None:
    (refused,) = send(port, head + b"\r\nHost: localhost\r\n\r\n")
    assert refused.status in (400, 431)


@pytest.mark.parametrize("endless", [b"1;a=", b"1\r\nx\r\n0\r\nX-A: "])
def test_what_goes_on_for_ever_and_is_no_body_is_refused(port: int, endless: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(request("PUT / HTTP/1.1\nTransfer-Encoding: chunked", endless))
        connection.sendall(b"x" * 400_000)
        assert read_response(connection).status in (400, 431)
        assert connection.recv(1) == b""


# --- leave to send a body ------------------------------------------------------------------

EXPECT = "Content-Length: 3\nExpect: 100-continue"


def test_leave_to_send_a_body_comes_after_the_answers_before(port: int) -> None:
    with connect(port) as connection, connection.makefile("rb") as stream:
        connection.sendall(request("GET /slow HTTP/1.1") + request(f"PUT / HTTP/1.1\n{EXPECT}"))
        assert read_next(stream).json["path"] == "/slow"
        assert read_next(stream).status == 100
        connection.sendall(b"abc")
        assert read_next(stream).json["body"] == "abc"


def test_no_leave_is_given_to_who_did_not_wait_for_it(port: int) -> None:
    first, second = send(
        port, request("GET /slow HTTP/1.1") + request(f"PUT / HTTP/1.1\n{EXPECT}", b"abc")
    )
    assert (first.status, second.json["body"]) == (200, "abc")


def test_the_old_version_knows_no_leave(port: int) -> None:
    (answer,) = send(port, request(f"PUT / HTTP/1.0\n{EXPECT}", b"abc"))
    assert answer.json["body"] == "abc"
