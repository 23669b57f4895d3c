"""Envelopes of POST and PUT (protocol, part 1, chapters 1.8, 2 and 8.6)."""

from __future__ import annotations

import json

import pytest

from kinto_lite.errors import Detail
from kinto_lite.model import MISSING, Kind
from kinto_lite.protocol import bodies
from kinto_lite.protocol.bodies import Envelope

BUCKET = Kind("bucket", "buckets", None, ("read", "write", "collection:create", "group:create"))
GROUP = Kind("group", "groups", "bucket", ("read", "write"))
COLLECTION = Kind("collection", "collections", "bucket", ("read", "write", "record:create"))
RECORD = Kind("record", "records", "collection", ("read", "write"))
JSON = "application/json"


def read(document: object, kind: Kind = RECORD) -> tuple[Envelope, list[Detail]]:
    return bodies.read_envelope(json.dumps(document).encode(), JSON, kind)


def errors(document: object, kind: Kind = RECORD) -> list[tuple[str | int | None, str]]:
    details = read(document, kind)[1]
    assert all(detail.location == "body" for detail in details)
    return [(detail.name, detail.description) for detail in details]


def not_mapping(shown: str) -> str:
    return f'"{shown}" is not a mapping type: Does not implement dict-like functionality.'


def test_an_absent_body_is_an_empty_envelope() -> None:
    assert bodies.read_envelope(b"", "", RECORD) == (Envelope(), [])


def test_id_and_timestamp_are_taken_out_of_the_data() -> None:
    envelope, details = read({"data": {"a": 1, "id": "x", "last_modified": 5}})
    assert details == []
    assert envelope == Envelope({"a": 1}, None, "x", 5)


def test_data_without_id_has_none() -> None:
    assert read({"data": {}})[0].id is MISSING


def test_the_reserved_permissions_key_is_dropped_silently() -> None:
    envelope, details = read({"data": {"__permissions__": {"read": ["x"]}, "a": 1}})
    assert (envelope.data, envelope.permissions, details) == ({"a": 1}, None, [])


@pytest.mark.parametrize("raw", [b" ", b"{", b"{'a': 1}", b"\xff", b'{"a": NaN}', b"[" * 10_000])
def test_a_body_that_is_not_json_gives_two_details(raw: bytes) -> None:
    _, (syntax, required) = bodies.read_envelope(raw, JSON, RECORD)
    assert syntax.description.startswith("Invalid JSON: ")
    assert required == Detail("", "body", "Required")


@pytest.mark.parametrize("document", [None, 12, "text", True])
def test_a_scalar_body_gives_two_details(document: object) -> None:
    assert errors(document) == [("", "Should be a JSON object or an array"), ("", "Required")]


def test_the_charset_of_the_body_is_honoured() -> None:
    envelope, _ = bodies.read_envelope(b'{"data":{"a":"\xe9"}}', f"{JSON};charset=latin-1", RECORD)
    assert envelope.data == {"a": "é"}


@pytest.mark.parametrize(
    ("document", "name", "description"),
    [
        ([], "", not_mapping("[]")),
        ([1], "", not_mapping("[1]")),
        ({"data": None}, "data", not_mapping("None")),
        ({"data": True}, "data", not_mapping("True")),
        ({"data": "it's"}, "data", not_mapping("it's")),
        ({"data": [1, "a", None]}, "data", not_mapping("[1, 'a', None]")),
        ({"permissions": None}, "permissions", not_mapping("None")),
        ({"permissions": ""}, "permissions", not_mapping("")),
        ({"dat": {}}, "", "Unrecognized keys in mapping: \"{'dat': {}}\""),
        ({"data": 1, "extra": 1}, "", "Unrecognized keys in mapping: \"{'extra': 1}\""),
        ({"permissions": {"read": "x"}}, "permissions.read", '"x" is not iterable'),
        ({"permissions": {"read": {"a": 1}}}, "permissions.read", "\"{'a': 1}\" is not iterable"),
        ({"permissions": {"read": [1]}}, "permissions.read.0", "1 is not a string: {'': ''}"),
        (
            {"permissions": {"read": [["a"]]}},
            "permissions.read.0",
            "['a'] is not a string: {'': ''}",
        ),
        ({"permissions": {"read": [None]}}, "permissions.read.0", "Required"),
        ({"permissions": {"read": [{}]}}, "permissions.read.0", "Required"),
        ({"permissions": {"fly": []}}, "permissions", '"fly" is not one of read, write'),
    ],
)
def test_a_malformed_envelope_is_named(document: object, name: str, description: str) -> None:
    assert errors(document) == [(name, description)]


def test_all_errors_are_collected() -> None:
    names = [name for name, _ in errors({"data": 1, "permissions": {"read": 1, "write": [1, ""]}})]
    assert names == ["data", "permissions.read", "permissions.write.0", "permissions.write.1"]


def test_an_unknown_permission_is_reported_alone() -> None:
    assert len(errors({"permissions": {"read": 1, "fly": []}})) == 1


def test_an_unknown_permission_with_null_is_ignored() -> None:
    assert read({"permissions": {"fly": None}}) == (Envelope(permissions={}), [])


def test_permissions_are_sets_and_null_stays_none() -> None:
    envelope, _ = read({"permissions": {"read": ["b", "a", "b"], "write": None}})
    assert envelope.permissions == {"read": ["b", "a"], "write": None}


def test_names_of_permissions_depend_on_the_kind() -> None:
    choices = "read, write, collection:create, group:create"
    expected = [("permissions", f'"record:create" is not one of {choices}')]
    assert errors({"permissions": {"record:create": ["x"]}}, BUCKET) == expected


def test_a_put_with_one_list_empties_the_others() -> None:
    envelope, _ = read({"permissions": {"read": ["a"], "write": None}}, COLLECTION)
    lists = bodies.find_replaced_lists(envelope, COLLECTION)
    assert lists == {"read": ["a"], "write": [], "record:create": []}


@pytest.mark.parametrize("document", [{}, {"permissions": {}}, {"permissions": {"read": None}}])
def test_a_put_without_lists_leaves_permissions_alone(document: object) -> None:
    assert bodies.find_replaced_lists(read(document)[0], RECORD) == {}


def test_the_errors_of_one_array_are_bounded() -> None:
    assert len(errors({"permissions": {"read": [1] * 10_000}})) == bodies.MAX_DETAILS


def test_long_values_are_cut_in_error_texts() -> None:
    ((_, description),) = errors({"data": "x" * 1_000_000})
    assert len(description) < 3000


def test_deep_values_do_not_break_error_texts() -> None:
    raw = b'{"data":' + b"[" * 440 + b"]" * 440 + b"}"
    assert len(bodies.read_envelope(raw, JSON, RECORD)[1]) == 1


def test_a_group_gets_members_with_data_only() -> None:
    assert read({"data": {"a": 1}}, GROUP)[0].data == {"a": 1, "members": []}
    assert read({}, GROUP)[0].data is None


def test_members_keep_order_and_duplicates() -> None:
    members = ["b", "a", "b", "system.Authenticated"]
    assert read({"data": {"members": members}}, GROUP)[0].data == {"members": members}


@pytest.mark.parametrize(
    ("members", "name", "description"),
    [
        ("bob", "data.members", '"bob" is not iterable'),
        (None, "data.members", '"None" is not iterable'),
        ({}, "data.members", '"{}" is not iterable'),
        ([1], "data.members.0", "1 is not a string: {'': ''}"),
        (["a", ""], "data.members.1", "Required"),
        (["system.Everyone"], "data.members.0", "'system.Everyone' is not a valid user ID."),
        (["/buckets/x"], "data.members.0", "'/buckets/x' is not a valid user ID."),
    ],
)
def test_wrong_members_are_named(members: object, name: str, description: str) -> None:
    assert errors({"data": {"members": members}}, GROUP) == [(name, description)]


@pytest.mark.parametrize(
    ("value", "stored"),
    [("10", 10), (" -5 ", -5), (10.5, 10), (True, 1), (0, 0), (1e300, 1e300)],
)
def test_cache_expires_becomes_an_integer(value: object, stored: object) -> None:
    data = read({"data": {"cache_expires": value}}, COLLECTION)[0].data
    assert data == {"cache_expires": stored}


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_an_empty_cache_expires_is_dropped(value: object) -> None:
    assert read({"data": {"cache_expires": value}}, COLLECTION)[0].data == {}


@pytest.mark.parametrize("value", ["x", "1.5", [1], "9" * 1_000_000])
def test_any_other_cache_expires_is_an_error(value: object) -> None:
    ((name, description),) = errors({"data": {"cache_expires": value}}, COLLECTION)
    assert name == "data.cache_expires"
    assert description.endswith(" is not a number")


@pytest.mark.parametrize(
    ("kind", "field"),
    [(COLLECTION, "schema"), (BUCKET, "record:schema"), (BUCKET, "group:schema")],
)
def test_schema_fields_are_checked(kind: Kind, field: str) -> None:
    assert errors({"data": {field: []}}, kind) == [(f"data.{field}", not_mapping("[]"))]
    assert errors({"data": {field: {}}}, kind) == []


def test_records_have_no_typed_fields() -> None:
    data = {"members": 1, "schema": [], "cache_expires": "x", "record:schema": 5, "": None}
    assert read({"data": data}) == (Envelope(data), [])


@pytest.mark.parametrize(
    "value", [12.0, "5", None, {}, True, -62135596800001, 253402300800000, 2**64 - 1, 1e22, []]
)
def test_an_unusable_timestamp_is_dropped(value: object) -> None:
    assert read({"data": {"last_modified": value}}) == (Envelope({}), [])


@pytest.mark.parametrize("value", [0, 1000, 253402300799999])
def test_a_usable_timestamp_is_kept(value: int) -> None:
    assert read({"data": {"last_modified": value}})[0].last_modified == value


def test_the_posted_id_is_known_even_when_the_body_has_errors() -> None:
    envelope, details = read({"data": {"id": "a b"}, "permissions": 1})
    assert details
    assert envelope.id == "a b"


@pytest.mark.parametrize("value", ["other", None, 5])
def test_an_id_other_than_the_one_of_the_url_is_a_mismatch(value: object) -> None:
    expected = [Detail("id", "body", "Object id does not match existing object")]
    assert bodies.check_same_id(value, "mine") == expected


def test_the_id_of_the_url_may_be_repeated_or_left_out() -> None:
    assert bodies.check_same_id("mine", "mine") == []
    assert bodies.check_same_id(MISSING, "mine") == []


@pytest.mark.parametrize("content_type", ["", JSON, "application/merge-patch+json"])
def test_an_ignored_body_must_still_be_json(content_type: str) -> None:
    (detail,) = bodies.check_ignored_body(b"x", content_type)
    assert detail.description.startswith("Invalid JSON: ")


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"data": 1}'])
def test_the_content_of_an_ignored_body_does_not_matter(raw: bytes) -> None:
    assert bodies.check_ignored_body(raw, JSON) == []


def test_an_ignored_scalar_gives_one_detail() -> None:
    expected = [Detail("", "body", "Should be a JSON object or an array")]
    assert bodies.check_ignored_body(b"1", JSON) == expected


def test_an_ignored_body_of_another_type_is_not_looked_at() -> None:
    assert bodies.check_ignored_body(b"x", "text/plain") == []
