"""Filters, sorting and positions as SQL fragments: pure, a table of operators.

The fragments speak of a row `o` with the columns `key`, `id`, `last_modified` and `data`.
Every value and every field name is bound, never pasted: `:f...` belong to filters, `:s...` to
sort keys, `:a...` to positions. Statements and their execution are left to `transaction`.

A field is used in three forms (`_Operand`): the name of its JSON type, its SQL value, its JSON
text. All three are NULL when the object does not have it, which is what the rules for missing
fields rest on. Types are always tested, since SQLite shows `true` as 1 and an array as text.

Integers of 2^63 and more are doubles to SQLite: filters compare them exactly by a function,
sorting takes those that are the same double as equal.

Source: protocol, part 1, chapters 5.2, 5.3 and 5.5.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kinto_lite.model import MISSING, Filter, Json, Sort
from kinto_lite.storage.sqlite.functions import order_key
from kinto_lite.storage.sqlite.marks import find_marks

Bindings = dict[str, object]


class _Operand(NamedTuple):
    """A field in SQL, and the names its paths are bound to."""

    type: str
    value: str
    json: str
    bindings: Bindings


#: JSON types by their place in the order of types; missing is the last.
_TYPES: tuple[tuple[str, ...], ...] = (
    ("null",),
    ("text",),
    ("integer", "real"),
    ("false", "true"),
    ("array",),
    ("object",),
)
_MISSING_RANK = len(_TYPES)
_TEXT, _NUMBER, _BOOLEAN, _ARRAY, _OBJECT = range(1, 6)

# SQLite takes a name to end at a null character, so that "a" would find "a\\u0000b". Objects
# where that could happen are very rare and looked through in Python.
_HAS_NULL = "o.data GLOB '*\\u0000*'"

_COLUMNS = {
    "id": (_TEXT, _Operand("'text'", "o.id", "json_quote(o.id)", {})),
    "last_modified": (
        _NUMBER,
        _Operand("'integer'", "o.last_modified", "json_quote(o.last_modified)", {}),
    ),
}


def compile_filters(filters: Sequence[Filter], *, is_stored: bool = True) -> tuple[str, Bindings]:
    """Return the conditions, each beginning with " AND ", and what they need bound.

    `is_stored` says that `data` is the text of a stored object, not JSON that SQLite made.
    """
    fragments = []
    bindings: Bindings = {}
    for number, item in enumerate(filters):
        name = f"f{number}"
        operand = _make_operand(item.field, name)
        compile_operator = _OPERATORS[item.operator]
        if is_stored and item.field == "id":
            compile_operator = _BY_ID.get(item.operator, compile_operator)
        fragment, values = compile_operator(operand, item, name)
        bindings |= operand.bindings | values
        if is_stored and item.field not in _COLUMNS:
            fragment, values = _look_for_marks(item, fragment, name)
            bindings |= values
        fragments.append(f" AND ({fragment})")
    return "".join(fragments), bindings


def _look_for_marks(item: Filter, fragment: str, name: str) -> tuple[str, Bindings]:
    """Spare most objects the exact condition."""
    bindings: Bindings = {f"{name}m{n}": mark for n, mark in enumerate(find_marks(item))}
    if not bindings:
        return fragment, {}
    is_marked = " OR ".join(f"instr(o.data, :{mark})" for mark in bindings)
    if item.operator in ("not", "exclude") or (item.operator == "has" and not item.value):
        return f"NOT ({is_marked}) OR {fragment}", bindings
    return f"({is_marked}) AND ({fragment})", bindings


def compile_sort(sort: Sequence[Sort]) -> str:
    """Return the terms of an ORDER BY; what they need bound is given by `compile_after`."""
    terms = []
    for number, (field, is_descending) in enumerate(sort):
        direction = "DESC" if is_descending else "ASC"
        if field in _COLUMNS:
            terms.append(f"{_COLUMNS[field][1].value} {direction}")
            continue
        operand = _make_operand(field, f"s{number}")
        terms.append(f"{_rank_sql(operand)} {direction}, {_sortable_sql(operand)} {direction}")
    direction = "DESC" if sort[-1].is_descending else "ASC"
    return ", ".join([*terms, f"o.key {direction}"])


def compile_after(sort: Sequence[Sort], after: Sequence[Json] | None) -> tuple[str, Bindings]:
    """Return the condition for "comes after this position", beginning with " AND ".

    Without position it is empty. The bindings are those of `compile_sort`, too.
    """
    operands = [_make_operand(key.field, f"s{number}") for number, key in enumerate(sort)]
    bindings: Bindings = {}
    for operand in operands:
        bindings |= operand.bindings
    if after is None:
        return "", bindings
    condition = f"o.key {_sign(sort[-1])} :ak"
    bindings["ak"] = after[-1]
    for number in reversed(range(len(sort))):
        name = f"a{number}"
        compile_key = _after_column if sort[number].field in _COLUMNS else _after_field
        condition = compile_key(operands[number], name, sort[number], condition, after[number])
        bindings[name] = _to_sortable(after[number])
    return f" AND {condition}", bindings


# Indexes


#: Characters of a text that an index holds.
INDEXED_CHARACTERS = 256


def compile_entry(field: str) -> tuple[str, str, Bindings]:
    """Return the rank and the value that an index holds for a field, and what they need bound."""
    operand = _make_operand(field, "x")
    value = _sortable_sql(operand)
    shortened = f"CASE typeof({value}) WHEN 'text' THEN substr({value}, 1, {INDEXED_CHARACTERS})"
    return _rank_sql(operand), f"{shortened} ELSE coalesce({value}, 0) END", operand.bindings


def compile_entry_bound(value: Json) -> tuple[int, object]:
    """Return what an index holds for a value."""
    sortable = _to_sortable(value)
    if isinstance(sortable, str):
        return _rank(value), sortable[:INDEXED_CHARACTERS]
    return _rank(value), 0 if sortable is None else sortable


# Fields


def _make_operand(field: str, name: str) -> _Operand:
    if field in _COLUMNS:
        return _COLUMNS[field][1]
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
    return _Operand(kind, value, text, bindings)


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


def _rank(value: Json) -> int:
    """Return the place of a value's type in the order of types."""
    if value is MISSING:
        return _MISSING_RANK
    if value is None:
        return 0
    if isinstance(value, bool):
        return _BOOLEAN
    if isinstance(value, int | float):
        return _NUMBER
    if isinstance(value, str):
        return _TEXT
    return _ARRAY if isinstance(value, list) else _OBJECT


def _rank_sql(operand: _Operand) -> str:
    cases = "".join(
        f" WHEN '{name}' THEN {rank}" for rank, names in enumerate(_TYPES) for name in names
    )
    return f"CASE {operand.type}{cases} ELSE {_MISSING_RANK} END"


def _sortable_sql(operand: _Operand) -> str:
    return (
        f"CASE WHEN {operand.type} IN ('array', 'object') THEN kinto_order({operand.json})"
        f" ELSE {operand.value} END"
    )


def _to_sortable(value: Json) -> object:
    """Return what `_sortable_sql` gives for the same value."""
    if value is MISSING or value is None:
        return None
    return order_key(json.dumps(value)) if _is_compound(value) else _to_bindable(value)


def _to_bindable(value: Json) -> Json:
    return float(value) if _is_huge(value) else value


def _is_huge(value: Json) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _is_compound(value: Json) -> bool:
    return isinstance(value, list | dict)


def _needs_function(value: Json) -> bool:
    """Tell whether SQLite cannot compare this value with others of its type exactly."""
    if isinstance(value, float):
        return abs(value) >= 2**63
    return _is_compound(value) or _is_huge(value)


def _type_in(operand: _Operand, types: Sequence[str]) -> str:
    if len(types) == 1:
        return f"{operand.type} = '{types[0]}'"
    return f"{operand.type} IN ({', '.join(repr(name) for name in types)})"


# Positions


def _sign(key: Sort) -> str:
    return "<" if key.is_descending else ">"


def _after_column(operand: _Operand, name: str, key: Sort, rest: str, value: Json) -> str:
    """Say it in the form that lets an index begin at the position."""
    column, sign = operand.value, _sign(key)
    return f"({column} {sign}= :{name} AND ({column} {sign} :{name} OR {rest}))"


def _after_field(operand: _Operand, name: str, key: Sort, rest: str, value: Json) -> str:
    rank, sortable, sign = _rank_sql(operand), _sortable_sql(operand), _sign(key)
    return (
        f"({rank} {sign} {_rank(value)} OR ({rank} = {_rank(value)} AND"
        f" ({sortable} {sign} :{name} OR ({sortable} IS :{name} AND {rest}))))"
    )


# Operators: each takes the field, the filter and a prefix for names of bindings.


def _compile_equal(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    if _rank(item.value) in (_TEXT, _NUMBER) and not _needs_function(item.value):
        same_type = _type_in(operand, _TYPES[_rank(item.value)])
        return f"{same_type} AND {operand.value} = :{name}", {name: item.value}
    return _compile_in(operand, Filter(item.field, "in", [item.value]), name)


def _compile_in(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    """Sort the values by what SQLite can do with them: texts, numbers, words, and the rest."""
    conditions = []
    bindings: Bindings = {}
    plain = [value for value in item.value if not _needs_function(value)]
    for rank, letter in ((_TEXT, "t"), (_NUMBER, "n")):
        if values := [value for value in plain if _rank(value) == rank]:
            types = _type_in(operand, _TYPES[rank])
            # Only names made here are pasted.
            items = f"SELECT value FROM json_each(:{name}{letter})"  # noqa: S608
            conditions.append(f"{types} AND {operand.value} IN ({items})")
            bindings[f"{name}{letter}"] = json.dumps(values)
    if words := {_WORDS[value] for value in plain if value is None or isinstance(value, bool)}:
        conditions.append(_type_in(operand, sorted(words)))
    if rest := [value for value in item.value if _needs_function(value)]:
        types = _type_in(operand, sorted({name for v in rest for name in _TYPES[_rank(v)]}))
        conditions.append(f"{types} AND kinto_in({operand.json}, :{name}r)")
        bindings[f"{name}r"] = json.dumps(rest)
    return " OR ".join(conditions) or "0", bindings


_WORDS = {None: "null", True: "true", False: "false"}


def _compile_not(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    fragment, bindings = _compile_equal(operand, item, name)
    return f"({fragment}) IS NOT TRUE", bindings


def _compile_exclude(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    fragment, bindings = _compile_in(operand, item, name)
    return f"({fragment}) IS NOT TRUE", bindings


def _compile_id(_: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    if not isinstance(item.value, str):
        return "0", {}
    return f"o.id_key = kinto_pack_id(:{name})", {name: item.value}


def _compile_ids(_: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    texts = [value for value in item.value if isinstance(value, str)]
    # Only names made here are pasted.
    keys = f"SELECT kinto_pack_id(value) FROM json_each(:{name})"  # noqa: S608
    return f"o.id_key IN ({keys})", {name: json.dumps(texts)}


_SIGNS = {"lt": "<", "max": "<=", "gt": ">", "min": ">="}


def _compile_range(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    """Compare within a type; all smaller or all greater types (and missing) match, too."""
    sign, rank = _SIGNS[item.operator], _rank(item.value)
    if item.field in _COLUMNS:
        column_rank = _COLUMNS[item.field][0]
        if column_rank != rank:
            return str(int((column_rank < rank) == (sign in ("<", "<=")))), {}
        if not _needs_function(item.value):
            return f"{operand.value} {sign} :{name}", {name: item.value}
    same, bindings = _compare_same_type(operand, item.value, sign, name)
    is_below = sign in ("<", "<=")
    # The type is asked for once: each time means to look for the field again.
    lower = "".join(f" WHEN '{t}' THEN {is_below:d}" for names in _TYPES[:rank] for t in names)
    equal = "".join(f" WHEN '{t}' THEN {same}" for t in _TYPES[rank])
    return f"CASE {operand.type}{lower}{equal} ELSE {not is_below:d} END", bindings


def _compare_same_type(
    operand: _Operand, value: Json, sign: str, name: str
) -> tuple[str, Bindings]:
    if value is None:
        return ("1" if sign in ("<=", ">=") else "0"), {}
    if _needs_function(value):
        comparison = f"kinto_compare({operand.json}, :{name}) {sign} 0"
        return comparison, {name: json.dumps(value)}
    return f"{operand.value} {sign} :{name}", {name: value}


def _compile_like(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    """Match texts; of other values than null, their JSON text."""
    other = f"kinto_text({operand.json})"
    text = f"CASE {operand.type} WHEN 'text' THEN {operand.value} ELSE {other} END"
    return f"{operand.type} <> 'null' AND kinto_like({text}, :{name})", {name: item.value}


def _compile_has(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    return f"{operand.type} IS {'NOT ' if item.value else ''}NULL", {}


def _compile_contains(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    function = f"kinto_{item.operator}"
    condition = f"{operand.type} = 'array' AND {function}({operand.json}, :{name})"
    return condition, {name: json.dumps(item.value)}


_Compile = Callable[[_Operand, Filter, str], tuple[str, Bindings]]

#: Those for which ids are looked for in the index, by `id_key`.
_BY_ID: Mapping[str, _Compile] = {"eq": _compile_id, "in": _compile_ids}

_OPERATORS: Mapping[str, _Compile] = {
    "eq": _compile_equal,
    "not": _compile_not,
    "lt": _compile_range,
    "max": _compile_range,
    "gt": _compile_range,
    "min": _compile_range,
    "in": _compile_in,
    "exclude": _compile_exclude,
    "like": _compile_like,
    "has": _compile_has,
    "contains": _compile_contains,
    "contains_any": _compile_contains,
}
