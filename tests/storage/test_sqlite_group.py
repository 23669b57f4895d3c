"""The transaction that requests share, when SQLite itself fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from kinto_lite.storage.base import StorageError
from tests.storage.conftest import StorageOpener, make_url
from tests.storage.trees import RECORDS, Tree, record, undone


@pytest.fixture
def sharing(tmp_path: Path, reopen: StorageOpener) -> Tree:
    """A tree whose transactions share commits."""
    tree = Tree(reopen(make_url("sqlite-file", tmp_path)))
    tree.put_parents()
    tree.storage.share_commits()
    return tree


def forbid(tree: Tree, action: int, detail: str) -> None:
    """Let SQLite refuse a statement, once."""
    connection: apsw.Connection = tree.storage.connection()  # type: ignore[attr-defined]

    def judge(code: int, first: Any, *_: Any) -> int:
        if (code, first) != (action, detail):
            return apsw.SQLITE_OK
        connection.authorizer = None
        return apsw.SQLITE_DENY

    connection.authorizer = judge


def fail_to_undo(tree: Tree) -> None:
    """Fail in a request that has written, and let SQLite fail to undo that."""
    with undone(tree.storage) as tx:
        tree.put_in(tx, record(1))
        forbid(tree, apsw.SQLITE_SAVEPOINT, "ROLLBACK")


def test_what_cannot_be_undone_alone_is_not_kept_by_the_commit(sharing: Tree) -> None:
    sharing.put(record(0))
    with pytest.raises(StorageError):
        fail_to_undo(sharing)
    with pytest.raises(StorageError):
        sharing.put(record(2))
    with pytest.raises(StorageError):
        sharing.storage.settle()
    assert sharing.read_ids(RECORDS) == []


def test_writing_goes_on_after_that(sharing: Tree) -> None:
    with pytest.raises(StorageError):
        fail_to_undo(sharing)
    with pytest.raises(StorageError):
        sharing.storage.settle()
    sharing.put(record(2))
    sharing.storage.settle()
    assert sharing.read_ids(RECORDS) == ["r2"]


def test_a_view_that_cannot_be_closed_well_is_closed_all_the_same(sharing: Tree) -> None:
    assert sharing.read_ids(RECORDS) == []
    forbid(sharing, apsw.SQLITE_TRANSACTION, "COMMIT")
    with pytest.raises(StorageError):
        sharing.storage.settle()
    assert sharing.read_ids(RECORDS) == []
    assert sharing.storage.is_open
