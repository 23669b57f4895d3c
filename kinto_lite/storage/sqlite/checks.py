"""Looks for what is wrong in a database file, beside a running server.

First SQLite's own checks: pages, indexes, foreign keys. Then what the engine promises beyond
them, one query each in `checks.sql`; the comment of a query is the text of its finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from itertools import islice

import apsw

from kinto_lite.storage.moving import Finding
from kinto_lite.storage.named_queries import parse_queries
from kinto_lite.storage.sqlite.migrations import list_migrations
from kinto_lite.storage.sqlite.snapshot import find_path, open_existing, refuse_old_version

#: Of each kind of finding, how many are named.
NAMED = 5

_TEXT = resources.files(__package__).joinpath("checks.sql").read_text("utf-8")
_QUERIES = dict(parse_queries(_TEXT))
_SENTENCES = dict(re.findall(r"^-- name: (\w+)\n-- (.+)$", _TEXT, re.MULTILINE))


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
    for name, query in _QUERIES.items():
        if not name.startswith("find_"):
            continue
        found = connection.execute(query)
        named = [str(which) for (which,) in islice(found, NAMED)]
        count = len(named) + sum(1 for _ in found)
        if count:
            more = [*named, "..."] if count > len(named) else named
            sentence = _SENTENCES[name].replace("%d", str(count), 1)
            yield Finding(sentence.replace("%s", ", ".join(more), 1), _is_repairable(name))


def _is_repairable(name: str) -> bool:
    return name.replace("find_", "repair_") in _QUERIES


def _repair(connection: apsw.Connection) -> None:
    for name, query in _QUERIES.items():
        if name.startswith("repair_"):
            connection.execute(query)
