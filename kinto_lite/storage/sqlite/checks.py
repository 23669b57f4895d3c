"""Looks for what is wrong in a database file, beside a running server.

First SQLite's own checks: pages, indexes, foreign keys. Then what the engine promises beyond
them, one query each in `checks.sql`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import apsw

from kinto_lite.storage.moving import Finding
from kinto_lite.storage.named_queries import load_queries
from kinto_lite.storage.sqlite.migrations import list_migrations
from kinto_lite.storage.sqlite.snapshot import find_path, open_existing, refuse_old_version

#: Of each kind of finding, how many are named.
NAMED = 5

_QUERIES = load_queries("kinto_lite.storage.sqlite", "checks.sql")
#: Query, what is said of what it finds, after how many there are, and what computes it anew.
_CHECKS: tuple[tuple[str, str, str | None], ...] = (
    ("find_wrong_counters", "lists count their objects wrongly", "repair_wrong_counters"),
    ("find_late_lists", "lists are older than an object in them", "repair_late_lists"),
    ("find_lost_lists", "lists hang below something that is deleted, or is somewhere else", None),
    ("find_bad_data", "objects hold what is no JSON object", None),
    (
        "find_lost_permissions",
        "permissions belong to a deleted object, another list or another kind",
        None,
    ),
    ("find_lost_members", "members are in what is no group, or under another name", None),
    ("find_lost_entries", "entries of field indexes belong to no live object of their list", None),
    ("find_missing_entries", "objects are not in an index of their list", None),
)


def find_faults(url: str, repair: bool) -> list[Finding]:
    """See `storage.moving.Mover`. What is found was there before the repair."""
    path = find_path(url)
    with open_existing(path) as connection:
        refuse_old_version(connection, path)
        connection.execute("BEGIN IMMEDIATE" if repair else "BEGIN")
        faults = list_faults(connection)
        if repair and not any(fault.text.startswith("SQLite") for fault in faults):
            _repair(connection)
            connection.execute("COMMIT")
        return faults


def list_faults(connection: apsw.Connection) -> list[Finding]:
    """Check a database on a connection. When its pages are damaged, nothing else is looked at;
    when its schema is old, nothing that depends on the schema."""
    damages = [Finding(f"SQLite finds damage: {text}") for text in _find_damages(connection)]
    if damages:
        return damages
    faults = list(_find_dangling(connection))
    if int(connection.pragma("user_version")) == len(list_migrations()):
        faults += _find_contradictions(connection)
    return faults


def _find_damages(connection: apsw.Connection) -> list[str]:
    try:
        found = connection.execute(f"PRAGMA integrity_check({NAMED})")
        return [str(text) for (text,) in found if text != "ok"]
    except (apsw.CorruptError, apsw.NotADBError) as error:
        return [str(error)]


def _find_dangling(connection: apsw.Connection) -> Iterator[Finding]:
    """Yield the tables with rows that refer to nothing."""
    counts: dict[tuple[str, str], int] = {}
    for table, _, target, _ in connection.execute("PRAGMA foreign_key_check"):
        counts[table, target] = counts.get((table, target), 0) + 1
    for (table, target), count in counts.items():
        yield Finding(f"{count} rows of {table} refer to a {target} that is not there")


def _find_contradictions(connection: apsw.Connection) -> Iterator[Finding]:
    for query, saying, repair in _CHECKS:
        found = connection.execute(_QUERIES[query])
        named = [str(which) for (which,) in islice(found, NAMED)]
        count = len(named) + sum(1 for _ in found)
        if count:
            more = [*named, "..."] if count > len(named) else named
            yield Finding(f"{count} {saying}: {', '.join(more)}", repair is not None)


def _repair(connection: apsw.Connection) -> None:
    for _, _, repair in _CHECKS:
        if repair is not None:
            connection.execute(_QUERIES[repair])
