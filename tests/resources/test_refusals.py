"""Requests with several faults: which one is answered (protocol, core chapter 1.9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.resources.asking import ANONYMOUS, BUCKET, COLLECTION, RECORD, RECORDS, Asking, user_id
from tests.resources.test_outcomes import describe

BAD_BODY = b"{nope"
HTML, TEXT = {"Accept": "text/html"}, {"Content-Type": "text/plain"}
STALE, BAD_MATCH = {"If-Match": '"1"'}, {"If-Match": "nope"}
BAD_ID = "/buckets/b/collections/-bad"
NO_COLLECTION = "/buckets/b/collections/none/records"
MERGE = {"Content-Type": "application/merge-patch+json"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
ALICE, BOB = "alice", "bob"

#: What is wrong, in words; who asks, method, path, body, headers; status (and errno of a 404).
ROWS: list[tuple[str, str, str, str, Any, dict[str, str], str]] = [
    # The URL and its ancestors come before everything.
    ("unknown URL, no such method", ANONYMOUS, "TRACE", "/nope", None, HTML, "404/111"),
    ("malformed ancestor, anonymous", ANONYMOUS, "PUT", BAD_ID + "/records/r", {}, {}, "404/111"),
    ("malformed ancestor, text", ALICE, "PUT", BAD_ID + "/records/r", b"x", TEXT, "404/111"),
    ("malformed ancestor, posting", ANONYMOUS, "POST", BAD_ID + "/records", {}, {}, "404/111"),
    ("missing collection, text", ANONYMOUS, "PUT", NO_COLLECTION + "/r", b"x", TEXT, "404/111"),
    ("missing collection, HTML", ANONYMOUS, "DELETE", NO_COLLECTION + "/r", None, HTML, "404/111"),
    ("missing collection, bad body", ALICE, "POST", NO_COLLECTION, BAD_BODY, {}, "404/111"),
    ("missing collection, bad id", ALICE, "PATCH", NO_COLLECTION + "/-", {}, BAD_MATCH, "404/111"),
    ("posted id, anonymous", ANONYMOUS, "POST", RECORDS, {"data": {"id": "-"}}, {}, "400"),
    ("posted id, no JSON wanted", ALICE, "POST", RECORDS, {"data": {"id": ""}}, HTML, "400"),
    # Then the method, then the media types.
    ("method, anonymous", ANONYMOUS, "POST", RECORD, BAD_BODY, HTML, "405"),
    ("method, missing collection", ANONYMOUS, "PUT", NO_COLLECTION, {}, HTML, "405"),
    ("method, malformed id", ALICE, "POST", RECORDS + "/-bad", {}, {}, "405"),
    ("Accept, anonymous", ANONYMOUS, "GET", RECORD, None, HTML, "406"),
    ("Accept, Content-Type", ALICE, "PUT", RECORD, b"x", HTML | TEXT, "406"),
    ("Accept, missing object", ALICE, "GET", RECORD + "9", None, HTML, "406"),
    ("Accept of a list, anonymous", ANONYMOUS, "HEAD", RECORDS, None, HTML, "406"),
    ("Content-Type, anonymous", ANONYMOUS, "PUT", RECORD, b"x", TEXT, "415"),
    ("Content-Type, stranger", BOB, "PATCH", RECORD, b"x", TEXT, "415"),
    ("Content-Type, missing object", ALICE, "PATCH", RECORD + "9", b"x", TEXT, "415"),
    ("Content-Type, bad header", ALICE, "POST", RECORDS, b"x", TEXT | BAD_MATCH, "415"),
    # Then authorization.
    ("anonymous, bad body", ANONYMOUS, "PUT", RECORD, BAD_BODY, {}, "401"),
    ("stranger, bad body", BOB, "PUT", RECORD, BAD_BODY, {}, "403"),
    ("stranger, bad header", BOB, "GET", RECORD, None, BAD_MATCH, "403"),
    ("stranger, bad query", BOB, "GET", RECORDS + "?_limit=x", None, {}, "403"),
    ("stranger, stale", BOB, "PUT", RECORD, {}, STALE, "403"),
    ("stranger, malformed id", BOB, "GET", RECORDS + "/-bad", None, {}, "403"),
    ("stranger, malformed id of PUT", BOB, "PUT", RECORDS + "/-bad", {}, {}, "403"),
    ("stranger, missing collection", BOB, "GET", NO_COLLECTION, None, {}, "403"),
    ("stranger, malformed ancestor", BOB, "GET", BAD_ID + "/records", None, {}, "403"),
    ("stranger, missing object", BOB, "PATCH", RECORD + "9", BAD_BODY, {}, "403"),
    ("anonymous, origin", ANONYMOUS, "GET", RECORD, None, {"Origin": "http://x"}, "401"),
    # Then the parents of what is read.
    ("missing parent, bad query", ALICE, "GET", NO_COLLECTION + "?_limit=x", None, {}, "404/111"),
    ("missing parent, bad match", ALICE, "GET", NO_COLLECTION + "/r", None, BAD_MATCH, "404/111"),
    ("malformed ancestor, reader", ALICE, "GET", BAD_ID + "/records", None, BAD_MATCH, "404/111"),
    # Then the form of the request.
    ("bad body, missing object", ALICE, "PATCH", RECORD + "9", BAD_BODY, {}, "400"),
    ("bad header, missing object", ALICE, "GET", RECORD + "9", None, BAD_MATCH, "400"),
    ("bad header, deletion of nothing", ALICE, "DELETE", RECORD + "9", None, BAD_MATCH, "400"),
    ("bad body, stale", ALICE, "PUT", RECORD, BAD_BODY, STALE, "400"),
    ("unknown permission, stale", ALICE, "PUT", RECORD, {"permissions": {"x": []}}, STALE, "400"),
    ("bad query, bad header", ALICE, "GET", RECORDS + "?_since=x", None, BAD_MATCH, "400"),
    ("bad body, malformed id", ALICE, "PUT", RECORDS + "/-bad", BAD_BODY, {}, "400"),
    # Then what exists, then preconditions.
    ("missing, other id", ALICE, "PATCH", RECORD + "9", {"data": {"id": "x"}}, {}, "404/110"),
    ("missing, stale", ALICE, "DELETE", RECORD + "9", None, STALE, "404/110"),
    ("stale, other id", ALICE, "PUT", RECORD, {"data": {"id": "x"}}, STALE, "412"),
    ("stale, other id in a patch", ALICE, "PATCH", RECORD, {"data": {"id": "x"}}, STALE, "412"),
    ("stale, meaningless filter", ALICE, "GET", RECORDS + "?in_id=1", None, STALE, "412"),
    ("stale, bad token", ALICE, "DELETE", RECORDS + "?_token=x", None, STALE, "412"),
    (
        "stale, failing patch", ALICE, "PATCH", RECORD,
        [{"op": "remove", "path": "/data/none"}], STALE | JSON_PATCH, "412",
    ),
    # Then what the query means.
    ("meaningless filter", ALICE, "GET", RECORDS + "?in_id=1", None, {}, "400"),
    ("bad token", ALICE, "GET", RECORDS + "?_token=x", None, {}, "400"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("user", "method", "path", "body", "headers", "outcome"),
    [pytest.param(*row[1:], id=row[0]) for row in ROWS],
)
def test_the_first_fault_in_order_is_answered(
    tree: Asking,
    user: str,
    method: str,
    path: str,
    body: Any,
    headers: dict[str, str],
    outcome: str,
) -> None:
    assert describe(tree(method, path, body, user, headers)) == outcome


def test_a_stale_list_is_304_before_its_filters_are_understood(tree: Asking) -> None:
    headers = {"If-None-Match": f'"{tree.etag(RECORDS)}"'}
    statuses = [
        tree("GET", RECORDS + query, headers=headers).status_int
        for query in ("?in_id=1", "?_token=x", "?_since=abc")
    ]
    assert statuses == [304, 304, 400]


def test_all_faults_of_form_are_told_together_sorted_by_name(tree: Asking) -> None:
    reply = tree("GET", RECORDS + "?_since=abc&_limit=x", headers=BAD_MATCH)
    assert [(d["location"], d["name"], d["description"]) for d in reply.json["details"]] == [
        ("header", "If-Match", "The value should be integer between double quotes."),
        ("querystring", "_limit", '"x" is not a number'),
        ("querystring", "_since", '"abc" is not a number'),
    ]
    assert reply.json["message"].startswith("If-Match in header: ")


def test_faults_of_headers_and_body_are_told_together(tree: Asking) -> None:
    body = {"data": 1, "permissions": {"bogus": []}}
    reply = tree("PUT", BUCKET, body, headers=BAD_MATCH)
    assert [d["name"] for d in reply.json["details"]] == ["If-Match", "data", "permissions"]


def test_a_refused_origin_is_told_with_the_others(make_ask: Any) -> None:
    ask = make_ask(cors_origins="https://ours")
    reply = ask("PUT", BUCKET, {"data": 1}, headers={"Origin": "http://evil"} | BAD_MATCH)
    assert [d["name"] for d in reply.json["details"]] == ["If-Match", "Origin", "data"]
    assert ask("GET", BUCKET).status_int == 403


def test_a_schema_is_looked_at_after_preconditions(make_ask: Any) -> None:
    ask = make_ask(experimental_collection_schema_validation="true")
    ask("PUT", BUCKET, {})
    schema = {"properties": {"n": {"type": "integer"}}}
    ask("PUT", COLLECTION, {"data": {"schema": schema}})
    ask("PUT", RECORD, {"data": {"n": 1}})
    wrong = {"data": {"n": "one"}}
    assert ask("PUT", RECORD, wrong, headers=STALE).status_int == 412
    assert ask("PUT", RECORD, wrong).status_int == 400


def test_a_reader_may_not_learn_of_conditions(tree: Asking) -> None:
    tree.share(BUCKET, "read", user_id("bob"))
    assert tree("PUT", RECORD, {}, user="bob", headers=STALE).status_int == 403
