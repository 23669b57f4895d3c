"""What filters and sort keys mean, and which are refused."""

from __future__ import annotations

import pytest

from kinto_lite.errors import InvalidRequest
from kinto_lite.model import Filter, Sort
from kinto_lite.protocol.filters import (
    MAX_AHEAD_MS,
    MAX_VALUES,
    build_filters,
    build_sort,
    wants_tombstones,
)
from kinto_lite.protocol.querystring import read_list_parameters

NOW_MS = 1_795_281_727_053
KNOWN = frozenset(["id", "last_modified", "uri", "target"])


def build(query, known_fields=None):
    parameters, errors = read_list_parameters(query, "GET")
    assert errors == []
    return build_filters(parameters, known_fields, NOW_MS)


def sort(query, known_fields=None):
    return build_sort(read_list_parameters(query, "GET")[0], known_fields)


def refuse(query, known_fields=None):
    """The one detail of the refusal, as (name, description)."""
    with pytest.raises(InvalidRequest) as refusal:
        build(query, known_fields) + sort(query, known_fields)
    (detail,) = refusal.value.details
    assert detail["location"] == "querystring"
    return detail["name"], detail["description"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=1", Filter("a", "eq", 1)),
        ("eq_a=abc", Filter("a", "eq", "abc")),
        ("not_a=null", Filter("a", "not", None)),
        ("min_a.b=%5B1%5D", Filter("a.b", "min", [1])),
        ("in_a=1,,%22x%22,+y", Filter("a", "in", [1, "x", " y"])),
        ("exclude_a=", Filter("a", "exclude", [])),
        ("contains_a=x", Filter("a", "contains", ["x"])),
        ("contains_any_a=%5B1,2%5D", Filter("a", "contains_any", [1, 2])),
        ("contains_a=1,2", Filter("a", "contains", ["1,2"])),
        ("like_a=%221%22", Filter("a", "like", "1")),
        ("has_a=false", Filter("a", "has", False)),
        ("has_a=%22false%22", Filter("a", "has", True)),
        ("has_a=", Filter("a", "has", False)),
        ("has_a=%5B%5D", Filter("a", "has", False)),
    ],
)
def test_each_prefix_has_its_own_form_of_value(query, expected):
    assert build(query) == (expected,)


@pytest.mark.parametrize("name", ["in_v-x", "min_", "IN_a", "contains", "eq", "a_b", ""])
def test_without_known_prefix_the_whole_name_is_the_field(name):
    assert build(f"{name}=1") == (Filter(name, "eq", 1),)


def test_a_field_that_looks_like_a_prefix_is_reached_by_eq():
    assert build("eq_in_stock=1") == (Filter("in_stock", "eq", 1),)


def test_repeated_filters_take_the_raw_texts():
    assert build("a=1&a=2") == (Filter("a", "eq", ["1", "2"]),)
    assert build("in_id=x&in_id=1") == (Filter("id", "in", ["x", "1"]),)


@pytest.mark.parametrize("value", ["1", "true", "null", "%5B1%5D", "1.5"])
def test_like_needs_a_text(value):
    assert refuse(f"like_v={value}") == ("like_v", "Invalid value for like_v")


@pytest.mark.parametrize("name", ["in_id", "exclude_id"])
def test_lists_of_ids_are_lists_of_strings(name):
    assert refuse(f"{name}=a,1") == (name, f"Invalid value for {name}")


@pytest.mark.parametrize("name", ["contains_id", "contains_any_id"])
def test_id_is_not_an_array(name):
    assert refuse(f"{name}=a") == (name, "Field 'id' is not an array")


def test_id_is_compared_as_text():
    assert build("id=true") == (Filter("id", "eq", "true"),)
    assert build("not_id=1&id=null") == (Filter("id", "not", 1), Filter("id", "eq", None))


# Timestamps


def test_since_and_before_are_filters_on_last_modified():
    assert build("_since=5&_before=%227%22&_to=9") == (
        Filter("last_modified", "gt", 5),
        Filter("last_modified", "lt", 7),
        Filter("last_modified", "lt", 9),
    )


@pytest.mark.parametrize("name", ["_since", "_before", "_to", "last_modified"])
@pytest.mark.parametrize("value", ["", "[]", str(NOW_MS + MAX_AHEAD_MS + 1)])
def test_empty_and_future_timestamps_are_refused(name, value):
    assert refuse(f"{name}={value}") == (name, f"Invalid value for {name}")


def test_a_timestamp_may_be_a_day_ahead():
    assert build(f"_since={NOW_MS + MAX_AHEAD_MS}")


def test_last_modified_cannot_be_null():
    assert refuse("last_modified=null")[0] == "last_modified"


@pytest.mark.parametrize("value", ["abc", "-1", "", "null", "true", "99999999999999999", "[5]"])
def test_prefixed_timestamps_must_be_timestamps(value):
    name = "gt_last_modified"
    assert refuse(f"{name}={value}") == (name, f"Invalid value for {name}")


@pytest.mark.parametrize("prefix", ["in", "exclude", "has", "contains", "contains_any", "like"])
def test_last_modified_has_no_other_operators(prefix):
    name = f"{prefix}_last_modified"
    assert refuse(f"{name}=5") == (name, f"Invalid value for {name}")


def test_quoted_and_broken_timestamps_become_integers():
    filters = build("gt_last_modified=%225%22&not_last_modified=1.5")
    assert [item.value for item in filters] == [5, 1]


def test_any_filter_on_last_modified_wants_tombstones():
    assert wants_tombstones(build("a=1&not_last_modified=5"))
    assert not wants_tombstones(build("_since=null&a=1&last_modified.x=5"))


# Refusals


@pytest.mark.parametrize(
    "query", ["a=%00", "in_a=b,%00", "a=%22%5Cu0000%22", "a=%7B%22%5Cu0000%22:1%7D", "id=%00"]
)
def test_null_characters_are_refused(query):
    assert refuse(query) == (query.partition("=")[0], "Invalid character 0x00")


def test_null_characters_in_names_are_refused():
    assert refuse("%00=1") == ("\0", "Invalid character 0x00")


def test_an_escaped_backslash_is_no_null_character():
    assert build("a=%22%5C%5Cu0000%22") == (Filter("a", "eq", "\\u0000"),)


@pytest.mark.parametrize("name", ["unknown", "in_unknown", "like_unknown", "unknown.uri", "in_v-x"])
def test_a_closed_schema_refuses_unknown_filters(name):
    assert refuse(f"{name}=1", KNOWN) == (name, f"Unknown filter field '{name}'")


def test_a_closed_schema_knows_what_is_below_its_fields():
    assert build("target.data.x=1&_since=5", KNOWN)[0].field == "target.data.x"
    assert sort("_sort=-target.data.x", KNOWN)[0] == Sort("target.data.x", True)


def test_the_first_condition_that_makes_no_sense_is_shown():
    assert refuse("like_b=1&in_id=1")[0] == "like_b"
    assert refuse("in_id=1&_since=")[0] == "in_id"
    assert refuse("unknown=1&_sort=unknown", KNOWN)[0] == "unknown"


def test_lists_of_values_are_bounded():
    assert len(build("in_a=" + "1," * MAX_VALUES)[0].value) == MAX_VALUES
    description = f"in_a has more than {MAX_VALUES} values"
    assert refuse("in_a=" + "1," * (MAX_VALUES + 1)) == ("in_a", description)


def test_the_depth_of_fields_is_bounded():
    assert build("." * 31 + "=1")
    name = "." * 32
    assert refuse(f"{name}=1") == (name, f"Field {name} has more than 32 parts")
    assert refuse("&".join(f"a{n}.b.c.d=1" for n in range(65)))[0] is None


# Sorting


NEWEST_FIRST = Sort("last_modified", True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (NEWEST_FIRST,)),
        ("_sort=", (NEWEST_FIRST,)),
        ("_sort=a,-b.c", (Sort("a"), Sort("b.c", True), NEWEST_FIRST)),
        ("_sort=%2Ba,+b+", (Sort("a"), Sort("b"), NEWEST_FIRST)),
        ("_sort=a&_sort=b", (Sort("a"), Sort("b"), NEWEST_FIRST)),
        ("_sort=last_modified,a", (Sort("last_modified"), Sort("a"))),
        ("_sort=-last_modified,a", (NEWEST_FIRST, Sort("a"))),
        ("_sort=-a,a", (Sort("a", True), NEWEST_FIRST)),
        ("_sort=v-x,--v,%22v%22,%2B-v,-,v%20w,a", (Sort("a"), NEWEST_FIRST)),
        ("_sort=%C3%A9", (Sort("é"), NEWEST_FIRST)),
    ],
)
def test_sort_keys(query, expected):
    assert sort(query) == expected


def test_a_closed_schema_refuses_unknown_sort_fields():
    assert refuse("_sort=uri,-zz", KNOWN) == (None, "Unknown sort field 'zz'")


def test_sort_keys_are_bounded():
    assert refuse("_sort=" + ",".join(f"f{n}" for n in range(100)))[0] is None
