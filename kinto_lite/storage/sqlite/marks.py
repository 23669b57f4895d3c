"""Texts by which most objects that a filter does not find are told without reading their JSON.

Stored data is JSON as `protocol.json_text.dump_json` writes it, in which equal texts, words and
numbers are written alike; so an object whose field has some value holds a certain text
somewhere. Looking for that is several times faster than parsing. A mark may be found where it
means nothing (deeper inside, or in another number), so the exact condition is always asked, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kinto_lite.model import Filter, Json
from kinto_lite.protocol.json_text import dump_json

#: More are not looked for one by one.
MAX_MARKS = 8
#: From here on a number may be written with an exponent.
_EXPONENTS = 10**15


def find_marks(item: Filter) -> Sequence[str]:
    """Return texts of which every object holds one that the filter finds, or, for those operators
    that say what is not wanted, that it does not find. None: every object has to be looked at."""
    find = _FINDERS.get(item.operator)
    return () if find is None else find(item.field, item.value)


def _name(field: str) -> str:
    """Return how the last key on the way to a field is written: of a field with dots, its end,
    since keys may hold dots, too."""
    *above, last = field.split(".")
    return f"{dump_json(last)[bool(above) :]}:"


def _mark_value(field: str, value: Json) -> Sequence[str]:
    name = _name(field)
    if isinstance(value, str | bool) or value is None:
        return (name + dump_json(value),)
    if isinstance(value, int | float):
        return tuple(name + digits for digits in _write_number(value))
    return (name,)


def _write_number(value: int | float) -> Sequence[str]:
    """Return how a number may begin: 1 and 1.0 are equal, and so are 0 and -0.0."""
    if not -_EXPONENTS < value < _EXPONENTS:
        return ("",)
    if value == 0:
        return ("0", "-0")
    return (str(int(value)) if value == int(value) else dump_json(value),)


def _mark_values(field: str, values: Sequence[Json]) -> Sequence[str]:
    marks = [mark for value in values[: MAX_MARKS + 1] for mark in _mark_value(field, value)]
    return marks if len(marks) <= MAX_MARKS else (_name(field),)


def _mark_presence(field: str, _wanted: bool) -> Sequence[str]:
    return (_name(field),)


def _mark_items(_field: str, items: Sequence[Json]) -> Sequence[str]:
    """Return a text that an array with all these items holds."""
    return [dump_json(item) for item in items if isinstance(item, str)][:1]


def _mark_any_item(_field: str, items: Sequence[Json]) -> Sequence[str]:
    """Return the texts of which an array with some of these items holds one."""
    texts = [dump_json(item) for item in items[: MAX_MARKS + 1] if isinstance(item, str)]
    return texts if len(texts) == len(items) else ()


_FINDERS: Mapping[str, Callable[[str, Json], Sequence[str]]] = {
    "eq": _mark_value,
    "not": _mark_value,
    "in": _mark_values,
    "exclude": _mark_values,
    "has": _mark_presence,
    "contains": _mark_items,
    "contains_any": _mark_any_item,
}
