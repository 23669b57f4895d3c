"""A collection asks for indexes on the fields of its records."""

from __future__ import annotations

import pytest

from kinto_lite.resources.field_indexes import MAX_INDEXES, read_indexes
from tests.resources.asking import COLLECTION, RECORDS, Asking


def test_an_index_is_asked_for_by_an_attribute_that_stays(tree: Asking) -> None:
    reply = tree("PATCH", COLLECTION, {"data": {"indexes": ["status"]}})
    assert reply.json["data"]["indexes"] == ["status"]


def test_records_are_found_with_an_index(tree: Asking) -> None:
    tree("PATCH", COLLECTION, {"data": {"indexes": ["status"]}})
    for number in range(3):
        tree("PUT", f"{RECORDS}/i{number}", {"data": {"status": "open" if number else "done"}})
    found = tree("GET", f"{RECORDS}?status=open&_sort=id").json["data"]
    assert [record["id"] for record in found] == ["i1", "i2"]


def test_records_are_found_after_the_index_was_dropped(tree: Asking) -> None:
    tree("PATCH", COLLECTION, {"data": {"indexes": ["status"]}})
    tree("PUT", COLLECTION, {"data": {}})
    tree("PUT", f"{RECORDS}/i1", {"data": {"status": "open"}})
    assert len(tree("GET", f"{RECORDS}?status=open").json["data"]) == 1


@pytest.mark.parametrize("value", [None, 5, "status", {"a": 1}, [], [1, None, {}], [""]])
def test_what_is_no_list_of_names_asks_for_nothing(value: object) -> None:
    assert read_indexes({"indexes": value}) == []


def test_names_beyond_the_limit_are_left_out() -> None:
    names = [f"field{number}" for number in range(20)]
    assert read_indexes({"indexes": names}) == names[:MAX_INDEXES]


def test_fields_that_are_columns_or_endless_are_left_out() -> None:
    wanted = ["id", "last_modified", "x" * 201, ".".join("a" * 40), "a", "a"]
    assert read_indexes({"indexes": wanted}) == ["a"]
