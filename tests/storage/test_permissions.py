"""Permissions, principals and groups through the storage interface."""

from __future__ import annotations

import pytest

from kinto_lite.model import ObjectRef
from kinto_lite.permissions.tree import KINDS, TREE
from tests.storage.trees import (
    BUCKET,
    BUCKETS,
    COLLECTION,
    COLLECTIONS,
    GROUP,
    RECORDS,
    Tree,
    record,
)

PLACES = {"bucket": BUCKET, "group": GROUP, "collection": COLLECTION, "record": record(0)}
GRANTS = [(kind.name, name) for kind in KINDS for name in kind.permissions]
GROUP_NAME = "/buckets/b/groups/g"


def stored(tree: Tree, ref: ObjectRef) -> dict[str, list[str]]:
    """The permissions of an object, each list in order."""
    row = tree.find(ref).row
    assert row is not None
    with tree.storage.transaction(write=False) as tx:
        return {name: sorted(names) for name, names in tx.read_permissions(row.key).items()}


def change(tree: Tree, ref: ObjectRef, **permissions: list[str]) -> None:
    """Replace the given lists of an object's permissions."""
    place = tree.find(ref)
    assert place.row is not None
    assert place.list_key is not None
    with tree.storage.transaction(write=True) as tx:
        tx.replace_permissions(place.list_key, place.row.key, ref.kind, permissions)


def add(tree: Tree, ref: ObjectRef, name: str, principal: str) -> None:
    """Add one permission to an object."""
    place = tree.find(ref)
    assert place.row is not None
    assert place.list_key is not None
    with tree.storage.transaction(write=True) as tx:
        tx.add_permission(place.list_key, place.row.key, ref.kind, name, principal)


def test_only_the_given_lists_are_replaced(tree: Tree) -> None:
    tree.put(record(0), read=["bob", "carol"], write=["alice"])
    change(tree, record(0), read=["dave"])
    assert stored(tree, record(0)) == {"read": ["dave"], "write": ["alice"]}


def test_empty_list_takes_a_permission_away(tree: Tree) -> None:
    tree.put(record(0), read=["bob"], write=["alice"])
    change(tree, record(0), read=[])
    assert stored(tree, record(0)) == {"write": ["alice"]}
    assert ("record", "read") not in tree.find(record(0), "bob").held


def test_principal_named_twice_is_stored_once(tree: Tree) -> None:
    tree.put(record(0), read=["bob", "bob"])
    assert stored(tree, record(0)) == {"read": ["bob"]}


def test_adding_a_permission_twice_is_adding_it_once(tree: Tree) -> None:
    tree.put(record(0), write=["alice"])
    add(tree, record(0), "write", "bob")
    add(tree, record(0), "write", "bob")
    assert stored(tree, record(0)) == {"write": ["alice", "bob"]}


def test_replacing_an_object_leaves_its_permissions(tree: Tree) -> None:
    tree.put(record(0), read=["bob"])
    tree.put(record(0), '{"n":1}')
    assert stored(tree, record(0)) == {"read": ["bob"]}


def test_recreated_object_starts_without_permissions(tree: Tree) -> None:
    tree.put(record(0), read=["bob"])
    tree.delete(record(0))
    tree.put(record(0))
    assert stored(tree, record(0)) == {}
    assert tree.find_list(RECORDS, "bob").sees_some is False


@pytest.mark.parametrize(("kind", "permission"), GRANTS)
def test_stored_permission_gives_what_the_tree_says(tree: Tree, kind: str, permission: str) -> None:
    tree.put(GROUP)
    tree.put(record(0))
    add(tree, PLACES[kind], permission, "bob")
    given = {(row.kind, row.need) for row in TREE if row[2:] == (kind, permission)}
    for below, ref in PLACES.items():
        is_here = below == kind or kind == "bucket" or (kind, below) == ("collection", "record")
        assert tree.find(ref, "bob").held == (given if is_here else set()), below


@pytest.mark.parametrize("ref", [BUCKETS, COLLECTIONS, RECORDS])
def test_list_shows_what_is_held_above_it(tree: Tree, ref: object) -> None:
    above = {BUCKETS: [], COLLECTIONS: [BUCKET], RECORDS: [BUCKET, COLLECTION]}
    for parent in (BUCKET, COLLECTION):
        add(tree, parent, "read", "bob")
    tree.put_records(1, read=["bob"])
    given = {
        (row.kind, row.need)
        for parent in above[ref]  # type: ignore[index]
        for row in TREE
        if row[2:] == (parent.kind, "read")
    }
    assert tree.find_list(ref, "bob").held == given  # type: ignore[arg-type]


def test_nobody_else_holds_anything(tree: Tree) -> None:
    tree.put_records(1, read=["bob"])
    assert tree.find(record(0), "carol").held == frozenset()
    assert tree.find(record(0), None).held == frozenset()


def test_permission_on_a_neighbour_is_worth_nothing(tree: Tree) -> None:
    other = ObjectRef("collection", BUCKET.uri, "other")
    tree.put(other, write=["bob"])
    tree.put_records(1)
    tree.put(record(1), write=["bob"])
    assert tree.find(record(0), "bob").held == frozenset()


def test_permission_on_a_parent_counts_below_a_missing_object(tree: Tree) -> None:
    add(tree, COLLECTION, "record:create", "bob")
    held = tree.find(record(0), "bob").held
    assert ("record", "create") in held
    assert ("record", "read") not in held


def test_permissions_are_shown_to_direct_writers_only(tree: Tree) -> None:
    add(tree, COLLECTION, "write", "carol")
    tree.put(record(0), read=["bob"], write=["dave"])
    assert tree.find(record(0), "dave").permissions == {"read": ["bob"], "write": ["dave"]}
    for user in ("alice", "bob", "carol", None):
        assert tree.find(record(0), user).permissions is None, user


def test_permissions_are_shown_to_writers_through_a_group(tree: Tree) -> None:
    tree.put_group("bob")
    tree.put(record(0), write=[GROUP_NAME])
    assert tree.find(record(0), "bob").permissions == {"write": [GROUP_NAME]}


def test_list_tells_whether_the_asker_sees_some_of_it(tree: Tree) -> None:
    tree.put_records(2, read=["bob"])
    assert tree.find_list(RECORDS, "bob").sees_some is True
    assert tree.find_list(RECORDS, "bob", "write").sees_some is False
    assert tree.find_list(RECORDS, "carol").sees_some is False


def test_anonymous_asker_is_everyone_and_nobody_else(tree: Tree) -> None:
    with tree.storage.transaction(write=False) as tx:
        asker = tx.find_asker(None)
    assert asker.principals == {"system.Everyone"}
    assert asker.user_id is None


def test_user_is_herself_everyone_and_authenticated(tree: Tree) -> None:
    with tree.storage.transaction(write=False) as tx:
        asker = tx.find_asker("basicauth:never seen", "basicauth")
    names = {"basicauth:never seen", "system.Everyone", "system.Authenticated"}
    assert asker.principals == names
    assert asker.policy == "basicauth"


def test_everyone_and_authenticated_are_told_apart(tree: Tree) -> None:
    tree.put(record(0), read=["system.Everyone"])
    tree.put(record(1), read=["system.Authenticated"])
    needs = [
        ("record", "read") in tree.find(record(n), user).held
        for n in (0, 1)
        for user in ("bob", None)
    ]
    assert needs == [True, True, True, False]


def find_principals(tree: Tree, user: str | None) -> frozenset[str]:
    """All principals of a user."""
    with tree.storage.transaction(write=False) as tx:
        return tx.find_asker(user).principals


def test_members_have_the_group_among_their_principals(tree: Tree) -> None:
    tree.put_group("bob", "carol")
    assert GROUP_NAME in find_principals(tree, "bob")
    assert GROUP_NAME not in find_principals(tree, "dave")


def test_replaced_members_are_exactly_the_new_ones(tree: Tree) -> None:
    tree.put_group("bob", "carol")
    tree.put_group("carol", "dave")
    is_member = [GROUP_NAME in find_principals(tree, user) for user in ("bob", "carol", "dave")]
    assert is_member == [False, True, True]


def test_group_may_have_all_authenticated_users_as_members(tree: Tree) -> None:
    tree.put_group("system.Authenticated")
    tree.put(record(0), read=[GROUP_NAME])
    assert ("record", "read") in tree.find(record(0), "never seen").held
    assert tree.find(record(0), None).held == frozenset()


def test_newcomer_in_a_group_of_all_owns_what_she_creates(tree: Tree) -> None:
    tree.put_group("system.Authenticated", "system.Everyone")
    with tree.storage.transaction(write=True) as tx:
        asker = tx.find_asker("newcomer")
        tree.put_in(tx, record(0), write=["newcomer"])
        assert tx.find_object(record(0), asker).permissions == {"write": ["newcomer"]}


def test_group_is_no_member_of_groups(tree: Tree) -> None:
    outer = ObjectRef("group", BUCKET.uri, "outer")
    tree.put_group("bob")
    with tree.storage.transaction(write=True) as tx:
        row = tree.put_in(tx, outer)
        tx.replace_members(outer, row.key, [GROUP_NAME])
    assert outer.uri not in find_principals(tree, "bob")


def test_deleted_group_has_no_members(tree: Tree) -> None:
    tree.put_group("bob")
    tree.delete(GROUP)
    assert GROUP_NAME not in find_principals(tree, "bob")
    tree.put(GROUP)
    assert GROUP_NAME not in find_principals(tree, "bob")


def test_group_of_a_deleted_bucket_has_no_members(tree: Tree) -> None:
    other = ObjectRef("bucket", "", "other")
    tree.put(other)
    tree.put_group("bob")
    shared = ObjectRef("collection", other.uri, "c")
    tree.put(shared, read=[GROUP_NAME])
    tree.delete(BUCKET)
    assert GROUP_NAME not in find_principals(tree, "bob")
    assert tree.find(shared, "bob").held == frozenset()


def test_deleted_objects_leave_no_permissions_behind(tree: Tree) -> None:
    tree.put_records(2, read=["bob"])
    add(tree, COLLECTION, "write", "bob")
    tree.delete(COLLECTION)
    tree.put(COLLECTION)
    tree.put_records(2)
    assert tree.find(record(0), "bob").held == frozenset()
    assert tree.find_list(RECORDS, "bob").sees_some is False


def test_removed_principal_has_neither_permissions_nor_groups(tree: Tree) -> None:
    tree.put_group("bob", "carol")
    tree.put(record(0), read=["bob", "carol"])
    with tree.storage.transaction(write=True) as tx:
        tx.remove_principal("bob")
    assert stored(tree, record(0)) == {"read": ["carol"]}
    assert GROUP_NAME not in find_principals(tree, "bob")
    assert GROUP_NAME in find_principals(tree, "carol")


def test_objects_with_a_single_writer_are_found(tree: Tree) -> None:
    tree.put(ObjectRef("bucket", "", "shared"), write=["alice", "bob"])
    tree.put(ObjectRef("bucket", "", "hers"), write=["carol"], read=["alice"])
    with tree.storage.transaction(write=False) as tx:
        found = tx.list_owned_alone("alice", "bucket")
    assert [(ref, place.row.id) for ref, place in found if place.row] == [(BUCKETS, "b")]


def test_flush_forgets_permissions_and_members(tree: Tree) -> None:
    tree.put_group("bob")
    tree.put_records(1, read=["bob"])
    tree.storage.flush()
    tree.put_parents()
    tree.put_records(1)
    assert find_principals(tree, "bob") == {"bob", "system.Everyone", "system.Authenticated"}
    assert tree.find(record(0), "bob").held == frozenset()
