"""The storages that the suite runs on, and trees of objects in them.

`make_url` is the place where an engine joins: a name in `ENGINES`, a URL of an empty database.
Tests whose file is not called `test_sqlite_...` use the interface only, so they run on each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kinto_lite.permissions.tree import KINDS, TREE
from kinto_lite.storage.base import Storage, StorageOptions
from kinto_lite.storage.engines import open_storage
from tests import postgres_server
from tests.storage.trees import Tree

#: Every engine, in each way of keeping its data that matters.
ENGINES = ("sqlite-memory", "sqlite-file", "postgresql")
#: Those whose database several threads, processes and openings can use at once.
SHARED_ENGINES = ("sqlite-file", "postgresql")

StorageOpener = Callable[..., Storage]


def make_url(engine: str, folder: Path) -> str:
    """The URL of a new, empty database."""
    if engine == "postgresql":
        return postgres_server.make_url()
    return {"sqlite-memory": "sqlite://", "sqlite-file": f"sqlite:///{folder / 'test.db'}"}[engine]


@pytest.fixture
def options() -> StorageOptions:
    """What engines are told; a writer that waits gives up soon."""
    return StorageOptions(KINDS, TREE, busy_timeout_seconds=5)


@pytest.fixture
def reopen(options: StorageOptions) -> Iterator[StorageOpener]:
    """A function that opens a URL; what it opened is closed after the test."""
    with ExitStack() as stack:

        def open_url(url: str, **changes: Any) -> Storage:
            storage = open_storage(url, options._replace(**changes))
            stack.callback(storage.close)
            return storage

        yield open_url


@pytest.fixture(params=ENGINES)
def storage(request: pytest.FixtureRequest, tmp_path: Path, reopen: StorageOpener) -> Storage:
    """An empty storage, of each engine in turn."""
    return reopen(make_url(request.param, tmp_path))


@pytest.fixture(params=SHARED_ENGINES)
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database that outlives one opening of it."""
    return make_url(request.param, tmp_path)


@pytest.fixture
def tree(storage: Storage) -> Tree:
    """A storage with a bucket and a collection that alice writes, no record yet."""
    tree = Tree(storage)
    tree.put_parents()
    return tree
