"""The edge under Granian, with a tiny app behind it, seen from the wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live import Server, start_server
from tests.server.conftest import TINY
from tests.server.wire import connect, exchange, read_response, request

LIMIT = 1000
UNEXPECTED = {
    "code": 500,
    "errno": 999,
    "error": "Internal Server Error",
    "message": "A programmatic error occurred, developers have been informed.",
}


def test_the_app_sees_the_request(port: int) -> None:
    seen = exchange(port, "POST /a%2Fb?x=%E9+y HTTP/1.1\nContent-Length: 3", b"abc").json
    assert seen["REQUEST_METHOD"] == "POST"
    assert seen["PATH_INFO"] == "/a/b"
    assert seen["QUERY_STRING"] == "x=%E9+y"
    assert seen["body"] == "abc"
    assert seen["HTTP_HOST"] == "localhost"


@pytest.mark.parametrize(("sent", "seen"), [("%C3%A9", "\xc3\xa9"), ("%E9", "\xff"), ("+", "+")])
def test_a_path_that_is_no_utf_8_is_still_none_for_the_app(port: int, sent: str, seen: str) -> None:
    assert exchange(port, f"GET /{sent} HTTP/1.1").json["PATH_INFO"] == f"/{seen}"


def test_a_condition_that_cannot_be_read_is_not_dropped(port: int) -> None:
    seen = exchange(port, "PUT /x HTTP/1.1\nIf-Match: \xe9").json
    assert seen["HTTP_IF_MATCH"] == "\xff"


def test_repeated_headers_of_the_response_survive(port: int) -> None:
    response = exchange(port, "GET /challenge HTTP/1.1")
    assert response.status == 401
    assert response.all("www-authenticate") == ["Basic", "Bearer"]
    assert response.all("x-name") == ["é"]


def test_head_has_the_length_of_get_and_no_body(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request("HEAD /challenge HTTP/1.1"))
        head = read_response(connection, "HEAD")
        assert head.all("content-length") == ["2"]
        connection.sendall(request("GET /challenge HTTP/1.1"))
        assert read_response(connection).body == b"no"


def test_304_has_no_body(port: int) -> None:
    response = exchange(port, "GET /empty HTTP/1.1")
    assert (response.status, response.body) == (304, b"")
    assert response.all("etag") == ['"1"']


def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request("HEAD /1 HTTP/1.1") + request("HEAD /empty HTTP/1.1"))
        with connection.makefile("rb") as stream:
            lines = [line for line in (stream.readline() for _ in range(10)) if b"HTTP/" in line]
    assert [line.split()[1] for line in lines] == [b"200", b"304"]


def test_a_failure_of_the_app_is_logged_and_not_shown(tiny: Server) -> None:
    response = exchange(tiny.port, "GET /fail HTTP/1.1")
    assert (response.status, response.json) == (500, UNEXPECTED)
    assert "a secret in a traceback" in tiny.errors()


def test_an_answer_that_cannot_be_made_durable_does_not_go_out(tmp_path: Path) -> None:
    with start_server(tmp_path, "--losing", command=TINY) as server:
        response = exchange(server.port, "PUT /x HTTP/1.1")
    assert (response.status, response.body) == (507, b"no space left")


# --- bodies --------------------------------------------------------------------------------


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_a_chunked_body_is_put_together(port: int) -> None:
    body = chunk(b"ab") + chunk(b"c") + chunk(b"")
    seen = exchange(port, "POST / HTTP/1.1\nTransfer-Encoding: chunked", body).json
    assert (seen["body"], seen["CONTENT_LENGTH"]) == ("abc", "3")


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


def test_a_client_that_asks_first_need_not_send_a_body_that_is_too_large(port: int) -> None:
    head = f"PUT / HTTP/1.1\nContent-Length: {LIMIT + 1}\nExpect: 100-continue"
    assert exchange(port, head).status == 413


def test_half_a_chunked_body_never_reaches_the_app(port: int) -> None:
    with connect(port) as connection:
        head = "PUT / HTTP/1.1\nTransfer-Encoding: chunked"
        connection.sendall(request(head, chunk(b"ab") + b"broken\r\n"))
        response = read_response(connection)
    assert response.status == 400
    assert response.json["message"] == "The request body is incomplete."


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
