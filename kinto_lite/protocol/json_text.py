"""JSON text in and out: strict RFC 8259 when reading, compact ASCII when writing.

Reads whatever a stranger sends without ever raising anything but `ValueError`; leaves what the
values mean to `protocol.bodies` and its neighbours.

Source: protocol, part 1, chapters 1.6 and 2.1.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterable
from itertools import accumulate
from math import isinf
from typing import NoReturn

from kinto_lite.model import Json

#: Levels of nesting that are accepted; what is deeper could exhaust the interpreter's stack.
MAX_DEPTH = 450

#: Decoders for the `charset` parameter. A table rather than `codecs.lookup`, since some of
#: Python's codecs take quadratic time or let lone surrogates through.
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "iso8859-1": "latin-1",
    "latin-1": "latin-1",
    "latin1": "latin-1",
    "windows-1252": "cp1252",
    "iso-8859-15": "iso-8859-15",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-32": "utf-32",
}

#: Longest digits of an integer within double range, sign included: beyond is refused unread.
_LONGEST_INTEGER = 310

_LEVELS = bytes.maketrans(b"{[}]", b"\x01\x01\xff\xff")
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'{[}]"'))
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile(
    r"\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}"
)
#: Stands for an escaped backslash while escapes are rewritten; no ASCII text has it.
_BACKSLASH = "\x80"


def parse_json(raw: bytes, charset: str = "utf-8", max_depth: int = MAX_DEPTH) -> Json:
    """Read one JSON text.

    Shape:  dict, list, str, int, float, bool or None; of duplicate keys the last wins; integers
            outside of -2^63 .. 2^64-1 become floats.
    Errors: ValueError with a readable text for all that is not strict JSON in this charset, for
            numbers beyond the range of doubles and for more than `max_depth` levels.
    Source: protocol, part 1, chapter 2.1.
    """
    text = _decode(raw, charset)
    utf8 = raw if charset == "utf-8" else text.encode("utf-8")
    _refuse_deep_nesting(utf8, max_depth)
    value = _DECODER.decode(text)
    if _SURROGATE_ESCAPE.search(utf8):
        _refuse_lone_surrogates(value)
    return value


def dump_json(value: Json) -> str:
    """Write compact ASCII JSON with upper-case `\\uXXXX` escapes.

    A lone surrogate, which no client can send, is written as U+FFFD.
    Errors: ValueError for NaN and infinities.
    Source: protocol, part 1, chapter 1.6.
    """
    text = "".join(_encode(value, 0))
    return _rewrite_escapes(text) if "\\u" in text else text


def _decode(raw: bytes, charset: str) -> str:
    codec = _CODECS.get(charset.lower())
    if codec is None:
        raise ValueError("the charset is not supported")
    return raw.decode(codec)


def _refuse_deep_nesting(utf8: bytes, max_depth: int) -> None:
    """Find the depth without parsing, in linear time: strings out, brackets summed up."""
    if utf8.count(b"[") + utf8.count(b"{") <= max_depth:
        return
    text = utf8.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in utf8 else utf8
    # A pair of quotes can go wherever it stands: what is inside of a string stays inside.
    structure = text.translate(None, _NOT_STRUCTURE).replace(b'""', b"")
    brackets = b"".join(structure.split(b'"')[::2]).translate(_LEVELS)
    if max(accumulate(array("b", brackets)), default=0) > max_depth:
        raise ValueError(f"more than {max_depth} levels of nesting")


def _refuse_lone_surrogates(value: Json) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("the surrogate pair in a string is invalid") from None


def _parse_integer(digits: str) -> int | float:
    if len(digits) > _LONGEST_INTEGER:
        raise ValueError("a number is too big to be stored as a double")
    number = int(digits)
    if -(2**63) <= number < 2**64:
        return number
    return _parse_float(digits)


def _parse_float(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise ValueError("a number is too big to be stored as a double")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _rewrite_escapes(text: str) -> str:
    text = text.replace("\\\\", _BACKSLASH)
    if "\\ud" in text:
        text = _LONE_SURROGATE.sub(r"\\ufffd", text)
    first, *others = text.split("\\u")
    escapes = [part[:4].upper() + part[4:] for part in others]
    return "\\u".join([first, *escapes]).replace(_BACKSLASH, "\\\\")


_DECODER = json.JSONDecoder(
    parse_int=_parse_integer, parse_float=_parse_float, parse_constant=_refuse_constant
)
_ENCODER = json.JSONEncoder(check_circular=False, allow_nan=False, separators=(",", ":"))


def _find_encoder() -> Callable[[Json, int], Iterable[str]]:
    """Return what writes a value as pieces of text. An encoder makes its machine in C anew for
    each value, which costs more than writing a small one, so one machine is kept."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda value, _level: _ENCODER.iterencode(value)
    escape = json.encoder.encode_basestring_ascii
    machine: Callable[[Json, int], Iterable[str]] = make(
        None, _ENCODER.default, escape, None, ":", ",", False, False, False
    )
    return machine


_encode = _find_encoder()
