"""What settings grant: `<kind>_{read,write,create}_principals`, turned into needs.

Such a grant is about the kind of object the URL names and is never inherited. Pure; the
stored permissions are the business of the storage.

Source: protocol, core chapter 8.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from kinto_lite.model import Kind

#: What a request may ask of settings; "list" is reading a whole list.
NEEDS = ("read", "write", "create", "list")

#: Which settings meet a need, by their middle word.
_MET_BY = {
    "read": ("read", "write"),
    "write": ("write",),
    "create": ("create", "write"),
    "list": ("read", "write"),
}
#: Writers of all buckets neither create nor list them.
_MET_BY_AT_ROOT = _MET_BY | {"create": ("create",), "list": ("read",)}

Grants = dict[tuple[str, str], frozenset[str]]


def read_grants(
    kinds: Iterable[tuple[str, bool]], principals: Callable[[str, str], frozenset[str]]
) -> Grants:
    """Return who has which need on which kind by settings alone.

    `kinds` are pairs (name, hangs below nothing); `principals(kind, word)` reads a setting.
    """
    grants: Grants = {}
    for kind, is_root in kinds:
        met_by = _MET_BY_AT_ROOT if is_root else _MET_BY
        for need in NEEDS:
            sets = [principals(kind, word) for word in met_by[need]]
            grants[kind, need] = frozenset().union(*sets)
    return grants


class Listed(NamedTuple):
    """What settings grant to somebody, for the list of permissions (core 8.9)."""

    #: (kind, permission): held on every object of the kind.
    everywhere: tuple[tuple[str, str], ...]
    #: Permissions at the root, such as `bucket:create`.
    root: tuple[str, ...]


def list_setting_grants(
    kinds: Mapping[str, Kind],
    principals: Callable[[str, str], frozenset[str]],
    asker: frozenset[str],
) -> Listed:
    """Return what settings grant to these principals. Grants on single records are not listed,
    nor those on kinds without permissions of their own."""
    everywhere, root = [], []
    for kind in [kind for kind in kinds.values() if kind.permissions]:
        parent = kind.parent
        is_shallow = parent is None or kinds[parent].parent is None
        if not asker.isdisjoint(principals(kind.name, "create")):
            if parent is None:
                root.append(f"{kind.name}:create")
            else:
                everywhere.append((parent, f"{kind.name}:create"))
        for word in ("read", "write"):
            if is_shallow and not asker.isdisjoint(principals(kind.name, word)):
                everywhere.append((kind.name, word))
    return Listed(tuple(everywhere), tuple(root))
