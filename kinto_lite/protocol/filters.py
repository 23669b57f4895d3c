"""Filters and sorting: what the parameters of a list mean, and which of them make no sense.

The second step of reading a query string (see `protocol.querystring` for the first), done
after 304 and 412. The first error that is found is the one that is shown. Finding objects is
left to the storage.

Source: protocol, part 1, chapters 5.2 to 5.5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping

from kinto_lite.errors import Detail, InvalidRequest
from kinto_lite.model import Filter, Json, Sort
from kinto_lite.protocol.fields import MAX_FIELD_DEPTH, is_too_deep
from kinto_lite.protocol.querystring import Condition, ListParameters, decode_value, to_integer

#: Values that one `in_`, `exclude_`, `contains_` or `contains_any_` may have.
MAX_VALUES = 10_000
#: Parts of dotted names, added up, that the filters and the sort keys of a request may have.
MAX_FILTER_PARTS = 256
MAX_SORT_PARTS = 32
#: How far from now a timestamp may lie in the future.
MAX_AHEAD_MS = 24 * 60 * 60 * 1000

_PREFIXED = re.compile(r"(eq|not|min|max|lt|gt|in|exclude|like|has|contains_any|contains)_([\w.]+)")
_SORT_ITEM = re.compile(r"([+-]?)([\w.]+)")
_SHORTHANDS = {
    "_since": ("gt", "last_modified"),
    "_before": ("lt", "last_modified"),
    "_to": ("lt", "last_modified"),
}
_ORDERED = ("eq", "not", "lt", "max", "gt", "min")
_COMPARING = (*_ORDERED, "in", "exclude", "like")
_NEWEST_FIRST = (Sort("last_modified", True),)


def build_filters(
    parameters: ListParameters,
    known_fields: frozenset[str] | None,
    now_ms: int,
    text_fields: frozenset[str] = frozenset(),
) -> tuple[Filter, ...]:
    """Return the filters of a list, all to be met.

    `known_fields` are the attributes of a closed schema, None for an open one; `now_ms` is the
    present in milliseconds, since timestamps may lie a day ahead of it at most. Values for
    `text_fields` are texts, whatever they look like.
    Errors: InvalidRequest, for the first condition that makes no sense.
    Source: protocol, part 1, chapters 5.2 and 5.3; part 2, rule D-14.
    """
    filters = tuple(
        _build_filter(_quote(condition, text_fields), known_fields, now_ms)
        for condition in parameters.conditions
    )
    if _count_parts(item.field for item in filters) > MAX_FILTER_PARTS:
        raise _refuse(None, f"The filters have more than {MAX_FILTER_PARTS} parts")
    return filters


def build_sort(parameters: ListParameters, known_fields: frozenset[str] | None) -> tuple[Sort, ...]:
    """Return the sort keys of a list; `last_modified` is always one of them, once.

    Without it, newest first is appended. Of keys on the same field the first one decides, so
    the others are dropped.
    Errors: InvalidRequest for fields that a closed schema does not have, and for too many.
    Source: protocol, part 1, chapter 5.5.
    """
    if parameters.sort is None:
        return _NEWEST_FIRST
    keys: dict[str, Sort] = {}
    for item in parameters.sort.split(","):
        match = _SORT_ITEM.fullmatch(item.strip())
        if match is None:
            continue
        sign, field = match.groups()
        if not _is_known(field, known_fields):
            raise _refuse(None, f"Unknown sort field '{field}'")
        keys.setdefault(field, Sort(field, sign == "-"))
    keys.setdefault("last_modified", *_NEWEST_FIRST)
    if _count_parts(keys) > MAX_SORT_PARTS:
        raise _refuse(None, f"The fields of _sort have more than {MAX_SORT_PARTS} parts")
    return tuple(keys.values())


def refuse_secret_fields(
    filters: Iterable[Filter], sort: Iterable[Sort], secret_fields: frozenset[str]
) -> None:
    """Refuse to filter or sort by what would come to light so.

    Errors: InvalidRequest. Source: protocol, part 2, rule D-3.
    """
    if not secret_fields:
        return
    for item in filters:
        if item.field.split(".")[0] in secret_fields:
            raise _refuse(item.field, f"Unknown filter field '{item.field}'")
    for key in sort:
        if key.field.split(".")[0] in secret_fields:
            raise _refuse(None, f"Unknown sort field '{key.field}'")


def wants_tombstones(filters: Iterable[Filter]) -> bool:
    """Tell whether deleted objects take part: they do as soon as `last_modified` is filtered.

    Source: protocol, part 1, chapter 5.4.
    """
    return any(item.field == "last_modified" for item in filters)


def _quote(condition: Condition, text_fields: frozenset[str]) -> Condition:
    """Say a condition on a text so that its values are not taken for numbers."""
    name, raw = condition
    operator, field = _split_name(name)
    if field not in text_fields or operator not in _COMPARING or not isinstance(raw, str):
        return condition
    items = raw.split(",") if operator in ("in", "exclude") else [raw]
    return Condition(name, ",".join(_quote_value(item) for item in items))


def _quote_value(raw: str) -> str:
    return raw if not raw or isinstance(decode_value(raw), str) else json.dumps(raw)


def _build_filter(condition: Condition, known_fields: frozenset[str] | None, now_ms: int) -> Filter:
    name, raw = condition
    if name in _SHORTHANDS:
        operator, field = _SHORTHANDS[name]
    else:
        operator, field = _split_name(name)
        if not _is_known(field, known_fields):
            raise _refuse(name, f"Unknown filter field '{name}'")
    if _has_null_character(name) or _has_null_character(raw):
        raise _refuse(name, "Invalid character 0x00")
    if is_too_deep(field):
        raise _refuse(name, f"Field {name} has more than {MAX_FIELD_DEPTH} parts")
    if field == "last_modified":
        return Filter(field, operator, _read_timestamp(name, operator, raw, now_ms))
    value = raw if name == "id" else _decode(name, operator, raw)
    _check_value(name, field, operator, value)
    return Filter(field, operator, value)


def _split_name(name: str) -> tuple[str, str]:
    match = _PREFIXED.fullmatch(name)
    return (match[1], match[2]) if match else ("eq", name)


def _is_known(field: str, known_fields: frozenset[str] | None) -> bool:
    return known_fields is None or field.split(".")[0] in known_fields


def _count_parts(fields: Iterable[str]) -> int:
    return sum(field.count(".") + 1 for field in fields)


def _refuse(name: str | None, description: str) -> InvalidRequest:
    return InvalidRequest([Detail(name, "querystring", description)])


def _refuse_value(name: str) -> InvalidRequest:
    return _refuse(name, f"Invalid value for {name}")


def _has_null_character(value: Json) -> bool:
    """Look for U+0000 in a text, or anywhere in a value: escaped backslashes are no escapes."""
    return "\\u0000" in json.dumps(value).replace("\\\\", "")


def _read_timestamp(name: str, operator: str, raw: Json, now_ms: int) -> int:
    value = decode_value(raw) if isinstance(raw, str) else raw
    number = to_integer(value) if operator in _ORDERED else None
    if number is None or not 0 <= number <= now_ms + MAX_AHEAD_MS:
        raise _refuse_value(name)
    return number


def _decode(name: str, operator: str, raw: str | list[str]) -> Json:
    try:
        return _DECODERS.get(operator, _decode_any)(raw)
    except ValueError:
        raise _refuse_value(name) from None


def _check_value(name: str, field: str, operator: str, value: Json) -> None:
    if _has_null_character(value):
        raise _refuse(name, "Invalid character 0x00")
    if operator in ("in", "exclude", "contains", "contains_any") and len(value) > MAX_VALUES:
        raise _refuse(name, f"{name} has more than {MAX_VALUES} values")
    if field != "id":
        return
    if operator in ("contains", "contains_any"):
        raise _refuse(name, "Field 'id' is not an array")
    if operator in ("in", "exclude") and not all(isinstance(item, str) for item in value):
        raise _refuse_value(name)


def _decode_any(raw: str | list[str]) -> Json:
    return decode_value(raw) if isinstance(raw, str) else raw


def _decode_items(raw: str | list[str]) -> list[Json]:
    if not isinstance(raw, str):
        return raw
    return [decode_value(item) for item in raw.split(",") if item]


def _decode_array(raw: str | list[str]) -> list[Json]:
    value = _decode_any(raw)
    return value if isinstance(value, list) else [value]


def _decode_text(raw: str | list[str]) -> str:
    value = _decode_any(raw)
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _decode_presence(raw: str | list[str]) -> bool:
    return bool(_decode_any(raw))


_DECODERS: Mapping[str, Callable[[str | list[str]], Json]] = {
    "in": _decode_items,
    "exclude": _decode_items,
    "contains": _decode_array,
    "contains_any": _decode_array,
    "like": _decode_text,
    "has": _decode_presence,
}
