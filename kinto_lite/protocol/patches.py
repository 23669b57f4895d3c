"""PATCH: its three formats, applied to an object, and what the answer shows of it.

Two steps, since the body is checked before the object is looked up: `read_patch` collects the
errors of the body, `apply_patch` refuses what does not fit the object. Leaves JSON schemas of
collections and buckets, timestamps and the storing to the caller.

Source: protocol, part 1, chapter 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

import jsonpatch
import jsonpointer

from kinto_lite.errors import Detail, InvalidRequest
from kinto_lite.model import MISSING, Json, Kind
from kinto_lite.protocol import bodies, descriptions
from kinto_lite.protocol.json_text import dump_json, parse_json
from kinto_lite.protocol.media_types import JSON, JSON_PATCH, MERGE_PATCH, read_media_type

#: Most operations of one JSON patch.
MAX_OPERATIONS = 1000

#: Values of the header `Response-Behavior`.
BEHAVIORS = ("full", "light", "diff")

_OPERATIONS = ("test", "add", "remove", "replace", "move", "copy")
_OPERATION_FIELDS = ("op", "path", "from", "value")
_SHOWN_REASON = 300

#: What the library raises for operations that do not fit the document.
_FAILURES = (
    jsonpatch.JsonPatchException,
    jsonpointer.JsonPointerException,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class Patch:
    """The body of a PATCH whose form is valid: an envelope, or operations (JSON patch)."""

    media_type: str = JSON
    data: dict[str, Json] | None = None
    permissions: dict[str, list[str] | None] | None = None
    operations: tuple[dict[str, Json], ...] = ()


@dataclass(frozen=True, slots=True)
class Patched:
    """What an object becomes.

    `data` holds all attributes without `id` and `last_modified`. `permissions` holds the lists
    to store instead of the present ones (empty: nobody); lists that it does not name stay.
    `last_modified` is what the client asked for, None unless usable. `named` are the members
    that the request named, with the values it gave, for `select_members`.
    """

    data: dict[str, Json]
    permissions: dict[str, list[str]]
    last_modified: int | None
    named: dict[str, Json]


def read_patch(body: bytes, content_type: str, kind: Kind) -> tuple[Patch, list[Detail]]:
    """Read the body of a PATCH; typed fields and ids are left to `apply_patch`."""
    media_type = read_media_type(content_type).name
    document, details = bodies.read_json(body, content_type)
    if details:
        return Patch(), details
    if media_type == JSON_PATCH:
        details = _check_operations(document)
        return Patch(media_type, operations=() if details else tuple(document)), details
    data, permissions, details = bodies.read_members(document, kind)
    return Patch(media_type, data, permissions), details


def read_behavior(header: str | None) -> tuple[str, list[Detail]]:
    """Read `Response-Behavior`; absent or empty means full (3.4)."""
    if not header or header in BEHAVIORS:
        return header or "full", []
    text = descriptions.describe_choice(header, BEHAVIORS)
    return "full", [Detail("Response-Behavior", "header", text)]


def apply_patch(
    patch: Patch,
    kind: Kind,
    current: dict[str, Json],
    permissions: dict[str, list[str]],
    max_bytes: int,
) -> Patched:
    """Return what the patch makes of an object.

    `current` is the complete object, `id` and `last_modified` included; `permissions` are all
    stored lists (only JSON patches read them). A JSON patch may produce, and copy, at most
    `max_bytes` of JSON. Neither argument is changed.
    Errors: InvalidRequest (400), with the first error only.
    Source: protocol, part 1, chapters 2.4, 2.5 and 3.
    """
    if patch.media_type == JSON_PATCH:
        patched = _apply_operations(patch, kind, current, permissions, max_bytes)
    else:
        patched = _apply_envelope(patch, current)
    _refuse_first(bodies.check_same_id(patched.data.pop("id", MISSING), current["id"]))
    patched.data.pop("last_modified", None)
    patched.data.pop("__permissions__", None)
    data, details = bodies.read_fields(kind, patched.data, "")
    _refuse_first(details)
    return Patched(data, patched.permissions, patched.last_modified, patched.named)


def select_members(
    behavior: str, patched: Patched, before: dict[str, Json], after: dict[str, Json]
) -> dict[str, Json]:
    """Return the `data` of an answer with `Response-Behavior` light or diff (3.4).

    `before` and `after` are the complete stored objects.
    """
    changed = {
        name: after[name]
        for name in patched.named
        if name in after and after[name] != before.get(name)
    }
    if behavior == "light":
        return changed
    return {name: value for name, value in changed.items() if value != patched.named[name]}


def merge(target: Json, patch: Json) -> Json:
    """Apply a JSON merge patch (RFC 7396) and return the result; both stay as they are."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def _apply_envelope(patch: Patch, current: dict[str, Json]) -> Patched:
    if patch.data is None and patch.permissions is None:
        _refuse_first([Detail("data", "body", "Provide at least one of data or permissions")])
    named = patch.data or {}
    timestamp = bodies.read_timestamp(named.get("last_modified"))
    given = patch.permissions or {}
    if patch.media_type != MERGE_PATCH:
        lists = {name: users for name, users in given.items() if users is not None}
        return Patched({**current, **named}, lists, timestamp, named)
    lists = {name: users or [] for name, users in given.items()}
    shown = {key: value for key, value in named.items() if not _is_merged(current, key, value)}
    return Patched(merge(current, named), lists, timestamp, shown)


def _is_merged(current: dict[str, Json], key: str, value: Json) -> bool:
    """Tell whether an object goes into an object: such members are never shown by light."""
    return isinstance(value, dict) and isinstance(current.get(key), dict)


def _apply_operations(
    patch: Patch,
    kind: Kind,
    current: dict[str, Json],
    permissions: dict[str, list[str]],
    max_bytes: int,
) -> Patched:
    maps = {name: {user: user for user in permissions.get(name, ())} for name in kind.permissions}
    document = json.loads(json.dumps({"data": current, "permissions": maps}))
    try:
        document = _run_operations(document, patch.operations, max_bytes)
        data, lists = _read_result(document, max_bytes)
    except _FAILURES as error:
        _refuse_operation(error)
    for name in _find_removed_lists(patch.operations, kind):
        lists.setdefault(name, [])
    valid, details = bodies.read_permissions(lists, kind)
    _refuse_first(details)
    changed = {
        name: users or [] for name, users in valid.items() if set(users or []) != set(maps[name])
    }
    return Patched(dict(data), changed, bodies.read_timestamp(data.get("last_modified")), data)


def _run_operations(
    document: dict[str, Json], operations: Iterable[dict[str, Json]], max_bytes: int
) -> dict[str, Json]:
    """Apply operations in order. What is copied is bounded in sum, so copies of copies cannot
    grow without end."""
    copied_bytes = 0
    for operation in operations:
        if operation["op"] in ("move", "copy") and not operation.get("from"):
            raise ValueError("The operation does not contain a 'from' member")
        if operation["op"] == "copy":
            text = dump_json(jsonpointer.resolve_pointer(document, operation["from"]))
            copied_bytes += len(text)
            if copied_bytes > max_bytes:
                raise ValueError(f"more than {max_bytes} bytes are copied")
            operation = {"op": "add", "path": operation["path"], "value": json.loads(text)}
        document = jsonpatch.apply_patch(document, [_complete(operation)], in_place=True)
    return document


def _complete(operation: dict[str, Json]) -> dict[str, Json]:
    """Give operations on one principal the value they may leave out: the principal (3.3)."""
    segments = operation["path"].split("/")
    if segments[1] != "permissions" or len(segments) != 4:
        return operation
    if operation["op"] not in ("add", "replace", "test"):
        return operation
    return {**operation, "value": segments[3].replace("~1", "/").replace("~0", "~")}


def _read_result(document: Json, max_bytes: int) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the data, parsed anew so that depth and size are checked, and permission lists."""
    data, permissions = document["data"], document["permissions"]
    if not isinstance(data, dict) or not isinstance(permissions, dict):
        raise ValueError("data and permissions must remain objects")
    text = dump_json(data)
    if len(text) > max_bytes:
        raise ValueError(f"the result has more than {max_bytes} bytes")
    lists = {
        name: list(users) if isinstance(users, dict) else users
        for name, users in permissions.items()
    }
    return parse_json(text.encode()), lists


def _find_removed_lists(operations: Iterable[dict[str, Json]], kind: Kind) -> list[str]:
    """Return the permissions whose whole list is removed: they become empty (3.3)."""
    gone = {op["path"] for op in operations if op["op"] == "remove"}
    gone |= {op.get("from") for op in operations if op["op"] == "move"}
    return [name for name in kind.permissions if f"/permissions/{name}" in gone]


def _check_operations(document: Json) -> list[Detail]:
    if not isinstance(document, list):
        return [Detail("", "body", descriptions.describe_not_iterable(document))]
    if len(document) > MAX_OPERATIONS:
        return [Detail("", "body", f"Number of operations is limited to {MAX_OPERATIONS}")]
    details: list[Detail] = []
    for index, operation in enumerate(document):
        if len(details) < bodies.MAX_DETAILS:
            details += _check_operation(operation, str(index))
    return details


def _check_operation(operation: Json, name: str) -> list[Detail]:
    if not isinstance(operation, dict):
        return [Detail(name, "body", descriptions.describe_not_mapping(operation))]
    unknown = {key: value for key, value in operation.items() if key not in _OPERATION_FIELDS}
    if unknown:
        return [Detail(name, "body", descriptions.describe_unknown_keys(unknown))]
    texts = {
        "op": _check_text(operation, "op", is_required=True),
        "path": _check_text(operation, "path", is_required=True),
        "from": _check_text(operation, "from", is_required=False),
    }
    return [Detail(f"{name}.{field}", "body", text) for field, text in texts.items() if text]


def _check_text(operation: dict[str, Json], field: str, is_required: bool) -> str | None:
    value = operation.get(field)
    if not value:
        return descriptions.REQUIRED if is_required else None
    if not isinstance(value, str):
        return descriptions.describe_not_string(value, field)
    if field == "op":
        return None if value in _OPERATIONS else descriptions.describe_choice(value, _OPERATIONS)
    return None if value.startswith("/") else descriptions.PATTERN


def _refuse_first(details: list[Detail]) -> None:
    if details:
        raise InvalidRequest(details[:1])


def _refuse_operation(error: Exception) -> NoReturn:
    reason = str(error) or type(error).__name__
    if len(reason) > _SHOWN_REASON:
        reason = reason[:_SHOWN_REASON] + "..."
    text = f"JSON Patch operation failed: {reason}"
    raise InvalidRequest([Detail(None, "body", text)]) from error
