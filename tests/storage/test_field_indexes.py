"""Indexes on fields: they change how fast an answer is found, never the answer."""

from __future__ import annotations

import itertools
import json
import time

import pytest

from kinto_lite.model import MISSING, Filter, Json, Query, Sort
from kinto_lite.storage.base import Storage
from tests.storage.conftest import StorageOpener
from tests.storage.trees import RECORDS, Tree, record, select

VALUES: list[Json] = [
    *(None, True, False, 0, 1, 1.0, -2.5, 2**53 + 1, 2**64 - 1, "", "a", "b", "é"),
    *("x" * 300, "x" * 300 + "y", "x" * 256, [], [1], [1, 2], {}, {"k": 1}, {"k": 1.0}, MISSING),
]
OPERATORS = ("eq", "not", "lt", "max", "gt", "min")
NEWEST_FIRST = Sort("last_modified", True)
SORTS = [
    (NEWEST_FIRST,),
    (Sort("v"), NEWEST_FIRST),
    (Sort("v", True), NEWEST_FIRST),
    (Sort("w"), Sort("v", True), Sort("last_modified")),
]


@pytest.fixture
def filled(tree: Tree) -> Tree:
    """A collection with two records of each value."""
    tree.put_parents()
    for number, value in enumerate(VALUES * 2):
        data = {"w": number % 3} if value is MISSING else {"v": value, "w": number % 3}
        tree.put(record(number), json.dumps(data))
    return tree


def ask_for_indexes(storage: Storage, *fields: str) -> None:
    with storage.transaction(write=True) as tx:
        tx.replace_indexes(RECORDS, fields)


def walk(tree: Tree, query: Query) -> list[str]:
    """Return the ids of all pages, with a page of five."""
    ids: list[str] = []
    after: tuple[Json, ...] | None = None
    while True:
        step = Query(query.filters, query.sort, 5, after)
        page = tree.read(RECORDS, step)
        ids += [row.id for row in page.rows]
        if not page.has_more:
            return ids
        last = page.rows[-1]
        data = json.loads(last.data) | {"last_modified": last.last_modified}
        after = (*(data.get(key.field, MISSING) for key in query.sort), last.key)


def answers(tree: Tree) -> list[object]:
    """Return what all operators find with all values, in all orders, page by page."""
    found: list[object] = [walk(tree, Query(sort=sort)) for sort in SORTS]
    values = [value for value in VALUES if value is not MISSING]
    for operator, value in itertools.product(OPERATORS, values):
        filters = (Filter("v", operator, value),)
        found.append((operator, value, walk(tree, Query(filters))))
        found.append(tree.count(RECORDS, Query(filters)))
    for sort in SORTS:
        found.append(walk(tree, Query((Filter("w", "eq", 1), Filter("v", "gt", "a")), sort)))
    return found


@pytest.mark.parametrize("fields", [("v",), ("w",), ("v", "w")])
def test_an_index_changes_no_answer(filled: Tree, fields: tuple[str, ...]) -> None:
    before = answers(filled)
    ask_for_indexes(filled.storage, *fields)
    assert answers(filled) == before


def test_what_is_written_later_is_found_too(filled: Tree) -> None:
    ask_for_indexes(filled.storage, "v")
    filled.put(record(100), '{"v":"new"}')
    filled.put(record(0), '{"v":"new"}')
    assert walk(filled, Query((Filter("v", "eq", "new"),))) == ["r0", "r100"]


def test_what_is_deleted_is_found_no_more(filled: Tree) -> None:
    ask_for_indexes(filled.storage, "v")
    filled.delete(record(10))
    assert "r10" not in walk(filled, Query((Filter("v", "eq", "a"),)))


def test_what_comes_back_is_found_again(filled: Tree) -> None:
    ask_for_indexes(filled.storage, "v")
    filled.delete(record(10))
    filled.put(record(10), '{"v":"b"}')
    assert "r10" in walk(filled, Query((Filter("v", "eq", "b"),)))


def test_an_index_that_is_not_wanted_any_more_is_not_kept_up(filled: Tree) -> None:
    ask_for_indexes(filled.storage, "v")
    ask_for_indexes(filled.storage)
    filled.put(record(0), '{"v":"other"}')
    assert walk(filled, Query((Filter("v", "eq", "other"),))) == ["r0"]


def test_a_list_that_does_not_exist_gets_no_index(tree: Tree) -> None:
    ask_for_indexes(tree.storage, "v")
    tree.put_parents()
    assert walk(tree, Query((Filter("v", "eq", 1),))) == []


def test_a_long_list_is_indexed_beside_the_requests(shared_url: str, reopen: StorageOpener) -> None:
    tree = Tree(reopen(shared_url))
    tree.put_parents()
    tree.put_records(2500)
    ask_for_indexes(tree.storage, "n")
    deadline = time.monotonic() + 30
    while not is_complete(tree) and time.monotonic() < deadline:
        tree.put(record(7), '{"n":7}')
    assert is_complete(tree)
    assert walk(tree, Query((Filter("n", "max", 2),))) == ["r2", "r1", "r0"]


def is_complete(tree: Tree) -> bool:
    unbuilt = "SELECT count(*) FROM field_index WHERE built_to IS NOT NULL"
    ((count,),) = select(tree.storage, unbuilt)
    return count == 0


def test_building_goes_on_after_a_restart(shared_url: str, reopen: StorageOpener) -> None:
    tree = Tree(reopen(shared_url))
    tree.put_parents()
    tree.put_records(2500)
    ask_for_indexes(tree.storage, "n")
    tree.storage.close()
    again = Tree(reopen(shared_url))
    deadline = time.monotonic() + 30
    while not is_complete(again) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_complete(again)
    assert again.count(RECORDS, Query((Filter("n", "min", 2400),))) == 100
