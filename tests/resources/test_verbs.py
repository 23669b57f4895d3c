"""The verbs: ids, bodies, fields, media types (protocol, core chapters 1.8, 2 and 3)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.resources.asking import BUCKET, COLLECTION, GROUP, RECORD, RECORDS, Asking, user_id

LISTS = ["/buckets", "/buckets/b/groups", "/buckets/b/collections", RECORDS]
MERGE = {"Content-Type": "application/merge-patch+json"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
BAD_ID = {"location": "path", "name": None, "description": "Invalid object id"}


def details(reply: Any) -> list[tuple[Any, str]]:
    """Name and location of all details of a 400."""
    assert reply.status_int == 400
    return [(detail["name"], detail["location"]) for detail in reply.json["details"]]


# Ids (2.3)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("id_", ["a", "0", "A-b_c", "a" * 300, "1-", "x_"])
def test_these_are_ids(tree: Asking, path: str, id_: str) -> None:
    assert tree("PUT", f"{path}/{id_}", {}).json["data"]["id"] == id_


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("id_", ["-a", "_a", "a%20b", "a.b", "a%0A", "%C3%A9", "a%00", "*", "a~"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_these_are_none(tree: Asking, path: str, id_: str, method: str) -> None:
    reply = tree(method, f"{path}/{id_}", {} if method == "PUT" else None)
    if path == "/buckets" and method == "GET":
        assert reply.status_int == 403
    else:
        assert (reply.status_int, reply.json["details"]) == (400, [BAD_ID])
        assert reply.json["message"] == "path: Invalid object id"


@pytest.mark.parametrize("id_", ["", "-", None, 1, True, [], {}, "a\n", "a/b", "é"])
def test_posted_ids_must_be_ids(tree: Asking, id_: Any) -> None:
    reply = tree("POST", RECORDS, {"data": {"id": id_}})
    assert (reply.status_int, reply.json["details"]) == (400, [BAD_ID])


@pytest.mark.parametrize("path", LISTS[:3])
def test_names_are_made_of_eight_characters(tree: Asking, path: str) -> None:
    ids = {tree("POST", path, {}).json["data"]["id"] for _ in range(5)}
    assert len(ids) == 5
    assert all(re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_-]{7}", id_) for id_ in ids)


def test_records_get_uuids(tree: Asking) -> None:
    id_ = tree("POST", RECORDS, {}).json["data"]["id"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", id_)


@pytest.mark.parametrize("kind", ["bucket", "collection"])
def test_malformed_ancestors_are_404(tree: Asking, kind: str) -> None:
    path = "/buckets/-/collections/c" if kind == "bucket" else "/buckets/b/collections/-"
    reply = tree("PUT", path + "/records/r", {})
    assert reply.json == {
        "code": 404,
        "errno": 111,
        "error": "Not Found",
        "details": {"id": "-", "resource_name": kind},
    }


@pytest.mark.parametrize(
    ("path", "kind"), [(GROUP, "group"), (COLLECTION, "collection"), (RECORD, "record")]
)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_missing_object_is_404_without_message(
    tree: Asking, path: str, kind: str, method: str
) -> None:
    body = {"data": {}} if method == "PATCH" else None
    reply = tree(method, path + "9", body)
    assert reply.json == {
        "code": 404,
        "errno": 110,
        "error": "Not Found",
        "details": {"id": path.rpartition("/")[2] + "9", "resource_name": kind},
    }


# PUT, POST, PATCH (2.4)


def test_put_without_data_keeps_the_attributes(tree: Asking) -> None:
    tree("PUT", RECORD, {"permissions": {"read": ["x"]}})
    assert tree.data(RECORD)["n"] == 1


def test_put_with_data_replaces_them(tree: Asking) -> None:
    tree("PUT", RECORD, {"data": {"m": 2}})
    assert set(tree.data(RECORD)) == {"m", "id", "last_modified"}


def test_put_with_empty_data_clears_them(tree: Asking) -> None:
    tree("PUT", RECORD, {"data": {}})
    assert set(tree.data(RECORD)) == {"id", "last_modified"}


@pytest.mark.parametrize("body", [None, b"", {}])
def test_put_without_a_body_creates_an_empty_object(tree: Asking, body: Any) -> None:
    reply = tree("PUT", RECORD + "3", body)
    assert (reply.status_int, set(reply.json["data"])) == (201, {"id", "last_modified"})


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("id_", ["x", None, 1, "", [], True])
def test_another_id_in_the_body_is_refused(tree: Asking, method: str, id_: Any) -> None:
    reply = tree(method, RECORD, {"data": {"id": id_}})
    assert details(reply) == [("id", "body")]
    assert reply.json["message"] == "Object id does not match existing object"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_writes_ignore_the_query(tree: Asking, method: str) -> None:
    path = RECORDS if method == "POST" else RECORD
    reply = tree(method, path + "?_limit=x&_since=abc&_fields=&last_modified=q", {"data": {}})
    assert reply.status_int in (200, 201)
    assert "permissions" in reply.json


def test_posting_over_a_tombstone_creates(tree: Asking) -> None:
    tree("DELETE", RECORD)
    reply = tree("POST", RECORDS, {"data": {"id": "r", "n": 2}})
    assert (reply.status_int, reply.json["data"]["n"]) == (201, 2)


def test_posting_an_existing_id_shows_the_stored_object(tree: Asking) -> None:
    before = tree("GET", RECORD)
    reply = tree("POST", RECORDS, {"data": {"id": "r", "n": 2}})
    assert (reply.status_int, reply.json) == (200, before.json)
    assert reply.headers["ETag"] == before.headers["ETag"]


def test_posting_an_existing_id_still_checks_the_form(tree: Asking) -> None:
    reply = tree("POST", RECORDS, {"data": {"id": "r"}, "permissions": {"x": ["y"]}})
    assert reply.status_int == 400


def test_client_fields_named_deleted_are_kept(tree: Asking) -> None:
    tree("PUT", RECORD, {"data": {"deleted": True, "schema": 5}})
    data = tree.data(RECORD)
    assert (data["deleted"], data["schema"]) == (True, 5)
    assert "r" in tree.ids(RECORDS)


@pytest.mark.parametrize("path", [BUCKET, GROUP, COLLECTION, RECORD])
def test_any_attribute_is_kept_on_any_object(tree: Asking, path: str) -> None:
    data = {"": None, "a.b": [1, {"c": None}], " ": {"é": "\U0001f600"}, "x": [], "\x00": "\x00"}
    tree("PUT", path, {"data": data})
    assert data.items() <= tree.data(path).items()


# The envelope (2.1)

ENVELOPES: list[tuple[Any, list[tuple[Any, str]]]] = [
    (b"null", [("", "body"), ("", "body")]),
    (b"1", [("", "body"), ("", "body")]),
    (b'"x"', [("", "body"), ("", "body")]),
    (b"true", [("", "body"), ("", "body")]),
    (b"{", [("", "body"), ("", "body")]),
    (b" ", [("", "body"), ("", "body")]),
    (b"[]", [("", "body")]),
    (b'{"foo":1}', [("", "body")]),
    (b'{"data":null}', [("data", "body")]),
    (b'{"data":[]}', [("data", "body")]),
    (b'{"data":1,"permissions":1}', [("data", "body"), ("permissions", "body")]),
    (b'{"permissions":null}', [("permissions", "body")]),
]


@pytest.mark.parametrize(("body", "expected"), ENVELOPES)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_wrong_envelope(
    tree: Asking, method: str, body: bytes, expected: list[tuple[Any, str]]
) -> None:
    reply = tree(method, RECORDS if method == "POST" else RECORD, body)
    assert details(reply) == expected


def test_texts_of_wrong_envelopes(tree: Asking) -> None:
    texts = [
        tree("PUT", RECORD, body).json["details"][0]["description"]
        for body in (b"null", b"[]", b'{"foo":1}', b'{"data":null}')
    ]
    assert texts == [
        "Should be a JSON object or an array",
        '"[]" is not a mapping type: Does not implement dict-like functionality.',
        "Unrecognized keys in mapping: \"{'foo': 1}\"",
        '"None" is not a mapping type: Does not implement dict-like functionality.',
    ]


# Typed fields (2.5)


def test_a_group_made_without_data_has_no_members(tree: Asking) -> None:
    assert "members" not in tree("PUT", GROUP + "9", {}).json["data"]
    assert tree("PUT", GROUP + "8", {"data": {}}).json["data"]["members"] == []


def test_putting_empty_data_empties_the_group(tree: Asking) -> None:
    tree("PUT", GROUP, {"data": {"members": ["a", "a"]}})
    assert tree.data(GROUP)["members"] == ["a", "a"]
    tree("PUT", GROUP, {"data": {}})
    assert tree.data(GROUP)["members"] == []


MEMBERS: list[tuple[Any, str, str]] = [
    ("x", "members", '"x" is not iterable'),
    (None, "members", '"None" is not iterable'),
    ({}, "members", '"{}" is not iterable'),
    ([1], "members.0", "1 is not a string: {'': ''}"),
    (["a", None], "members.1", "Required"),
    ([""], "members.0", "Required"),
    (["/buckets/b/groups/g"], "members.0", "'/buckets/b/groups/g' is not a valid user ID."),
    (["system.Everyone"], "members.0", "'system.Everyone' is not a valid user ID."),
]


@pytest.mark.parametrize(("members", "name", "text"), MEMBERS)
@pytest.mark.parametrize(("method", "prefix"), [("PUT", "data."), ("PATCH", "")])
def test_wrong_members(
    tree: Asking, method: str, prefix: str, members: Any, name: str, text: str
) -> None:
    reply = tree(method, GROUP, {"data": {"members": members}})
    assert reply.json["details"] == [
        {"location": "body", "name": prefix + name, "description": text}
    ]


EXPIRES: list[tuple[Any, Any]] = [
    (10, 10), ("10", 10), (10.5, 10), (True, 1), (0, 0), (-5, -5),
    (None, "absent"), ("", "absent"), ([], "absent"),
    ("x", "refused"), ([1], "refused"), ({"a": 1}, "refused"), ("1" * 5000, "refused"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "stored"), EXPIRES)
def test_the_cache_time_of_a_collection(tree: Asking, value: Any, stored: Any) -> None:
    reply = tree("PUT", COLLECTION, {"data": {"cache_expires": value}})
    if stored == "refused":
        assert details(reply) == [("data.cache_expires", "body")]
    else:
        assert tree.data(COLLECTION).get("cache_expires", "absent") == stored


@pytest.mark.parametrize("value", [1e300, 2**63, 2**64 + 1, -(2**70), "9" * 18])
def test_an_immense_cache_time_harms_nobody(tree: Asking, value: Any) -> None:
    tree("PUT", COLLECTION, {"data": {"cache_expires": value}})
    tree.share(BUCKET, "read", "system.Everyone")
    assert tree("GET", RECORDS, user="").status_int == 200
    assert tree("GET", RECORD, user="").status_int == 200


# Media types (1.8)

TYPES = [
    ("PUT", "application/json", 200),
    ("PUT", "application/json; charset=utf-8", 200),
    ("PUT", "", 200),
    ("PUT", "text/plain", 415),
    ("PUT", "application/x-www-form-urlencoded", 415),
    ("PUT", "multipart/form-data; boundary=x", 415),
    ("PUT", "application/vnd.api+json", 415),
    ("PUT", "application/merge-patch+json", 415),
    ("PATCH", "application/json", 200),
    ("PATCH", "application/merge-patch+json", 200),
    ("PATCH", "application/merge-patch+json; charset=utf-8", 200),
    ("PATCH", "text/plain", 415),
    ("DELETE", "text/plain", 200),
    ("GET", "text/plain", 200),
]


@pytest.mark.parametrize(("method", "kind", "status"), TYPES)
def test_a_body_of_a_type(tree: Asking, method: str, kind: str, status: int) -> None:
    reply = tree(method, RECORD, b'{"data":{}}', headers={"Content-Type": kind})
    assert reply.status_int == status
    if status == 415:
        assert details_of_header(reply) == "Content-Type"


def details_of_header(reply: Any) -> str:
    """The header that is wrong."""
    (detail,) = reply.json["details"]
    assert (detail["location"], reply.json["error"]) == ("header", "Invalid parameters")
    return str(detail["name"])


ACCEPTS = [
    ("*/*", 200), ("application/*", 200), ("application/json", 200), ("???", 200),
    ("application/json;q=0.1, text/html", 200), ("application/json; charset=utf-8", 200),
    ("text/html", 406), ("", 406), ("application/json;q=0", 406), ("image/*", 406),
]  # fmt: skip


@pytest.mark.parametrize(("accept", "status"), ACCEPTS)
def test_an_answer_of_a_type(tree: Asking, accept: str, status: int) -> None:
    reply = tree("GET", RECORD, headers={"Accept": accept})
    assert reply.status_int == status
    if status == 406:
        assert details_of_header(reply) == "Accept"


@pytest.mark.parametrize("path", ["/", "/__heartbeat__", "/__lbheartbeat__", "/contribute.json"])
def test_small_endpoints_ignore_accept(tree: Asking, path: str) -> None:
    assert tree("GET", path, headers={"Accept": "text/html"}).status_int == 200


# PATCH (3)


def test_a_plain_patch_is_shallow_and_stores_null(tree: Asking) -> None:
    tree("PUT", RECORD, {"data": {"o": {"a": 1}, "k": 1}})
    data = tree("PATCH", RECORD, {"data": {"o": {"b": 2}, "x": None}}).json["data"]
    assert (data["o"], data["x"], data["k"]) == ({"b": 2}, None, 1)


def test_a_merge_patch_is_deep_and_removes_null(tree: Asking) -> None:
    tree("PUT", RECORD, {"data": {"o": {"a": 1, "z": 1}, "k": 1, "s": 5}})
    body = {"data": {"o": {"a": None, "b": 2}, "k": None, "s": {"t": 1}}}
    data = tree("PATCH", RECORD, body, headers=MERGE).json["data"]
    assert (data["o"], data["s"], "k" in data) == ({"z": 1, "b": 2}, {"t": 1}, False)


def test_a_json_patch_changes_data_and_permissions(tree: Asking) -> None:
    body = [
        {"op": "add", "path": "/data/l", "value": []},
        {"op": "add", "path": "/data/l/-", "value": 7},
        {"op": "add", "path": "/permissions/read/system.Everyone"},
    ]
    reply = tree("PATCH", RECORD, body, headers=JSON_PATCH)
    assert reply.json["data"]["l"] == [7]
    assert reply.json["permissions"] == {"read": ["system.Everyone"], "write": [user_id("alice")]}


@pytest.mark.parametrize(
    ("behavior", "shown"),
    [
        ("light", {"n": 2}),
        ("diff", {}),
        ("full", None),
    ],
)
def test_the_answer_of_a_patch_can_be_short(tree: Asking, behavior: str, shown: Any) -> None:
    headers = {"Response-Behavior": behavior}
    reply = tree("PATCH", RECORD, {"data": {"n": 2}}, headers=headers)
    assert ("permissions" in reply.json) == (shown is None)
    if shown is not None:
        assert reply.json == {"data": shown}


def test_other_methods_ignore_the_behavior(tree: Asking) -> None:
    reply = tree("PUT", RECORD, {"data": {}}, headers={"Response-Behavior": "bogus"})
    assert reply.status_int == 200


# Selected fields (5.6)


def test_selected_fields_of_an_object_come_without_permissions(tree: Asking) -> None:
    reply = tree("GET", RECORD + "?_fields=n,zz")
    assert set(reply.json) == {"data"}
    assert set(reply.json["data"]) == {"n", "id", "last_modified"}


def test_selected_fields_strip_the_mark_of_tombstones(tree: Asking) -> None:
    tree("DELETE", RECORD)
    (item,) = tree.data(RECORDS + "?_since=0&_fields=n&id=r")
    assert set(item) == {"id", "last_modified"}
    (item,) = tree.data(RECORDS + "?_since=0&_fields=deleted&id=r")
    assert item["deleted"] is True
