"""Looks for what is wrong in a database, beside running servers: what the engine promises, one
query each in `checks.sql`. Damaged pages are PostgreSQL's own business (`pg_amcheck`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Any, NamedTuple

from kinto_lite.storage.moving import Finding
from kinto_lite.storage.named_queries import load_queries
from kinto_lite.storage.postgres.driver import (
    Connection,
    Rows,
    Statement,
    run_statements,
    stream_rows,
)
from kinto_lite.storage.postgres.names import QUERIES
from kinto_lite.storage.postgres.snapshot import PostgresSnapshot, open_existing
from kinto_lite.storage.postgres.texts import decode_text, make_fields

#: Of each kind of finding, how many are named.
NAMED = 5
#: Objects whose data are looked at together.
PAGE_SIZE = 500
#: How long a repair waits for writers that are at work, in milliseconds.
WAIT_MS = 60_000
_HALF = "\\ud"
_TOMBSTONE = '{"deleted":true}'

_QUERIES = load_queries("kinto_lite.storage.postgres", "checks.sql")
#: Query, what is said of what it finds, after how many there are, and what computes it anew.
_CHECKS: tuple[tuple[str, str, str | None], ...] = (
    ("find_wrong_counters", "lists count their objects wrongly", "repair_wrong_counters"),
    ("find_late_lists", "lists are older than an object in them", "repair_late_lists"),
    ("find_lost_lists", "lists hang below something that is deleted, or is somewhere else", None),
    ("find_lost_objects", "objects refer to a list that is not there", None),
    (
        "find_lost_permissions",
        "permissions belong to a deleted object, another list or another kind, or to nobody",
        None,
    ),
    ("find_lost_members", "members are in what is no group, or under another name", None),
    ("find_lost_entries", "entries of field indexes belong to no live object of their list", None),
    ("find_missing_entries", "objects are not in an index of their list", None),
)


class _Page(NamedTuple):
    """Some objects: the keys of those whose data are no JSON object, and of the others the keys
    with what `fields` has to be (None: the data)."""

    bad: list[int]
    keys: list[int]
    fields: list[str | None]


def find_faults(url: str, repair: bool) -> list[Finding]:
    """See `storage.moving.Mover`. What is found was there before the repair."""
    with open_existing(url) as connection:
        database = PostgresSnapshot(connection)
        if not repair:
            database.run("begin_snapshot")
            database.run("set_patience", wait=0)
            return list_faults(connection)
        _run(connection, (QUERIES["begin_write"], None))
        database.run("set_patience", wait=WAIT_MS)
        # Nobody may write between what is found and what is done about it.
        _run(connection, (QUERIES["lock_all_lists"], None))
        faults = list_faults(connection)
        if any(fault.can_repair for fault in faults):
            _repair(connection)
        _run(connection, ("COMMIT", None))
        return faults


def list_faults(connection: Connection) -> list[Finding]:
    """Check a database on a connection that is in a transaction. Errors: DriverError."""
    faults = []
    for query, saying, repair in _CHECKS:
        with closing(stream_rows(connection, (_QUERIES[query], None))) as found:
            names = (decode_text(str(which)) for (which,) in found)
            faults += _describe(names, saying, repair is not None)
    return faults + _check_data(connection)


def _describe(found: Iterator[str], saying: str, can_repair: bool) -> list[Finding]:
    named = list(islice(found, NAMED))
    count = len(named) + sum(1 for _ in found)
    if not count:
        return []
    more = [*named, "..."] if count > len(named) else named
    return [Finding(f"{count} {saying}: {', '.join(more)}", can_repair)]


def _check_data(connection: Connection) -> list[Finding]:
    bad: list[int] = []
    other: list[int] = []
    counts = [0, 0]
    for page in _read_pages(connection):
        found = _run(connection, _compare("find_other_fields", page))
        for place, named, keys in ((0, bad, page.bad), (1, other, [key for (key,) in found])):
            counts[place] += len(keys)
            named += keys[: NAMED - len(named)]
    return [
        *_name_objects(connection, bad, counts[0], "objects hold what is no JSON object", False),
        *_name_objects(
            connection, other, counts[1], "objects are found by other fields than they have", True
        ),
    ]


def _name_objects(
    connection: Connection, keys: list[int], count: int, saying: str, can_repair: bool
) -> list[Finding]:
    if not count:
        return []
    found = [_run(connection, (_QUERIES["name_object"], {"key": key})) for key in keys]
    names = [decode_text(uri) for rows in found for (uri,) in rows]
    more = [*names, "..."] if count > len(keys) else names
    return [Finding(f"{count} {saying}: {', '.join(more)}", can_repair)]


def _read_pages(connection: Connection) -> Iterator[_Page]:
    after = 0
    while True:
        bindings = {"after": after, "size": PAGE_SIZE}
        rows = _run(connection, (_QUERIES["list_data"], bindings))
        if not rows:
            return
        after = rows[-1][0]
        yield _sort_out(rows)


def _sort_out(rows: Iterable[tuple[Any, ...]]) -> _Page:
    page = _Page([], [], [])
    for key, is_deleted, data in rows:
        if not is_sound(data, is_deleted):
            page.bad.append(key)
            continue
        fields = make_fields(data)
        page.keys.append(key)
        page.fields.append(None if fields is data else fields)
    return page


def is_sound(data: str, is_deleted: bool) -> bool:
    """Tell whether a text is what an object, or a tombstone, has as its data."""
    if is_deleted:
        return data == _TOMBSTONE
    try:
        value = json.loads(data, parse_constant=_refuse_constant)
        if _HALF in data.lower():
            # Fails for halves of surrogate pairs, which no text may have.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return isinstance(value, dict)
    except ValueError:
        return False


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _repair(connection: Connection) -> None:
    for _, _, repair in _CHECKS:
        if repair is not None:
            _run(connection, (_QUERIES[repair], None))
    for page in _read_pages(connection):
        _run(connection, _compare("repair_fields", page))


def _compare(query: str, page: _Page) -> Statement:
    return _QUERIES[query], {"keys": page.keys, "fields": page.fields}


def _run(connection: Connection, statement: Statement) -> Rows:
    (result,) = run_statements(connection, [statement])
    return result.rows
