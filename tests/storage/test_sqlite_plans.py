"""How SQLite finds things: the plans of the real queries, and their work, which does not grow.

Plans are read from the statements that the engine really runs, with filters, sorts and positions
in place, and again after the statistics of the query planner were made. Work is counted in steps
of SQLite's virtual machine, never in time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import apsw
import pytest

from kinto_lite.model import Filter, Page, Query, Sort
from kinto_lite.permissions.tree import KINDS, TREE
from kinto_lite.storage.base import StorageOptions, Transaction, Visibility
from kinto_lite.storage.engines import open_storage
from kinto_lite.storage.sqlite.engine import SqliteStorage
from tests.storage.trees import RECORDS, Tree, record

Use = Callable[[Transaction], object]

NEWEST = Query(limit=30)
OLDEST = Query(limit=30, sort=(Sort("last_modified"),))
SHARED = 15
CHANGES = 10


def load(records: int) -> SqliteStorage:
    """A database whose records alice writes, bob reads some of, and many others have a part in.

    Each tenth record was deleted; the last changes are a tombstone, an update, and so on.
    """
    options = StorageOptions(KINDS, TREE)
    storage = cast(SqliteStorage, open_storage("sqlite://", options))
    tree = Tree(storage)
    tree.put_parents()
    with storage.transaction(write=True) as tx:
        for number in range(records):
            readers = [f"user {number}"] + ["bob"] * (number % (records // SHARED) == 1)
            tree.put_in(tx, record(number), f'{{"n":{number}}}', write=["alice"], read=readers)
        for number in range(0, records, 10):
            tree.delete_in(tx, record(number))
        for number in range(1, CHANGES, 2):
            tree.put_in(tx, record(number * 10 + 3))
            tree.delete_in(tx, record(number * 10 + 4))
    return storage


@pytest.fixture(scope="module", params=["without statistics", "with statistics"])
def storage(request: pytest.FixtureRequest) -> Iterator[SqliteStorage]:
    """A database of 1,000 records."""
    storage = load(1000)
    if request.param == "with statistics":
        storage.connection().execute("ANALYZE")
        storage.connection().pragma("optimize")
    yield storage
    storage.close()


def trace(storage: SqliteStorage, use: Use) -> list[tuple[str, Any]]:
    """The statements, with what is bound, that a use of the storage runs after `BEGIN`."""
    found: list[tuple[str, Any]] = []

    def note(_: object, text: str, bindings: Any) -> bool:
        found.append((text, bindings))
        return True

    with storage.transaction(write=False) as tx:
        storage.connection().exec_trace = note
        try:
            use(tx)
        finally:
            storage.connection().exec_trace = None
    return found


def explain(storage: SqliteStorage, use: Use) -> str:
    """The plan of the last statement of a use: one step per line."""
    text, bindings = trace(storage, use)[-1]
    steps = storage.connection().execute(f"EXPLAIN QUERY PLAN {text}", bindings)
    return "\n".join(detail for *_, detail in steps)


def find_object(tx: Transaction) -> object:
    """Look at a record as somebody who may read it only."""
    return tx.find_object(record(1), tx.find_asker("bob"))


def find_list(tx: Transaction) -> object:
    """Look at the list of records."""
    return tx.find_list(RECORDS, tx.find_asker("bob"), "read")


def find_asker(tx: Transaction) -> object:
    """Find out who somebody is that nobody remembers."""
    return tx.find_asker("carol")


def list_records(query: Query, user: str | None = None) -> Callable[[Transaction], Page]:
    """Read a page of records; with a user, of what is shared with her."""

    def use(tx: Transaction) -> Page:
        asker = tx.find_asker(user)
        list_key = tx.find_list(RECORDS, asker, "read").list_key
        assert list_key is not None
        visible = None if user is None else Visibility(asker, "read")
        return tx.list_objects(list_key, "record", query, visible)

    return use


def count_shared(tx: Transaction) -> int:
    """Count what is shared with bob."""
    asker = tx.find_asker("bob")
    list_key = tx.find_list(RECORDS, asker, "read").list_key
    assert list_key is not None
    return tx.count_objects(list_key, "record", Query(), Visibility(asker, "read"))


def read(storage: SqliteStorage, query: Query) -> Page:
    """Run such a page."""
    with storage.transaction(write=False) as tx:
        return list_records(query)(tx)


def since(storage: SqliteStorage, sort: tuple[Sort, ...] = NEWEST.sort) -> Query:
    """The query for the last changes, tombstones included."""
    rows = read(storage, Query(limit=CHANGES + 1, with_deleted=True)).rows
    newer = Filter("last_modified", "gt", rows[-1].last_modified)
    return Query((newer,), sort, 30, with_deleted=True)


def second_page(storage: SqliteStorage, query: Query) -> Query:
    """The query for the page after the first one."""
    last = read(storage, query).rows[-1]
    after = (last.last_modified, last.key)
    return Query(query.filters, query.sort, query.limit, after, query.with_deleted)


# Plans


@pytest.mark.parametrize("use", [find_object, find_list, find_asker])
def test_each_request_finds_its_place_by_indexes_alone(storage: SqliteStorage, use: Use) -> None:
    plan = explain(storage, use)
    assert "SEARCH" in plan
    scanned = re.findall(r"SCAN (?!(?:asker|wanted) VIRTUAL TABLE)(.*)", plan)
    assert scanned == []
    assert "AUTOMATIC" not in plan


def test_needs_are_looked_up_by_object_and_principal(storage: SqliteStorage) -> None:
    plan = explain(storage, find_object)
    # Twice: once for the needs, once for who is shown the permissions.
    assert plan.count("SEARCH permission USING PRIMARY KEY (object=? AND principal=?)") == 2
    assert "SEARCH permission_name USING INTEGER PRIMARY KEY (rowid=?)" in plan


@pytest.mark.parametrize("query", [NEWEST, OLDEST])
@pytest.mark.parametrize("page", ["first", "second"])
def test_page_in_order_of_time_comes_from_the_index(
    storage: SqliteStorage, query: Query, page: str
) -> None:
    if page == "second":
        query = second_page(storage, query)
    plan = explain(storage, list_records(query))
    assert re.fullmatch(r"SEARCH o USING INDEX object_by_time \(list=\? AND deleted=\?.*\)", plan)


def test_second_page_begins_at_its_position(storage: SqliteStorage) -> None:
    plan = explain(storage, list_records(second_page(storage, NEWEST)))
    assert "(list=? AND deleted=? AND last_modified<?)" in plan


@pytest.mark.parametrize("sort", [NEWEST.sort, OLDEST.sort])
@pytest.mark.parametrize("page", ["first", "second"])
def test_changes_are_merged_from_two_ranges_of_the_index(
    storage: SqliteStorage, sort: tuple[Sort, ...], page: str
) -> None:
    query = since(storage, sort)
    if page == "second":
        query = second_page(storage, query)
    plan = explain(storage, list_records(query))
    searches = re.findall(r"SEARCH o USING INDEX object_by_time \(list=\? AND deleted=\? AND", plan)
    assert len(searches) == 2
    assert "MERGE (UNION ALL)" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    "query", [NEWEST, OLDEST, Query((Filter("n", "gt", 3),), (Sort("n"), Sort("last_modified")))]
)
def test_shared_list_starts_from_the_rows_of_the_asker(
    storage: SqliteStorage, query: Query
) -> None:
    plan = explain(storage, list_records(query, "bob")).splitlines()
    assert re.match(r"SCAN asker VIRTUAL TABLE", plan[1])
    assert "permission USING COVERING INDEX permission_by_principal (principal=? AND li" in plan[2]
    assert "SEARCH o USING INTEGER PRIMARY KEY (rowid=?)" in plan
    assert not any(step.startswith("SCAN o") for step in plan)


def test_counting_a_shared_list_starts_from_the_rows_of_the_asker(storage: SqliteStorage) -> None:
    plan = explain(storage, count_shared)
    assert "permission_by_principal (principal=? AND list=?)" in plan
    assert "SEARCH o USING INTEGER PRIMARY KEY (rowid=?)" in plan


def test_one_id_is_found_by_the_index_of_ids(storage: SqliteStorage) -> None:
    plan = explain(storage, list_records(Query((Filter("id", "eq", "r7"),))))
    assert "(list=? AND id_key=?)" in plan


# Work


@pytest.fixture(scope="module")
def small_and_large() -> Iterator[tuple[SqliteStorage, SqliteStorage]]:
    """Two databases that differ in size only."""
    storages = (load(1000), load(30000))
    yield storages
    for storage in storages:
        storage.close()


def count_steps(storage: SqliteStorage, use: Use) -> int:
    """The steps of SQLite's virtual machine that the last statement of a use takes."""
    text, bindings = trace(storage, use)[-1]
    steps = []

    def note(event: dict[str, Any]) -> None:
        steps.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])

    connection = storage.connection()
    connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, note)
    found = list(connection.execute(text, bindings))
    connection.trace_v2(0, None)
    assert found
    return int(steps[-1])


def assert_same_work(storages: tuple[SqliteStorage, SqliteStorage], uses: Sequence[Use]) -> None:
    """The work on both databases differs by less than a fifth."""
    small, large = (count_steps(storage, use) for storage, use in zip(storages, uses, strict=True))
    assert abs(large - small) <= small / 5, (small, large)


def test_page_takes_the_same_work_among_more_records(
    small_and_large: tuple[SqliteStorage, SqliteStorage],
) -> None:
    assert_same_work(small_and_large, [list_records(NEWEST)] * 2)


def test_second_page_takes_the_same_work_among_more_records(
    small_and_large: tuple[SqliteStorage, SqliteStorage],
) -> None:
    uses = [list_records(second_page(storage, NEWEST)) for storage in small_and_large]
    assert_same_work(small_and_large, uses)


def test_shared_list_takes_the_same_work_among_more_records(
    small_and_large: tuple[SqliteStorage, SqliteStorage],
) -> None:
    assert_same_work(small_and_large, [list_records(NEWEST, "bob")] * 2)
    assert_same_work(small_and_large, [count_shared] * 2)


def test_changes_take_the_same_work_among_more_records(
    small_and_large: tuple[SqliteStorage, SqliteStorage],
) -> None:
    uses = [list_records(since(storage)) for storage in small_and_large]
    assert_same_work(small_and_large, uses)


@pytest.mark.parametrize("use", [find_object, find_list])
def test_finding_a_place_takes_the_same_work_among_more_records(
    small_and_large: tuple[SqliteStorage, SqliteStorage], use: Use
) -> None:
    assert_same_work(small_and_large, [use] * 2)


def test_finding_an_object_takes_no_more_work_when_many_share_it() -> None:
    """The rows of an object are looked up for the asker, not looked through."""
    storage = load(150)
    tree = Tree(storage)
    before = count_steps(storage, find_object)
    tree.put(record(1), read=["bob", *(f"friend {number}" for number in range(3000))])
    assert count_steps(storage, find_object) <= before * 1.2
    storage.close()
