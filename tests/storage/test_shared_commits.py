"""Requests that share one commit: visible to each other, undone alone, on disk together.

Of the engines that do that; on others `share_commits` changes nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kinto_lite.storage.base import Busy, Storage
from tests.storage.conftest import StorageOpener, make_url
from tests.storage.trees import RECORDS, Tree, record, undone


@pytest.fixture(params=["sqlite-memory", "sqlite-file"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, reopen: StorageOpener) -> Storage:
    """An empty storage, of each engine that shares commits."""
    return reopen(make_url(request.param, tmp_path))


@pytest.fixture
def sharing(tree: Tree) -> Tree:
    """A tree whose transactions share commits from now on."""
    tree.storage.share_commits()
    return tree


def test_nothing_is_unsettled_before_the_first_write(sharing: Tree) -> None:
    assert sharing.read_ids(RECORDS) == []
    assert not sharing.storage.is_unsettled


def test_write_is_unsettled_until_it_is_settled(sharing: Tree) -> None:
    sharing.put(record(0))
    assert sharing.storage.is_unsettled
    sharing.storage.settle()
    assert not sharing.storage.is_unsettled
    assert sharing.read_ids(RECORDS) == ["r0"]


def test_settling_nothing_is_no_error(sharing: Tree) -> None:
    sharing.storage.settle()
    sharing.storage.settle()
    assert not sharing.storage.is_unsettled


def test_without_sharing_everything_is_settled_at_once(tree: Tree) -> None:
    tree.put(record(0))
    assert not tree.storage.is_unsettled


def test_later_requests_see_what_is_not_settled(sharing: Tree) -> None:
    sharing.put(record(0))
    sharing.put(record(1))
    assert sharing.read_ids(RECORDS) == ["r1", "r0"]
    assert sharing.find_list(RECORDS).live_count == 2


def test_failed_request_is_undone_alone(sharing: Tree) -> None:
    sharing.put(record(0))
    with undone(sharing.storage) as tx:
        sharing.put_in(tx, record(1))
        sharing.delete_in(tx, record(0))
    sharing.put(record(2))
    sharing.storage.settle()
    assert sharing.read_ids(RECORDS) == ["r2", "r0"]
    assert sharing.find_list(RECORDS).live_count == 2


def test_failed_reader_undoes_nothing(sharing: Tree) -> None:
    sharing.put(record(0))
    with pytest.raises(KeyError), sharing.storage.transaction(write=False):
        raise KeyError
    sharing.storage.settle()
    assert sharing.read_ids(RECORDS) == ["r0"]


def test_principals_of_an_undone_request_mean_nobody_later(sharing: Tree) -> None:
    sharing.put(record(0))
    with undone(sharing.storage) as tx:
        tx.find_asker("mallory")
    sharing.put(record(1), write=["bob"])
    sharing.storage.settle()
    assert sharing.find(record(1), "mallory").held == frozenset()


def test_others_see_it_when_it_is_settled(reopen: StorageOpener, tmp_path: Path) -> None:
    url = make_url("sqlite-file", tmp_path)
    here, there = Tree(reopen(url)), Tree(reopen(url, busy_timeout_seconds=0.2))
    here.put_parents()
    here.storage.share_commits()
    here.put(record(0))
    assert there.read_ids(RECORDS) == []
    with pytest.raises(Busy):
        there.put(record(1))
    here.storage.settle()
    assert there.read_ids(RECORDS) == ["r0"]
    there.put(record(1), at=9000)
    assert here.read_ids(RECORDS) == ["r1", "r0"]


# What waits for the commit


def test_without_sharing_nothing_waits_for_a_commit(tree: Tree) -> None:
    called: list[str] = []
    tree.put(record(0))
    tree.storage.when_settled(lambda: called.append("now"))
    assert called == ["now"]


def test_what_waits_is_called_once_when_all_is_on_disk(sharing: Tree) -> None:
    unsettled: list[bool] = []
    for number in range(2):
        sharing.put(record(number))
        sharing.storage.when_settled(lambda: unsettled.append(sharing.storage.is_unsettled))
    assert unsettled == []
    sharing.storage.settle()
    sharing.storage.settle()
    assert unsettled == [False, False]


def test_where_commits_are_not_shared_each_is_settled_at_once(reopen: StorageOpener) -> None:
    url = make_url("postgresql", Path())
    here, there = Tree(reopen(url)), Tree(reopen(url))
    here.storage.share_commits()
    here.put_parents()
    here.put(record(0))
    assert not here.storage.is_unsettled
    here.storage.settle()
    assert there.read_ids(RECORDS) == ["r0"]
