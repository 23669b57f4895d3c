"""How PostgreSQL finds things: by indexes, from the asker's side, as often as it has to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kinto_lite.model import Asker, Query
from kinto_lite.permissions.tree import KINDS, TREE
from kinto_lite.storage.base import StorageOptions, Visibility
from kinto_lite.storage.postgres import statements as sending
from kinto_lite.storage.postgres.engine import PostgresStorage, open_postgres
from tests import postgres_server
from tests.storage.trees import COLLECTION, RECORDS, Tree, record

RECORDS_STORED = 20_000


@pytest.fixture(scope="module")
def tree() -> Iterator[Tree]:
    """A collection with many records that many users may read, some of them bob."""
    url = postgres_server.make_url()
    tree = Tree(open_postgres(url, StorageOptions(KINDS, TREE)))
    tree.put_parents()
    tree.put(record(0), read=["bob"])
    with postgres_server.connect_to(url) as connection:
        fill(connection, tree.list_key(RECORDS))
    yield tree
    tree.storage.close()


def fill(connection: Any, list_key: int) -> None:
    """Store records past the engine, which takes less time."""
    connection.execute(
        "INSERT INTO object (list, id, last_modified, data, fields)"
        " SELECT %s, 'x' || n, 10000 + n, '{}', '{}' FROM generate_series(1, %s) AS n",
        (list_key, RECORDS_STORED),
    )
    connection.execute(
        "INSERT INTO permission (object, principal, name, list)"
        " SELECT key, 1000 + key % 100, 1, list FROM object WHERE id LIKE 'x%'"
    )
    connection.execute("ANALYZE")


def explain(tree: Tree, work: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the plan of the last statement that some work runs."""
    plans: list[str] = []
    run = sending.Statements.run

    def run_and_explain(self: Any, text: str, bindings: Any = None) -> Any:
        found = run(self, f"EXPLAIN {text}", bindings)
        plans.append("\n".join(line for (line,) in found))
        return run(self, text, bindings)

    with tree.storage.transaction(write=False) as tx:
        tx.find_asker("bob")
        monkeypatch.setattr(sending.Statements, "run", run_and_explain)
        work(tx)
    return plans[-1]


def test_a_list_is_read_in_the_order_of_its_index(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tree.list_key(RECORDS)
    plan = explain(
        tree, lambda tx: tx.list_objects(key, "record", Query(limit=20), None), monkeypatch
    )
    assert "Index Scan Backward using object_by_time" in plan
    assert "Sort" not in plan


def test_a_shared_list_starts_from_the_permissions_of_the_asker(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tree.list_key(RECORDS)
    visible = Visibility(Asker("bob", frozenset(), "[1,2,3]"), "read")
    plan = explain(
        tree, lambda tx: tx.list_objects(key, "record", Query(limit=20), visible), monkeypatch
    )
    assert "permission_by_principal" in plan
    assert "Seq Scan on object" not in plan
    assert "Seq Scan on permission\n" not in plan


def test_an_object_is_found_by_indexes(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    asker = Asker("bob", frozenset(), "[1,2,3]")
    plan = explain(tree, lambda tx: tx.find_object(record(0), asker), monkeypatch)
    assert "object_by_id" in plan
    assert "Seq Scan on object" not in plan
    assert "Seq Scan on permission " not in plan


def count_waits(storage: PostgresStorage, write: bool, monkeypatch: pytest.MonkeyPatch) -> int:
    """Count how often reading or writing one record waits for the server."""
    waits: list[int] = []
    exchange = sending.run_statements

    def count(connection: Any, statements: Any) -> Any:
        waits.append(len(statements))
        return exchange(connection, statements)

    monkeypatch.setattr(sending, "run_statements", count)
    if write:
        Tree(storage).put(record(7), write=["alice"])
    else:
        Tree(storage).find(COLLECTION)
    return len(waits)


def test_reading_waits_twice_and_writing_four_times(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.put(record(8), write=["alice"])
    assert count_waits(tree.storage, False, monkeypatch) == 2
    monkeypatch.undo()
    assert count_waits(tree.storage, True, monkeypatch) == 4
