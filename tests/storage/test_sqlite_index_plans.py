"""How SQLite uses the indexes on fields: it looks at nothing else, and the work does not grow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kinto_lite.model import Filter, Query, Sort
from kinto_lite.storage.sqlite.engine import SqliteStorage
from tests.storage.test_sqlite_plans import count_steps, explain, list_records, load
from tests.storage.trees import RECORDS

EQUAL = Query((Filter("n", "eq", 501),), limit=30)
RANGE = Query((Filter("n", "min", 990),), limit=30)
SORTED = Query(sort=(Sort("n"), Sort("last_modified", True)), limit=30)


def load_indexed(records: int) -> SqliteStorage:
    """A database whose records are indexed by their number."""
    storage = load(records)
    with storage.transaction(write=True) as tx:
        tx.replace_indexes(RECORDS, ["n"])
    while storage._build_step():
        pass
    return storage


@pytest.fixture(scope="module")
def storage() -> Iterator[SqliteStorage]:
    storage = load_indexed(1000)
    yield storage
    storage.close()


@pytest.mark.parametrize("query", [EQUAL, RANGE, SORTED])
def test_objects_are_found_by_the_entries_of_the_index(
    storage: SqliteStorage, query: Query
) -> None:
    plan = explain(storage, list_records(query))
    assert "SEARCH v USING PRIMARY KEY (field=?" in plan
    assert "SEARCH o USING INTEGER PRIMARY KEY (rowid=?)" in plan
    assert "SCAN" not in plan.replace("SCAN asker", "")


def test_equality_comes_in_the_default_order_without_sorting(storage: SqliteStorage) -> None:
    plan = explain(storage, list_records(EQUAL))
    assert "(field=? AND rank=? AND value=?)" in plan
    assert "TEMP B-TREE" not in plan


def test_sorting_by_the_field_sorts_only_what_is_equal(storage: SqliteStorage) -> None:
    assert "USE TEMP B-TREE FOR ORDER BY" not in explain(storage, list_records(SORTED))


def test_the_work_does_not_grow_with_the_list() -> None:
    works = []
    for records in (1000, 10_000):
        storage = load_indexed(records)
        works.append(count_steps(storage, list_records(EQUAL)))
        storage.close()
    assert works[1] <= works[0] * 1.2
