"""Indexes on fields of the objects of a list, which the list's parent asks for.

They are rows of one table, as in the SQLite engine, not indexes that PostgreSQL knows of: any
user may ask for some, and each CREATE INDEX would need the owner of the table, wait for all
transactions, and make every statement on `object` slower to plan, for everybody.

An entry holds the rank of the value's type, the number and the text (how it begins), and the
time of the object. Entries only narrow what is looked at: the filters are applied all the same,
and so a missing or shortened value can never make an answer wrong.

A list with few objects is indexed at once. In a longer one the objects are put in step by step
(`storage.builder`), by any node; each step takes the list's turn, as writers do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from kinto_lite.model import Query
from kinto_lite.storage.named_queries import fill
from kinto_lite.storage.narrowing import SIGNS, Narrowing, choose_index, order_entries
from kinto_lite.storage.postgres.driver import Rows
from kinto_lite.storage.postgres.filters import Bindings, bind_entry, compile_entry
from kinto_lite.storage.postgres.names import QUERIES

#: Objects that one step puts into an index, in a transaction of its own.
STEP_SIZE = 1000
#: Lists that are longer are indexed beside the requests.
BUILT_AT_ONCE = 1000

_ENTRY = "(v.rank, v.number, v.text)"
_BOUND = "(%(vrank)s::smallint, %(vnumber)s::numeric, %(vtext)s::text)"


class Runner(Protocol):
    """What runs the statements that build an index: `statements.Statements`, or a command."""

    def send(self, text: str, bindings: Mapping[str, Any] | None = None) -> None:
        """Run a statement, at the latest when the transaction ends."""
        ...

    def run(self, text: str, bindings: Mapping[str, Any] | None = None) -> Rows:
        """Run a statement; return its rows."""
        ...


def narrow(query: Query, ready: Mapping[str, int]) -> Narrowing | None:
    """Return how the best index for a query narrows it; None when none does."""
    choice = choose_index(query, ready)
    if choice is None:
        return None
    if choice.item is None:
        return Narrowing(choice.key, "", {}, order_entries(choice.sort, "rank", "number", "text"))
    condition = f"AND {_ENTRY} {SIGNS[choice.item.operator]} {_BOUND}"
    return Narrowing(choice.key, condition, bind_entry(choice.item.value), choice.order)


def replace_indexes(
    statements: Runner, list_key: int, live_count: int, fields: Sequence[str]
) -> None:
    """Make the indexes of a list those on these fields."""
    found = statements.run(QUERIES["list_indexes"], {"list": list_key})
    present = {field: key for key, field, _ in found}
    for field, key in present.items():
        if field not in fields:
            statements.send(QUERIES["delete_index"], {"key": key})
    for field in fields:
        if field not in present:
            statements.send(QUERIES["insert_index"], {"list": list_key, "field": field})
    if live_count <= BUILT_AT_ONCE:
        for index in statements.run(QUERIES["list_indexes"], {"list": list_key}):
            _build_all(statements, list_key, *index)


def _build_all(
    statements: Runner, list_key: int, index: int, field: str, built_to: int | None
) -> None:
    while built_to is not None:
        built_to = _build(statements, list_key, index, field, built_to)


def write_entries(statements: Runner, list_key: int, object_key: int) -> None:
    """Bring the entries of an object that was written up to date."""
    statements.send(QUERIES["delete_entries"], {"object": object_key})
    for index, field, _ in statements.run(QUERIES["list_indexes"], {"list": list_key}):
        text, bindings = _fill_entry("insert_entry", field)
        statements.send(text, bindings | {"index": index, "object": object_key})


def build_step(statements: Runner) -> bool:
    """Put the next objects into an index that is not complete; False when all are."""
    found = statements.run(QUERIES["find_unbuilt_index"])
    if not found:
        return False
    list_key = found[0][1]
    # Another node may have built a part meanwhile: what counts is what is there in our turn.
    statements.run(QUERIES["lock_list_by_key"], {"list": list_key})
    for index, field, built_to in statements.run(QUERIES["list_indexes"], {"list": list_key}):
        if built_to is not None:
            _build(statements, list_key, index, field, built_to)
            break
    return True


def _build(statements: Runner, list_key: int, index: int, field: str, built_to: int) -> int | None:
    """Put the next objects into one index; return up to where it is built, None: completely."""
    position = {"list": list_key, "built_to": built_to}
    ((end,),) = statements.run(QUERIES["find_end_of_step"], position | {"size": STEP_SIZE})
    if end is not None:
        text, bindings = _fill_entry("build_entries", field)
        statements.send(text, bindings | position | {"index": index, "end": end})
    statements.send(QUERIES["move_index"], {"key": index, "built_to": end})
    return None if end is None else int(end)


def _fill_entry(name: str, field: str) -> tuple[str, Bindings]:
    entry, bindings = compile_entry(field)
    return fill(QUERIES[name], ("entry", entry)), dict(bindings)
