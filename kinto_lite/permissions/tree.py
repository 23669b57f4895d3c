"""The inheritance of permissions, as rows. The storage writes them into a table at start and
joins on it; nothing else in the code knows who inherits from whom.

A *need* is what a request asks for: (kind, "read" | "write" | "create"). A *grant* is what
is stored on an object: (kind, permission name). One row says that this grant, on the
object itself or on an ancestor, is enough for that need.

Source: protocol, part 1, chapter 8.1 and 8.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kinto_lite.model import Kind

KINDS: tuple[Kind, ...] = (
    Kind("bucket", "buckets", None, ("read", "write", "collection:create", "group:create")),
    Kind("group", "groups", "bucket", ("read", "write")),
    Kind("collection", "collections", "bucket", ("read", "write", "record:create")),
    Kind("record", "records", "collection", ("read", "write")),
)


class Inheritance(NamedTuple):
    """`permission`, stored on an object of `granting_kind`, meets `need` on one of `kind`."""

    kind: str
    need: str
    granting_kind: str
    permission: str


#: (kind, need): the grants that meet it, by granting kind.
_GRANTS: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("bucket", "read"): {"bucket": ("write", "read", "collection:create", "group:create")},
    ("bucket", "write"): {"bucket": ("write",)},
    ("collection", "create"): {"bucket": ("write", "collection:create")},
    ("collection", "read"): {
        "bucket": ("write", "read"),
        "collection": ("write", "read", "record:create"),
    },
    ("collection", "write"): {"bucket": ("write",), "collection": ("write",)},
    ("group", "create"): {"bucket": ("write", "group:create")},
    ("group", "read"): {"bucket": ("write", "read"), "group": ("write", "read")},
    ("group", "write"): {"bucket": ("write",), "group": ("write",)},
    ("record", "create"): {"bucket": ("write",), "collection": ("write", "record:create")},
    ("record", "read"): {
        "bucket": ("write", "read"),
        "collection": ("write", "read"),
        "record": ("write", "read"),
    },
    ("record", "write"): {"bucket": ("write",), "collection": ("write",), "record": ("write",)},
}

TREE: tuple[Inheritance, ...] = tuple(
    Inheritance(kind, need, granting_kind, permission)
    for (kind, need), grants in _GRANTS.items()
    for granting_kind, names in grants.items()
    for permission in names
)


class PermissionEntry(NamedTuple):
    """On objects of `kind`, the need (need_kind, need) is listed as `name` (core 8.9)."""

    kind: str
    need_kind: str
    need: str
    name: str


def permission_entries(kinds: Sequence[Kind]) -> Iterator[PermissionEntry]:
    """Yield how the needs that somebody has on an object are listed.

    Reading the attributes of an object that holds others is less than reading those others.
    Kinds without permissions of their own are left out.
    """
    listed = [kind for kind in kinds if kind.permissions]
    for kind in listed:
        children = [child for child in listed if child.parent == kind.name]
        yield PermissionEntry(kind.name, kind.name, "write", "write")
        own_name = "read:attributes" if children else "read"
        yield PermissionEntry(kind.name, kind.name, "read", own_name)
        for child in children:
            yield PermissionEntry(kind.name, child.name, "read", "read")
            if f"{child.name}:create" in kind.permissions:
                create = f"{child.name}:create"
                yield PermissionEntry(kind.name, child.name, "create", create)
