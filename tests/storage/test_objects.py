"""Objects through the storage interface: creation, replacement, tombstones, what hangs below."""

from __future__ import annotations

import pytest

from kinto_lite.model import ListRef, ObjectRef
from tests.storage.trees import (
    BUCKET,
    BUCKETS,
    COLLECTION,
    COLLECTIONS,
    EVERYTHING,
    GROUP,
    GROUPS,
    RECORDS,
    Tree,
    record,
    undone,
)


def test_created_object_is_found_as_it_was_written(tree: Tree) -> None:
    written = tree.put(record(0), '{"title":"Grüße \\u0000"}', at=1234)
    assert tree.find(record(0)).live == written
    assert written[1:] == ("r0", 1234, '{"title":"Grüße \\u0000"}', False)


def test_id_that_was_never_used_has_no_row(tree: Tree) -> None:
    place = tree.find(record(0))
    assert place.row is None
    assert place.list_key is not None


def test_object_below_a_missing_parent_has_no_list(tree: Tree) -> None:
    place = tree.find(ObjectRef("record", "/buckets/b/collections/other", "r0"))
    assert (place.list_key, place.list_timestamp, place.live_count) == (None, 0, 0)
    assert (place.row, place.held) == (None, frozenset())


def test_replaced_object_keeps_its_key_and_has_new_data(tree: Tree) -> None:
    old = tree.put(record(0), '{"n":1}', at=1000)
    new = tree.put(record(0), '{"n":2}', at=2000)
    assert new.key == old.key
    assert tree.find(record(0)).live == new
    assert new[2:] == (2000, '{"n":2}', False)


def test_timestamp_of_an_object_may_be_older_than_its_list(tree: Tree) -> None:
    tree.put(record(0), at=5000)
    tree.put(record(1), at=-7)
    place = tree.find(record(1))
    assert place.live is not None
    assert (place.live.last_modified, place.list_timestamp) == (-7, 5000)


def test_deleted_object_becomes_a_tombstone(tree: Tree) -> None:
    old = tree.put(record(0), '{"secret":1}')
    (tombstone,) = tree.delete(record(0), at=9000)
    assert tombstone == (old.key, "r0", 9000, '{"deleted":true}', True)
    place = tree.find(record(0))
    assert (place.row, place.live) == (tombstone, None)


def test_recreation_over_a_tombstone_keeps_one_row(tree: Tree) -> None:
    tree.put(record(0), '{"n":1}')
    tree.delete(record(0))
    new = tree.put(record(0), '{"n":2}', at=7000)
    assert tree.find(record(0)).live == new
    assert tree.read(RECORDS, EVERYTHING).rows == [new]


def test_ids_are_unique_within_a_list_only(tree: Tree) -> None:
    other = ObjectRef("collection", BUCKET.uri, "other")
    tree.put(other)
    tree.put(record(0), '{"n":1}')
    tree.put(ObjectRef("record", other.uri, "r0"), '{"n":2}')
    assert [row.data for row in tree.read(RECORDS).rows] == ['{"n":1}']


def test_ids_keep_their_letter_case(tree: Tree) -> None:
    tree.put(ObjectRef("record", COLLECTION.uri, "R0"))
    assert tree.find(record(0)).row is None


def test_new_bucket_has_empty_lists_of_groups_and_collections(tree: Tree) -> None:
    tree.put(ObjectRef("bucket", "", "new"))
    for kind in ("group", "collection"):
        ref = ListRef(kind, "/buckets/new")
        assert tree.find_list(ref).list_key is not None
        assert tree.read_ids(ref) == []


def test_new_list_has_no_timestamp_and_no_object(tree: Tree) -> None:
    place = tree.find_list(RECORDS)
    assert (place.list_timestamp, place.live_count, tree.read_ids(RECORDS)) == (0, 0, [])


def test_records_and_groups_have_nothing_below_them(tree: Tree) -> None:
    tree.put(record(0))
    tree.put(GROUP)
    for parent_uri in (record(0).uri, GROUP.uri):
        assert tree.find_list(ListRef("record", parent_uri)).list_key is None


def test_deleted_collection_takes_its_records_along_without_tombstones(tree: Tree) -> None:
    tree.put_records(3)
    tree.delete(record(0))
    tree.delete(COLLECTION)
    assert tree.find_list(RECORDS).list_key is None
    assert tree.find(record(1)).row is None
    assert [row.is_deleted for row in tree.read(COLLECTIONS, EVERYTHING).rows] == [True]


def test_deleted_bucket_takes_all_that_lies_below_along(tree: Tree) -> None:
    tree.put_records(2)
    tree.put(GROUP)
    tree.delete(BUCKET)
    found = [tree.find_list(ref).list_key for ref in (GROUPS, COLLECTIONS, RECORDS)]
    assert found == [None, None, None]
    assert tree.find_list(BUCKETS).list_key is not None


def test_recreated_parent_is_empty_and_its_lists_are_unused(tree: Tree) -> None:
    tree.put_records(2)
    tree.delete(COLLECTION)
    tree.put(COLLECTION)
    place = tree.find_list(RECORDS)
    assert (place.list_timestamp, place.live_count) == (0, 0)
    assert tree.read_ids(RECORDS, EVERYTHING) == []


def test_deletion_leaves_the_neighbours_alone(tree: Tree) -> None:
    other = ObjectRef("collection", BUCKET.uri, "other")
    tree.put(other)
    kept = tree.put(ObjectRef("record", other.uri, "r0"))
    tree.put_records(2)
    tree.delete(COLLECTION)
    assert tree.read(ListRef("record", other.uri)).rows == [kept]


@pytest.mark.parametrize("ref", [BUCKET, COLLECTION, GROUP, record(0)])
def test_every_kind_can_be_created_deleted_and_created_again(tree: Tree, ref: ObjectRef) -> None:
    tree.put(ref, '{"n":1}')
    tree.delete(ref)
    assert tree.find(ref).live is None
    new = tree.put(ref, '{"n":2}')
    assert tree.find(ref).live == new


def test_flush_leaves_an_empty_database_that_works(tree: Tree) -> None:
    tree.put_records(2)
    tree.put_group("bob")
    tree.storage.flush()
    assert tree.find_list(BUCKETS).live_count == 0
    assert tree.read_ids(BUCKETS, EVERYTHING) == []
    tree.put_parents()
    assert tree.find_list(RECORDS).live_count == 0


def test_flush_inside_a_transaction_is_undone_with_it(tree: Tree) -> None:
    with undone(tree.storage) as tx:
        tx.flush()
    assert tree.find(COLLECTION).live is not None
