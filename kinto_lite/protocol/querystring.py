"""The query string: from raw text to typed parameters, with all errors of type at once.

What a parameter means (filters, sorting, tokens) is decided in a second step, by
`protocol.filters` and `protocol.pagination`, since 304 and 412 are answered between the two.

| refused here                          | refused in the second step                          |
|---------------------------------------|-----------------------------------------------------|
| `_limit`, `_since`, `_before`, `_to`, | empty or future timestamps; all prefixed filters on |
| `last_modified` that are no integer   | `last_modified`; unknown fields; values that do not |
| or out of range; `id`, `_token` that  | fit their operator; 0x00 characters; tokens that    |
| are no string                         | cannot be read                                      |

Object endpoints read nothing but `_fields` on GET and HEAD and `last_modified` on DELETE: the
reference ignores there what lists would refuse. POST, PUT and PATCH read nothing.

Source: protocol, part 1, chapters 1.9, 5.1, 5.6 and 6.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from kinto_lite.errors import Detail
from kinto_lite.model import Json
from kinto_lite.protocol.fields import MAX_FIELD_DEPTH, is_too_deep
from kinto_lite.protocol.json_text import parse_json

#: Parameters that one request may have.
MAX_PARAMETERS = 200
MAX_INTEGER = 2**63
#: Characters of the longest query string that is remembered as it was read.
_REMEMBERED = 256

_TIMESTAMPS = ("_since", "_before", "_to", "last_modified")
_JSON_START = frozenset('"-0123456789[{tfn \t\r\n')

_Value = TypeVar("_Value")
_Reader = Callable[[str, Sequence[str]], _Value]


class Condition(NamedTuple):
    """A parameter that will become a filter.

    `value` is an integer (or None: empty) for `_since`, `_before`, `_to` and `last_modified`,
    text (or None) for `id`; for all others the raw text, or the list of raw texts of a
    repeated parameter.
    """

    name: str
    value: Json


@dataclass(frozen=True, slots=True)
class ListParameters:
    """What the query string of a plural endpoint asks for."""

    #: None when absent; 0 is kept, since it means something else than absent.
    limit: int | None = None
    sort: str | None = None
    token: str | None = None
    fields: tuple[str, ...] | None = None
    #: In the order of their first appearance, which decides which error is shown.
    conditions: tuple[Condition, ...] = ()
    #: All parameters as they came, decoded, for the URL of the next page.
    pairs: tuple[tuple[str, str], ...] = ()
    #: Whether the deprecated `_to` was used, which calls for an `Alert` header.
    uses_to: bool = False


def decode_query(raw: str) -> list[tuple[str, str]]:
    """Split a raw query string into decoded pairs of name and value.

    `raw` comes as in WSGI: each character stands for a byte. Like the reference it takes `;`
    for `&`.
    Errors: UnicodeDecodeError when it is not UTF-8.
    """
    try:
        octets = raw.encode("latin-1")
    except UnicodeEncodeError:
        octets = raw.encode("utf-8", "surrogatepass")
    pairs = []
    for item in octets.replace(b";", b"&").split(b"&"):
        if item:
            name, _, value = item.partition(b"=")
            pairs.append((_decode(name), _decode(value)))
    return pairs


def _decode(octets: bytes) -> str:
    return unquote_to_bytes(octets.replace(b"+", b" ")).decode("utf-8")


def read_list_parameters(query: str, method: str) -> tuple[ListParameters, list[Detail]]:
    """Read the parameters of GET, HEAD or DELETE on a plural endpoint, and all their errors.

    Errors: UnicodeDecodeError as `decode_query`; all others are returned.
    Source: protocol, part 1, chapter 5.1.
    """
    if len(query) > _REMEMBERED:
        return _read_list_parameters(query, method)
    parameters, errors = _remember_list_parameters(query, method)
    return parameters, list(errors)


@lru_cache(maxsize=512)
def _remember_list_parameters(query: str, method: str) -> tuple[ListParameters, list[Detail]]:
    """Clients ask the same again and again: what they ask is read once."""
    return _read_list_parameters(query, method)


def _read_list_parameters(query: str, method: str) -> tuple[ListParameters, list[Detail]]:
    pairs = decode_query(query)
    if len(pairs) > MAX_PARAMETERS:
        return ListParameters(), [_too_many_parameters()]
    texts = _group(pairs)
    errors: list[Detail] = []
    parameters = ListParameters(
        limit=_attempt(_read_integer, "_limit", texts, errors),
        sort=",".join(texts["_sort"]) if "_sort" in texts else None,
        token=_attempt(_read_string, "_token", texts, errors),
        fields=None if method == "DELETE" else _attempt(_read_fields, "_fields", texts, errors),
        conditions=_read_conditions(texts, errors),
        pairs=tuple(pairs),
        uses_to="_to" in texts,
    )
    return parameters, errors


def read_object_parameters(query: str, method: str) -> tuple[tuple[str, ...] | None, list[Detail]]:
    """Read `_fields` of GET and HEAD on an object endpoint; None when nothing is selected.

    No other parameter is looked at, as in the reference: `_limit=abc` is no error here.
    Errors: UnicodeDecodeError as `decode_query`; all others are returned.
    Source: protocol, part 1, chapter 5.6.
    """
    errors: list[Detail] = []
    if method not in ("GET", "HEAD") or not query:
        return None, errors
    return _attempt(_read_fields, "_fields", _group(decode_query(query)), errors), errors


def read_delete_parameters(query: str) -> tuple[int | None, list[Detail]]:
    """Read `last_modified` of DELETE on an object endpoint; None when absent or `null`.

    Values that are too small to have an effect are returned as they are.
    Errors: UnicodeDecodeError as `decode_query`; all others are returned.
    Source: protocol, part 1, chapter 6.2.
    """
    errors: list[Detail] = []
    if not query:
        return None, errors
    texts = _group(decode_query(query))
    return _attempt(_read_timestamp_of_deletion, "last_modified", texts, errors), errors


def decode_value(text: str) -> Json:
    """Return the JSON value that a text is, or the text itself when it is none.

    Source: protocol, part 1, chapter 5.2.
    """
    if text[:1] not in _JSON_START:
        return text
    try:
        return parse_json(text.encode("utf-8"))
    except ValueError:
        return text


def to_integer(value: Json) -> int | None:
    """Return an integer for a number (truncated) or for quoted digits, of any script and with
    underscores between them; None for all else."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value)


def _group(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for name, value in pairs:
        texts.setdefault(name.strip(), []).append(value)
    return texts


def _too_many_parameters() -> Detail:
    text = f"The query string has more than {MAX_PARAMETERS} parameters"
    return Detail(None, "querystring", text)


def _attempt(
    reader: _Reader[_Value], name: str, texts: Mapping[str, Sequence[str]], errors: list[Detail]
) -> _Value | None:
    """Read one parameter, if it is there; a ValueError becomes one more detail."""
    if name not in texts:
        return None
    try:
        return reader(name, texts[name])
    except ValueError as error:
        errors.append(Detail(name, "querystring", str(error)))
        return None


def _decode_all(texts: Sequence[str]) -> Json:
    return decode_value(texts[0]) if len(texts) == 1 else list(texts)


def _is_empty(value: Json) -> bool:
    return value is None or value in ("", [], {})


def _read_integer(name: str, texts: Sequence[str]) -> int | None:
    value = _decode_all(texts)
    if _is_empty(value):
        return None
    number = to_integer(value)
    if number is None:
        shown = texts[0] if isinstance(value, bool) else value
        raise ValueError(f'"{shown}" is not a number')
    if number < 0:
        raise ValueError(f"{number} is less than minimum value 0")
    if number > MAX_INTEGER:
        raise ValueError(f"{number} is greater than maximum value {MAX_INTEGER}")
    return number


def _read_string(name: str, texts: Sequence[str]) -> str | None:
    value = _decode_all(texts)
    if _is_empty(value):
        return None
    if isinstance(value, bool):
        return texts[0]
    if not isinstance(value, str):
        raise ValueError(f"{value} is not a string: {{'{name}': ''}}")
    return value


def _read_fields(name: str, texts: Sequence[str]) -> tuple[str, ...] | None:
    fields = tuple(field for text in texts for field in text.split(",") if field)
    if any(is_too_deep(field) for field in fields):
        raise ValueError(f"A field of {name} has more than {MAX_FIELD_DEPTH} parts")
    return fields or None


def _read_timestamp_of_deletion(name: str, texts: Sequence[str]) -> int | None:
    value = _decode_all(texts)
    if value is None:
        return None
    number = to_integer(value)
    if number is None:
        shown = texts[0] if isinstance(value, bool) else value
        raise ValueError(f'"{shown}" is not a number')
    return number


def _read_conditions(
    texts: Mapping[str, Sequence[str]], errors: list[Detail]
) -> tuple[Condition, ...]:
    conditions = []
    for name, values in texts.items():
        if name in _TIMESTAMPS:
            # `_since=null` is the same as none; `last_modified=null` is refused later.
            if name != "last_modified" and _decode_all(values) is None:
                continue
            conditions.append(Condition(name, _attempt(_read_integer, name, texts, errors)))
        elif name == "id":
            conditions.append(Condition(name, _attempt(_read_string, name, texts, errors)))
        elif not name.startswith("_"):
            conditions.append(Condition(name, values[0] if len(values) == 1 else list(values)))
    return tuple(conditions)
