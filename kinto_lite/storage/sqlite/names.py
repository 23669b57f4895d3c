"""The numbers of permission names and needs, and the rows of inheritance, kept in step with
`permissions.tree` when the database is opened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import apsw

from kinto_lite.permissions.tree import permission_entries
from kinto_lite.storage.base import StorageOptions
from kinto_lite.storage.named_queries import load_queries

QUERIES = load_queries("kinto_lite.storage.sqlite", "objects.sql", "permissions.sql", "indexes.sql")

#: Characters of permissions that are remembered.
LONGEST_REMEMBERED = 500


class Names:
    """Translates between (kind, name) and the numbers that this database uses."""

    def __init__(self, connection: apsw.Connection, options: StorageOptions) -> None:
        write_names(connection, options)
        rows = list(connection.execute(QUERIES["list_permission_names"]))
        self.keys: dict[tuple[str, str], int] = {(kind, name): key for key, kind, name in rows}
        self._names: dict[int, tuple[str, str]] = {key: (kind, name) for key, kind, name in rows}
        self.needs = lru_cache(maxsize=4096)(self._needs)
        self._remembered = lru_cache(maxsize=1024)(self._read)

    def name(self, key: int) -> str:
        """Return the name of a stored permission, without its kind."""
        return self._names[key][1]

    def group(self, rows: Iterable[Sequence[Any]]) -> dict[str, list[str]]:
        """Return principals by the name of their permission, from (key, principal)."""
        lists: dict[str, list[str]] = {}
        for key, principal in rows:
            lists.setdefault(self.name(key), []).append(principal)
        return lists

    def shown(self, pairs: str) -> Mapping[str, list[str]]:
        """Return the same from JSON text. Neighbours often have equal permissions, so short
        texts are remembered: what is returned must not be changed."""
        return self._remembered(pairs) if len(pairs) <= LONGEST_REMEMBERED else self._read(pairs)

    def _read(self, pairs: str) -> Mapping[str, list[str]]:
        return self.group(json.loads(pairs))

    def _needs(self, keys: str | None) -> frozenset[tuple[str, str]]:
        return frozenset(self._names[int(key)] for key in keys.split(",")) if keys else frozenset()


def write_names(connection: apsw.Connection, options: StorageOptions) -> None:
    """Store names, inheritance and lists of new kinds, unless they are there already."""
    if _is_current(connection, options):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _write_inheritance(connection, options)
        write_kinds(connection, options)
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _is_current(connection: apsw.Connection, options: StorageOptions) -> bool:
    kinds = dict(connection.execute(QUERIES["list_kinds"]))
    used = {kind.name for kind in options.kinds}
    if any(is_derived and name not in used for name, is_derived in kinds.items()):
        return False
    rows = set(connection.execute(QUERIES["list_inheritance"]))
    return kinds.keys() >= used and rows == set(options.inheritance)


def _write_inheritance(connection: apsw.Connection, options: StorageOptions) -> None:
    names = {(kind.name, name) for kind in options.kinds for name in kind.permissions}
    names |= {(kind, need) for kind, need, _, _ in options.inheritance}
    names |= {(kind, name) for _, _, kind, name in options.inheritance}
    for kind_name, name in sorted(names):
        connection.execute(QUERIES["insert_permission_name"], {"kind": kind_name, "name": name})
    connection.execute(QUERIES["delete_inheritance"])
    connection.execute(QUERIES["delete_permission_entries"])
    for kind_name, need, granting_kind, permission in options.inheritance:
        connection.execute(
            QUERIES["insert_inheritance"],
            {
                "kind": kind_name,
                "need": need,
                "granting_kind": granting_kind,
                "permission": permission,
            },
        )
    for entry in permission_entries(options.kinds):
        connection.execute(QUERIES["insert_permission_entry"], entry._asdict())


def write_kinds(connection: apsw.Connection, options: StorageOptions) -> None:
    """Make room for the objects of each kind. A kind that was known before, and then not in use
    for a while, lacks it below what was made meanwhile. What is derived is not kept for so long."""
    bindings = {"used": json.dumps([kind.name for kind in options.kinds])}
    for query in ("delete_derived_objects", "reset_derived_lists", "delete_derived_kinds"):
        connection.execute(QUERIES[query], bindings)
    for kind in options.kinds:
        connection.execute(
            QUERIES["insert_kind"], {"name": kind.name, "is_derived": kind.is_derived}
        )
        if kind.parent is None:
            connection.execute(QUERIES["insert_root_list"], {"kind": kind.name})
            continue
        plural = next(k.plural for k in options.kinds if k.name == kind.parent)
        connection.execute(
            QUERIES["insert_missing_child_lists"],
            {"kind": kind.name, "plural": plural, "parent_kind": kind.parent},
        )
