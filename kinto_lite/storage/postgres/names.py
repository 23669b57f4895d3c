"""The numbers of permission names and needs, and the rows of inheritance, kept in step with
`permissions.tree` when the database is opened."""

from __future__ import annotations

from functools import lru_cache

from kinto_lite.permissions.tree import permission_entries
from kinto_lite.storage.base import StorageOptions
from kinto_lite.storage.named_queries import load_queries
from kinto_lite.storage.postgres.driver import Connection

QUERIES = load_queries(
    "kinto_lite.storage.postgres", "objects.sql", "permissions.sql", "indexes.sql"
)


class Names:
    """Translates between (kind, name) and the numbers that this database uses."""

    def __init__(self, connection: Connection) -> None:
        rows = connection.execute(QUERIES["list_permission_names"].encode()).fetchall()
        self.keys: dict[tuple[str, str], int] = {(kind, name): key for key, kind, name in rows}
        self._names: dict[int, tuple[str, str]] = {key: (kind, name) for key, kind, name in rows}
        self.needs = lru_cache(maxsize=4096)(self._needs)

    def name(self, key: int) -> str:
        """Return the name of a stored permission, without its kind."""
        return self._names[key][1]

    def _needs(self, keys: str | None) -> frozenset[tuple[str, str]]:
        return frozenset(self._names[int(key)] for key in keys.split(",")) if keys else frozenset()


def write_names(connection: Connection, options: StorageOptions) -> None:
    """Store names, inheritance and lists of new kinds, unless they are there already. Inside of
    the transaction that migrates; other nodes wait."""
    if is_current(connection, options):
        return
    with connection.pipeline():
        _write_inheritance(connection, options)
        write_kinds(connection, options)


def is_current(connection: Connection, options: StorageOptions) -> bool:
    """Tell whether the names that this program needs are stored."""
    kinds: dict[str, bool] = dict(connection.execute(QUERIES["list_kinds"].encode()).fetchall())
    used = {kind.name for kind in options.kinds}
    if any(is_derived and name not in used for name, is_derived in kinds.items()):
        return False
    rows = set(connection.execute(QUERIES["list_inheritance"].encode()))
    return kinds.keys() >= used and rows == set(options.inheritance)


def _write_inheritance(connection: Connection, options: StorageOptions) -> None:
    names = {(kind.name, name) for kind in options.kinds for name in kind.permissions}
    names |= {(kind, need) for kind, need, _, _ in options.inheritance}
    names |= {(kind, name) for _, _, kind, name in options.inheritance}
    for kind_name, name in sorted(names):
        _run(connection, "insert_permission_name", kind=kind_name, name=name)
    _run(connection, "delete_inheritance")
    _run(connection, "delete_permission_entries")
    for kind_name, need, granting_kind, permission in options.inheritance:
        _run(
            connection,
            "insert_inheritance",
            kind=kind_name,
            need=need,
            granting_kind=granting_kind,
            permission=permission,
        )
    for entry in permission_entries(options.kinds):
        _run(connection, "insert_permission_entry", **entry._asdict())


def write_kinds(connection: Connection, options: StorageOptions) -> None:
    """Make room for the objects of each kind. A kind that was known before, and then not in use
    for a while, lacks it below what was made meanwhile. What is derived is not kept for so long."""
    used = [kind.name for kind in options.kinds]
    for query in ("delete_derived_objects", "reset_derived_lists", "delete_derived_kinds"):
        _run(connection, query, used=used)
    for kind in options.kinds:
        _run(connection, "insert_kind", name=kind.name, is_derived=kind.is_derived)
        if kind.parent is None:
            _run(connection, "insert_root_list", kind=kind.name)
            continue
        plural = next(k.plural for k in options.kinds if k.name == kind.parent)
        _run(
            connection,
            "insert_missing_child_lists",
            kind=kind.name,
            plural=plural,
            parent_kind=kind.parent,
        )


def _run(connection: Connection, query: str, /, **bindings: object) -> None:
    connection.execute(QUERIES[query].encode(), bindings)
