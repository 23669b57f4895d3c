"""Request bodies: from bytes to an envelope of valid data and permissions.

Every reader returns what it could read and a list of details; the caller adds the errors of
headers and query string and refuses the request with all of them. Leaves PATCH to
`protocol.patches`, JSON schemas to `protocol.schemas`, media types to `protocol.media_types`.

Source: protocol, part 1, chapters 1.8, 2, 8.1 and 8.6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from kinto_lite.errors import Detail
from kinto_lite.model import MISSING, Json, Kind
from kinto_lite.protocol import descriptions
from kinto_lite.protocol.json_text import parse_json
from kinto_lite.protocol.media_types import JSON, JSON_PATCH, MERGE_PATCH, read_media_type
from kinto_lite.protocol.schemas import check_schema
from kinto_lite.protocol.timestamps import EARLIEST_MS, LATEST_MS

#: Most errors that are reported for one array.
MAX_DETAILS = 100

_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")
_BOTH = ("data", "permissions")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The body of a POST or PUT.

    `data` has neither `id` nor `last_modified`; None when the body has no `data`. `permissions`
    holds known names only; a list is None where the client sent null. `id` is what the client
    sent under that name, of any type, or MISSING. `last_modified` is None unless it is usable.
    """

    data: dict[str, Json] | None = None
    permissions: dict[str, list[str] | None] | None = None
    id: Json = MISSING
    last_modified: int | None = None


def read_envelope(body: bytes, content_type: str, kind: Kind) -> tuple[Envelope, list[Detail]]:
    """Read the body of a POST or PUT (chapters 2.1, 2.5, 2.6 and 8.6).

    The id is filled as soon as `data` is an object, also when there are details.
    """
    document, details = read_json(body, content_type)
    if details:
        return Envelope(), details
    data, permissions, details = read_members(document, kind)
    if data is None:
        if kind.name in _WITH_DATA and not details:
            details = [Detail("data", "body", descriptions.REQUIRED)]
        return Envelope(None, permissions), details
    id, timestamp = data.pop("id", MISSING), read_timestamp(data.pop("last_modified", None))
    data, wrong_fields = read_fields(kind, data, "data.")
    return Envelope(data, permissions, id, timestamp), details + wrong_fields


def read_json(body: bytes, content_type: str) -> tuple[Json, list[Detail]]:
    """Read a body that must be an object or an array; an absent one counts as `{}`."""
    if not body:
        return {}, []
    required = Detail("", "body", descriptions.REQUIRED)
    try:
        document = parse_json(body, read_media_type(content_type).charset)
    except ValueError as error:
        return None, [Detail("", "body", f"Invalid JSON: {error}"), required]
    if not isinstance(document, dict | list):
        return None, [Detail("", "body", descriptions.NOT_JSON_CONTAINER), required]
    return document, []


def find_unreadable(details: Sequence[Detail]) -> list[Detail]:
    """Return the details of a body that could not be read at all, if there are any.

    Nothing else is looked at then, whatever is wrong with headers and query string.
    """
    is_unreadable = any(
        detail.location == "body"
        and detail.name == ""
        and detail.description.startswith((descriptions.NOT_JSON_CONTAINER, "Invalid JSON"))
        for detail in details
    )
    return [d for d in details if d.location == "body"] if is_unreadable else []


def check_ignored_body(body: bytes, content_type: str) -> list[Detail]:
    """Return the error of a body sent with GET, HEAD or DELETE.

    Its content means nothing, yet it must be JSON if its type, or no type, says so (1.8).
    """
    if not body or read_media_type(content_type).name not in (JSON, JSON_PATCH, MERGE_PATCH):
        return []
    return read_json(body, content_type)[1][:1]


def read_members(
    document: Json, kind: Kind
) -> tuple[dict[str, Json] | None, dict[str, list[str] | None] | None, list[Detail]]:
    """Read `data` (its fields unchecked, a copy) and `permissions` of an envelope (2.1)."""
    if not isinstance(document, dict):
        return None, None, [Detail("", "body", descriptions.describe_not_mapping(document))]
    unknown = {key: value for key, value in document.items() if key not in _BOTH}
    if unknown:
        return None, None, [Detail("", "body", descriptions.describe_unknown_keys(unknown))]
    details = [
        Detail(key, "body", descriptions.describe_not_mapping(value))
        for key, value in document.items()
        if not isinstance(value, dict)
    ]
    data, permissions = (_get_mapping(document, key) for key in _BOTH)
    if data is not None:
        data.pop("__permissions__", None)
    if permissions is not None:
        permissions, wrong_lists = read_permissions(permissions, kind)
        details += wrong_lists
    return data, permissions, details


def read_permissions(
    permissions: dict[str, Json], kind: Kind
) -> tuple[dict[str, list[str] | None], list[Detail]]:
    """Check the lists of principals; duplicates vanish, null stays None (8.6)."""
    for name, value in permissions.items():
        if name not in kind.permissions and value is not None:
            text = descriptions.describe_choice(name, kind.permissions)
            return {}, [Detail("permissions", "body", text)]
    lists: dict[str, list[str] | None] = {}
    details: list[Detail] = []
    for name in filter(permissions.__contains__, kind.permissions):
        value = permissions[name]
        wrong = [] if value is None else _check_texts(value, f"permissions.{name}")
        details += wrong
        if not wrong:
            lists[name] = None if value is None else list(dict.fromkeys(value))
    return lists, details


def find_replaced_lists(envelope: Envelope, kind: Kind) -> dict[str, list[str]]:
    """Return the permission lists that a PUT replaces; those not in it stay as they are.

    One list that is not null is enough for the others to become empty (8.6).
    """
    given = envelope.permissions or {}
    if all(principals is None for principals in given.values()):
        return {}
    return {name: given.get(name) or [] for name in kind.permissions}


def read_fields(
    kind: Kind, data: dict[str, Json], prefix: str
) -> tuple[dict[str, Json], list[Detail]]:
    """Check the typed fields of an object and bring them into their stored form (2.5).

    `prefix` goes before the names in errors: "data." for POST and PUT, "" for PATCH.
    """
    readers = _FIELDS.get(kind.name)
    if readers is None:
        return data, []
    data = dict(data)
    details: list[Detail] = []
    for field, read in readers.items():
        value, wrong = read(data.pop(field, MISSING), prefix + field)
        details += wrong
        if value is not MISSING:
            data[field] = value
    return data, details


def read_timestamp(value: Json) -> int | None:
    """Return a `last_modified` given by the client, None when it is unusable (2.6)."""
    is_usable = type(value) is int and EARLIEST_MS <= value <= LATEST_MS
    return value if is_usable else None


def check_same_id(submitted: Json, id: str) -> list[Detail]:
    """Return the error of a PUT or PATCH whose `data.id` is not the one of the URL (2.4)."""
    if submitted is MISSING or submitted == id:
        return []
    return [Detail("id", "body", "Object id does not match existing object")]


def _get_mapping(document: dict[str, Json], key: str) -> dict[str, Json] | None:
    value = document.get(key)
    return dict(value) if isinstance(value, dict) else None


def _check_texts(value: Json, name: str) -> list[Detail]:
    if not isinstance(value, list):
        return [Detail(name, "body", descriptions.describe_not_iterable(value))]
    return list(islice(_find_wrong_texts(value, name), MAX_DETAILS))


def _find_wrong_texts(items: list[Json], name: str) -> Iterator[Detail]:
    for index, item in enumerate(items):
        if not item:
            yield Detail(f"{name}.{index}", "body", descriptions.REQUIRED)
        elif not isinstance(item, str):
            yield Detail(f"{name}.{index}", "body", descriptions.describe_not_string(item))


def _read_member_ids(value: Json, name: str) -> tuple[Json, list[Detail]]:
    if value is MISSING:
        return [], []
    details = _check_texts(value, name)
    if details and not isinstance(value, list):
        return value, details
    return value, details + list(islice(_find_groups(value, name), MAX_DETAILS))


def _find_groups(members: list[Json], name: str) -> Iterator[Detail]:
    for index, member in enumerate(members):
        if not isinstance(member, str):
            continue
        if member == "system.Everyone" or member.startswith("/buckets/"):
            text = f"{descriptions.show_value(member)} is not a valid user ID."
            yield Detail(f"{name}.{index}", "body", text)


def _read_cache_expires(value: Json, name: str) -> tuple[Json, list[Detail]]:
    """Convert to an integer as lenient as clients know it; empty values drop the field."""
    if value is MISSING or value is None or value in ("", [], {}):
        return MISSING, []
    if isinstance(value, int | float) or (isinstance(value, str) and _INTEGER.fullmatch(value)):
        number = int(value)
        return number if -(2**63) <= number < 2**64 else float(number), []
    return value, [Detail(name, "body", descriptions.describe_not_number(value))]


def _read_schema(value: Json, name: str) -> tuple[Json, list[Detail]]:
    return value, [] if value is MISSING else check_schema(value, name)


def _read_password(value: Json, name: str) -> tuple[Json, list[Detail]]:
    if value is MISSING or not value:
        return MISSING, [Detail(name, "body", descriptions.REQUIRED)]
    if not isinstance(value, str):
        text = descriptions.describe_not_string(value, "password")
        return MISSING, [Detail(name, "body", text)]
    return value, []


#: Kinds with fields that must be there, so that a POST or PUT needs `data`.
_WITH_DATA = ("account",)

_FIELDS: dict[str, dict[str, Callable[[Json, str], tuple[Json, list[Detail]]]]] = {
    "account": {"password": _read_password},
    "group": {"members": _read_member_ids},
    "collection": {"schema": _read_schema, "cache_expires": _read_cache_expires},
    "bucket": {
        "collection:schema": _read_schema,
        "group:schema": _read_schema,
        "record:schema": _read_schema,
    },
}
