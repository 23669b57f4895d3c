"""What comes from Kinto, wherever it is read, as the rows that move into a database.

A source yields objects in Kinto's words (`KintoSource`); here they become rows: keys by age, text
as this server writes it, the lists below each object. Leaves reading to the sources.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from kinto_lite.model import Json
from kinto_lite.protocol.json_text import MAX_DEPTH, dump_json
from kinto_lite.storage.moving import ListRow, MovedRow, ObjectRow, Refused, SecretRow

#: Kinds that hang below each kind, in the order in which their objects are read.
BELOW: Mapping[str, tuple[str, ...]] = {
    "bucket": ("group", "collection", "history"),
    "collection": ("record",),
}
#: Segments of URLs.
PLURALS: Mapping[str, str] = {
    "bucket": "buckets",
    "group": "groups",
    "collection": "collections",
    "record": "records",
    "history": "history",
    "account": "accounts",
}

_TOMBSTONE = '{"deleted":true}'
#: Stored beside the data, so never a part of it.
_STAMPS = ("id", "last_modified")
#: Integers with at most so many digits are within the range of doubles.
_SAFE_DIGITS = 300


class KintoList(NamedTuple):
    """A plural endpoint below an object; `last_modified` is 0 when nobody knows it."""

    kind: str
    last_modified: int


class KintoObject(NamedTuple):
    """An object or a tombstone as Kinto has it, accounts without a parent.

    `data` are its attributes; `permissions` pairs (name, principal); `members` the principals
    that are in the group; `lists` what is below it.
    """

    kind: str
    parent_uri: str
    id: str
    last_modified: int
    is_deleted: bool
    data: dict[str, Json]
    permissions: Sequence[tuple[str, str]] = ()
    members: Sequence[str] = ()
    lists: Sequence[KintoList] = ()

    @property
    def uri(self) -> str:
        """Its URI without version prefix."""
        return f"{self.parent_uri}/{PLURALS[self.kind]}/{self.id}"


class KintoSource(Protocol):
    """Everything that can be read of one Kinto, at one moment."""

    def count_objects(self) -> int | None:
        """Count what `objects` will yield, for a progress bar; None when nobody knows."""
        ...

    def root_lists(self) -> Sequence[KintoList]:
        """Return the lists that hang below nothing."""
        ...

    def objects(self) -> Iterator[KintoObject]:
        """Yield objects, what they hang below first, older ones of a list before newer ones."""
        ...

    def describe_losses(self) -> list[str]:
        """Say what was not, or cannot be, read: one line each. Called when all was read."""
        ...


def make_rows(
    source: KintoSource, secrets: Mapping[str, str], last_key: int = 0
) -> Iterator[MovedRow]:
    """Yield all rows of a source; the key of the first object follows `last_key`.

    Errors: Refused for an object that cannot be stored as it is.
    """
    for name, value in sorted(secrets.items()):
        yield SecretRow(name, value)
    for root in source.root_lists():
        yield ListRow(root.kind, "", root.last_modified)
    for key, found in enumerate(source.objects(), last_key + 1):
        yield make_object(key, found)
        if not found.is_deleted:
            for below in found.lists:
                yield ListRow(below.kind, found.uri, below.last_modified)


def make_object(key: int, found: KintoObject) -> ObjectRow:
    """Return the row of an object. Errors: Refused."""
    place = key, found.kind, found.parent_uri, found.id
    if found.is_deleted:
        return ObjectRow(*place, found.last_modified, True, _TOMBSTONE)
    return ObjectRow(
        *place,
        found.last_modified,
        False,
        write_data(found),
        tuple(sorted(set(found.permissions))),
        tuple(sorted(set(found.members))),
    )


def write_data(found: KintoObject) -> str:
    """Return the stored text of an object's attributes. Errors: Refused."""
    data = {name: value for name, value in found.data.items() if name not in _STAMPS}
    try:
        text = dump_json(data)
        has_brackets = text.count("[") + text.count("{") > MAX_DEPTH
        if has_brackets and measure_depth(data) > MAX_DEPTH:
            raise ValueError(f"it has more than {MAX_DEPTH} levels of nesting")
    except (ValueError, RecursionError) as error:
        raise Refused(f"{found.uri} cannot be stored: {error}.") from None
    return text


def measure_depth(value: Json) -> int:
    """Return the levels of nesting, without recursion."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def read_data(text: str | bytes) -> Json:
    """Read JSON that a Kinto has written; integers of any size stay integers.

    Errors: ValueError, also for numbers beyond the range of doubles.
    """
    try:
        return _DECODER.decode(text if isinstance(text, str) else text.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _parse_integer(digits: str) -> int:
    if len(digits) > _SAFE_DIGITS:
        try:
            float(int(digits))
        except OverflowError:
            raise ValueError("a number is beyond the range of doubles") from None
    return int(digits)


_DECODER = json.JSONDecoder(parse_int=_parse_integer)
