"""Where the value of a field is, and what `_fields` selects."""

from __future__ import annotations

import pytest

from kinto_lite.errors import InvalidRequest
from kinto_lite.model import MISSING
from kinto_lite.protocol.fields import check_fields, look_up, select_fields

OBJECT = {
    "a": {"b": {"c": 1, "d": 2}, "e": None},
    "l": [{"m": 1}],
    "s": "x",
    "n": None,
    "d": {"t": 1},
    "d.t": 5,
    "d.u": 6,
    "x.y": {"z": 7},
    "": {"": 8, "z": 9},
    "v.": 10,
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("s", "x"),
        ("n", None),
        ("a.b.c", 1),
        ("a.e", None),
        ("d.t", 1),
        ("d.u", 6),
        ("x.y.z", 7),
        ("x.y", {"z": 7}),
        ("v.", 10),
        ("", {"": 8, "z": 9}),
    ],
)
def test_a_field_is_found_by_descending_or_else_by_its_literal_name(field, value):
    assert look_up(OBJECT, field) == value


@pytest.mark.parametrize("field", ["zz", "a.zz", "s.x", "l.0", "l.m", "n.x", "a.", ".a", ".", ".z"])
def test_other_fields_are_missing(field):
    assert look_up(OBJECT, field) is MISSING


def test_the_longest_literal_key_wins():
    assert look_up({"a.b": {"c": 1}, "a.b.c": 2}, "a.b.c") == 2


@pytest.mark.parametrize(
    ("fields", "selected"),
    [
        ("a", {"a": {"b": {"c": 1, "d": 2}, "e": None}}),
        ("a.b.c", {"a": {"b": {"c": 1}}}),
        ("a.b.c,a.e", {"a": {"b": {"c": 1}, "e": None}}),
        ("a.b.c,a.b", {"a": {"b": {"c": 1, "d": 2}}}),
        ("a.b,a.b.c", {"a": {"b": {"c": 1, "d": 2}}}),
        ("a.zz", {"a": {}}),
        ("a.zz.yy", {"a": {}}),
        ("a.e.zz", {"a": {"e": None}}),
        ("l.m", {"l": [{"m": 1}]}),
        ("s.x.y", {"s": "x"}),
        ("n.x", {"n": None}),
        ("d.t", {"d": {"t": 1}}),
        ("d.u", {"d": {}}),
        (".", {"": {"": 8}}),
        ("a.", {"a": {}}),
        ("zz, s", {}),
    ],
)
def test_selection(fields, selected):
    assert select_fields(OBJECT, tuple(fields.split(","))) == selected


def test_id_and_last_modified_are_always_selected():
    data = {"id": "x", "last_modified": 5, "a": 1, "deleted": True}
    assert select_fields(data, ("id.x", "zz")) == {"id": "x", "last_modified": 5}


def test_selection_leaves_the_object_alone():
    data = {"a": {"b": 1, "c": 2}}
    select_fields(data, ("a.b",))
    assert data == {"a": {"b": 1, "c": 2}}


def test_a_closed_schema_refuses_unknown_fields():
    with pytest.raises(InvalidRequest) as refusal:
        check_fields(("zz", "uri", "yy.uri"), frozenset(["uri"]))
    assert refusal.value.details == [
        {
            "location": "body",
            "name": "Invalid _fields parameter",
            "description": "Fields yy,zz do not exist",
        }
    ]


def test_open_and_known_fields_are_accepted():
    check_fields(("anything",), None)
    check_fields(("uri.x", "uri."), frozenset(["uri"]))
