"""Tombstones that have served their time: which ones are found, and what their deletion leaves."""

from __future__ import annotations

from kinto_lite.storage.base import OldTombstones
from tests.storage.trees import (
    BUCKET,
    BUCKETS,
    COLLECTION,
    COLLECTIONS,
    EVERYTHING,
    RECORDS,
    Tree,
    record,
)


def find(tree: Tree, *kinds: str, keep: int = 0, before: int | None = None) -> list[OldTombstones]:
    """What may go."""
    with tree.storage.transaction(write=False) as tx:
        return tx.find_old_tombstones(kinds, keep, before)


def purge(tree: Tree, *kinds: str, keep: int = 0, before: int | None = None) -> int:
    """Delete all that may go; return how many."""
    found = find(tree, *kinds, keep=keep, before=before)
    with tree.storage.transaction(write=True) as tx:
        return sum(tx.delete_tombstones(old, 1000) for old in found)


def bury_records(tree: Tree, number: int) -> None:
    """Make tombstones r0, r1 ..., the last one the newest."""
    tree.put_records(number)
    for n in range(number):
        tree.delete(record(n), at=5000 + n)


def read_ids(tree: Tree) -> list[str]:
    """What is left in the list of records, tombstones included, newest first."""
    return tree.read_ids(RECORDS, EVERYTHING)


def test_the_newest_of_each_list_are_kept(tree: Tree) -> None:
    bury_records(tree, 5)
    assert [old.total for old in find(tree, "record", keep=2)] == [3]
    assert purge(tree, "record", keep=2) == 3
    assert read_ids(tree) == ["r4", "r3"]


def test_nothing_goes_where_there_are_no_more(tree: Tree) -> None:
    bury_records(tree, 3)
    assert purge(tree, "record", keep=3) == 0
    assert len(read_ids(tree)) == 3


def test_only_those_before_a_time_go(tree: Tree) -> None:
    bury_records(tree, 4)
    assert purge(tree, "record", before=5002) == 2
    assert read_ids(tree) == ["r3", "r2"]


def test_both_conditions_count(tree: Tree) -> None:
    bury_records(tree, 4)
    assert purge(tree, "record", keep=3, before=5002) == 1


def test_of_tombstones_with_one_timestamp_as_many_are_kept_as_were_asked_for(tree: Tree) -> None:
    tree.put_records(4)
    tree.delete(*(record(n) for n in range(4)), at=5000)
    assert purge(tree, "record", keep=1) == 3
    assert len(read_ids(tree)) == 1


def test_other_kinds_stay(tree: Tree) -> None:
    bury_records(tree, 1)
    tree.delete(COLLECTION)
    assert purge(tree, "bucket", "group", "attachment") == 0
    assert purge(tree, "collection") == 1
    assert tree.read_ids(COLLECTIONS, EVERYTHING) == []


def test_live_objects_stay_also_those_with_the_id_of_a_purged_tombstone(tree: Tree) -> None:
    tree.put_records(2, write=["bob"])
    tree.delete(record(0))
    other = COLLECTION._replace(id="other")
    tree.put(other)
    twin = record(0)._replace(parent_uri=other.uri)
    tree.put(twin, '{"n":7}', write=["carol"])
    assert purge(tree, "record") == 1
    assert tree.find(twin, "carol").permissions == {"write": ["carol"]}
    assert read_ids(tree) == ["r1"]


def test_the_timestamp_and_the_counter_of_the_list_stay(tree: Tree) -> None:
    bury_records(tree, 2)
    tree.put(record(5), at=4000)
    before = tree.find_list(RECORDS)
    purge(tree, "record")
    after = tree.find_list(RECORDS)
    assert (after.list_timestamp, after.live_count) == (before.list_timestamp, 1)


def test_the_tombstone_of_a_parent_goes_without_its_successor(tree: Tree) -> None:
    tree.delete(COLLECTION)
    found = find(tree, "collection")
    tree.put(COLLECTION)
    tree.put(record(1))
    with tree.storage.transaction(write=True) as tx:
        assert [tx.delete_tombstones(old, 10) for old in found] == [0]
    assert tree.find(record(1)).live is not None


def test_they_can_be_deleted_bit_by_bit_oldest_first(tree: Tree) -> None:
    bury_records(tree, 5)
    (old,) = find(tree, "record")
    with tree.storage.transaction(write=True) as tx:
        assert [tx.delete_tombstones(old, 2), tx.delete_tombstones(old, 1)] == [2, 1]
    assert read_ids(tree) == ["r4", "r3"]


def test_what_is_buried_meanwhile_stays(tree: Tree) -> None:
    bury_records(tree, 2)
    found = find(tree, "record")
    tree.put(record(7))
    tree.delete(record(7), at=9000)
    with tree.storage.transaction(write=True) as tx:
        assert [tx.delete_tombstones(old, 10) for old in found] == [2]
    assert read_ids(tree) == ["r7"]


def test_several_lists_are_found_at_once(tree: Tree) -> None:
    bury_records(tree, 2)
    tree.delete(BUCKET)
    assert purge(tree, "bucket", "collection", "record") == 1
    assert tree.read_ids(BUCKETS, EVERYTHING) == []
