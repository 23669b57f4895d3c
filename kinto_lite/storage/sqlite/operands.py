"""Fields of objects in SQL: their JSON type, value and text, and the order of types.

A field is used in three forms (`Operand`): the name of its JSON type, its SQL value, its JSON
text. All three are NULL when the object does not have it, which is what the rules for missing
fields rest on. Types are always tested, since SQLite shows `true` as 1 and an array as text.

Integers of 2^63 and more are doubles to SQLite: filters compare them exactly by a function,
sorting takes those that are the same double as equal.

Source: protocol, part 1, chapters 5.2 and 5.3.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from kinto_lite.model import MISSING, Json
from kinto_lite.storage.sqlite.functions import order_key

Bindings = dict[str, object]


class Operand(NamedTuple):
    """A field in SQL, and the names its paths are bound to."""

    type: str
    value: str
    json: str
    bindings: Bindings


#: JSON types by their place in the order of types; missing is the last.
TYPES: tuple[tuple[str, ...], ...] = (
    ("null",),
    ("text",),
    ("integer", "real"),
    ("false", "true"),
    ("array",),
    ("object",),
)
_MISSING_RANK = len(TYPES)
TEXT, NUMBER, _BOOLEAN, _ARRAY, _OBJECT = range(1, 6)

# SQLite takes a name to end at a null character, so that "a" would find "a\\u0000b". Objects
# where that could happen are very rare and looked through in Python.
_HAS_NULL = "o.data GLOB '*\\u0000*'"

COLUMNS = {
    "id": (TEXT, Operand("'text'", "o.id", "json_quote(o.id)", {})),
    "last_modified": (
        NUMBER,
        Operand("'integer'", "o.last_modified", "json_quote(o.last_modified)", {}),
    ),
}


def make_operand(field: str, name: str) -> Operand:
    """Return a field in SQL; its paths are bound to names that begin with `name`."""
    if field in COLUMNS:
        return COLUMNS[field][1]
    paths = _find_paths(field)
    bindings: Bindings = {f"{name}p{number}": path for number, path in enumerate(paths)}
    if len(paths) == 1:
        path = f":{name}p0"
        usual = (f"json_type(o.data, {path})", f"o.data ->> {path}", f"o.data -> {path}")
    else:
        found = f"coalesce({', '.join(f'o.data -> :{name}' for name in bindings)})"
        usual = (f"json_type({found})", f"{found} ->> '$'", found)
    bindings[f"{name}l"] = field
    looked_up = f"kinto_look_up(o.data, :{name}l)"
    exact = (f"json_type({looked_up})", f"{looked_up} ->> '$'", looked_up)
    kind, value, text = (f"iif({_HAS_NULL}, {x}, {u})" for x, u in zip(exact, usual, strict=True))
    return Operand(kind, value, text, bindings)


def _find_paths(field: str) -> list[str]:
    """Return the places where a field may be, in order: `protocol.fields.look_up` in JSON paths.

    First by descending at each dot; then below a literal key that holds dots, longest first.
    """
    parts = field.split(".")
    if len(parts) == 1:
        return [_path(parts)]
    literal = [
        [".".join(parts[:length]), *parts[length:]]
        for length in range(len(parts), 1, -1)
        if "" not in parts[length:]
    ]
    descending = [] if "" in parts else [parts]
    return [_path(keys) for keys in descending + literal]


def _path(keys: Sequence[str]) -> str:
    # SQLite compares quoted keys with the same escapes as JSON has.
    return "$" + "".join(f".{json.dumps(key)}" for key in keys)


def find_rank(value: Json) -> int:
    """Return the place of a value's type in the order of types."""
    if value is MISSING:
        return _MISSING_RANK
    if value is None:
        return 0
    if isinstance(value, bool):
        return _BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return TEXT
    return _ARRAY if isinstance(value, list) else _OBJECT


def rank_sql(operand: Operand) -> str:
    """Return what gives the place of a field's type in the order of types."""
    cases = "".join(
        f" WHEN '{name}' THEN {rank}" for rank, names in enumerate(TYPES) for name in names
    )
    return f"CASE {operand.type}{cases} ELSE {_MISSING_RANK} END"


def sortable_sql(operand: Operand) -> str:
    """Return what gives a value that SQLite sorts as the protocol does, within a type."""
    return (
        f"CASE WHEN {operand.type} IN ('array', 'object') THEN kinto_order({operand.json})"
        f" ELSE {operand.value} END"
    )


def to_sortable(value: Json) -> object:
    """Return what `sortable_sql` gives for the same value."""
    if value is MISSING or value is None:
        return None
    return order_key(json.dumps(value)) if _is_compound(value) else _to_bindable(value)


def _to_bindable(value: Json) -> Json:
    return float(value) if _is_huge(value) else value


def _is_huge(value: Json) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _is_compound(value: Json) -> bool:
    return isinstance(value, list | dict)


def needs_function(value: Json) -> bool:
    """Tell whether SQLite cannot compare this value with others of its type exactly."""
    if isinstance(value, float):
        return abs(value) >= 2**63
    return _is_compound(value) or _is_huge(value)


def type_in(operand: Operand, types: Sequence[str]) -> str:
    """Return the condition that a field is of one of these JSON types."""
    if len(types) == 1:
        return f"{operand.type} = '{types[0]}'"
    return f"{operand.type} IN ({', '.join(repr(name) for name in types)})"
