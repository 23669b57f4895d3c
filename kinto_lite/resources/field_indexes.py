"""The indexes that a collection asks for: `"indexes": ["status", "due"]` in its metadata.

It is a plain attribute, as clients of Kinto may have one of that name: what is not a list of
field names asks for nothing, and fields beyond the first eight are left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from kinto_lite.hooks import Call
from kinto_lite.model import Json, ListRef, ObjectRef, Row
from kinto_lite.protocol.fields import is_too_deep

MAX_INDEXES = 8
MAX_FIELD_CHARACTERS = 200
#: Found by their columns anyway.
_COLUMNS = ("id", "last_modified")


def store_indexes(call: Call, ref: ObjectRef, old: Row | None, data: Mapping[str, Json]) -> None:
    """Let the records of a collection that was written be indexed as it asks."""
    had_some = old is not None and '"indexes"' in old.data
    if had_some or "indexes" in data:
        call.tx.replace_indexes(ListRef("record", ref.uri), read_indexes(data))


def read_indexes(data: Mapping[str, Json]) -> list[str]:
    """Return the fields that a collection asks to have indexed, each once."""
    wanted = data.get("indexes")
    if not isinstance(wanted, list):
        return []
    fields = dict.fromkeys(field for field in wanted if _can_be_indexed(field))
    return list(fields)[:MAX_INDEXES]


def _can_be_indexed(field: Json) -> bool:
    return (
        isinstance(field, str)
        and 0 < len(field) <= MAX_FIELD_CHARACTERS
        and field not in _COLUMNS
        and not is_too_deep(field)
    )
