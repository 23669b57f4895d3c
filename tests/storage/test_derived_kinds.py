"""Objects of derived kinds do not outlast an opening that does not know the kind: nobody kept them
in step meanwhile."""

from __future__ import annotations

import pytest

from kinto_lite.model import Kind, ListRef, ObjectRef, Place, Row
from kinto_lite.permissions.tree import KINDS
from kinto_lite.storage.base import Storage
from tests.storage.conftest import StorageOpener
from tests.storage.trees import BUCKET, Tree

SUM = Kind("sum", "sums", "bucket", permissions=(), is_derived=True)
NOTE = Kind("note", "notes", "bucket", permissions=())
A_SUM = ObjectRef("sum", BUCKET.uri, "s")
A_NOTE = ObjectRef("note", BUCKET.uri, "n")
WITH, WITHOUT = (*KINDS, SUM, NOTE), KINDS


def find_place(storage: Storage, ref: ListRef) -> Place:
    """The place of a list."""
    return Tree(storage).find(ObjectRef(ref.kind, ref.parent_uri, "nothing"))


def find_row(storage: Storage, ref: ObjectRef) -> Row | None:
    """An object as the storage knows it."""
    with storage.transaction(write=False) as tx:
        return tx.find_row(ref)


@pytest.fixture
def reopened(reopen: StorageOpener, shared_url: str) -> StorageOpener:
    """A function that opens a database again, after it was filled by an opening with all kinds."""
    storage = reopen(shared_url, kinds=WITH)
    tree = Tree(storage)
    tree.put_parents()
    tree.put(A_SUM)
    tree.put(A_NOTE)
    storage.close()
    return lambda kinds: reopen(shared_url, kinds=kinds)


def test_an_opening_with_the_kind_keeps_its_objects(reopened: StorageOpener) -> None:
    assert find_row(reopened(WITH), A_SUM) is not None


def test_an_opening_without_the_kind_forgets_its_objects_only(reopened: StorageOpener) -> None:
    reopened(WITHOUT).close()
    storage = reopened(WITH)
    assert find_row(storage, A_SUM) is None
    assert find_row(storage, A_NOTE) is not None
    assert find_row(storage, BUCKET) is not None


def test_the_lists_of_the_kind_stay_and_are_empty(reopened: StorageOpener) -> None:
    storage = reopened(WITH)
    reopened(WITHOUT)
    assert find_place(storage, A_SUM.list).live_count == 0
    Tree(storage).put(A_SUM)
    assert find_place(storage, A_SUM.list).live_count == 1


def test_parents_made_meanwhile_have_lists_of_the_kind_again(reopened: StorageOpener) -> None:
    storage = reopened(WITHOUT)
    other = ObjectRef("bucket", "", "other")
    Tree(storage).put(other, write=["alice"])
    assert find_place(storage, ListRef("sum", other.uri)).list_key is None
    storage.close()
    assert find_place(reopened(WITH), ListRef("sum", other.uri)).list_key is not None
