"""Indexes on fields of the objects of a list, which the list's parent asks for.

An entry holds the rank of the value's type, the value (of long texts, how they begin), and the
time of the object, so that one index serves equality in the default order, ranges, and
sorting. Entries only narrow what is looked at: the filters are applied all the same, and so a
missing or shortened value can never make an answer wrong.

A list with few objects is indexed at once. In a longer one the objects are put in step by
step (`builder`), and the index is used when it is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kinto_lite.model import Query
from kinto_lite.storage.named_queries import fill
from kinto_lite.storage.narrowing import SIGNS, Narrowing, choose_index, order_entries
from kinto_lite.storage.sqlite.filters import compile_entry, compile_entry_bound
from kinto_lite.storage.sqlite.names import QUERIES

#: Objects that one step puts into an index, in a transaction of its own.
STEP_SIZE = 500
#: Lists that are longer are indexed beside the requests.
BUILT_AT_ONCE = 1000

Execute = Callable[..., Any]


def narrow(query: Query, ready: Mapping[str, int]) -> Narrowing | None:
    """Return how the best index for a query narrows it; None when none does."""
    choice = choose_index(query, ready)
    if choice is None:
        return None
    if choice.item is None:
        return Narrowing(choice.key, "", {}, order_entries(choice.sort, "rank", "value"))
    rank, value = compile_entry_bound(choice.item.value)
    condition = f"AND (v.rank, v.value) {SIGNS[choice.item.operator]} (:vrank, :vvalue)"
    if choice.item.operator == "eq":
        condition = "AND v.rank = :vrank AND v.value = :vvalue"
    return Narrowing(choice.key, condition, {"vrank": rank, "vvalue": value}, choice.order)


def replace_indexes(
    execute: Execute, list_key: int, live_count: int, fields: Sequence[str]
) -> None:
    """Make the indexes of a list those on these fields."""
    present = {field: key for key, field, _ in execute(QUERIES["list_indexes"], {"list": list_key})}
    for field, key in present.items():
        if field not in fields:
            execute(QUERIES["delete_index"], {"key": key})
    for field in fields:
        if field not in present:
            execute(QUERIES["insert_index"], {"list": list_key, "field": field})
    if live_count <= BUILT_AT_ONCE:
        while build_step(execute, list_key):
            pass


def write_entries(execute: Execute, list_key: int, object_key: int) -> None:
    """Bring the entries of an object that was written up to date."""
    execute(QUERIES["delete_entries"], {"object": object_key})
    for index, field, _ in list(execute(QUERIES["list_indexes"], {"list": list_key})):
        text, bindings = _fill_entry("insert_entry", field)
        execute(text, bindings | {"index": index, "object": object_key})


def build_step(execute: Execute, list_key: int | None = None) -> bool:
    """Put the next objects into an index that is not complete; False when all are.

    With `list_key`, only indexes of that list count.
    """
    found = execute(QUERIES["find_unbuilt_index"]).fetchone()
    if found is None or (list_key is not None and found[1] != list_key):
        return False
    index, list_, field, built_to = found
    position = {"list": list_, "built_to": built_to}
    ((end,),) = execute(QUERIES["find_end_of_step"], position | {"size": STEP_SIZE})
    if end is not None:
        text, bindings = _fill_entry("build_entries", field)
        execute(text, bindings | position | {"index": index, "end": end})
    execute(QUERIES["move_index"], {"key": index, "built_to": end})
    return True


def _fill_entry(name: str, field: str) -> tuple[str, dict[str, Any]]:
    rank, value, bindings = compile_entry(field)
    return fill(QUERIES[name], ("rank", rank), ("value", value)), dict(bindings)
