"""The inheritance of permissions: the table says what the protocol says."""

from __future__ import annotations

from kinto_lite.permissions.tree import KINDS, TREE, Inheritance, permission_entries

#: Core chapter 8.2: who may do what, by what is stored where.
TABLE = """
bucket      read    bucket: write read collection:create group:create
bucket      write   bucket: write
collection  create  bucket: write collection:create
group       create  bucket: write group:create
group       read    bucket: write read                  group: write read
group       write   bucket: write                       group: write
collection  read    bucket: write read                  collection: write read record:create
collection  write   bucket: write                       collection: write
record      create  bucket: write                       collection: write record:create
record      read    bucket: write read                  collection: write read   record: write read
record      write   bucket: write                       collection: write        record: write
"""
PARENTS = {kind.name: kind.parent for kind in KINDS}


def read_table() -> set[Inheritance]:
    """The rows that the table above says."""
    rows = set()
    for line in TABLE.strip().splitlines():
        kind, need, *words = line.split()
        granting = ""
        for word in words:
            if word.endswith(":"):
                granting = word[:-1]
            else:
                rows.add(Inheritance(kind, need, granting, word))
    return rows


def ancestry(kind: str) -> list[str]:
    """A kind and all kinds that it hangs below."""
    parent = PARENTS[kind]
    return [kind] if parent is None else [kind, *ancestry(parent)]


def test_tree_is_the_table_of_the_protocol() -> None:
    assert set(TREE) == read_table()


def test_no_row_is_said_twice() -> None:
    assert len(TREE) == len(set(TREE))


def test_permissions_are_inherited_downwards_only() -> None:
    assert [row for row in TREE if row.granting_kind not in ancestry(row.kind)] == []


def test_every_granting_permission_can_be_stored() -> None:
    storable = {(kind.name, name) for kind in KINDS for name in kind.permissions}
    assert {(row.granting_kind, row.permission) for row in TREE} == storable


def test_write_on_an_ancestor_is_enough_for_everything_below() -> None:
    for row in TREE:
        above = ancestry(row.kind)[1 if row.need == "create" else 0 :]
        for kind in above:
            assert Inheritance(row.kind, row.need, kind, "write") in TREE


def test_who_may_write_may_read() -> None:
    writers = [row for row in TREE if row.need == "write"]
    assert [row for row in writers if row._replace(need="read") not in TREE] == []


def test_creation_is_granted_by_ancestors_only() -> None:
    creations = [row for row in TREE if row.need == "create"]
    assert [row for row in creations if row.granting_kind == row.kind] == []


def test_every_parent_comes_before_its_children() -> None:
    names = [kind.name for kind in KINDS]
    for number, kind in enumerate(KINDS):
        assert kind.parent is None or kind.parent in names[:number]


def test_plural_is_the_name_with_an_s() -> None:
    assert [kind for kind in KINDS if kind.plural != f"{kind.name}s"] == []


def test_needs_are_listed_by_the_names_of_the_permissions_endpoint() -> None:
    entries = {tuple(entry) for entry in permission_entries(KINDS) if entry.kind != "bucket"}
    assert entries == {
        ("group", "group", "write", "write"),
        ("group", "group", "read", "read"),
        ("collection", "collection", "write", "write"),
        ("collection", "collection", "read", "read:attributes"),
        ("collection", "record", "read", "read"),
        ("collection", "record", "create", "record:create"),
        ("record", "record", "write", "write"),
        ("record", "record", "read", "read"),
    }


def test_buckets_list_what_may_be_created_in_them() -> None:
    names = {entry.name for entry in permission_entries(KINDS) if entry.kind == "bucket"}
    assert names == {"write", "read", "read:attributes", "collection:create", "group:create"}
