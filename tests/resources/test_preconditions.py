"""If-Match and If-None-Match on every verb: the table of protocol, core chapter 4.4."""

from __future__ import annotations

from typing import Any

import pytest

from tests.resources.asking import RECORD, RECORDS, Asking, user_id

NEW = {"data": {"x": 1}}
COLUMNS = ("INM current", "INM other", "INM *", "IM current", "IM other", "IM *")

#: Request, path, body, and the status for each of the columns. "Current" of what is missing is
#: the counter of the list.
TABLE: list[tuple[str, str, Any, str]] = [
    ("GET", RECORD, None, "304 200 412 200 412 200"),
    ("HEAD", RECORD, None, "304 200 412 200 412 200"),
    ("GET", RECORD + "9", None, "404 404 404 404 404 404"),
    ("HEAD", RECORD + "9", None, "404 404 404 404 404 404"),
    ("GET", RECORDS, None, "304 200 412 200 412 200"),
    ("HEAD", RECORDS, None, "304 200 412 200 412 200"),
    ("PUT", RECORD, NEW, "200 200 412 200 412 200"),
    ("PUT", RECORD + "9", NEW, "201 201 201 412 412 412"),
    ("PATCH", RECORD, NEW, "200 200 412 200 412 200"),
    ("PATCH", RECORD + "9", NEW, "404 404 404 404 404 404"),
    ("DELETE", RECORD, None, "200 200 412 200 412 200"),
    ("DELETE", RECORD + "9", None, "404 404 404 404 404 404"),
    ("POST", RECORDS, NEW, "201 201 201 412 412 412"),
    ("POST", RECORDS, {"data": {"id": "r9"}}, "201 201 201 412 412 412"),
    ("POST", RECORDS, {"data": {"id": "r"}}, "200 200 412 200 412 200"),
    ("DELETE", RECORDS, None, "200 200 412 200 412 200"),
]
CELLS = [
    pytest.param(method, path, body, column, int(status), id=f"{method} {path} {column} {n}")
    for n, (method, path, body, statuses) in enumerate(TABLE)
    for column, status in zip(COLUMNS, statuses.split(), strict=True)
]
FAILURES = [cell.values[:4] for cell in CELLS if cell.values[4] == 412]


def header_of(ask: Asking, column: str, path: str, body: Any) -> dict[str, str]:
    """The header of a column, for a request on a path."""
    name, value = column.split()
    posted = (body or {}).get("data", {}).get("id") == "r"
    shown = RECORD if posted else path
    current = ask.etag(RECORDS if shown == RECORD + "9" else shown)
    texts = {"current": f'"{current}"', "other": f'"{current - 1}"', "*": "*"}
    return {{"INM": "If-None-Match", "IM": "If-Match"}[name]: texts[value]}


@pytest.mark.parametrize(("method", "path", "body", "column", "status"), CELLS)
def test_a_precondition_is_answered_as_the_table_says(
    tree: Asking, method: str, path: str, body: Any, column: str, status: int
) -> None:
    headers = header_of(tree, column, path, body)
    assert tree(method, path, body, headers=headers).status_int == status


@pytest.mark.parametrize(("method", "path", "body", "column"), FAILURES)
def test_a_failed_precondition_changes_nothing(
    tree: Asking, method: str, path: str, body: Any, column: str
) -> None:
    headers, before = header_of(tree, column, path, body), tree("GET", RECORDS)
    tree(method, path, body, headers=headers)
    after = tree("GET", RECORDS)
    assert (after.json, after.headers["ETag"]) == (before.json, before.headers["ETag"])


def test_deleted_objects_count_as_missing(tree: Asking) -> None:
    tree("DELETE", RECORD)
    assert tree("PUT", RECORD, NEW, headers={"If-None-Match": "*"}).status_int == 201


def test_a_match_with_a_tombstone_is_none(tree: Asking) -> None:
    etag = tree("DELETE", RECORD).headers["ETag"]
    assert tree("PUT", RECORD, NEW, headers={"If-Match": etag}).status_int == 412


def test_304_is_tested_before_412(tree: Asking) -> None:
    headers = {"If-None-Match": f'"{tree.etag(RECORD)}"', "If-Match": '"1"'}
    assert tree("GET", RECORD, headers=headers).status_int == 304


def test_zero_is_an_ordinary_timestamp(tree: Asking) -> None:
    assert tree("PUT", RECORD, NEW, headers={"If-Match": '"0"'}).status_int == 412


@pytest.mark.parametrize("header", ["If-Modified-Since", "If-Unmodified-Since"])
def test_dates_are_ignored(tree: Asking, header: str) -> None:
    date = {header: "Sat, 01 Jan 2000 00:00:00 GMT"}
    assert tree("GET", RECORD, headers=date).status_int == 200
    assert tree("PUT", RECORD, NEW, headers=date).status_int == 200


def test_412_shows_the_existing_object(tree: Asking) -> None:
    stored = tree("GET", RECORD)
    reply = tree("PUT", RECORD, NEW, headers={"If-Match": '"1"'})
    assert reply.json == {
        "code": 412,
        "errno": 114,
        "error": "Precondition Failed",
        "message": "Resource was modified meanwhile",
        "details": {"existing": stored.json["data"]},
    }
    assert reply.headers["ETag"] == stored.headers["ETag"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", RECORDS, None), ("DELETE", RECORDS, None), ("PUT", RECORD + "9", NEW)],
)
def test_412_without_an_object_has_no_details(
    tree: Asking, method: str, path: str, body: Any
) -> None:
    current = tree.etag(RECORDS)
    reply = tree(method, path, body, headers={"If-Match": '"1"'})
    assert ("details" in reply.json, reply.headers["ETag"]) == (False, f'"{current}"')


def test_412_hides_the_object_from_those_who_may_not_read_it(tree: Asking) -> None:
    tree.share("/buckets/b/collections/c", "record:create", user_id("bob"))
    reply = tree("PUT", RECORD, NEW, user="bob", headers={"If-None-Match": "*"})
    assert (reply.status_int, "details" in reply.json) == (412, False)


def test_304_has_neither_body_nor_type_nor_cache(tree: Asking) -> None:
    etag = f'"{tree.etag(RECORDS)}"'
    reply = tree("GET", RECORDS, headers={"If-None-Match": etag})
    assert (reply.status_int, reply.body, reply.headers["ETag"]) == (304, b"", etag)
    absent = {"Content-Type", "Cache-Control", "Content-Length"} & set(reply.headers)
    assert not absent
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "Last-Modified" in reply.headers
