"""Requests about lists: filters, sorting, pages, selected fields, deletion of many objects."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from compare.generator import Generator
from compare.objects import make_precondition
from compare.values import COMPOSITES, SCALARS, WORDS, pick

FIELDS = {
    "title": 5, "n": 6, "v": 6, "tags": 2, "o.x": 2, "o.y.w": 1, "o": 1, "missing": 1, "id": 2,
    "last_modified": 2, "deleted": 1, "a.b": 0, "v-x": 1, "in_stock": 1, "v.": 1, ".v": 0, "é": 1,
}  # fmt: skip
OPERATORS = {
    "": 6, "eq_": 2, "not_": 3, "lt_": 2, "max_": 2, "min_": 2, "gt_": 2, "in_": 3, "exclude_": 3,
    "like_": 3, "has_": 3, "contains_": 2, "contains_any_": 2, "IN_": 1,
}  # fmt: skip
ODD_VALUES = (
    "", "01", "NaN", "'x'", '"abc', "1e0", " 5", "5 ", "1,2", "[1", '"a","b"', "{}", "1.0", "-0",
    "tru", '"1"', "%00", "9" * 25,
)  # fmt: skip


def make_filter_value(g: Generator, operator: str, field: str) -> str:
    """Return the value of a filter as it stands in the query, not yet quoted."""
    if g.chance(0.08):
        return g.rng.choice(ODD_VALUES)
    if field == "last_modified" and g.chance(0.9):
        time = f"«ts:{g.rng.randint(1, len(g.requests) or 1)}»"
        return f'"{time}"' if g.chance(0.2) and not operator else time
    if field == "id":
        names: Sequence[Any] = ["r1", "r2", "r3", "blog", "articles", "x"]
    elif field == "title":
        names = WORDS
    else:
        names = SCALARS if g.chance(0.85) else COMPOSITES
    if operator in ("in_", "exclude_"):
        return ",".join(write_value(g, g.rng.choice(names)) for _ in range(g.rng.randint(0, 3)))
    if operator in ("contains_", "contains_any_") and g.chance(0.7):
        return json.dumps(g.rng.sample(["a", "b", "c", 1, 2, None, True], g.rng.randint(0, 2)))
    if operator == "has_":
        return g.rng.choice(["true", "false", "1", "0", "null", "", '"false"', "[]", "x"])
    if operator == "like_":
        return write_value(
            g, g.rng.choice(["a", "*a", "a*", "*a*t*", "A", "É", "é", "a*b", "*", "", "r"])
        )
    return write_value(g, g.rng.choice(names))


def write_value(g: Generator, value: Any) -> str:
    """Return a value as JSON; a text mostly bare."""
    if isinstance(value, str) and g.chance(0.7):
        return value
    return json.dumps(value, ensure_ascii=False)


def make_filter(g: Generator) -> str:
    """Return one filter of the query."""
    field, operator = pick(g.rng, FIELDS), pick(g.rng, OPERATORS)
    value = make_filter_value(g, operator, field)
    return f"{quote(operator + field)}={escape(value)}"


def escape(value: str) -> str:
    """Quote a value for the query, leaving references alone."""
    return value if value == "%00" else quote(value, safe="«»:-+*,").replace("+", "%2B")


NUMBERS = (
    "abc",
    "true",
    "-1",
    "1.5",
    '"3"',
    "5,6",
    "null",
    "",
    "'5'",
    " 5",
    "9223372036854775809",
    "0",
)
SORTS = (
    "title", "-title", "n", "-n", "v", "-v", "last_modified", "-last_modified", "n,-title",
    "-n,title",
    "o.x", "-o.y.w", "missing", "-missing,n", "%2Bn", "v-x", "--n", '"n"', "", "id", "-id", "n,n",
    "tags", "deleted,-n",
)  # fmt: skip
SELECTIONS = (
    "title", "n,v", "o.x", "o.x,o.y.w", "o", "missing", "o.missing", "tags.x", "title, n", "", "id",
    "deleted", "deleted,n", "last_modified", "v.x", "o.y", "title.x", "in_stock",
)  # fmt: skip
TIMES = (
    "0",
    "1",
    "12345",
    "abc",
    "null",
    "",
    "-1",
    "true",
    "1.5",
    "«now+1000000000»",
    "«now-100000»",
)


#: What puts objects in the order of their ids.
BY_ID = re.compile(r"^(_sort=.*\bid\b|(lt|max|min|gt)_id=)")


def make_query(g: Generator, filters: int) -> list[str]:
    """Return the parts of a query: filters and whatever else a list understands."""
    parts = [make_filter(g) for _ in range(filters)]
    if g.chance(0.35):
        parts.append(f"_sort={g.rng.choice(SORTS)}")
    if g.chance(0.35):
        limit = str(g.rng.randint(1, 4)) if g.chance(0.8) else g.rng.choice(NUMBERS)
        parts.append(f"_limit={escape(limit)}")
    if g.chance(0.25):
        name = pick(g.rng, {"_since": 6, "_before": 3, "_to": 1})
        time = f"«ts:{g.rng.randint(1, len(g.requests) or 1)}»"
        if g.chance(0.2):
            time = g.rng.choice(TIMES)
        elif g.chance(0.2):
            time = f"%22{time}%22"
        parts.append(f"{name}={time}")
    if g.chance(0.15):
        parts.append(f"_fields={escape(g.rng.choice(SELECTIONS))}")
    if g.chance(0.05):
        parts.append(
            g.rng.choice(["_x=1", "_token=abc", "_token=", "_token=1", "a", "&", "_expected=5"])
        )
    g.rng.shuffle(parts)
    return [part for part in parts if g.with_names or not BY_ID.match(part)]


def pick_listed(g: Generator) -> str:
    """Return a list, mostly the one that has the most in it."""
    return "/buckets/blog/collections/articles/records" if g.chance(0.75) else g.pick_list()


def ask_list(g: Generator) -> None:
    """GET or HEAD of a list with any query."""
    path, query = pick_listed(g), make_query(g, pick(g.rng, {0: 4, 1: 6, 2: 2, 3: 1}))
    method = pick(g.rng, {"GET": 8, "HEAD": 2})
    headers = make_precondition(g, path) if g.chance(0.05) else None
    g.listed.append(g.add(method, f"{path}?{'&'.join(query)}" if query else path, None, headers))


def ask_pages(g: Generator) -> None:
    """A list page by page, with writes in between now and then."""
    sort = g.rng.choice(SORTS)
    if "id" in sort and not g.with_names:
        sort = "title"
    query = [
        f"_limit={g.rng.randint(1, 3)}",
        f"_sort={sort}",
        *([make_filter(g)] if g.chance(0.3) else []),
    ]
    if g.chance(0.25):
        query.append("_since=0")
    user = pick(g.rng, {"alice": 4, "bob": 1})
    number = g.add("GET", f"{pick_listed(g)}?{'&'.join(query)}", user=user)
    for _ in range(g.rng.randint(1, 4)):
        if g.chance(0.15):
            path = g.pick_object("record")
            g.add("PUT", path, {"data": g.make_data(path)}, user="alice")
        number = g.add("GET", f"!«next:{number}»", user=user)


def ask_token(g: Generator) -> None:
    """A token of an earlier page, used in some other way."""
    if not g.listed:
        return
    number = g.rng.choice(g.listed)
    path, _, query = g.requests[number - 1].path.removeprefix("/v1").partition("?")
    parts = [part for part in query.split("&") if not part.startswith(("_limit", "_token"))]
    if g.chance(0.7):
        parts.append(f"_limit={g.rng.randint(1, 3)}")
    parts.append(f"_token=«token:{number}»")
    method = g.rng.choice(["GET", "GET", "HEAD", "DELETE"])
    g.add(method, f"{path}?{'&'.join(part for part in parts if part)}")


def ask_deletion(g: Generator) -> None:
    """DELETE of a list: filtered, cut into pages, or of everything."""
    kind = pick(g.rng, {"record": 6, "group": 1, "collection": 1, "bucket": 1})
    path = g.pick_list(kind)
    parts = [make_filter(g) for _ in range(pick(g.rng, {0: 1, 1: 4}))]
    if g.chance(0.5):
        parts.append(f"_limit={g.rng.randint(1, 3)}")
    if g.chance(0.4):
        parts.append(f"_sort={g.rng.choice(SORTS)}")
    parts = [part for part in parts if g.with_names or not BY_ID.match(part)]
    if g.chance(0.2):
        parts.append(f"_since=«ts:{g.rng.randint(1, len(g.requests) or 1)}»")
    number = g.add("DELETE", f"{path}?{'&'.join(parts)}" if parts else path)
    if g.chance(0.4):
        g.add("DELETE", f"!«next:{number}»", user=g.rng.choice(["alice", "alice", "bob"]))
    g.add("GET", f"{path}?_since=0", user="alice")


def ask_fields(g: Generator) -> None:
    """A part of the attributes, of a list or of one object."""
    path = g.pick_object() if g.chance(0.6) else pick_listed(g)
    selection = g.rng.choice(SELECTIONS)
    method = pick(g.rng, {"GET": 8, "HEAD": 1, "PUT": 1})
    body = {"data": {"title": "x"}} if method == "PUT" else None
    g.add(method, f"{path}?_fields={escape(selection)}", body)


def ask_permissions_list(g: Generator) -> None:
    """The list of all that one may do."""
    query = g.rng.choice(
        ["", "?_limit=2", "?_sort=uri", "?exclude_resource_name=record", "?like_uri=blog",
        "?_fields=uri",
         "?in_resource_name=bucket,group", "?bucket_id=blog", "?_since=5", "?permissions=x",
         "?_sort=zz",
         "?_fields=zz", "?record_id=r1", "?_sort=-resource_name,uri", "?_limit=1&_sort=uri"]
    )  # fmt: skip
    if not g.with_names:
        return
    headers = {"If-Match": "*"} if g.chance(0.1) else None
    number = g.add(g.rng.choice(["GET", "GET", "HEAD"]), f"/permissions{query}", None, headers)
    if "_limit" in query:
        g.add("GET", f"!«next:{number}»", user=g.rng.choice(["alice", "bob"]))
