"""Marks: they spare objects the exact condition, and never an object that it would find."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinto_lite.model import Filter, Json
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.storage.sqlite.filters import compile_filters
from kinto_lite.storage.sqlite.marks import MAX_MARKS, find_marks
from tests.storage.test_sqlite_filters import open_table

TEXTS = st.text('ab"\\/.:,{}[] \n\0\x7fé\U0001f600', max_size=3)
NUMBERS = (
    st.integers(-(10**16), 10**16)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-3, 3).map(float)
    | st.sampled_from([10**15, 1e15, -0.0, 2**53 + 1, 1e16, 10**16, 1e-7])
)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.none() | st.booleans(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3),
    max_leaves=4,
)
FEW = st.lists(VALUES, max_size=3) | st.lists(st.integers(0, 20), min_size=MAX_MARKS, max_size=12)


def find_both_ways(objects: list[dict[str, Json]], item: Filter) -> list[list[int]]:
    """What a filter finds with its marks, and by its exact condition alone."""
    found = []
    with open_table(*objects) as connection:
        for is_stored in (True, False):
            conditions, bindings = compile_filters([item], is_stored=is_stored)
            text = f"SELECT o.key FROM object AS o WHERE TRUE {conditions}"  # noqa: S608
            found.append([key for (key,) in connection.execute(text, bindings)])
    return found


def draw_filters(field: str, values: list[Json]) -> st.SearchStrategy[Filter]:
    """Filters on a field: mostly for values that objects have, or for others like them."""
    one, some = VALUES, FEW
    if values:
        one, some = st.sampled_from(values) | VALUES, st.lists(st.sampled_from(values)) | FEW
    return st.one_of(
        st.builds(Filter, st.just(field), st.sampled_from(["eq", "not"]), one),
        st.builds(Filter, st.just(field), st.sampled_from(["in", "exclude"]), some),
        st.builds(Filter, st.just(field), st.just("has"), st.booleans()),
        st.builds(Filter, st.just(field), st.sampled_from(["contains", "contains_any"]), some),
    )


@settings(max_examples=600, deadline=None)
@given(st.data(), TEXTS, TEXTS, st.lists(VALUES, max_size=5))
def test_marks_change_nothing_of_what_a_filter_finds(data, outer, inner, values) -> None:
    field = data.draw(st.sampled_from([outer, f"{outer}.{inner}"]))
    objects = [{outer: value} for value in values]
    objects += [{outer: {inner: value}} for value in values]
    objects += [{f"{outer}.{inner}": value, "deeper": {outer: value}} for value in values]
    nested = [item for value in values if isinstance(value, list) for item in value]
    item = data.draw(draw_filters(field, values + nested))
    with_marks, without_marks = find_both_ways(objects, item)
    assert with_marks == without_marks


@pytest.mark.parametrize(
    ("operator", "value", "marks"),
    [
        ("eq", "x", ['"f":"x"']),
        ("eq", 'é"', ['"f":"\\u00E9\\""']),
        ("not", True, ['"f":true']),
        ("eq", 2, ['"f":2']),
        ("eq", 2.0, ['"f":2']),
        ("eq", 0, ['"f":0', '"f":-0']),
        ("eq", 0.5, ['"f":0.5']),
        ("eq", 10**15, ['"f":']),
        ("eq", {"a": 1, "b": 2}, ['"f":']),
        ("in", ["x", None], ['"f":"x"', '"f":null']),
        ("in", list(range(1, 20)), ['"f":']),
        ("has", True, ['"f":']),
        ("contains", [1, "x", "y"], ['"x"']),
        ("contains", [1], []),
        ("contains_any", ["x", "y"], ['"x"', '"y"']),
        ("contains_any", ["x", 1], []),
        ("gt", 3, []),
    ],
)
def test_marks_of_a_filter(operator: str, value: Json, marks: list[str]) -> None:
    assert list(find_marks(Filter("f", operator, value))) == marks


def test_a_field_with_dots_is_marked_by_its_end_since_keys_may_hold_dots() -> None:
    (mark,) = find_marks(Filter("a.b", "eq", 1))
    assert mark in dump_json({"a": {"b": 1}})
    assert mark in dump_json({"a.b": 1})


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [("eq", "x", []), ("in", ["x", 1], []), ("contains", ["x"], []), ("not", "x", [0, 1, 2])],
)
def test_objects_without_a_mark_are_not_parsed(
    operator: str, value: Json, found: list[int]
) -> None:
    with open_table({}, {}, {}) as connection:
        connection.execute("UPDATE object SET data = 'cannot be parsed'")
        conditions, bindings = compile_filters([Filter("f", operator, value)])
        text = f"SELECT o.key FROM object AS o WHERE TRUE {conditions}"  # noqa: S608
        assert [key for (key,) in connection.execute(text, bindings)] == found
