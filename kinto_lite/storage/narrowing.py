"""Which index on a field serves a query: the same choice for every engine.

Leaves what an index holds, and the SQL that uses it, to the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kinto_lite.model import Filter, Query, Sort

#: Operators that an index serves, and how its entries compare with a value. They may hold the
#: beginning of a long text only, so what is equal to its bound is looked at, too.
SIGNS = {"eq": "=", "lt": "<=", "max": "<=", "gt": ">=", "min": ">="}
_BY_TIME = ("last_modified", "id")
_NEWEST_FIRST = (Sort("last_modified", True),)
_NEWEST_ENTRIES_FIRST = "v.last_modified DESC, v.object DESC, "


class Narrowing(NamedTuple):
    """How a query uses an index: a condition on the entries, and the order they come in."""

    key: int
    entry: str
    bindings: dict[str, Any]
    #: Terms of ORDER BY that the index gives for nothing, "" for none.
    order: str


class Choice(NamedTuple):
    """An index, and what it is used for: a filter; without one, the first sort key."""

    key: int
    item: Filter | None
    sort: Sort
    #: Terms of ORDER BY that entries of this filter come in, "" for none.
    order: str = ""


def may_use_index(query: Query, is_partial: bool) -> bool:
    """Tell whether an index on a field could serve a query. `is_partial`: the asker sees a part
    of the list, which is found by permissions."""
    is_plain = not query.filters and query.sort[0].field in _BY_TIME
    return not (is_plain or is_partial or query.with_deleted)


def choose_index(query: Query, ready: Mapping[str, int]) -> Choice | None:
    """Return the best use of an index for a query: equality, then ranges, then its order.

    `ready` are the keys of complete indexes by their fields.
    """
    first = query.sort[0]
    usable = [f for f in query.filters if f.field in ready and f.operator in SIGNS]
    if usable:
        best = min(usable, key=lambda item: item.operator != "eq")
        serves_order = best.operator == "eq" and query.sort == _NEWEST_FIRST
        order = _NEWEST_ENTRIES_FIRST if serves_order else ""
        return Choice(ready[best.field], best, first, order)
    return Choice(ready[first.field], None, first) if first.field in ready else None


def order_entries(sort: Sort, *parts: str) -> str:
    """Return terms of ORDER BY for entries whose parts these are."""
    direction = "DESC" if sort.is_descending else "ASC"
    return "".join(f"v.{part} {direction}, " for part in parts)
