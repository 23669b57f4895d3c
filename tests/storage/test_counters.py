"""Counters and timestamps of lists: exact after every kind of change."""

from __future__ import annotations

import random

from kinto_lite.model import ListRef, ObjectRef, Query
from tests.storage.trees import (
    BUCKET,
    BUCKETS,
    COLLECTION,
    COLLECTIONS,
    GROUPS,
    RECORDS,
    Tree,
    record,
    undone,
)


def count(tree: Tree, ref: ListRef = RECORDS) -> int:
    """What the counter of a list says, which is what counting says."""
    found = tree.find_list(ref).live_count
    assert found == tree.count(ref)
    return found


def test_creations_are_counted(tree: Tree) -> None:
    tree.put_records(3)
    assert count(tree) == 3
    assert tree.find(record(0)).live_count == 3


def test_replacement_changes_no_counter(tree: Tree) -> None:
    tree.put_records(2)
    tree.put(record(1))
    assert count(tree) == 2


def test_deletion_and_recreation_are_counted(tree: Tree) -> None:
    tree.put_records(3)
    tree.delete(record(1))
    assert count(tree) == 2
    tree.put(record(1))
    assert count(tree) == 3


def test_plural_deletion_is_counted(tree: Tree) -> None:
    tree.put_records(5)
    tree.delete(record(0), record(2), record(4))
    assert count(tree) == 2


def test_deletion_of_nothing_changes_nothing(tree: Tree) -> None:
    tree.put_records(2)
    before = tree.find_list(RECORDS)
    with tree.storage.transaction(write=True) as tx:
        assert tx.delete_objects(tree.list_key_in(tx, RECORDS), "record", [], []) == []
    assert tree.find_list(RECORDS) == before


def test_cascade_is_counted_where_it_began(tree: Tree) -> None:
    tree.put_records(3)
    tree.delete(COLLECTION)
    assert (count(tree, COLLECTIONS), count(tree, BUCKETS)) == (0, 1)
    tree.put(COLLECTION)
    assert (count(tree, COLLECTIONS), count(tree, RECORDS)) == (1, 0)


def test_plural_deletion_of_parents_is_counted(tree: Tree) -> None:
    other = ObjectRef("bucket", "", "other")
    tree.put_records(2)
    tree.put(other)
    tree.put(ObjectRef("bucket", "", "kept"))
    tree.delete(BUCKET, other)
    assert count(tree, BUCKETS) == 1
    assert tree.read_ids(BUCKETS) == ["kept"]


def test_rollback_takes_counters_back(tree: Tree) -> None:
    tree.put_records(3)
    before = tree.find_list(RECORDS)
    with undone(tree.storage) as tx:
        tree.put_in(tx, record(7))
        tree.delete_in(tx, record(0), record(1))
    assert tree.find_list(RECORDS) == before
    assert count(tree) == 3


def test_counters_are_exact_after_many_random_changes(tree: Tree) -> None:
    chance = random.Random(5)
    for _ in range(150):
        live = [n for n in range(12) if tree.find(record(n)).live is not None]
        if live and chance.random() < 0.45:
            tree.delete(*(record(n) for n in chance.sample(live, chance.randint(1, len(live)))))
        else:
            tree.put(record(chance.randrange(12)))
        count(tree)
    assert len(tree.read(RECORDS, Query()).rows) == count(tree)


def test_whole_database_is_counted_by_kind(tree: Tree) -> None:
    tree.put_records(4)
    tree.delete(record(0))
    with tree.storage.transaction(write=False) as tx:
        assert tx.count_all() == ({"bucket": 1, "collection": 1, "record": 3}, {"record": 1})


def test_list_takes_the_timestamp_of_its_newest_change(tree: Tree) -> None:
    tree.put(record(0), at=2000)
    assert tree.find_list(RECORDS).list_timestamp == 2000
    tree.put(record(0), at=2001)
    assert tree.find(record(0)).list_timestamp == 2001


def test_list_timestamp_never_goes_back(tree: Tree) -> None:
    tree.put(record(0), at=2000)
    tree.put(record(1), at=500)
    tree.delete(record(0), at=600)
    assert tree.find_list(RECORDS).list_timestamp == 2000


def test_plural_deletion_gives_the_list_the_greatest_timestamp(tree: Tree) -> None:
    tree.put_records(2)
    with tree.storage.transaction(write=True) as tx:
        asker = tx.find_asker("alice")
        rows = [tx.find_object(record(n), asker).row for n in range(2)]
        key = tree.list_key_in(tx, RECORDS)
        deleted = tx.delete_objects(key, "record", [row for row in rows if row], [9002, 9001])
    assert [row.last_modified for row in deleted] == [9002, 9001]
    assert tree.find_list(RECORDS).list_timestamp == 9002


def test_list_starts_once(tree: Tree) -> None:
    for timestamp in (4000, 5000, 3000):
        with tree.storage.transaction(write=True) as tx:
            tx.start_list(tree.list_key_in(tx, GROUPS), timestamp)
    assert tree.find_list(GROUPS).list_timestamp == 4000


def test_used_list_does_not_start_again(tree: Tree) -> None:
    tree.put(record(0), at=2000)
    with tree.storage.transaction(write=True) as tx:
        tx.start_list(tree.list_key_in(tx, RECORDS), 8000)
    assert tree.find_list(RECORDS).list_timestamp == 2000


def test_list_below_keeps_its_timestamp_when_the_parent_is_replaced(tree: Tree) -> None:
    tree.put(record(0), at=2000)
    tree.put(COLLECTION, '{"x":1}', at=3000)
    place = tree.find_list(RECORDS)
    assert (place.list_timestamp, place.live_count) == (2000, 1)
