"""The few comparisons that SQLite's own JSON functions cannot say, as SQL functions.

All are deterministic, take JSON text as `->` gives it, and answer NULL to NULL. They are used
by the fragments of `filters` only, where arrays, objects, very large integers or Unicode
letter case or null characters are involved; everything common is plain SQL. One more makes the
key of an id.

Source: protocol, part 1, chapter 5.3.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache

import apsw

from kinto_lite.model import MISSING, Json
from kinto_lite.protocol.fields import look_up
from kinto_lite.storage.sqlite.ids import pack_id


def register_functions(connection: apsw.Connection) -> None:
    """Make the `kinto_` functions known to a connection."""
    for name, (function, arguments) in _FUNCTIONS.items():
        connection.create_scalar_function(name, function, arguments, deterministic=True)


def order_key(text: str) -> str:
    """Return a text whose order is the order of arrays, or of objects: by size, then by content.

    Equal values have equal keys.
    """
    value = _DECODER.decode(text)
    return f"{len(value):010d}{_encode(value)}"


def _normalise_float(digits: str) -> int | float:
    number = float(digits)
    return int(number) if number.is_integer() else number


# 1.0 is read as 1, so that values which are equal for the protocol have the same text.
_DECODER = json.JSONDecoder(parse_float=_normalise_float)
_encode = json.JSONEncoder(check_circular=False, separators=(",", ":"), sort_keys=True).encode
_encode_readable = json.JSONEncoder(
    check_circular=False, separators=(",", ":"), ensure_ascii=False
).encode


@lru_cache(maxsize=16)
def _encode_items(items: str) -> frozenset[str]:
    return frozenset(_encode(item) for item in _DECODER.decode(items))


def _is_in(text: str | None, items: str) -> bool | None:
    """Tell whether a value equals one of a JSON array."""
    return None if text is None else _encode(_DECODER.decode(text)) in _encode_items(items)


def _contains(array: str | None, items: str) -> bool | None:
    """Tell whether an array holds all items of another one."""
    if array is None:
        return None
    wanted = _encode_items(items)
    return wanted <= {_encode(item) for item in _DECODER.decode(array)}


def _contains_any(array: str | None, items: str) -> bool | None:
    """Tell whether an array holds at least one item of another one."""
    if array is None:
        return None
    wanted = _encode_items(items)
    return any(_encode(item) in wanted for item in _DECODER.decode(array))


def _compare(left: str | None, right: str) -> int | None:
    """Return -1, 0 or 1 for two numbers, two arrays or two objects."""
    if left is None:
        return None
    a, b = _make_comparable(left), _make_comparable(right)
    return int(a > b) - int(a < b)


def _make_comparable(text: str) -> Json:
    return order_key(text) if text[0] in "[{" else _DECODER.decode(text)


def _order(text: str | None) -> str | None:
    return None if text is None else order_key(text)


def _look_up(data: str, field: str) -> str | None:
    """Return the JSON text of a field; NULL where there is none."""
    value = look_up(json.loads(data), field)
    return None if value is MISSING else json.dumps(value)


def _show(text: str | None) -> str | None:
    """Return JSON text with its characters as they are, for `like_`."""
    return None if text is None else _encode_readable(json.loads(text))


def _is_like(text: str | None, pattern: str) -> bool | None:
    """Tell whether a text matches: `*` stands for anything, letter case does not count.

    Without any `*` the pattern may occur anywhere. Takes linear time: each piece of the
    pattern is searched once, from where the one before it ended.
    """
    if text is None:
        return None
    folded = text.casefold()
    first, *pieces = _split_pattern(pattern)
    if not pieces:
        return first in folded
    last = pieces.pop()
    position, end = len(first), len(folded) - len(last)
    if end < position or not folded.startswith(first) or not folded.endswith(last):
        return False
    for piece in pieces:
        found = folded.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


@lru_cache(maxsize=64)
def _split_pattern(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.casefold().split("*"))


def _pack_id(id_: str | None) -> str | bytes | None:
    return None if id_ is None else pack_id(id_)


_FUNCTIONS: dict[str, tuple[Callable[..., apsw.SQLiteValue], int]] = {
    "kinto_in": (_is_in, 2),
    "kinto_contains": (_contains, 2),
    "kinto_contains_any": (_contains_any, 2),
    "kinto_compare": (_compare, 2),
    "kinto_order": (_order, 1),
    "kinto_look_up": (_look_up, 2),
    "kinto_text": (_show, 1),
    "kinto_like": (_is_like, 2),
    "kinto_pack_id": (_pack_id, 1),
}
