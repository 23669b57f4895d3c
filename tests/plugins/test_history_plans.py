"""What the history costs: statements of a write, and how its queries find things."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.histories import HISTORY, PLUGIN, MakeAsk
from tests.resources.asking import BUCKET, COLLECTION, RECORD, RECORDS, Asking, user_id


@pytest.fixture
def ask(make_ask: MakeAsk) -> Asking:
    """Someone who asks an app with history; bob reads a collection of three records."""
    ask = make_ask(**PLUGIN, experimental_permissions_endpoint="true")
    ask("PUT", BUCKET)
    ask("PUT", COLLECTION, {"permissions": {"read": [user_id("bob")]}})
    for _ in range(3):
        ask("POST", RECORDS)
    return ask


def trace(ask: Asking, method: str, path: str, user: str = "alice") -> list[tuple[str, Any]]:
    """The statements of a request, with what is bound."""
    found: list[tuple[str, Any]] = []

    def note(_: object, text: str, bindings: Any) -> bool:
        found.append((text, bindings))
        return True

    connection = ask.storage.connection()
    connection.exec_trace = note
    try:
        assert ask(method, path, user=user).status_int < 300
    finally:
        connection.exec_trace = None
    return found


def explain(ask: Asking, statements: list[tuple[str, Any]], word: str) -> str:
    """The plan of the one statement that has a word in it."""
    ((text, bindings),) = [one for one in statements if word in one[0]]
    rows = ask.storage.connection().execute(f"EXPLAIN QUERY PLAN {text}", bindings)
    return "\n".join(row[3] for row in rows)


def test_an_entry_takes_five_statements(ask: Asking, make_ask: MakeAsk) -> None:
    plain = make_ask()
    for path in (BUCKET, COLLECTION, RECORD):
        plain("PUT", path)
    more = len(trace(ask, "POST", RECORDS)) - len(trace(plain, "POST", RECORDS))
    assert more == 5


def test_readers_of_an_entry_are_found_by_indexes(ask: Asking) -> None:
    plan = explain(ask, trace(ask, "POST", RECORDS), "SELECT DISTINCT :object")
    assert "SEARCH permission USING PRIMARY KEY (object=?)" in plan
    assert [line for line in plan.splitlines() if "SCAN" in line] == [
        "SCAN CONSTANT ROW",
        "SCAN source",
    ]


def test_entries_of_a_reader_are_found_by_what_she_holds(ask: Asking) -> None:
    plan = explain(ask, trace(ask, "GET", HISTORY, "bob"), "visible (key)")
    assert "permission_by_principal (principal=? AND list=?)" in plan
    assert "SCAN o" not in plan


def test_snapshot_looks_at_one_history_and_one_collection(ask: Asking) -> None:
    path = "/buckets/b/snapshot/collections/c@5"
    plan = explain(ask, trace(ask, "GET", path), "WITH state")
    assert [line for line in plan.splitlines() if "SCAN" in line] == []
    assert "SEARCH entry USING INDEX object_by_time (list=? AND deleted=?)" in plan
    assert "SEARCH record USING INDEX object_by_id (list=? AND id_key=?)" in plan
