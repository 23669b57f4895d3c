"""JSON Schema (protocol, part 1, chapter 12)."""

from __future__ import annotations

import json
import socket

import pytest

from kinto_lite.errors import Detail
from kinto_lite.protocol.schemas import check_schema, validate_object

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
TOO_COMPLEX = "the object is too complex for its schema"


def refusal(schema: object) -> str:
    (detail,) = check_schema(schema, "data.schema")
    assert (detail.name, detail.location) == ("data.schema", "body")
    return detail.description


def validate(
    schema: object, data: dict[str, object], kind: str = "record", id: str | None = None
) -> list[tuple[str | int | None, str]]:
    assert check_schema(schema, "schema") == []
    details = validate_object(json.dumps(schema), kind, data, id)
    assert all(detail.location == "body" for detail in details)
    return [(detail.name, detail.description) for detail in details]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "bogus"}, "type'bogus' is not valid under any of the given schemas"),
        ({"type": 5}, "type5 is not valid under any of the given schemas"),
        ({"properties": 1}, "properties1 is not of type 'object'"),
        ({"required": "a"}, "required'a' is not of type 'array'"),
        ({"minimum": "3"}, "minimum'3' is not of type 'number'"),
        ({"$schema": 5}, "$schema5 is not of type 'string'"),
        (
            {"properties": {"a": {"exclusiveMinimum": True}}},
            "exclusiveMinimumTrue is not of type 'number'",
        ),
        ({"required": ["a", "a"]}, "required['a', 'a'] has non-unique elements"),
        ({"properties": {"a": {"pattern": "("}}}, "pattern'(' is not a 'regex'"),
        ({"patternProperties": {"(": {}}}, "patternProperties'(' is not a 'regex'"),
    ],
)
def test_a_schema_must_be_valid_under_draft_7(schema: object, text: str) -> None:
    assert refusal(schema) == text


@pytest.mark.parametrize("schema", [None, [], "x", 5, True])
def test_a_schema_must_be_an_object(schema: object) -> None:
    expected = f'"{schema}" is not a mapping type: Does not implement dict-like functionality.'
    assert refusal(schema) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"unknown": {"keyword": 1}},
        {"$schema": "anything"},
        {"$ref": "#/definitions/nope"},
        {"$ref": "http://example.com/schema.json"},
        {"default": {"pattern": 5}, "enum": [{"$ref": 5}]},
        {"properties": {"$ref": {"type": "string"}, "pattern": {"type": "string"}}},
    ],
)
def test_other_schemas_are_accepted(schema: object) -> None:
    assert check_schema(schema, "schema") == []


def nest(opening: str, closing: str, times: int) -> object:
    return json.loads(opening * times + "{}" + closing * times)


def chain(part: str, times: int) -> dict[str, object]:
    """Return definitions of which each applies the next one twice, through `part`."""
    definitions: dict[str, object] = {
        f"d{index}": {part: [{"$ref": f"#/definitions/d{index + 1}"}] * 2} for index in range(times)
    }
    return {**definitions, f"d{times}": {}}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"title": "x" * 200_000}, "bytes"),
        (nest('{"properties":{"a":', "}}", 40), "levels"),
        ({"pattern": "a" * 1001}, "pattern of more than 1000 characters"),
        ({"patternProperties": {"a" * 900 + str(i): {} for i in range(9)}}, "patterns have more"),
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, "its pattern '^(a+)+$' is refused"),
        ({"$ref": "#"}, "refers to itself"),
        ({"definitions": {"x": {"$ref": "#/definitions/x"}}}, "refers to itself"),
        ({"allOf": [{"not": {"$ref": "#"}}]}, "refers to itself"),
        ({"definitions": chain("allOf", 12)}, "apply to one value"),
        (nest('{"not":', "}", 40), "apply to one value"),
        ({"anyOf": [{}] * 1100}, "apply to one value"),
        ({"properties": {f"p{i}": {"type": "string"} for i in range(3000)}}, "too large"),
        ({"unevaluatedItems": False, "$ref": "#anchor"}, "unevaluated"),
    ],
)
def test_a_schema_that_could_take_long_is_refused(schema: object, reason: str) -> None:
    text = refusal(schema)
    assert text.startswith("The schema is refused: ")
    assert reason in text


def test_a_recursive_schema_is_accepted() -> None:
    schema = {"properties": {"n": {"$ref": "#"}, "v": {"type": "integer"}}}
    assert validate(schema, {"n": {"n": {"v": "x"}}}) == [("v", "'x' is not of type 'integer'")]


def test_a_thousand_properties_are_accepted() -> None:
    schema = {"properties": {f"p{index}": {"type": "string"} for index in range(1000)}}
    assert validate(schema, {f"p{index}": "x" for index in range(1000)}) == []


def test_an_object_that_fits_has_no_errors() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert validate(schema, {"a": "x", "b": 1}) == []


@pytest.mark.parametrize(
    ("schema", "data", "name", "text"),
    [
        ({"properties": {"a": {"type": "string"}}}, {"a": 1}, "a", "1 is not of type 'string'"),
        (
            {"properties": {"a": {"items": {"type": "string"}}}},
            {"a": ["x", 2]},
            1,
            "2 is not of type 'string'",
        ),
        ({"required": ["a", "b"]}, {"b": 1}, "b", "'a' is a required property"),
        (
            {"properties": {"o": {"required": ["k"]}}},
            {"o": {}},
            "o",
            "'k' is a required property",
        ),
        (
            {"additionalProperties": False},
            {"b": 1},
            "additionalProperties",
            "Additional properties are not allowed ('b' was unexpected)",
        ),
        ({"type": "string"}, {}, "type", "{} is not of type 'string'"),
        ({"not": {}}, {}, "not", "{} should not be valid under {}"),
        ({"minProperties": 1}, {}, "minProperties", "{} should be non-empty"),
        ({"properties": {"a": False}}, {"a": 1}, "properties", "False schema does not allow 1"),
        (
            {"properties": {"p": {"$ref": "#/definitions/nope"}}},
            {"p": 1},
            "schema",
            "PointerToNowhere: '/definitions/nope' does not exist within "
            "{'properties': {'p': {'$ref': '#/definitions/nope'}}}",
        ),
    ],
)
def test_the_first_error_is_named(
    schema: object, data: dict[str, object], name: object, text: str
) -> None:
    assert validate(schema, data) == [(name, text)]


def test_only_the_first_failing_keyword_is_reported() -> None:
    schema = {"maxProperties": 0, "required": ["x"]}
    assert [name for name, _ in validate(schema, {"a": 1})] == ["maxProperties"]


def test_without_dialect_2020_12_applies() -> None:
    schema = {
        "properties": {"a": {"prefixItems": [{"type": "string"}]}},
        "dependencies": {"a": ["b"]},
    }
    assert [name for name, _ in validate(schema, {"a": [1]})] == [0]
    assert validate(schema, {"a": ["x"]}) == []


def test_a_known_dialect_applies() -> None:
    schema = {
        "$schema": DRAFT_7,
        "dependencies": {"a": ["b"]},
    }
    assert validate(schema, {"a": 1}) == [("dependencies", "'b' is a dependency of 'a'")]


@pytest.mark.parametrize("schema", [{"properties": {"a": {"items": [{"type": "string"}]}}}])
def test_draft_7_applies_where_the_dialect_does_not_fit(schema: dict[str, object]) -> None:
    assert validate(schema, {"a": [1]}) == [(0, "1 is not of type 'string'")]
    assert validate({**schema, "$defs": {"x": 5}, "prefixItems": 5}, {"a": ["x"]}) == []


def test_draft_7_applies_where_draft_4_does_not_fit() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "properties": {"a": {"exclusiveMinimum": 5}},
    }
    assert [name for name, _ in validate(schema, {"a": 5})] == ["a"]


def test_formats_are_not_asserted() -> None:
    assert validate({"properties": {"a": {"format": "email"}}}, {"a": "x"}) == []


def test_hidden_fields_are_neither_seen_nor_required() -> None:
    schema = {
        "required": ["id", "last_modified", "schema"],
        "properties": {"schema": {"type": "string"}, "last_modified": {"type": "string"}},
        "additionalProperties": False,
    }
    assert validate({**schema, "required": ["last_modified", "schema"]}, {"schema": 5}) == []
    assert validate({"required": ["id"]}, {}) == []


def test_the_field_schema_is_hidden_on_records_only() -> None:
    schema = {"properties": {"schema": {"type": "string"}}, "required": ["schema"]}
    assert validate(schema, {}) == []
    assert validate(schema, {}, kind="collection") == [
        ("schema", "'schema' is a required property")
    ]


def test_the_id_is_seen_when_properties_mention_it() -> None:
    schema = {"properties": {"id": {"minLength": 3}}, "required": ["id", "a"]}
    assert validate(schema, {"a": 1}) == [("a", "'id' is a required property")]
    assert validate(schema, {"a": 1}, id="x") == [("id", "'x' is too short")]
    assert validate(schema, {"a": 1}, id="xxx") == []


def test_the_meta_schemas_can_be_referred_to() -> None:
    schema = {"properties": {"a": {"$ref": DRAFT_7}}}
    assert validate(schema, {"a": {"type": "string"}}) == []
    assert [name for name, _ in validate(schema, {"a": {"type": 5}})] == ["type"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x.json", "file:///etc/hostname"])
def test_references_are_never_fetched(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("connected"))
    schema = {"properties": {"a": {"$ref": url}}}
    assert validate(schema, {"a": 1}) == [("schema", f"Unresolvable: {url}")]


@pytest.mark.parametrize(
    "schema",
    [
        {"title": "x", "properties": {"a": {"$ref": "#/title"}}},
        {"$id": "http://[", "properties": {"a": {"$ref": "b"}}},
        {"$anchor": "x", "properties": {"a": {"$ref": "#x"}}, "allOf": [{"$ref": "#x"}]},
        {"patternProperties": {"(?P<n>a)": {}, "(?P<n>b)": {}}, "additionalProperties": False},
    ],
)
def test_a_schema_that_cannot_be_applied_is_an_error(schema: object) -> None:
    ((name, text),) = validate(schema, {"a": 1, "c": 1})
    assert name == "schema"
    assert text.startswith("the schema cannot be applied: ")


def test_a_stored_schema_beyond_the_limits_is_not_applied() -> None:
    details = validate_object('{"pattern": "^(a+)+$"}', "record", {}, None)
    assert [detail.name for detail in details] == ["schema"]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ({"items": {"type": "string"}}, ["x"] * 100_000),
        ({"items": {"$schema": DRAFT_7, "anyOf": [{"type": "null"}] * 500 + [True]}}, [1] * 500),
        ({"items": {"enum": [str(index) for index in range(5000)]}}, ["4999"] * 1000),
        ({"items": {"anyOf": [{"type": "null"}] * 500 + [True]}}, ["x"] * 500),
        ({"unevaluatedItems": False}, [1] * 10_000),
        ({"pattern": r"^[^@]+@[^@]+\.[^@]+$"}, "a@" + "." * 100_000),
        ({"uniqueItems": True}, [{"n": index} for index in range(100_000)]),
        ({"anyOf": [{"minItems": 10**9}] * 500}, [1] * 200_000),
    ],
)
def test_an_object_that_is_too_complex_is_refused(part: object, value: object) -> None:
    assert validate({"properties": {"a": part}}, {"a": value}) == [("schema", TOO_COMPLEX)]


def test_references_that_double_at_each_level_of_the_object_are_refused() -> None:
    schema = {"properties": {"n": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}
    assert validate(schema, {"n": nest('{"n":', "}", 20)}) == [("schema", TOO_COMPLEX)]


def test_a_deep_object_under_a_recursive_schema_is_refused() -> None:
    schema = {"properties": {"n": {"$ref": "#"}}}
    ((name, _),) = validate(schema, {"n": nest('{"n":', "}", 440)})
    assert name == "schema"


@pytest.mark.parametrize(
    ("items", "is_unique"),
    [
        ([1, True, 0, False, "1", None], True),
        ([1, 1.0], False),
        ([{"a": 1}, {"a": 1.0}], False),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], False),
        ([[1], [True]], True),
        ([[1, 2], [2, 1]], True),
        ([{}, []], True),
    ],
)
def test_unique_items_compare_by_value_and_type(items: list[object], is_unique: bool) -> None:
    found = validate({"properties": {"a": {"uniqueItems": True}}}, {"a": items})
    assert found == ([] if is_unique else [("a", f"{items!r} has non-unique elements")])


def test_long_error_texts_are_cut() -> None:
    ((_, text),) = validate({"properties": {"a": {"type": "string"}}}, {"a": [1] * 100_000})
    assert len(text) < 3000


def test_details_are_records_of_the_error_table() -> None:
    details = validate_object('{"required":["a"]}', "record", {}, None)
    assert details == [Detail("a", "body", "'a' is a required property")]
