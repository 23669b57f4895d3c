"""Filters, sorting and positions of the SQLite engine, against a plain reading of the rules.

The rules are in `filter_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinto_lite.model import Filter, Json, Row, Sort
from kinto_lite.protocol.fields import look_up
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.protocol.pagination import Seal, decode_token, encode_token, position_of
from kinto_lite.storage.sqlite.filters import compile_after, compile_filters, compile_sort
from kinto_lite.storage.sqlite.functions import register_functions
from tests.storage.filter_rules import (
    FILTERS,
    NEWEST_FIRST,
    OBJECTS,
    ORACLE,
    SORTS,
    is_like,
    order,
)


@contextmanager
def open_table(*objects: dict[str, Json]) -> Iterator[apsw.Connection]:
    """A table of objects; the n-th has the key n, the id "rn" and, in twos, timestamps."""
    connection = apsw.Connection(":memory:")
    register_functions(connection)
    connection.execute(
        "CREATE TABLE object (key INTEGER PRIMARY KEY, id, last_modified, data,"
        " id_key AS (kinto_pack_id(id)))"
    )
    connection.execute("CREATE UNIQUE INDEX by_id ON object (id_key)")
    connection.execute("CREATE INDEX by_time ON object (last_modified)")
    for number, data in enumerate(objects):
        row = (number, f"r{number}", number // 2, dump_json(data))
        connection.execute("INSERT INTO object VALUES (?, ?, ?, ?)", row)
    yield connection
    connection.close()


def select(connection, *filters, sort=NEWEST_FIRST, after=None, limit=-1) -> list[Row]:
    conditions, bindings = compile_filters(filters)
    position, more = compile_after(sort, after)
    found = connection.execute(
        "SELECT o.key, o.id, o.last_modified, o.data FROM object AS o"  # noqa: S608
        f" WHERE 1 {conditions}{position} ORDER BY {compile_sort(sort)} LIMIT :limit",
        bindings | more | {"limit": limit},
    )
    return [Row(*row) for row in found]


def find(objects: list[Json], operator: str, value: Json, field: str = "v") -> list[int]:
    """The numbers of the objects that a filter finds."""
    with open_table(*objects) as connection:
        return sorted(row.key for row in select(connection, Filter(field, operator, value)))


def find_values(values: list[Json], operator: str, value: Json) -> list[Json]:
    """The values that a filter finds when each is the field `v` of an object."""
    return [values[n] for n in find([{"v": item} for item in values], operator, value)]


@settings(max_examples=400, deadline=None)
@given(OBJECTS, st.lists(FILTERS, min_size=1, max_size=2))
def test_every_filter_finds_what_the_rules_say(objects, filters):
    expected = [
        number
        for number, data in enumerate(objects)
        if all(ORACLE[f.operator](look_up(data, f.field), f.value) for f in filters)
    ]
    with open_table(*objects) as connection:
        assert sorted(row.key for row in select(connection, *filters)) == expected


def sort_order(value: Json) -> tuple[Json, ...]:
    """As `order`, but integers from 2^63 sort as the doubles next to them."""
    is_huge = isinstance(value, int) and abs(value) >= 2**63
    return order(float(value) if is_huge else value)


def sort_in_python(rows: list[Row], sort: tuple[Sort, ...]) -> list[Row]:
    ordered = sorted(rows, key=lambda row: row.key, reverse=sort[-1].is_descending)
    for number, (_, is_descending) in reversed(list(enumerate(sort))):
        ordered.sort(
            key=lambda row, n=number: sort_order(position_of(row, sort)[n]),
            reverse=is_descending,
        )
    return ordered


@settings(max_examples=200, deadline=None)
@given(OBJECTS, SORTS)
def test_objects_are_sorted_by_type_then_value_with_missing_last(objects, sort):
    with open_table(*objects) as connection:
        rows = select(connection, sort=sort)
    assert [row.key for row in rows] == [row.key for row in sort_in_python(rows, sort)]


@settings(max_examples=200, deadline=None)
@given(OBJECTS, SORTS)
def test_pages_show_every_object_once_and_in_order(objects, sort):
    seal = Seal(b"secret", "scope", sort)
    with open_table(*objects) as connection:
        everything = select(connection, sort=sort)
        pages = select(connection, sort=sort, limit=2)
        for _ in range(len(objects) // 2):
            after = decode_token(seal, encode_token(seal, pages[-1])).after if pages else None
            pages += select(connection, sort=sort, after=after, limit=2)
    assert pages == everything


@settings(max_examples=200, deadline=None)
@given(st.text("aAéÉ*b.", max_size=8), st.text("aAéÉ*b.", max_size=6))
def test_like_agrees_with_a_naive_matcher(text, pattern):
    assert find([{"v": text}], "like", pattern) == ([0] if is_like(text, pattern) else [])


# Equality


def test_eq_tells_types_apart():
    values = [1, "1", True, 1.0, "true", None, [1], {"a": 1}]
    assert find_values(values, "eq", 1) == [1, 1.0]
    assert find_values(values, "eq", "1") == ["1"]
    assert find_values(values, "eq", True) == [True]
    assert find_values(values, "eq", None) == [None]


def test_eq_of_text_does_not_find_an_array_that_is_written_like_it():
    assert find_values(["[1]", [1]], "eq", "[1]") == ["[1]"]


def test_eq_ignores_the_order_of_keys_but_not_of_items():
    values = [{"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1.0}, {"a": 1, "b": [2, 1]}]
    assert find_values(values, "eq", {"a": 1, "b": [1, 2]}) == values[:2]


def test_eq_tells_true_from_one_inside_arrays():
    assert find_values([[1], [True], [1.0]], "eq", [1]) == [[1], [1.0]]


def test_integers_beyond_64_bits_are_compared_exactly():
    values = [2**64 - 1, 2**64 - 2, 2**63, float(2**63)]
    assert find_values(values, "eq", 2**64 - 1) == [2**64 - 1]
    assert find_values(values, "lt", 2**64 - 1) == values[1:]
    assert find_values(values, "eq", 2.0**63) == [2**63, 2.0**63]
    assert find_values(values, "eq", 2.0**64) == []


def test_a_page_can_end_at_an_integer_beyond_64_bits():
    sort = (Sort("v"), *NEWEST_FIRST)
    with open_table({"v": 2**64 - 1}, {"v": 2**63}, {"v": "a"}) as connection:
        rows = select(connection, sort=sort, after=(2**63, 0, 1))
    assert [row.key for row in rows] == [0]


def test_not_finds_objects_without_the_field():
    assert find([{"v": 1}, {"v": 2}, {}], "not", 1) == [1, 2]


# Order


def test_lt_finds_smaller_types_and_not_missing_fields():
    objects = [{"v": None}, {"v": "a"}, {"v": 4}, {"v": 6}, {"v": True}, {}]
    assert find(objects, "lt", 5) == [0, 1, 2]


def test_gt_finds_greater_types_and_missing_fields():
    objects = [{"v": "a"}, {"v": 6}, {"v": False}, {"v": []}, {"v": {}}, {}]
    assert find(objects, "gt", 5) == [1, 2, 3, 4, 5]


def test_a_column_is_never_greater_than_a_value_of_a_greater_type():
    with open_table({}, {}) as connection:
        assert select(connection, Filter("id", "gt", 5)) == []
        assert len(select(connection, Filter("id", "lt", 5))) == 2


# Lists


def test_in_with_an_empty_list_finds_nothing_and_exclude_everything():
    assert find([{"v": 1}, {}], "in", []) == []
    assert find([{"v": 1}, {}], "exclude", []) == [0, 1]


def test_in_tells_types_apart():
    values = [1, "1", True, None, [1], 2**64 - 1]
    assert find_values(values, "in", [1, None, [1.0], 2**64 - 1]) == [1, None, [1], 2**64 - 1]


def test_contains_compares_items_by_equality():
    values = [[{"k": 1}, 2], [{"k": 1, "z": 2}], "k", {"k": 1}]
    assert find_values(values, "contains", [{"k": 1.0}]) == values[:1]


def test_contains_nothing_finds_every_array_and_contains_any_none():
    assert find_values([[], [1], "a"], "contains", []) == [[], [1]]
    assert find_values([[], [1], "a"], "contains_any", []) == []


# Texts


@pytest.mark.parametrize("pattern", ["zoË", "Z*ë", "*O*", "zoë*", "**"])
def test_like_ignores_case_beyond_ascii(pattern):
    assert find([{"v": "Zoë"}], "like", pattern) == [0]


@pytest.mark.parametrize("pattern", ["z%", "z_ë", "z.ë", "*zoë?", "oë*", "z*o", "[z]oë"])
def test_like_takes_all_but_the_star_literally(pattern):
    assert find([{"v": "Zoë"}], "like", pattern) == []


@pytest.mark.parametrize("pattern", ["zoë*ë", "*ë*ë", "z*o*o*ë", "zo*oë"])
def test_like_uses_no_character_twice(pattern):
    assert find([{"v": "Zoë"}], "like", pattern) == []


def test_like_matches_the_json_text_of_other_values():
    assert find_values([12, True, None, ["É"], {"k": "é"}], "like", "É") == [["É"], {"k": "é"}]
    assert find_values([12, True, None], "like", "1*") == [12]


# Names


STRANGE_NAMES = ["a", "", "é", "\u2028", "\U0001f600", "a b", "a\nb", "a/b", "a'b", 'a"b', 'a\\"']
STRANGE_NAMES += ["\\", "a\\b", "\\u0061", '"', "$", "$.a", "[0]", "#", "%", "?1", ":f0"]
STRANGE_NAMES += ["a.b", "a.b.c", ".", "a."]


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_every_name_finds_its_own_field(name):
    other = {name + "x": 1, "x" + name: 1}
    assert find([{**other, name: 1}, other], "eq", 1, field=name) == [0]


def test_a_name_does_not_end_at_a_null_character():
    objects = [{"a\0b": 1}, {"a\0b": 1, "a": 2}, {"a": 1, "b": "\0"}]
    assert find(objects, "eq", 1, field="a") == [2]
    assert find(objects, "has", True, field="a") == [1, 2]


def test_dots_descend_into_objects_and_never_into_arrays():
    objects = [{"a": {"b": {"c": 1}}}, {"a": {"b": [1]}}, {"a": [{"b": 1}]}]
    assert find(objects, "has", True, field="a.b.c") == [0]
    assert find(objects, "has", True, field="a.b.0") == []


def test_descending_wins_over_a_literal_key():
    assert find([{"a": {"b": None}, "a.b": 1}, {"a.b": 1}], "eq", 1, field="a.b") == [1]


def test_the_longest_literal_key_wins():
    objects = [{"a.b.c": 1, "a.b": {"c": 2}}, {"a.b": {"c": 1}}]
    assert find(objects, "eq", 1, field="a.b.c") == [0, 1]


def test_id_and_last_modified_are_fields_like_others():
    with open_table({}, {}, {}) as connection:
        found = select(connection, Filter("id", "in", ["r0", "r2"]), Filter("id.x", "has", False))
        assert [row.id for row in found] == ["r2", "r0"]
        found = select(connection, Filter("last_modified", "min", 1), Filter("id", "like", "R"))
        assert [row.id for row in found] == ["r2"]


# Plans


def plan(connection: apsw.Connection, *filters: Filter, **more: Json) -> str:
    conditions, bindings = compile_filters(filters)
    position, others = compile_after(NEWEST_FIRST, more.get("after"))
    rows = connection.execute(
        f"EXPLAIN QUERY PLAN SELECT * FROM object AS o WHERE 1 {conditions}{position}",  # noqa: S608
        bindings | others,
    )
    return "; ".join(row[-1] for row in rows)


def test_filters_on_id_and_last_modified_can_use_an_index():
    with open_table({}) as connection:
        assert "by_id (id_key=?)" in plan(connection, Filter("id", "eq", "r0"))
        assert "by_id (id_key=?)" in plan(connection, Filter("id", "in", ["r0"]))
        assert "by_time (last_modified>?)" in plan(connection, Filter("last_modified", "gt", 1))


def test_the_next_page_of_the_default_order_begins_in_the_index():
    with open_table({}) as connection:
        assert "by_time (last_modified<?)" in plan(connection, after=(5, 9))
    condition, _ = compile_after(NEWEST_FIRST, (5, 9))
    assert condition == (" AND (o.last_modified <= :a0 AND (o.last_modified < :a0 OR o.key < :ak))")
