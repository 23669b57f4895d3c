"""The server with a tiny app behind it, seen from the wire; with each of the parsers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live import Server, start_server
from tests.server.conftest import TINY
from tests.server.wire import connect, exchange, read_next, read_response, request

LIMIT = 1000
UNEXPECTED = {
    "code": 500,
    "errno": 999,
    "error": "Internal Server Error",
    "message": "A programmatic error occurred, developers have been informed.",
}


def test_the_app_sees_the_request(port: int) -> None:
    seen = exchange(port, "POST /a%2Fb?x=%E9+y HTTP/1.1\nContent-Length: 3", b"abc").json
    assert (seen["method"], seen["path"], seen["query"]) == ("POST", "/a/b", "x=%E9+y")
    assert (seen["body"], seen["origin"]) == ("abc", "http://localhost")
    assert seen["headers"]["host"] == "localhost"
    assert seen["client"] == "127.0.0.1"


@pytest.mark.parametrize(("sent", "seen"), [("%C3%A9", "\xc3\xa9"), ("%E9", "\xe9"), ("+", "+")])
def test_the_bytes_of_a_path_reach_the_app(port: int, sent: str, seen: str) -> None:
    assert exchange(port, f"GET /{sent} HTTP/1.1").json["path"] == f"/{seen}"


def test_the_host_of_the_request_line_wins_over_the_header(port: int) -> None:
    seen = exchange(port, "GET http://example.org:80/x?y HTTP/1.1").json
    assert (seen["origin"], seen["path"], seen["query"]) == ("http://example.org", "/x", "y")


def test_a_condition_that_cannot_be_read_is_not_dropped(port: int) -> None:
    seen = exchange(port, "PUT /x HTTP/1.1\nIf-Match: \xe9").json
    assert seen["headers"]["if-match"] == "\xe9"


def test_repeated_headers_are_joined_by_a_comma(port: int) -> None:
    seen = exchange(port, "GET / HTTP/1.1\nX-A: 1\nX-B: 2\nx-a: 3").json
    assert (seen["headers"]["x-a"], seen["headers"]["x-b"]) == ("1,3", "2")


def test_a_header_with_an_underscore_cannot_pose_as_another_one(port: int) -> None:
    seen = exchange(port, "GET / HTTP/1.1\nX_Forwarded_For: 1").json
    assert not any("forwarded" in name for name in seen["headers"])


def test_repeated_headers_of_the_response_survive(port: int) -> None:
    response = exchange(port, "GET /challenge HTTP/1.1")
    assert response.status == 401
    assert response.all("www-authenticate") == ["Basic", "Bearer"]
    assert response.all("x-name") == ["é"]


def test_a_header_cannot_smuggle_another_one_into_the_response(port: int) -> None:
    response = exchange(port, "GET /split HTTP/1.1")
    assert (response.status, response.all("x-other")) == (500, [])


def test_head_has_the_length_of_get_and_no_body(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request("HEAD /challenge HTTP/1.1"))
        head = read_response(connection, "HEAD")
        assert head.all("content-length") == ["2"]
        connection.sendall(request("GET /challenge HTTP/1.1"))
        assert read_response(connection).body == b"no"


def test_304_has_neither_body_nor_length(port: int) -> None:
    response = exchange(port, "GET /empty HTTP/1.1")
    assert (response.status, response.body) == (304, b"")
    assert response.all("etag") == ['"1"']
    assert response.all("content-length") == []


def test_every_response_has_a_date(port: int) -> None:
    (date,) = exchange(port, "GET / HTTP/1.1").all("date")
    assert date.endswith(" GMT")


def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    heads = [f"HEAD /{number} HTTP/1.1" for number in range(100)]
    with connect(port) as connection, connection.makefile("rb") as stream:
        connection.sendall(
            b"".join(map(request, [*heads, "GET /empty HTTP/1.1", "GET /last HTTP/1.1"]))
        )
        assert {read_next(stream, "HEAD").status for _ in heads} == {200}
        assert read_next(stream).status == 304
        assert read_next(stream).json["path"] == "/last"


def test_a_failure_of_the_app_is_logged_and_not_shown(tiny: Server) -> None:
    response = exchange(tiny.port, "GET /fail HTTP/1.1")
    assert (response.status, response.json) == (500, UNEXPECTED)
    assert "a secret in a traceback" in tiny.errors()


def test_an_answer_that_cannot_be_made_durable_does_not_go_out(tmp_path: Path) -> None:
    with start_server(tmp_path, "--losing", command=TINY) as server:
        response = exchange(server.port, "PUT /x HTTP/1.1")
    assert (response.status, response.body) == (507, b"no space left")


# --- connections ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "said", "stays"),
    [
        ("GET / HTTP/1.1", [], True),
        ("GET / HTTP/1.1\nConnection: close", ["close"], False),
        ("GET / HTTP/1.0", ["close"], False),
        ("GET / HTTP/1.0\nConnection: keep-alive", ["keep-alive"], True),
    ],
)
def test_a_connection_ends_when_the_client_says_so(
    port: int, head: str, said: list[str], stays: bool
) -> None:
    with connect(port) as connection:
        connection.sendall(request(head))
        assert read_response(connection).all("connection") == said
        if stays:
            connection.sendall(request("GET / HTTP/1.1"))
        assert bool(connection.recv(1)) is stays


def test_who_ends_sending_after_the_request_gets_the_answer(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request("GET /slow HTTP/1.1"))
        connection.shutdown(1)
        assert read_response(connection).status == 200
        assert connection.recv(1) == b""


@pytest.mark.parametrize("bytes_", [b"\x16\x03\x01\x02\x00", b"HELLO\r\n\r\n", b"GET\r\n\r\n"])
def test_what_is_no_http_is_refused(port: int, bytes_: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(bytes_)
        assert read_response(connection).status in (400, 405)
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "head",
    [
        "POST / HTTP/1.1\nContent-Length: 5\nTransfer-Encoding: chunked",
        "POST / HTTP/1.1\nContent-Length: 5\nContent-Length: 6",
        "POST / HTTP/1.1\nContent-Length: -5",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked, gzip",
    ],
)
def test_a_body_that_could_be_read_in_two_ways_is_refused(port: int, head: str) -> None:
    response = exchange(port, head, b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")
    assert response.status == 400
    assert response.all("connection") == ["close"]


@pytest.mark.parametrize("head", ["GET /" + "x" * 200_000, "GET / HTTP/1.1\nX: " + "x" * 200_000])
def test_an_endless_head_is_refused(port: int, head: str) -> None:
    with connect(port) as connection:
        connection.sendall(head.encode())
        assert read_response(connection).status in (400, 431)


def test_too_many_headers_are_refused(port: int) -> None:
    head = "\n".join(["GET / HTTP/1.1", *(f"X-A: {number}" for number in range(101))])
    assert exchange(port, head).status == 431


def test_who_offers_another_protocol_is_answered_in_this_one(port: int) -> None:
    head = "PUT /x HTTP/1.1\nUpgrade: h2c\nConnection: Upgrade, HTTP2-Settings\nContent-Length: 3"
    with connect(port) as connection, connection.makefile("rb") as stream:
        connection.sendall(request(head, b"abc") + request("GET /next HTTP/1.1"))
        first = read_next(stream).json
        assert (first["method"], first["path"], first["body"]) == ("PUT", "/x", "abc")
        assert read_next(stream).json["path"] == "/next"


def test_nobody_is_connected_through(port: int) -> None:
    assert exchange(port, "CONNECT example.org:443 HTTP/1.1").status in (200, 405)


# --- bodies --------------------------------------------------------------------------------


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_a_chunked_body_is_put_together(port: int) -> None:
    body = chunk(b"ab") + chunk(b"c") + chunk(b"")
    assert exchange(port, "POST / HTTP/1.1\nTransfer-Encoding: chunked", body).json["body"] == "abc"


def test_a_body_at_the_limit_is_taken(port: int) -> None:
    seen = exchange(port, f"POST / HTTP/1.1\nContent-Length: {LIMIT}", b"x" * LIMIT).json
    assert len(seen["body"]) == LIMIT


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT * 5])
def test_a_body_over_the_limit_is_413_and_the_connection_goes_on(port: int, size: int) -> None:
    with connect(port) as connection:
        connection.sendall(request(f"PUT / HTTP/1.1\nContent-Length: {size}", b"x" * size))
        refused = read_response(connection)
        assert refused.status == 413
        assert refused.json["errno"] == 113
        assert refused.json["error"] == "Request Entity Too Large"
        connection.sendall(request("GET / HTTP/1.1"))
        assert read_response(connection).status == 200


def test_a_chunked_body_over_the_limit_is_413(port: int) -> None:
    body = chunk(b"x" * LIMIT) + chunk(b"x") + chunk(b"")
    assert exchange(port, "PUT / HTTP/1.1\nTransfer-Encoding: chunked", body).status == 413


def test_an_endless_body_is_refused_before_it_is_sent(port: int) -> None:
    assert exchange(port, "PUT / HTTP/1.1\nContent-Length: 999999999999").status == 413


def test_who_sends_an_endless_body_all_the_same_reads_the_refusal(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request("PUT / HTTP/1.1\nContent-Length: 999999999", b"x" * 100_000))
        assert read_response(connection).status == 413


def test_a_client_that_asks_first_need_not_send_a_body_that_is_too_large(port: int) -> None:
    head = f"PUT / HTTP/1.1\nContent-Length: {LIMIT + 1}\nExpect: 100-continue"
    assert exchange(port, head).status == 413


def test_a_client_that_asks_first_is_told_to_go_on(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request("PUT / HTTP/1.1\nContent-Length: 3\nExpect: 100-continue"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert read_response(connection).json["body"] == "abc"


def test_half_a_chunked_body_never_reaches_the_app(port: int) -> None:
    with connect(port) as connection:
        head = "PUT / HTTP/1.1\nTransfer-Encoding: chunked"
        connection.sendall(request(head, chunk(b"ab") + b"broken\r\n"))
        response = read_response(connection)
    assert response.status == 400
    assert response.json["message"] == "The request body is incomplete."


def test_a_body_that_ends_before_its_length_is_refused(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request("PUT / HTTP/1.1\nContent-Length: 10", b"half"))
        connection.shutdown(1)
        assert read_response(connection).json["message"] == "The request body is incomplete."


def test_a_body_that_does_not_arrive_in_time_is_408(tmp_path: Path) -> None:
    with start_server(tmp_path, command=TINY, environ={"TIMEOUT": "0.2"}) as server:
        response = exchange(server.port, "PUT / HTTP/1.1\nContent-Length: 10", b"half")
    assert response.status == 408
    assert response.json["code"] == 408
    assert response.all("connection") == ["close"]


def test_clients_that_send_half_a_body_do_not_stop_the_others(port: int) -> None:
    slow = [connect(port) for _ in range(64)]
    try:
        for connection in slow:
            connection.sendall(request("PUT / HTTP/1.1\nContent-Length: 10", b"half"))
        assert exchange(port, "GET / HTTP/1.1").status == 200
        slow[0].sendall(b"whole.")
        assert read_response(slow[0]).json["body"] == "halfwhole."
    finally:
        for connection in slow:
            connection.close()
