"""Filters, sorting and positions as SQL fragments: pure, a table of operators.

The fragments speak of a row `o` with the columns `key`, `id`, `last_modified` and `data`.
Every value and every field name is bound, never pasted: `:f...` belong to filters, `:s...` to
sort keys, `:a...` to positions. Statements and their execution are left to `transaction`.

What a field is in SQL is left to `operands`.

Source: protocol, part 1, chapters 5.2, 5.3 and 5.5.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from kinto_lite.model import Filter, Json, Sort
from kinto_lite.storage.sqlite.marks import find_marks
from kinto_lite.storage.sqlite.operands import (
    COLUMNS,
    NUMBER,
    TEXT,
    TYPES,
    Bindings,
    Operand,
    find_rank,
    make_operand,
    needs_function,
    rank_sql,
    sortable_sql,
    to_sortable,
    type_in,
)


def compile_filters(filters: Sequence[Filter], *, is_stored: bool = True) -> tuple[str, Bindings]:
    """Return the conditions, each beginning with " AND ", and what they need bound.

    `is_stored` says that `data` is the text of a stored object, not JSON that SQLite made.
    """
    fragments = []
    bindings: Bindings = {}
    for number, item in enumerate(filters):
        name = f"f{number}"
        operand = make_operand(item.field, name)
        compile_operator = _OPERATORS[item.operator]
        if is_stored and item.field == "id":
            compile_operator = _BY_ID.get(item.operator, compile_operator)
        fragment, values = compile_operator(operand, item, name)
        bindings |= operand.bindings | values
        if is_stored and item.field not in COLUMNS:
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
        if field in COLUMNS:
            terms.append(f"{COLUMNS[field][1].value} {direction}")
            continue
        operand = make_operand(field, f"s{number}")
        terms.append(f"{rank_sql(operand)} {direction}, {sortable_sql(operand)} {direction}")
    direction = "DESC" if sort[-1].is_descending else "ASC"
    return ", ".join([*terms, f"o.key {direction}"])


def compile_after(sort: Sequence[Sort], after: Sequence[Json] | None) -> tuple[str, Bindings]:
    """Return the condition for "comes after this position", beginning with " AND ".

    Without position it is empty. The bindings are those of `compile_sort`, too.
    """
    operands = [make_operand(key.field, f"s{number}") for number, key in enumerate(sort)]
    bindings: Bindings = {}
    for operand in operands:
        bindings |= operand.bindings
    if after is None:
        return "", bindings
    condition = f"o.key {_sign(sort[-1])} :ak"
    bindings["ak"] = after[-1]
    for number in reversed(range(len(sort))):
        name = f"a{number}"
        compile_key = _after_column if sort[number].field in COLUMNS else _after_field
        condition = compile_key(operands[number], name, sort[number], condition, after[number])
        bindings[name] = to_sortable(after[number])
    return f" AND {condition}", bindings


# Indexes


#: Characters of a text that an index holds.
INDEXED_CHARACTERS = 256


def compile_entry(field: str) -> tuple[str, str, Bindings]:
    """Return the rank and the value that an index holds for a field, and what they need bound."""
    operand = make_operand(field, "x")
    value = sortable_sql(operand)
    shortened = f"CASE typeof({value}) WHEN 'text' THEN substr({value}, 1, {INDEXED_CHARACTERS})"
    return rank_sql(operand), f"{shortened} ELSE coalesce({value}, 0) END", operand.bindings


def compile_entry_bound(value: Json) -> tuple[int, object]:
    """Return what an index holds for a value."""
    sortable = to_sortable(value)
    if isinstance(sortable, str):
        return find_rank(value), sortable[:INDEXED_CHARACTERS]
    return find_rank(value), 0 if sortable is None else sortable


# Positions


def _sign(key: Sort) -> str:
    return "<" if key.is_descending else ">"


def _after_column(operand: Operand, name: str, key: Sort, rest: str, value: Json) -> str:
    """Say it in the form that lets an index begin at the position."""
    column, sign = operand.value, _sign(key)
    return f"({column} {sign}= :{name} AND ({column} {sign} :{name} OR {rest}))"


def _after_field(operand: Operand, name: str, key: Sort, rest: str, value: Json) -> str:
    rank, sortable, sign = rank_sql(operand), sortable_sql(operand), _sign(key)
    return (
        f"({rank} {sign} {find_rank(value)} OR ({rank} = {find_rank(value)} AND"
        f" ({sortable} {sign} :{name} OR ({sortable} IS :{name} AND {rest}))))"
    )


# Operators: each takes the field, the filter and a prefix for names of bindings.


def _compile_equal(operand: Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    if find_rank(item.value) in (TEXT, NUMBER) and not needs_function(item.value):
        same_type = type_in(operand, TYPES[find_rank(item.value)])
        return f"{same_type} AND {operand.value} = :{name}", {name: item.value}
    return _compile_in(operand, Filter(item.field, "in", [item.value]), name)


def _compile_in(operand: Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    """Sort the values by what SQLite can do with them: texts, numbers, words, and the rest."""
    conditions = []
    bindings: Bindings = {}
    plain = [value for value in item.value if not needs_function(value)]
    for rank, letter in ((TEXT, "t"), (NUMBER, "n")):
        if values := [value for value in plain if find_rank(value) == rank]:
            types = type_in(operand, TYPES[rank])
            # Only names made here are pasted.
            items = f"SELECT value FROM json_each(:{name}{letter})"  # noqa: S608
            conditions.append(f"{types} AND {operand.value} IN ({items})")
            bindings[f"{name}{letter}"] = json.dumps(values)
    if words := {_WORDS[value] for value in plain if value is None or isinstance(value, bool)}:
        conditions.append(type_in(operand, sorted(words)))
    if rest := [value for value in item.value if needs_function(value)]:
        types = type_in(operand, sorted({name for v in rest for name in TYPES[find_rank(v)]}))
        conditions.append(f"{types} AND kinto_in({operand.json}, :{name}r)")
        bindings[f"{name}r"] = json.dumps(rest)
    return " OR ".join(conditions) or "0", bindings


_WORDS = {None: "null", True: "true", False: "false"}


def _compile_not(operand: Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    fragment, bindings = _compile_equal(operand, item, name)
    return f"({fragment}) IS NOT TRUE", bindings


def _compile_exclude(operand: Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    fragment, bindings = _compile_in(operand, item, name)
    return f"({fragment}) IS NOT TRUE", bindings


def _compile_id(_: Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    if not isinstance(item.value, str):
        return "0", {}
    return f"o.id_key = kinto_pack_id(:{name})", {name: item.value}


def _compile_ids(_: Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    texts = [value for value in item.value if isinstance(value, str)]
    # Only names made here are pasted.
    keys = f"SELECT kinto_pack_id(value) FROM json_each(:{name})"  # noqa: S608
    return f"o.id_key IN ({keys})", {name: json.dumps(texts)}


_SIGNS = {"lt": "<", "max": "<=", "gt": ">", "min": ">="}


def _compile_range(operand: Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    """Compare within a type; all smaller or all greater types (and missing) match, too."""
    sign, rank = _SIGNS[item.operator], find_rank(item.value)
    if item.field in COLUMNS:
        column_rank = COLUMNS[item.field][0]
        if column_rank != rank:
            return str(int((column_rank < rank) == (sign in ("<", "<=")))), {}
        if not needs_function(item.value):
            return f"{operand.value} {sign} :{name}", {name: item.value}
    same, bindings = _compare_same_type(operand, item.value, sign, name)
    is_below = sign in ("<", "<=")
    # The type is asked for once: each time means to look for the field again.
    lower = "".join(f" WHEN '{t}' THEN {is_below:d}" for names in TYPES[:rank] for t in names)
    equal = "".join(f" WHEN '{t}' THEN {same}" for t in TYPES[rank])
    return f"CASE {operand.type}{lower}{equal} ELSE {not is_below:d} END", bindings


def _compare_same_type(operand: Operand, value: Json, sign: str, name: str) -> tuple[str, Bindings]:
    if value is None:
        return ("1" if sign in ("<=", ">=") else "0"), {}
    if needs_function(value):
        comparison = f"kinto_compare({operand.json}, :{name}) {sign} 0"
        return comparison, {name: json.dumps(value)}
    return f"{operand.value} {sign} :{name}", {name: value}


def _compile_like(operand: Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    """Match texts; of other values than null, their JSON text."""
    other = f"kinto_text({operand.json})"
    text = f"CASE {operand.type} WHEN 'text' THEN {operand.value} ELSE {other} END"
    return f"{operand.type} <> 'null' AND kinto_like({text}, :{name})", {name: item.value}


def _compile_has(operand: Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    return f"{operand.type} IS {'NOT ' if item.value else ''}NULL", {}


def _compile_contains(operand: Operand, item: Filter, name: str) -> tuple[str, Bindings]:
    function = f"kinto_{item.operator}"
    condition = f"{operand.type} = 'array' AND {function}({operand.json}, :{name})"
    return condition, {name: json.dumps(item.value)}


_Compile = Callable[[Operand, Filter, str], tuple[str, Bindings]]

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
