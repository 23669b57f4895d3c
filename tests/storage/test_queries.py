"""Both engines have the same queries, but for what the table says."""

from __future__ import annotations

from kinto_lite.storage.postgres.names import QUERIES as POSTGRES
from kinto_lite.storage.sqlite.names import QUERIES as SQLITE

#: Rows of the one that the other sends several of at once.
PLURALS = {
    "insert_member": "insert_members",
    "insert_permission": "insert_permissions",
    "insert_principal": "insert_principals",
}
#: SQLite locks the whole file, and says in Python how long things may take.
TURNS = {
    *("begin_read", "begin_write", "limit_read", "limit_write"),
    *("lock_list", "lock_list_at_once", "lock_list_by_key", "lock_lists_below", "lock_all_lists"),
    "lock_owned_lists",
}
#: An SQLite file is as safe as the engine opens it.
RISKS = {"find_risks"}
#: What flush does with what is not deleted.
FLUSHING = {"delete_all_principals", "reset_root_lists"}


def test_queries_have_the_same_names() -> None:
    names = {PLURALS.get(name, name) for name in SQLITE}
    assert names ^ set(POSTGRES) == TURNS | RISKS | FLUSHING
