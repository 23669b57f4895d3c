"""The write-ahead log stays short while writers never pause, and is gone after closing."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

from kinto_lite.storage.sqlite.checkpoints import HELPING_PAGES
from tests.storage.conftest import StorageOpener
from tests.storage.trees import RECORDS, Tree, record

PAGE_BYTES = 4096


def write_for_a_while(tree: Tree, count: int) -> int:
    """Write large records without a pause; return the greatest size of the log, in pages."""
    log = Path(f"{tree.storage.path}-wal")  # type: ignore[attr-defined]
    greatest = 0
    for number in range(count):
        tree.put(record(number % 50), json.dumps({"text": "x" * 20_000, "n": number}))
        tree.storage.settle()
        greatest = max(greatest, log.stat().st_size // PAGE_BYTES)
    return greatest


def test_the_log_stays_bounded_under_constant_writes(reopen: StorageOpener, tmp_path: Path) -> None:
    tree = Tree(reopen(f"sqlite:///{tmp_path / 'test.db'}"))
    tree.put_parents()
    tree.storage.share_commits()
    assert write_for_a_while(tree, 2000) < HELPING_PAGES * 3


def test_the_log_stays_bounded_while_somebody_reads(reopen: StorageOpener, tmp_path: Path) -> None:
    tree = Tree(reopen(f"sqlite:///{tmp_path / 'test.db'}"))
    tree.put_parents()
    is_done = threading.Event()

    def read() -> None:
        reader = Tree(reopen(f"sqlite:///{tmp_path / 'test.db'}"))
        while not is_done.is_set():
            reader.read(RECORDS)
            time.sleep(0.001)

    thread = threading.Thread(target=read)
    thread.start()
    tree.storage.share_commits()
    greatest = write_for_a_while(tree, 2000)
    is_done.set()
    thread.join()
    assert greatest < HELPING_PAGES * 3


def test_closing_ends_the_thread_and_leaves_one_file(reopen: StorageOpener, tmp_path: Path) -> None:
    storage = reopen(f"sqlite:///{tmp_path / 'test.db'}")
    storage.share_commits()
    Tree(storage).put_parents()
    storage.settle()
    storage.close()
    assert os.listdir(tmp_path) == ["test.db"]
    assert not any(thread.name == "checkpoints" for thread in threading.enumerate())
