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
from typing import Any, NamedTuple

from kinto_lite.model import Filter, Query, Sort
from kinto_lite.storage.named_queries import fill
from kinto_lite.storage.sqlite.filters import compile_entry, compile_entry_bound
from kinto_lite.storage.sqlite.names import QUERIES

#: Objects that one step puts into an index, in a transaction of its own.
STEP_SIZE = 500
#: Lists that are longer are indexed beside the requests.
BUILT_AT_ONCE = 1000

Execute = Callable[..., Any]
_SIGNS = {"eq": "=", "lt": "<=", "max": "<=", "gt": ">=", "min": ">="}
_NEWEST_FIRST = (Sort("last_modified", True),)


class Narrowing(NamedTuple):
    """How a query uses an index: a condition on the entries, and the order they come in."""

    key: int
    entry: str
    bindings: dict[str, Any]
    #: Terms of ORDER BY that the index gives for nothing, "" for none.
    order: str


def choose_index(query: Query, ready: Mapping[str, int]) -> Narrowing | None:
    """Return the best use of an index for a query: equality, then ranges, then its order."""
    by_operator = {"eq": 0, "lt": 1, "max": 1, "gt": 1, "min": 1}
    usable = [f for f in query.filters if f.field in ready and f.operator in by_operator]
    if usable:
        best = min(usable, key=lambda item: by_operator[item.operator])
        return _narrow_by_filter(best, query, ready[best.field])
    first = query.sort[0]
    if first.field not in ready:
        return None
    direction = "DESC" if first.is_descending else "ASC"
    return Narrowing(ready[first.field], "", {}, f"v.rank {direction}, v.value {direction}, ")


def _narrow_by_filter(item: Filter, query: Query, index: int) -> Narrowing:
    rank, value = compile_entry_bound(item.value)
    bindings = {"vrank": rank, "vvalue": value}
    if item.operator == "eq":
        is_newest_first = query.sort == _NEWEST_FIRST
        order = "v.last_modified DESC, v.object DESC, " if is_newest_first else ""
        return Narrowing(index, "AND v.rank = :vrank AND v.value = :vvalue", bindings, order)
    sign = _SIGNS[item.operator]
    return Narrowing(index, f"AND (v.rank, v.value) {sign} (:vrank, :vvalue)", bindings, "")


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
