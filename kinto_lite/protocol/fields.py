"""Field names: the one rule that finds the value of a (dotted) field, and `_fields` selection.

Leaves the reading of `_fields` from the query string to `protocol.querystring`. The SQL that
finds the same values is in each engine's `filters.py`.

Source: protocol, part 1, chapters 5.2 and 5.6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from kinto_lite.errors import Detail, InvalidRequest
from kinto_lite.model import MISSING, Json

#: Levels that a dotted name may descend; more is refused, so that no query is a burden.
MAX_FIELD_DEPTH = 32

#: What is wanted below a name: everything (None), or these names.
_Tree = dict[str, "_Tree | None"]

_ALWAYS = ("id", "last_modified")


def look_up(data: Mapping[str, Json], field: str) -> Json:
    """Return the value of a field, or MISSING.

    Dots descend into objects, never into arrays. When nothing is found that way, a key that
    is literally the dotted name, or the beginning of it, is tried, longest first. Empty parts
    match nothing unless they belong to such a key.
    Source: protocol, part 1, chapter 5.2.
    """
    if "." not in field:
        return data.get(field, MISSING)
    parts = field.split(".")
    value = _descend(data, parts)
    length = len(parts)
    while value is MISSING and length > 1:
        key = ".".join(parts[:length])
        if key in data:
            value = _descend(data[key], parts[length:])
        length -= 1
    return value


def _descend(value: Json, parts: Sequence[str]) -> Json:
    for part in parts:
        if not part or not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]
    return value


def select_fields(data: Mapping[str, Json], fields: tuple[str, ...]) -> dict[str, Json]:
    """Return the attributes that `_fields` asks for, and always `id` and `last_modified`.

    A dotted name below something that is not an object gives the whole attribute; below an
    object that lacks it, an empty object. Literal dotted keys cannot be selected.
    Source: protocol, part 1, chapter 5.6.
    """
    return _select(data, _build_tree(fields))


def _select(data: Mapping[str, Json], tree: _Tree) -> dict[str, Json]:
    selected = {}
    for name, below in tree.items():
        if name not in data:
            continue
        value = data[name]
        is_whole = below is None or not isinstance(value, dict)
        selected[name] = value if is_whole else _select(value, below or {})
    return selected


@lru_cache(maxsize=256)
def _build_tree(fields: tuple[str, ...]) -> _Tree:
    root: _Tree = {}
    for field in (*fields, *_ALWAYS):
        _plant(root, field.split("."))
    return root


def _plant(tree: _Tree, parts: Sequence[str]) -> None:
    """Add one field; what is wanted as a whole stays whole."""
    for part in parts[:-1]:
        below = tree.setdefault(part, {})
        if below is None:
            return
        tree = below
    tree[parts[-1]] = None


def check_fields(fields: Sequence[str], known_fields: frozenset[str] | None) -> None:
    """Refuse names that a closed schema does not have; None stands for an open one.

    Errors: InvalidRequest.
    Source: protocol, part 1, chapter 5.6.
    """
    if known_fields is None:
        return
    unknown = {field.split(".")[0] for field in fields} - known_fields
    if unknown:
        text = f"Fields {','.join(sorted(unknown))} do not exist"
        raise InvalidRequest([Detail("Invalid _fields parameter", "body", text)])


def is_too_deep(field: str) -> bool:
    """Tell whether a name descends further than any query may."""
    return field.count(".") >= MAX_FIELD_DEPTH
