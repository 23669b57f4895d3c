"""The application as a plain WSGI callable (PEP 3333), seen by a strict server."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.resources.asking import ANONYMOUS, RECORD, RECORDS, Asking, credentials
from tests.web.calling import call, make_environ

AUTHORIZED = {"HTTP_AUTHORIZATION": credentials("alice")}
JSON = {"CONTENT_TYPE": "application/json"}


def put(path: str, body: bytes, **given: Any) -> dict[str, Any]:
    """The environment of a PUT."""
    length = {"CONTENT_LENGTH": str(len(body)), "wsgi_input": io.BytesIO(body)}
    return make_environ("PUT", path, **(AUTHORIZED | JSON | length | given))


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v1/", 200),
        ("HEAD", "/v1/", 200),
        ("GET", "/v1/buckets", 200),
        ("POST", "/v1/buckets", 201),
        ("GET", "/v1/nope", 404),
        ("GET", "/v2/", 404),
        ("DELETE", "/v1/batch", 405),
        ("OPTIONS", "/v1/buckets", 400),
        ("GET", "/", 307),
        ("GET", "", 307),
        ("HEAD", "/v1/buckets/", 307),
        ("OPTIONS", "/", 200),
    ],
)
def test_every_kind_of_answer_is_valid_wsgi(ask: Asking, method: str, path: str, code: int) -> None:
    # A length of nothing, so that the validator lets the input go unread.
    environ = make_environ(method, path, CONTENT_LENGTH="0", **AUTHORIZED)
    reply = call(ask.client.app, environ)
    assert (reply.code, len(reply.get("Content-Length"))) == (code, 1)


@pytest.mark.parametrize("name", ["ETag", "Last-Modified", "Content-Length", "Cache-Control"])
def test_header_names_go_out_as_they_are_written(tree: Asking, name: str) -> None:
    reply = call(tree.client.app, make_environ("GET", "/v1" + RECORD, **AUTHORIZED))
    assert len(reply.get(name)) == 1


def test_the_challenge_is_spelled_as_in_the_standard(tree: Asking) -> None:
    reply = call(tree.client.app, make_environ("GET", "/v1" + RECORD))
    assert (reply.status, reply.get("WWW-Authenticate")) == (
        "401 Unauthorized",
        ['Basic realm="Realm"'],
    )


@pytest.mark.parametrize("path", ["/v1/", "/v1" + RECORD, "/v1/nope", "/v1/buckets/b?x"])
def test_head_has_the_length_of_get_and_no_body(tree: Asking, path: str) -> None:
    full, head = (
        call(tree.client.app, make_environ(method, path, **AUTHORIZED))
        for method in ("GET", "HEAD")
    )
    assert (head.code, head.body) == (full.code, b"")
    assert head.get("Content-Length") == [str(len(full.body))]
    assert head.get("Content-Type") == full.get("Content-Type") == ["application/json"]


def test_304_has_neither_body_nor_type_nor_length(tree: Asking) -> None:
    etag = f'"{tree.etag(RECORD)}"'
    given = {"HTTP_IF_NONE_MATCH": etag, **AUTHORIZED}
    reply = call(tree.client.app, make_environ("GET", "/v1" + RECORD, **given))
    assert (reply.status, reply.body) == ("304 Not Modified", b"")
    assert {"Content-Type", "Content-Length"}.isdisjoint(name for name, _ in reply.headers)


def test_successes_and_errors_are_json_without_charset(tree: Asking) -> None:
    for path in ("/v1" + RECORD, "/v1/nope"):
        reply = call(tree.client.app, make_environ("GET", path, **AUTHORIZED))
        assert reply.get("Content-Type") == ["application/json"]


def test_a_body_is_read_up_to_its_length(ask: Asking) -> None:
    body = b'{"data":{"n":1}}'
    stream = io.BytesIO(body + b"GET / HTTP/1.1")
    reply = call(ask.client.app, put("/v1/buckets/b", body, wsgi_input=stream))
    assert (reply.code, stream.read()) == (201, b"GET / HTTP/1.1")


def test_a_chunked_body_is_read_to_its_end(ask: Asking) -> None:
    environ = put("/v1/buckets/b", b'{"data":{"n":1}}', CONTENT_LENGTH=None)
    environ["wsgi.input_terminated"] = True
    reply = call(ask.client.app, environ)
    assert (reply.code, json.loads(reply.body)["data"]["n"]) == (201, 1)


@pytest.mark.parametrize("length", [None, ""])
def test_without_length_there_is_no_body(ask: Asking, length: str | None) -> None:
    reply = call(ask.client.app, put("/v1/buckets/b", b'{"data":{"n":1}}', CONTENT_LENGTH=length))
    assert (reply.code, "n" in json.loads(reply.body)["data"]) == (201, False)


@pytest.mark.parametrize("length", ["x", "-5", "1.5", "1e3", "0x10", "+5", "٣", "5, 5"])
def test_a_length_that_is_no_number_is_400(ask: Asking, length: str) -> None:
    environ = put("/v1/buckets/b", b'{"data":{"n":1}}', CONTENT_LENGTH=length)
    reply = call(ask.client.app, environ, is_validated=False)
    assert (reply.code, json.loads(reply.body)["errno"]) == (400, 107)
    assert ask("GET", "/buckets/b").status_int == 403


def test_a_body_that_ends_early_is_400(ask: Asking) -> None:
    reply = call(ask.client.app, put("/v1/buckets/b", b'{"data":{}}', CONTENT_LENGTH="50"))
    assert reply.code == 400
    assert ask("GET", "/buckets/b").status_int == 403


@pytest.mark.parametrize("length", ["9" * 30, "9" * 5000, "300000000000"])
def test_an_immense_length_is_413_unread(ask: Asking, length: str) -> None:
    stream = io.BytesIO(b"{}")
    environ = put("/v1/buckets/b", b"{}", CONTENT_LENGTH=length, wsgi_input=stream)
    reply = call(ask.client.app, environ, is_validated=False)
    assert (reply.code, json.loads(reply.body)["errno"]) == (413, 113)
    assert stream.tell() == 0


def test_zeros_before_a_length_mean_nothing(ask: Asking) -> None:
    body = b'{"data":{"n":1}}'
    reply = call(ask.client.app, put("/v1/buckets/b", body, CONTENT_LENGTH="0" * 30 + "16"))
    assert json.loads(reply.body)["data"]["n"] == 1


def test_a_path_that_is_no_text_is_400(ask: Asking) -> None:
    reply = call(ask.client.app, make_environ("GET", "/v1/buckets/\xff"))
    assert json.loads(reply.body) == {
        "code": 400,
        "errno": 107,
        "error": "Bad Request",
        "message": "Invalid URL path.",
    }


@pytest.mark.parametrize("query", ["a=%ff", "%e9", "a=%c3", "_sort=%ed%a0%80"])
def test_a_query_that_is_no_text_is_400(ask: Asking, query: str) -> None:
    reply = call(ask.client.app, make_environ("GET", "/v1/buckets", QUERY_STRING=query))
    body = json.loads(reply.body)
    assert (reply.code, body["errno"], body["error"]) == (400, 107, "Bad Request")
    assert body["message"].startswith("A request with an incorrect encoding in the querystring")
    assert body["message"].endswith(query)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://localhost:8888/v1/"),
        ({"HTTP_HOST": "example.com"}, "http://example.com/v1/"),
        ({"HTTP_HOST": None, "SERVER_NAME": "1.2.3.4"}, "http://1.2.3.4:8888/v1/"),
        ({"wsgi_url_scheme": "https"}, "https://localhost:8888/v1/"),
        ({"HTTP_HOST": "localhost:80"}, "http://localhost/v1/"),
        ({"HTTP_HOST": "x:443", "wsgi_url_scheme": "https"}, "https://x/v1/"),
        ({"HTTP_HOST": "x:443"}, "http://x:443/v1/"),
        ({"HTTP_HOST": "x:8080"}, "http://x:8080/v1/"),
        ({"HTTP_X_FORWARDED_HOST": "evil", "HTTP_X_FORWARDED_PROTO": "ftp"}, None),
    ],
)
def test_the_url_of_hello_comes_from_the_request(
    ask: Asking, given: dict[str, Any], url: str | None
) -> None:
    reply = call(ask.client.app, make_environ(**given))
    assert json.loads(reply.body)["url"] == (url or "http://localhost:8888/v1/")


def test_a_host_full_of_quotes_stays_inside_the_json(ask: Asking) -> None:
    reply = call(ask.client.app, make_environ(HTTP_HOST='a"},"x":"\xff'))
    assert json.loads(reply.body)["url"] == 'http://a"},"x":"\xff/v1/'


def test_a_host_cannot_break_the_headers_of_a_redirect(ask: Asking) -> None:
    reply = call(ask.client.app, make_environ("GET", "/", HTTP_HOST="a\r\nX-Evil: 1"), False)
    assert "\n" not in "".join(value for _, value in reply.headers)


def test_the_path_of_a_redirect_cannot_break_headers(ask: Asking) -> None:
    reply = call(ask.client.app, make_environ("GET", "/a\r\nX-Evil: 1"))
    assert (reply.code, reply.get("X-Evil")) == (307, [])


def test_the_query_of_a_redirect_cannot_break_headers(ask: Asking) -> None:
    reply = call(ask.client.app, make_environ("GET", "/a", QUERY_STRING="a\r\nX: 1"), False)
    assert "\n" not in "".join(value for _, value in reply.headers)


def test_two_apps_share_nothing(make_ask: Any) -> None:
    first, second = make_ask(), make_ask()
    first("PUT", "/buckets/b", {})
    assert second("GET", "/buckets").json == {"data": []}
    assert second("GET", "/buckets/b").status_int == 403
    assert first.storage is not second.storage


def test_two_apps_have_different_settings(make_ask: Any) -> None:
    first, second = make_ask(project_name="one", readonly="true"), make_ask()
    names = [one("GET", "/").json["project_name"] for one in (first, second)]
    assert names == ["one", "kinto"]
    assert [one("POST", "/buckets", {}).status_int for one in (first, second)] == [405, 201]


def test_a_token_of_one_app_is_nothing_to_another(make_ask: Any) -> None:
    first, second = make_ask(), make_ask()
    for one in (first, second):
        for name in "abc":
            one("PUT", f"/buckets/{name}", {})
    path = first("GET", "/buckets?_limit=1").headers["Next-Page"].partition("/v1")[2]
    assert [one("GET", path).status_int for one in (first, second)] == [200, 400]


def test_the_database_can_be_emptied_from_outside(ask: Asking) -> None:
    ask("PUT", "/buckets/b", {})
    ask.client.app.storage.flush()
    assert ask("GET", "/buckets").json == {"data": []}


def test_output_is_ascii_with_capital_escapes(tree: Asking) -> None:
    tree("PUT", RECORD, {"data": {"t": "é😀/\\u00e9"}})
    body = tree("GET", RECORD).body
    assert b'"t":"\\u00E9\\uD83D\\uDE00/\\\\u00e9"' in body


def test_permissions_come_before_data(tree: Asking) -> None:
    assert tree("GET", RECORD).body.startswith(b'{"permissions":')


def test_method_overrides_and_callbacks_are_ignored(tree: Asking) -> None:
    override = {"X-HTTP-Method-Override": "DELETE"}
    assert tree("GET", RECORD + "?callback=f", headers=override).json["data"]["id"] == "r"
    assert tree("GET", RECORD).status_int == 200


def test_compressed_bodies_are_not_decoded(tree: Asking) -> None:
    headers = {"Content-Encoding": "gzip"}
    assert tree("PUT", RECORD, b"\x1f\x8b\x08\x00", headers=headers).status_int == 400


def test_bodies_of_reads_must_be_json_if_their_type_says_so(tree: Asking) -> None:
    for kind, status in (("application/json", 400), ("text/plain", 200)):
        reply = tree("DELETE", RECORDS + "?n=9", b"{", headers={"Content-Type": kind})
        assert reply.status_int == status


def test_anonymous_requests_need_no_header(ask: Asking) -> None:
    assert "user" not in ask("GET", "/", user=ANONYMOUS).json
