"""Filters, sorting and positions as SQL fragments: pure, a table of operators.

The fragments speak of a row `o` with the columns `key`, `id`, `last_modified` and `fields`
(jsonb, see `texts`). Every value and every field name is bound, never pasted: `f...` belong to
filters, `s...` to sort keys, `a...` to positions. Statements and their execution are left to
`reading`.

A field is a jsonb value, NULL when the object does not have it, which is what the rules for
missing fields rest on. jsonb compares two values as the protocol does as long as only equality
counts, or the order of numbers. Texts are ordered by code point (`COLLATE "C"`), arrays and
objects by `kinto_order`.

Source: protocol, part 1, chapters 5.2, 5.3 and 5.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kinto_lite.model import MISSING, Filter, Json, Sort
from kinto_lite.storage.postgres.texts import bind_json, order_key

Bindings = dict[str, object]


class _Operand(NamedTuple):
    """A field in SQL: as jsonb, and as a column of its own when it is one."""

    json: str
    column: str | None
    bindings: Bindings

    @property
    def type(self) -> str:
        """Its JSON type."""
        return f"jsonb_typeof({self.json})"

    @property
    def text(self) -> str:
        """A JSON string as text."""
        return f"({self.json} #>> '{{}}')"


#: JSON types by their place in the order of types; missing is the last.
_TYPES = ("null", "string", "number", "boolean", "array", "object")
_MISSING_RANK = len(_TYPES)
_NULL, _TEXT, _NUMBER, _BOOLEAN, _ARRAY, _OBJECT = range(6)

_COLUMNS = {
    "id": (_TEXT, _Operand("to_jsonb(o.id)", "o.id", {})),
    "last_modified": (_NUMBER, _Operand("to_jsonb(o.last_modified)", "o.last_modified", {})),
}


def compile_filters(filters: Sequence[Filter]) -> tuple[str, Bindings]:
    """Return the conditions, each beginning with " AND ", and what they need bound."""
    fragments = []
    bindings: Bindings = {}
    for number, item in enumerate(filters):
        name = f"f{number}"
        operand = _make_operand(item.field, name)
        fragment, values = _OPERATORS[item.operator](operand, item, name)
        fragments.append(f" AND ({fragment})")
        bindings |= operand.bindings | values
    return "".join(fragments), bindings


def compile_sort(sort: Sequence[Sort]) -> str:
    """Return the terms of an ORDER BY; what they need bound is given by `compile_after`."""
    terms = []
    for number, (field, is_descending) in enumerate(sort):
        direction = "DESC" if is_descending else "ASC"
        operand = _make_operand(field, f"s{number}")
        parts = [operand.column] if operand.column else _order_sql(operand)
        terms += [f"{part} {direction}" for part in parts]
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
    condition = f"o.key {_sign(sort[-1])} %(ak)s"
    bindings["ak"] = after[-1]
    for number in reversed(range(len(sort))):
        name = f"a{number}"
        compile_key = _after_field if operands[number].column is None else _after_column
        condition, values = compile_key(
            operands[number], name, _sign(sort[number]), condition, after[number]
        )
        bindings |= values
    return f" AND {condition}", bindings


# Indexes


#: Characters of a text that an index holds.
INDEXED_CHARACTERS = 256


def compile_entry(field: str) -> tuple[str, Bindings]:
    """Return the three parts that an index holds for a field, and what they need bound."""
    operand = _make_operand(field, "x")
    rank, number, text = _order_sql(operand)
    return f"{rank}, {number}, left({text}, {INDEXED_CHARACTERS})", operand.bindings


def bind_entry(value: Json) -> Bindings:
    """Return what an index holds for a value."""
    rank, number, text = _order_parts(value)
    return {"vrank": rank, "vnumber": number, "vtext": text[:INDEXED_CHARACTERS]}


# Fields


def _make_operand(field: str, name: str) -> _Operand:
    if field in _COLUMNS:
        return _COLUMNS[field][1]
    bindings: Bindings = {}
    found = []
    for path in _find_paths(field):
        steps = ""
        for key in path:
            bound = f"{name}k{len(bindings)}"
            bindings[bound] = key
            steps += f" -> %({bound})s::text"
        found.append(f"(o.fields{steps})")
    return _Operand(
        found[0] if len(found) == 1 else f"coalesce({', '.join(found)})", None, bindings
    )


def _find_paths(field: str) -> list[list[str]]:
    """Return the places where a field may be, in order: `protocol.fields.look_up` in keys.

    First by descending at each dot; then below a literal key that holds dots, longest first.
    `->` with a text descends into objects only, never into arrays.
    """
    parts = field.split(".")
    if len(parts) == 1:
        return [parts]
    literal = [
        [".".join(parts[:length]), *parts[length:]]
        for length in range(len(parts), 1, -1)
        if "" not in parts[length:]
    ]
    return literal if "" in parts else [parts, *literal]


def _rank(value: Json) -> int:
    """Return the place of a value's type in the order of types."""
    if value is MISSING:
        return _MISSING_RANK
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return _BOOLEAN
    if isinstance(value, int | float):
        return _NUMBER
    if isinstance(value, str):
        return _TEXT
    return _ARRAY if isinstance(value, list) else _OBJECT


def _order_sql(operand: _Operand) -> list[str]:
    """Return three expressions that values are sorted by: rank, number, text."""
    cases = "".join(f" WHEN '{name}' THEN {rank}" for rank, name in enumerate(_TYPES))
    return [
        f"CASE {operand.type}{cases} ELSE {_MISSING_RANK} END",
        f"CASE {operand.type} WHEN 'number' THEN {operand.text}::numeric"
        f" WHEN 'boolean' THEN ({operand.json} = 'true')::integer ELSE 0 END",
        f"(CASE {operand.type} WHEN 'string' THEN {operand.text}"
        f" WHEN 'array' THEN kinto_order({operand.json})"
        f" WHEN 'object' THEN kinto_order({operand.json})"
        " ELSE '' END COLLATE \"C\")",
    ]


def _order_parts(value: Json) -> tuple[int, Json, str]:
    """Return what `_order_sql` gives for the same value; the number as a JSON text."""
    rank = _rank(value)
    if rank == _NUMBER:
        return rank, bind_json(value), ""
    if rank == _BOOLEAN:
        return rank, str(int(value)), ""
    if rank in (_ARRAY, _OBJECT):
        return rank, "0", order_key(value)
    return rank, "0", value if rank == _TEXT else ""


# Positions


def _sign(key: Sort) -> str:
    return "<" if key.is_descending else ">"


def _after_column(
    operand: _Operand, name: str, sign: str, rest: str, value: Json
) -> tuple[str, Bindings]:
    """Say it in the form that lets an index begin at the position."""
    column = operand.column
    condition = f"({column} {sign}= %({name})s AND ({column} {sign} %({name})s OR {rest}))"
    return condition, {name: value}


def _after_field(
    operand: _Operand, name: str, sign: str, rest: str, value: Json
) -> tuple[str, Bindings]:
    parts = f"({', '.join(_order_sql(operand))})"
    rank, number, text = _order_parts(value)
    there = f"(%({name}r)s, %({name}n)s::numeric, %({name}t)s::text)"
    bindings: Bindings = {f"{name}r": rank, f"{name}n": number, f"{name}t": text}
    return f"({parts} {sign} {there} OR ({parts} = {there} AND {rest}))", bindings


# Operators: each takes the field, the filter and a prefix for names of bindings.


def _compile_equal(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    if operand.column is not None:
        return _compile_in(operand, Filter(item.field, "in", [item.value]), name)
    return f"{operand.json} = %({name})s::jsonb", {name: bind_json(item.value)}


def _compile_in(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    if operand.column is not None:
        values, array = _fit_column(item)
        return f"{operand.column} = ANY(%({name})s::{array})", {name: values}
    values = [bind_json(value) for value in item.value]
    return f"{operand.json} = ANY(%({name})s::text[]::jsonb[])", {name: values}


def _fit_column(item: Filter) -> tuple[list[Json], str]:
    """Return the values that a column can have at all, and the type of such an array."""
    if item.field == "id":
        return [value for value in item.value if isinstance(value, str)], "text[]"
    numbers = [value for value in item.value if _rank(value) == _NUMBER]
    integers = {int(number) for number in numbers if number == int(number)}
    return [str(number) for number in integers if -(2**63) <= number < 2**63], "bigint[]"


def _compile_not(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    fragment, bindings = _compile_equal(operand, item, name)
    return f"({fragment}) IS NOT TRUE", bindings


def _compile_exclude(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    fragment, bindings = _compile_in(operand, item, name)
    return f"({fragment}) IS NOT TRUE", bindings


_SIGNS = {"lt": "<", "max": "<=", "gt": ">", "min": ">="}


def _compile_range(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    """Compare within a type; all smaller or all greater types (and missing) match, too."""
    sign, rank = _SIGNS[item.operator], _rank(item.value)
    is_less = sign in ("<", "<=")
    if item.field in _COLUMNS:
        column_rank = _COLUMNS[item.field][0]
        if column_rank != rank:
            return str((column_rank < rank) == is_less), {}
        return _compare_column(operand, item.value, sign, name)
    same, bindings = _compare_same_type(operand, item.value, sign, name)
    others = _TYPES[:rank] if is_less else _TYPES[rank + 1 :]
    conditions = [] if is_less else [f"{operand.json} IS NULL"]
    if others:
        conditions.append(f"{operand.type} IN ({', '.join(map(repr, others))})")
    conditions.append(f"CASE {operand.type} WHEN '{_TYPES[rank]}' THEN {same} END")
    return " OR ".join(conditions), bindings


def _compare_column(operand: _Operand, value: Json, sign: str, name: str) -> tuple[str, Bindings]:
    is_small = isinstance(value, int) and -(2**63) <= value < 2**63
    if isinstance(value, str) or is_small:
        return f"{operand.column} {sign} %({name})s", {name: value}
    return f"{operand.column} {sign} %({name})s::numeric", {name: bind_json(value)}


def _compare_same_type(
    operand: _Operand, value: Json, sign: str, name: str
) -> tuple[str, Bindings]:
    if value is None:
        return str(sign in ("<=", ">=")), {}
    if isinstance(value, str):
        return f'{operand.text} COLLATE "C" {sign} %({name})s', {name: value}
    if isinstance(value, list | dict):
        return f'kinto_order({operand.json}) COLLATE "C" {sign} %({name})s', {
            name: order_key(value)
        }
    return f"{operand.json} {sign} %({name})s::jsonb", {name: bind_json(value)}


def _compile_like(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    """Match texts; of other values than null, their JSON text. `*` stands for anything, letter
    case does not count; without any `*` the pattern may occur anywhere."""
    text = (
        f"CASE {operand.type} WHEN 'string' THEN {operand.text} WHEN 'null' THEN NULL"
        f" ELSE kinto_write({operand.json}, false) END"
    )
    folded = f'(SELECT kinto_fold(%({name})s::text)) COLLATE "C"'
    return f'kinto_fold({text}) COLLATE "C" LIKE {folded}', {name: _make_pattern(item.value)}


def _make_pattern(pattern: str) -> str:
    """Return the pattern of LIKE that stands for a pattern with `*`."""
    wildcards = pattern if "*" in pattern else f"*{pattern}*"
    escaped = wildcards.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")


def _compile_has(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    return f"{operand.json} IS {'NOT ' if item.value else ''}NULL", {}


def _compile_contains(operand: _Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    """Compare the items of an array by equality: `contains` wants all of them."""
    held = f"SELECT value FROM jsonb_array_elements({operand.json})"  # noqa: S608 - names made here
    wanted = f"SELECT value FROM jsonb_array_elements(%({name})s::jsonb)"  # noqa: S608
    condition = f"EXISTS ({wanted} INTERSECT {held})"
    if item.operator == "contains":
        condition = f"NOT EXISTS ({wanted} EXCEPT {held})"
    return f"CASE {operand.type} WHEN 'array' THEN {condition} END", {name: bind_json(item.value)}


_OPERATORS: Mapping[str, Callable[[_Operand, Filter, str], tuple[str, Bindings]]] = {
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
