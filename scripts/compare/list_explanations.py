"""Does a known difference of lists explain this exchange? One function for each row of the table.

Filters, sorting, pages, counts and the timestamps of lists; all others are in `explanations`.

Source: protocol, core, chapters 2.6, 4.1 and 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from compare.asked import Asked

#: Milliseconds; before anything that a server of today writes by itself.
LONG_AGO = 1_700_000_000_000
ORDERINGS = ("lt_", "gt_", "min_", "max_")


def has_prefix(asked: Asked, prefixes: Iterable[str]) -> bool:
    """Tell whether a parameter begins with one of these."""
    return any(name.startswith(tuple(prefixes)) for name in asked.names)


def shows_a_list(asked: Asked) -> bool:
    """Tell whether both servers answered a list, or counted one, or ours did at least."""
    return asked.is_read and asked.status[1] == 200 and asked.status[0] in (200, 500)


def is_like_failure(asked: Asked) -> bool:
    """MEM answers 500 to like_ as soon as one object lacks a text there."""
    return asked.is_read and asked.failed and has_prefix(asked, ["like_"])


def is_like_of_json(asked: Asked) -> bool:
    """MEM matches numbers and the like in ways of its own."""
    return shows_a_list(asked) and has_prefix(asked, ["like_"]) and is_about_items(asked)


def is_about_items(asked: Asked) -> bool:
    """Tell whether the answers differ in which objects they hold, or how many."""
    places = ("body.data", "header total-", "header next-page", "header etag", "status")
    return all(where.startswith(places) for where in asked.where)


def is_order_failure(asked: Asked) -> bool:
    """MEM answers 500 when two arrays or two objects have to be compared, or has its own order."""
    if not asked.is_read or not has_prefix(asked, ["_sort", "_token", *ORDERINGS]):
        return False
    return asked.failed or (is_about_items(asked) and shows_composites(asked))


def shows_composites(asked: Asked) -> bool:
    """Tell whether an array or an object stands where the list is ordered."""
    names = [name.partition("_")[2] for name in asked.names if name.startswith(ORDERINGS)]
    sorts = [value for name, value in asked.query if name == "_sort"]
    names += [name.strip("+- ") for name in ",".join(sorts).split(",")]
    bodies = [body.get("data") for body in asked.json if isinstance(body, dict)]
    items = [item for data in bodies if isinstance(data, list) for item in data]
    return any(isinstance(item.get(name), list | dict) for item in items for name in names)


def is_has_with_others(asked: Asked) -> bool:
    """MEM ignores whatever comes before a has_: other filters, even who may see what."""
    return shows_a_list(asked) and has_prefix(asked, ["has_"]) and is_about_items(asked)


def is_has_of_time(asked: Asked) -> bool:
    """The reference takes a has_ on the timestamp when its value is an integer."""
    is_refused = asked.is_read and asked.status == (200, 400)
    return is_refused and has_prefix(asked, ["has_last_modified"])


def is_contains_in_text(asked: Asked) -> bool:
    """MEM takes a text for the array of its characters."""
    return shows_a_list(asked) and has_prefix(asked, ["contains_"]) and is_about_items(asked)


def is_true_or_one(asked: Asked) -> bool:
    """MEM takes true for 1 in in_, exclude_ and inside arrays and objects."""
    values = [value for name, value in asked.query if not name.startswith("_")]
    is_ambiguous = any(re.search(r"true|false|\b[01]\b", value) for value in values)
    is_deep = has_prefix(asked, ["in_", "exclude_"]) or any("[" in v or "{" in v for v in values)
    return shows_a_list(asked) and is_ambiguous and is_deep and is_about_items(asked)


def is_since_null(asked: Asked) -> bool:
    """Both backends of the reference return something else, each its own."""
    names = [name for name, value in asked.query if value == "null"]
    return shows_a_list(asked) and bool({"_since", "_before", "_to"} & set(names))


def is_deleted_field(asked: Asked) -> bool:
    """MEM takes a live object with that field for a deleted one in counts."""
    return asked.method == "HEAD" and all("total-" in where for where in asked.where)


def is_unsortable_page(asked: Asked) -> bool:
    """The reference refuses its own token when the last object had an array or object there."""
    return asked.status == (400, 200) and {"_token", "_sort"} <= set(asked.names)


def is_deletion_page(asked: Asked) -> bool:
    """The reference takes the place to go on from the tombstone, which has no other fields."""
    is_page = asked.method == "DELETE" and {"_token", "_sort"} <= set(asked.names)
    return is_page and is_about_items(asked)


def is_foreign_token(asked: Asked) -> bool:
    """The reference takes a token with any filters."""
    return asked.status == (200, 400) and "_token" in asked.names


def is_tie(asked: Asked) -> bool:
    """Objects may have the same timestamp when clients give it; then any order will do."""
    bodies = [body.get("data") for body in asked.json if isinstance(body, dict)]
    lists = [data for data in bodies if isinstance(data, list)]
    times = [[item.get("last_modified") for item in data] for data in lists]
    other_objects, other_times = "body.data[].id", "body.data[].last_modified"
    is_cut_between = other_objects in asked.where and other_times not in asked.where
    has_twins = any(len(set(one)) < len(one) for one in times)
    return is_about_items(asked) and (has_twins or is_cut_between)


def is_bumped_time(asked: Asked) -> bool:
    """The reference takes the counter + 1, without a look at the clock."""
    places = ("header etag", "header last-modified", "body.data.last_modified")
    is_given = "last_modified" in asked.data or "last_modified" in asked.names
    return is_given and all(where in places for where in asked.where)


def is_unstarted_list(asked: Asked) -> bool:
    """In the reference, a refused write starts the timestamp of a list nobody used before."""
    places = ("header etag", "header last-modified")
    bodies = [body.get("data") for body in asked.json if isinstance(body, dict)]
    items = [item for data in bodies if isinstance(data, list) for item in data]
    # What was written with a time of the client's does not move the list's.
    is_old = all(item.get("last_modified", 0) < LONG_AGO for item in items)
    is_list = len(asked.path.strip("/").split("/")) % 2 == 0 or asked.status[0] == 412
    return is_old and is_list and all(where in places for where in asked.where)
