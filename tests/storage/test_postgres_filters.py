"""Filters, sorting and positions of the PostgreSQL engine, against a plain reading of the rules.

The rules are in `filter_rules`. Objects are given with each statement, so no table is needed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinto_lite.model import Filter, Json, Row
from kinto_lite.permissions.tree import KINDS, TREE
from kinto_lite.protocol.fields import look_up
from kinto_lite.protocol.pagination import Seal, decode_token, encode_token, position_of
from kinto_lite.storage.base import StorageOptions
from kinto_lite.storage.postgres.driver import Connection, connect
from kinto_lite.storage.postgres.engine import open_postgres
from kinto_lite.storage.postgres.filters import compile_after, compile_filters, compile_sort
from kinto_lite.storage.postgres.texts import decode_text, encode_text, make_fields, order_key
from tests import postgres_server
from tests.storage.filter_rules import (
    FILTERS,
    NEWEST_FIRST,
    OBJECTS,
    ORACLE,
    SORTS,
    VALUES,
    is_like,
    order,
)

TABLE = """
    SELECT o.key, o.id, o.last_modified, o.data
    FROM (
        SELECT key, id COLLATE "C" AS id, last_modified, data, fields
        FROM unnest(%(keys)s::bigint[], %(ids)s::text[], %(times)s::bigint[], %(data)s::text[],
            %(fields)s::text[]::jsonb[]) AS given (key, id, last_modified, data, fields)
    ) AS o
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A connection to a database that has the functions of the engine."""
    url = postgres_server.make_url()
    open_postgres(url, StorageOptions(KINDS, TREE)).close()
    opened = connect(url, has_prepared_statements=True)
    yield opened
    opened.close()


def select(connection: Connection, objects: list[Json], *filters: Filter, **more: Any) -> list[Row]:
    """Find objects; the n-th has the key n, the id "rn" and, in twos, timestamps."""
    sort = more.get("sort", NEWEST_FIRST)
    conditions, bindings = compile_filters(filters)
    position, others = compile_after(sort, more.get("after"))
    data = [json.dumps(one, separators=(",", ":")) for one in objects]
    rows = {
        "keys": list(range(len(data))),
        "ids": [f"r{number}" for number in range(len(data))],
        "times": [number // 2 for number in range(len(data))],
        "data": data,
        "fields": list(map(make_fields, data)),
    }
    text = (
        f"{TABLE} WHERE TRUE {conditions}{position} ORDER BY {compile_sort(sort)} LIMIT %(limit)s"
    )
    values = rows | bindings | others | {"limit": more.get("limit")}
    return [Row(*row) for row in connection.execute(text.encode(), values)]


def find(connection: Connection, values: list[Json], operator: str, value: Json) -> list[Json]:
    """The values that a filter finds when each is the field `v` of an object."""
    rows = select(connection, [{"v": one} for one in values], Filter("v", operator, value))
    return [values[number] for number in sorted(row.key for row in rows)]


@settings(max_examples=400, deadline=None)
@given(OBJECTS, st.lists(FILTERS, min_size=1, max_size=2))
def test_every_filter_finds_what_the_rules_say(connection, objects, filters):
    expected = [
        number
        for number, data in enumerate(objects)
        if all(ORACLE[f.operator](look_up(data, f.field), f.value) for f in filters)
    ]
    assert sorted(row.key for row in select(connection, objects, *filters)) == expected


def sort_in_python(rows, sort):
    ordered = sorted(rows, key=lambda row: row.key, reverse=sort[-1].is_descending)
    for number, (_, is_descending) in reversed(list(enumerate(sort))):
        ordered.sort(
            key=lambda row, n=number: order(position_of(row, sort)[n]), reverse=is_descending
        )
    return ordered


@settings(max_examples=200, deadline=None)
@given(OBJECTS, SORTS)
def test_objects_are_sorted_by_type_then_value_with_missing_last(connection, objects, sort):
    rows = select(connection, objects, sort=sort)
    assert [row.key for row in rows] == [row.key for row in sort_in_python(rows, sort)]


@settings(max_examples=200, deadline=None)
@given(OBJECTS, SORTS)
def test_pages_show_every_object_once_and_in_order(connection, objects, sort):
    seal = Seal(b"secret", "scope", sort)
    everything = select(connection, objects, sort=sort)
    pages = select(connection, objects, sort=sort, limit=2)
    for _ in range(len(objects) // 2):
        after = decode_token(seal, encode_token(seal, pages[-1])).after if pages else None
        pages += select(connection, objects, sort=sort, after=after, limit=2)
    assert pages == everything


@settings(max_examples=200, deadline=None)
@given(st.text("aAéÉß\u017f*b.%_\\", max_size=8), st.text("aAéÉß*b.%_\\s", max_size=6))
def test_like_agrees_with_a_naive_matcher(connection, text, pattern):
    assert find(connection, [text], "like", pattern) == ([text] if is_like(text, pattern) else [])


@settings(max_examples=200, deadline=None)
@given(VALUES.filter(lambda value: isinstance(value, list | dict)))
def test_the_order_of_arrays_is_computed_alike_on_both_sides(connection, value):
    fields = make_fields(json.dumps(value))
    ((text,),) = connection.execute("SELECT kinto_order(%s::jsonb)", (fields,)).fetchall()
    assert text == order_key(value)


def test_every_character_is_folded_as_python_does_it(connection):
    known = [chr(n) for n in range(1, sys.maxunicode) if not 0xD800 <= n < 0xE000 and n > 3]
    old = [c for c in known if unicodedata_age_is_known(c)]
    query = "SELECT string_agg(kinto_fold(c), '|' ORDER BY n) FROM unnest(%s::text[])"
    query += " WITH ORDINALITY AS given (c, n)"
    ((folded,),) = connection.execute(query.encode(), (old,)).fetchall()
    assert folded == "|".join(c.casefold() for c in old)


def unicodedata_age_is_known(character: str) -> bool:
    """Whether a character has letter case, or is one of the first thousand."""
    return (
        character.casefold() != character or character.upper() != character or character < "\u0400"
    )


def test_eq_tells_types_apart_and_numbers_not(connection):
    values = [1, "1", True, 1.0, "true", None, [1], {"a": 1}]
    assert find(connection, values, "eq", 1) == [1, 1.0]
    assert find(connection, values, "eq", "1") == ["1"]
    assert find(connection, values, "eq", True) == [True]
    assert find(connection, values, "eq", None) == [None]


def test_integers_beyond_64_bits_are_compared_exactly(connection):
    values = [2**64 - 1, 2**64 - 2, 2**63, float(2**63)]
    assert find(connection, values, "eq", 2**64 - 1) == [2**64 - 1]
    assert find(connection, values, "lt", 2**64 - 1) == values[1:]
    assert find(connection, values, "eq", 2.0**63) == [2**63, 2.0**63]
    assert find(connection, values, "eq", 2.0**64) == []


def test_null_characters_are_found_and_separate_nothing(connection):
    values = ["a\0b", "a", "b", "\0", "\x01\x02\x02", "a\x01b"]
    assert find(connection, values, "eq", "\0") == ["\0"]
    assert find(connection, values, "like", "a\0*") == ["a\0b"]
    assert find(connection, values, "lt", "a\x01") == ["a\0b", "a", "\0", "\x01\x02\x02"]


def test_a_name_does_not_end_at_a_null_character(connection):
    objects = [{"a\0b": 1}, {"a\0b": 1, "a": 2}, {"a": 1, "b": "\0"}]
    assert [row.key for row in select(connection, objects, Filter("a", "eq", 1))] == [2]
    assert [row.key for row in select(connection, objects, Filter("a\0b", "has", True))] == [1, 0]


def test_dots_descend_into_objects_and_never_into_arrays(connection):
    objects = [{"a": {"b": {"c": 1}}}, {"a": {"b": [1]}}, {"a": [{"b": 1}]}]
    assert [row.key for row in select(connection, objects, Filter("a.b.c", "has", True))] == [0]
    assert select(connection, objects, Filter("a.b.0", "has", True)) == []
    assert select(connection, objects, Filter("a.0", "has", True)) == []


def test_id_and_last_modified_are_fields_like_others(connection):
    objects: list[Json] = [{}, {}, {}]
    found = select(
        connection, objects, Filter("id", "in", ["r0", "r2"]), Filter("id.x", "has", False)
    )
    assert [row.id for row in found] == ["r2", "r0"]
    found = select(
        connection, objects, Filter("last_modified", "min", 1), Filter("id", "like", "R")
    )
    assert [row.id for row in found] == ["r2"]
    assert len(select(connection, objects, Filter("last_modified", "lt", 0.5))) == 2
    assert select(connection, objects, Filter("id", "gt", 5)) == []


@settings(deadline=None)
@given(st.text(), st.text())
def test_texts_come_back_and_keep_their_order(left, right):
    assert decode_text(encode_text(left)) == left
    assert (encode_text(left) < encode_text(right)) == (left < right)
    assert (right in left) == (encode_text(right) in encode_text(left))
