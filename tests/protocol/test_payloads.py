"""Response bodies as bytes (protocol, part 1, chapters 1.6, 2.1 and 10)."""

from __future__ import annotations

import json

import pytest

from kinto_lite.errors import (
    OBJECT_NOT_FOUND,
    TABLE,
    UNEXPECTED,
    ApiError,
    Detail,
    InvalidRequest,
)
from kinto_lite.model import Row
from kinto_lite.protocol.payloads import data_body, error_body, list_body, object_body, splice_row

FULL = Row(1, "a", 5, '{"n":1,"t":"}"}')
EMPTY = Row(2, "b", 6, "{}")
TOMBSTONE = Row(3, "c", 7, '{"deleted":true}', True)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (FULL, '{"n":1,"t":"}","id":"a","last_modified":5}'),
        (EMPTY, '{"id":"b","last_modified":6}'),
        (TOMBSTONE, '{"deleted":true,"id":"c","last_modified":7}'),
    ],
)
def test_id_and_timestamp_are_joined_on(row: Row, text: str) -> None:
    assert splice_row(row) == text


@pytest.mark.parametrize("permissions", [None, {}])
def test_permissions_that_are_hidden_are_an_empty_object(
    permissions: dict[str, list[str]] | None,
) -> None:
    assert object_body(EMPTY, permissions) == (
        b'{"permissions":{},"data":{"id":"b","last_modified":6}}'
    )


def test_permissions_are_shown_before_data() -> None:
    body = object_body(EMPTY, {"write": ["\u00e9"]})
    assert body.startswith(b'{"permissions":{"write":["\\u00E9"]},"data":{')


@pytest.mark.parametrize("rows", [[], [FULL], [FULL, EMPTY, TOMBSTONE]])
def test_a_list_holds_its_objects(rows: list[Row]) -> None:
    body = list_body(splice_row(row) for row in rows)
    assert [item["id"] for item in json.loads(body)["data"]] == [row.id for row in rows]


def test_an_empty_list_has_eleven_bytes() -> None:
    assert list_body([]) == b'{"data":[]}'


def test_data_alone() -> None:
    assert data_body("{}") == b'{"data":{}}'


# Errors (10)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.status}-{row.errno}")
def test_every_error_has_code_errno_and_title(row: object) -> None:
    body = json.loads(error_body(ApiError(row)))  # type: ignore[arg-type]
    assert {"code", "errno", "error"} <= set(body) <= {"code", "errno", "error", "message"}


def test_an_error_without_message_has_no_such_member() -> None:
    assert json.loads(error_body(ApiError(OBJECT_NOT_FOUND, details={"id": "x"}))) == {
        "code": 404,
        "errno": 110,
        "error": "Not Found",
        "details": {"id": "x"},
    }


def test_an_unexpected_error_tells_where_to_complain() -> None:
    assert json.loads(error_body(ApiError(UNEXPECTED), "http://x"))["info"] == "http://x"


MESSAGES = [
    (Detail(None, "path", "Invalid object id"), "path: Invalid object id"),
    (Detail("", "body", "Required"), "Required"),
    (Detail("data", "body", "Provide at least one of data or permissions"), None),
    (Detail("id", "body", "Object id does not match existing object"), None),
    (Detail("_limit", "querystring", '"x" is wrong'), '_limit in querystring: "x" is wrong'),
    (Detail(0, "body", "1 is not of type 'string'"), "0 in body: 1 is not of type 'string'"),
]  # fmt: skip


@pytest.mark.parametrize(("detail", "message"), MESSAGES)
def test_the_first_detail_gives_the_message(detail: Detail, message: str | None) -> None:
    assert InvalidRequest([detail]).message == (message or detail.description)


def test_details_are_sorted_by_name_as_text() -> None:
    names = ["b", "_a", None, "Z", 3, "", "a"]
    error = InvalidRequest([Detail(name, "body", "x") for name in names])
    assert [detail["name"] for detail in error.details] == ["", 3, None, "Z", "_a", "a", "b"]


def test_the_texts_of_an_error_are_ascii() -> None:
    body = error_body(InvalidRequest([Detail("é", "body", '"\U0001f600" is wrong')]))
    assert b"\\u00E9" in body
    assert b"\\uD83D\\uDE00" in body
