"""Texts and JSON in the form that PostgreSQL can hold and compare.

PostgreSQL's text and jsonb refuse U+0000. So U+0000 to U+0003 are written as U+0001 and two of
U+0002 or U+0003: no two texts become the same, their order stays, and a part of a text stays a
part of it. These characters are so rare that whether there is one is the only cost.

jsonb keeps numbers in decimal digits. A double that is an integer beyond 2^53 has other digits in
JSON (1e+16, 9.223372036854776e+18) than the integer it is, so `object.fields` holds the integer:
then equal numbers are equal in jsonb, too.
"""

from __future__ import annotations

import json
import re

from kinto_lite.model import Json

_RARE = re.compile("[\0-\x03]")
_CODES = {chr(n): "\x01" + "\x02\x03"[n >> 1] + "\x02\x03"[n & 1] for n in range(4)}
_CHARACTERS = {code: character for character, code in _CODES.items()}
_CODE = re.compile("\x01[\x02\x03]{2}")
#: What JSON text holds that jsonb would refuse or misread: such escapes, or large doubles.
_UNUSUAL = re.compile(r"\\u000[0-3]|[0-9]e\+|[0-9]{17}\.0")


def encode_text(text: str) -> str:
    """Return a text that PostgreSQL can hold."""
    if _RARE.search(text) is None:
        return text
    return _RARE.sub(lambda found: _CODES[found[0]], text)


def decode_text(text: str) -> str:
    """Return what a text from the database was."""
    if "\x01" not in text:
        return text
    return _CODE.sub(lambda found: _CHARACTERS[found[0]], text)


def make_fields(data: str) -> str:
    """Return the JSON for `object.fields` of an object's data (or of any value): mostly that."""
    if _UNUSUAL.search(data) is None:
        return data
    value = json.loads(data, parse_float=read_float)
    return json.dumps(_encode(value), separators=(",", ":"))


def bind_json(value: Json) -> str:
    """Return the JSON for a value that is compared with parts of `object.fields`."""
    return make_fields(json.dumps(value, separators=(",", ":")))


def order_key(value: list[Json] | dict[str, Json]) -> str:
    """Return a text whose order is the order of arrays, or of objects: by size, then by content.

    Equal values have equal keys; the SQL function `kinto_order` gives the same.
    """
    normal = json.loads(json.dumps(value), parse_float=read_float)
    text = json.dumps(normal, separators=(",", ":"), sort_keys=True)
    return f"{len(value):010d}{text}"


def read_float(digits: str) -> int | float:
    """Return a number; as an integer when it is one."""
    number = float(digits)
    return int(number) if number.is_integer() else number


def _encode(value: Json) -> Json:
    if isinstance(value, str):
        return encode_text(value)
    if isinstance(value, list):
        return [_encode(item) for item in value]
    if isinstance(value, dict):
        return {encode_text(key): _encode(item) for key, item in value.items()}
    return value
