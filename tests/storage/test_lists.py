"""Lists through the storage interface: order, pages, tombstones, filters, what an asker sees."""

from __future__ import annotations

from itertools import chain

from kinto_lite.model import Filter, Json, Query, Row, Sort
from kinto_lite.storage.base import Visibility
from tests.storage.trees import EVERYTHING, RECORDS, Tree, record

NEWEST_FIRST = (Sort("last_modified", True),)
OLDEST_FIRST = (Sort("last_modified"),)
BY_NUMBER = (Sort("n"), Sort("last_modified", True))


def position(row: Row, *values: Json) -> tuple[Json, ...]:
    """What a token remembers of a row: the values of the sort keys, then its key."""
    return (*(values or (row.last_modified,)), row.key)


def read_pages(tree: Tree, query: Query) -> list[list[str]]:
    """The ids of all pages of records, read one after the other."""
    pages, after = [], None
    while True:
        changed = Query(query.filters, query.sort, query.limit, after, query.with_deleted)
        page = tree.read(RECORDS, changed)
        pages.append([row.id for row in page.rows])
        if not page.has_more:
            return pages
        after = position(page.rows[-1])


def test_newest_objects_come_first(tree: Tree) -> None:
    tree.put_records(3)
    tree.put(record(1))
    assert tree.read_ids(RECORDS) == ["r1", "r2", "r0"]


def test_order_can_be_turned_round(tree: Tree) -> None:
    tree.put_records(3)
    assert tree.read_ids(RECORDS, Query(sort=OLDEST_FIRST)) == ["r0", "r1", "r2"]


def test_limit_cuts_and_says_that_there_is_more(tree: Tree) -> None:
    tree.put_records(3)
    page = tree.read(RECORDS, Query(limit=2))
    assert ([row.id for row in page.rows], page.has_more) == (["r2", "r1"], True)


def test_page_that_is_exactly_full_has_no_more(tree: Tree) -> None:
    tree.put_records(3)
    page = tree.read(RECORDS, Query(limit=3))
    assert (len(page.rows), page.has_more) == (3, False)


def test_pages_follow_each_other_without_gap_or_overlap(tree: Tree) -> None:
    tree.put_records(5)
    assert read_pages(tree, Query(limit=2)) == [["r4", "r3"], ["r2", "r1"], ["r0"]]


def test_pages_divide_objects_with_the_same_timestamp(tree: Tree) -> None:
    for number in range(5):
        tree.put(record(number), at=3000)
    pages = read_pages(tree, Query(limit=2))
    assert sorted(chain(*pages)) == ["r0", "r1", "r2", "r3", "r4"]
    assert [len(page) for page in pages] == [2, 2, 1]


def test_object_created_between_two_pages_shifts_nothing(tree: Tree) -> None:
    tree.put_records(4)
    first = tree.read(RECORDS, Query(limit=2))
    tree.put(record(9))
    tree.delete(record(3))
    after = position(first.rows[-1])
    assert tree.read_ids(RECORDS, Query(limit=2, after=after)) == ["r1", "r0"]


def test_pages_by_a_field_begin_after_the_position(tree: Tree) -> None:
    rows = tree.put_records(4)
    after = position(rows[1], 1, rows[1].last_modified)
    assert tree.read_ids(RECORDS, Query(sort=BY_NUMBER, after=after)) == ["r2", "r3"]


def test_tombstones_are_hidden_unless_asked_for(tree: Tree) -> None:
    tree.put_records(3)
    tree.delete(record(1))
    assert tree.read_ids(RECORDS) == ["r2", "r0"]


def test_tombstones_are_merged_in_order(tree: Tree) -> None:
    tree.put_records(4)
    tree.delete(record(1))
    tree.put(record(9))
    tree.delete(record(3))
    rows = tree.read(RECORDS, EVERYTHING).rows
    shown = [(row.id, row.is_deleted) for row in rows]
    expected = [("r3", True), ("r9", False), ("r1", True), ("r2", False), ("r0", False)]
    assert shown == expected


def test_tombstones_are_merged_in_the_order_of_a_field(tree: Tree) -> None:
    tree.put_records(3)
    tree.delete(record(0))
    query = Query(sort=(Sort("n", True), Sort("last_modified")), with_deleted=True)
    assert tree.read_ids(RECORDS, query) == ["r0", "r2", "r1"]


def test_pages_with_tombstones_follow_each_other(tree: Tree) -> None:
    tree.put_records(6)
    tree.delete(record(0), record(3), record(4))
    pages = read_pages(tree, Query(limit=2, with_deleted=True))
    assert pages == [["r4", "r3"], ["r0", "r5"], ["r2", "r1"]]


def test_filters_choose_among_live_objects_and_tombstones(tree: Tree) -> None:
    rows = tree.put_records(4)
    tree.delete(record(0), at=9000)
    since = Filter("last_modified", "gt", rows[2].last_modified)
    assert tree.read_ids(RECORDS, Query((since,), with_deleted=True)) == ["r0", "r3"]
    is_tombstone = Filter("deleted", "eq", True)
    assert tree.read_ids(RECORDS, Query((is_tombstone,), with_deleted=True)) == ["r0"]


def test_filters_and_limit_work_together(tree: Tree) -> None:
    tree.put_records(6)
    page = tree.read(RECORDS, Query((Filter("n", "min", 2),), limit=3))
    assert ([row.id for row in page.rows], page.has_more) == (["r5", "r4", "r3"], True)


def test_count_takes_no_notice_of_page_and_tombstones(tree: Tree) -> None:
    rows = tree.put_records(5)
    tree.delete(record(4))
    query = Query((Filter("n", "min", 2),), NEWEST_FIRST, 1, position(rows[2]), True)
    assert tree.count(RECORDS, query) == 2


def test_asker_sees_the_objects_shared_with_her(tree: Tree) -> None:
    tree.put_records(3)
    tree.put(record(3), read=["bob"])
    tree.put(record(4), write=["bob"])
    tree.put(record(5), read=["carol"])
    assert tree.read_ids(RECORDS, user="bob") == ["r4", "r3"]
    assert tree.read_ids(RECORDS, user="bob", need="write") == ["r4"]
    assert tree.count(RECORDS, user="bob") == 2


def test_object_shared_in_several_ways_counts_once(tree: Tree) -> None:
    tree.put_group("bob")
    names = ["bob", "/buckets/b/groups/g", "system.Everyone", "system.Authenticated"]
    tree.put(record(0), read=names, write=names)
    assert tree.read_ids(RECORDS, user="bob") == ["r0"]
    assert tree.count(RECORDS, user="bob") == 1


def test_shared_objects_can_be_filtered_and_paged(tree: Tree) -> None:
    tree.put_records(8, read=["bob"])
    query = Query((Filter("n", "lt", 6),), limit=2)
    page = tree.read(RECORDS, query, user="bob")
    assert ([row.id for row in page.rows], page.has_more) == (["r5", "r4"], True)
    after = position(page.rows[-1])
    rest = Query(query.filters, limit=4, after=after)
    assert tree.read_ids(RECORDS, rest, user="bob") == ["r3", "r2", "r1", "r0"]
    assert tree.count(RECORDS, query, user="bob") == 6


def test_partial_list_shows_no_tombstones(tree: Tree) -> None:
    tree.put_records(2, read=["bob"])
    tree.delete(record(0))
    assert tree.read_ids(RECORDS, EVERYTHING, user="bob") == ["r1"]


def test_partial_list_shows_nothing_of_other_lists(tree: Tree) -> None:
    tree.put_records(1, read=["bob"])
    with tree.storage.transaction(write=False) as tx:
        key = tree.list_key_in(tx, RECORDS._replace(kind="collection", parent_uri="/buckets/b"))
        visible = Visibility(tx.find_asker("bob"), "read")
        assert tx.list_objects(key, "collection", Query(), visible).rows == []
