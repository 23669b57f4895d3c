"""The texts of validation errors, with values in Python notation as clients know them.

Values are cut after some thousand characters: a text echoes what a stranger sent.

Source: protocol, part 1, chapter 10.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kinto_lite.model import Json

REQUIRED = "Required"
PATTERN = "String does not match expected pattern"
NOT_JSON_CONTAINER = "Should be a JSON object or an array"

#: Characters of a value that are shown.
_SHOWN = 2000


def describe_not_mapping(value: Json) -> str:
    """Text for a value that should be an object."""
    return f'"{_show(value)}" is not a mapping type: Does not implement dict-like functionality.'


def describe_not_iterable(value: Json) -> str:
    """Text for a value that should be an array."""
    return f'"{_show(value)}" is not iterable'


def describe_not_number(value: Json) -> str:
    """Text for a value that should be an integer."""
    return f'"{_show(value)}" is not a number'


def describe_not_string(value: Json, field: str = "") -> str:
    """Text for a value that should be a string; items of an array have no field."""
    return f"{show_value(value)} is not a string: {{{field!r}: ''}}"


def describe_choice(value: Json, choices: Iterable[str]) -> str:
    """Text for a value that is none of the known ones."""
    return f'"{_show(value)}" is not one of {", ".join(choices)}'


def describe_unknown_keys(unknown: Mapping[str, Json]) -> str:
    """Text for members that an object must not have."""
    return f'Unrecognized keys in mapping: "{_show(unknown)}"'


def show_value(value: Json) -> str:
    """Return a value in Python notation, strings in quotes."""
    try:
        text = repr(value)
    except RecursionError:
        return "..."
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _show(value: Json) -> str:
    """Return a value in Python notation, a plain string without quotes."""
    if isinstance(value, str) and len(value) <= _SHOWN:
        return value
    return show_value(value)
