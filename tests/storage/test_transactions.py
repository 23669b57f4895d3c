"""All or nothing, taking turns, stable views: transactions of threads and processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from kinto_lite.model import ObjectRef
from kinto_lite.storage.base import Busy, Storage, StorageError
from tests.storage.conftest import StorageOpener
from tests.storage.trees import (
    BUCKET,
    BUCKETS,
    COLLECTION,
    EVERYTHING,
    RECORDS,
    Tree,
    record,
    undone,
)

#: A process that holds the list of buckets as a writer until its input ends.
HOLDER = """
import sys
from kinto_lite.permissions.tree import KINDS, TREE
from kinto_lite.storage.base import StorageOptions
from kinto_lite.storage.engines import open_storage
from tests.storage.trees import BUCKET
storage = open_storage(sys.argv[1], StorageOptions(KINDS, TREE))
with storage.transaction(write=True) as tx:
    tx.find_object(BUCKET, tx.find_asker("alice"))
    print("holding", flush=True)
    sys.stdin.read()
storage.close()
"""


@contextmanager
def other_writer_thread(storage: Storage) -> Iterator[None]:
    """Another thread of this process writes to the list of buckets, for as long as the block
    lasts."""
    begun, done = threading.Event(), threading.Event()

    def hold() -> None:
        with storage.transaction(write=True) as tx:
            tx.find_object(BUCKET, tx.find_asker("alice"))
            begun.set()
            done.wait(60)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        assert begun.wait(60)
        try:
            yield
        finally:
            done.set()
        held.result()


@contextmanager
def other_writer_process(url: str) -> Iterator[None]:
    """Another process writes to the list of buckets, for as long as the block lasts."""
    command = [sys.executable, "-c", HOLDER, url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        yield
        process.communicate()
    assert process.returncode == 0


def run_together(number: int, work: Callable[[int], object]) -> None:
    """Run work(0), work(1) ... in as many threads; the first failure is raised."""
    with ThreadPoolExecutor(number) as pool:
        for future in [pool.submit(work, n) for n in range(number)]:
            future.result()


def test_error_inside_a_transaction_leaves_nothing(tree: Tree) -> None:
    kept = tree.put(record(0), '{"n":0}', read=["bob"])
    places = [tree.find(record(n), "bob") for n in (0, 1)]
    with undone(tree.storage) as tx:
        tree.put_in(tx, record(0), '{"n":1}', read=["carol"])
        tree.put_in(tx, record(1))
        tree.delete_in(tx, COLLECTION)
    assert [tree.find(record(n), "bob") for n in (0, 1)] == places
    assert tree.read(RECORDS, EVERYTHING).rows == [kept]


def test_error_inside_a_transaction_is_passed_on(storage: Storage) -> None:
    with pytest.raises(ZeroDivisionError), storage.transaction(write=True):
        raise ZeroDivisionError


def create_twice(tree: Tree) -> None:
    """Create one record twice, which no storage can do."""
    with tree.storage.transaction(write=True) as tx:
        missing = tx.find_object(record(0), tx.find_asker("alice"))
        for _ in range(2):
            tx.write_object(missing, record(0), "{}", 1000, 1000)


def test_error_of_the_database_is_translated_and_leaves_nothing(tree: Tree) -> None:
    with pytest.raises(StorageError):
        create_twice(tree)
    assert tree.read_ids(RECORDS) == []


def test_even_an_interruption_leaves_nothing(tree: Tree) -> None:
    with undone(tree.storage, KeyboardInterrupt) as tx:
        tree.put_in(tx, record(0))
    assert tree.read_ids(RECORDS) == []


def test_writer_sees_its_own_changes(tree: Tree) -> None:
    with tree.storage.transaction(write=True) as tx:
        row = tree.put_in(tx, record(0))
        place = tx.find_object(record(0), tx.find_asker("alice"))
        assert (place.live, place.live_count) == (row, 1)


def test_transaction_knows_whether_it_may_write(storage: Storage) -> None:
    for write in (False, True):
        with storage.transaction(write) as tx:
            assert tx.is_write is write


def test_storage_works_after_a_failed_transaction(tree: Tree) -> None:
    for _ in range(3):
        with pytest.raises(KeyError), tree.storage.transaction(write=True):
            raise KeyError
    tree.put(record(0))
    assert tree.read_ids(RECORDS) == ["r0"]


def test_healthy_storage_says_so_and_is_not_changed(tree: Tree) -> None:
    before = tree.find_list(BUCKETS)
    assert tree.storage.is_healthy() is True
    assert tree.find_list(BUCKETS) == before


def test_what_was_written_is_there_after_reopening(reopen: StorageOpener, shared_url: str) -> None:
    tree = Tree(reopen(shared_url))
    tree.put_parents()
    rows = tree.put_records(3, read=["bob"])
    tree.storage.close()
    again = Tree(reopen(shared_url))
    assert again.read(RECORDS, user="bob").rows == rows[::-1]
    assert again.find_list(RECORDS).live_count == 3


def test_closing_twice_is_closing(storage: Storage) -> None:
    storage.close()
    storage.close()


def test_parallel_writers_lose_nothing(tree: Tree) -> None:
    def write(writer: int) -> None:
        for number in range(15):
            tree.put(record(writer * 100 + number), write=[f"writer {writer}"])

    run_together(6, write)
    place = tree.find_list(RECORDS)
    assert (place.live_count, tree.count(RECORDS)) == (90, 90)


def test_parallel_writers_of_one_object_take_turns(tree: Tree) -> None:
    tree.put(record(0), "0")

    def increment(_: int) -> None:
        for _ in range(20):
            with tree.storage.transaction(write=True) as tx:
                found = tx.find_object(record(0), tx.find_asker("alice")).live
                assert found is not None
                tree.put_in(tx, record(0), str(int(found.data) + 1))

    run_together(5, increment)
    found = tree.find(record(0)).live
    assert found is not None
    assert found.data == "100"


def test_readers_and_writers_work_together(tree: Tree) -> None:
    def work(number: int) -> None:
        for turn in range(20):
            if number % 2:
                tree.put(record(number * 100 + turn))
            else:
                place = tree.find_list(RECORDS)
                assert place.live_count <= 60

    run_together(6, work)
    assert tree.find_list(RECORDS).live_count == 60


def test_two_openings_of_one_database_write_in_turn(reopen: StorageOpener, shared_url: str) -> None:
    trees = [Tree(reopen(shared_url)) for _ in range(3)]
    trees[0].put_parents()

    def write(number: int) -> None:
        for turn in range(15):
            trees[number].put(record(number * 100 + turn))

    run_together(3, write)
    assert [tree.find_list(RECORDS).live_count for tree in trees] == [45, 45, 45]


def test_new_database_can_be_opened_by_several_at_once(
    reopen: StorageOpener, shared_url: str
) -> None:
    opened: list[Storage] = []
    run_together(6, lambda _: opened.append(reopen(shared_url)))
    assert len({storage.read_secret("a") for storage in opened}) == 1


def test_reader_keeps_its_view_while_others_write(reopen: StorageOpener, shared_url: str) -> None:
    tree = Tree(reopen(shared_url))
    tree.put_parents()
    tree.put_records(2)
    with tree.storage.transaction(write=False) as tx:
        asker = tx.find_asker("alice")
        before = tx.find_list(RECORDS, asker, "read")
        run_together(1, lambda _: tree.put_records(5))
        assert tx.find_list(RECORDS, asker, "read") == before
        assert tx.find_object(record(4), asker).row is None
    assert tree.find_list(RECORDS).live_count == 5


def test_readers_do_not_wait_for_a_writer(reopen: StorageOpener, shared_url: str) -> None:
    tree = Tree(reopen(shared_url))
    tree.put_parents()
    with other_writer_thread(tree.storage):
        assert tree.find(COLLECTION).live is not None


def test_writer_that_waits_too_long_for_a_thread_gives_up(
    reopen: StorageOpener, shared_url: str
) -> None:
    storage = reopen(shared_url, busy_timeout_seconds=0.2)
    with other_writer_thread(storage), pytest.raises(Busy):
        Tree(storage).put(BUCKET)
    Tree(storage).put(BUCKET)


def test_writer_that_waits_too_long_for_a_process_gives_up(
    reopen: StorageOpener, shared_url: str
) -> None:
    storage = reopen(shared_url, busy_timeout_seconds=0.2)
    with other_writer_process(shared_url), pytest.raises(Busy):
        Tree(storage).put(BUCKET)
    Tree(storage).put(BUCKET)
    assert storage.is_healthy() is True


def test_deleted_tree_is_gone_for_all_threads(tree: Tree) -> None:
    tree.put_records(3)
    found: list[ObjectRef | None] = []
    tree.delete(BUCKET)
    run_together(2, lambda _: found.append(None if tree.find(record(0)).row is None else BUCKET))
    assert found == [None, None]
