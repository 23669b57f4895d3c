"""Writes an object: timestamps, data, permissions, members, and the answer that shows it. The
three verbs that write (POST, PUT, PATCH) decide what; how is here, once.

Source: protocol, core chapters 2.4, 2.6, 4.1 and 8.6.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from kinto_lite.hooks import Call
from kinto_lite.model import Answer, Json, ObjectRef, Place, Row
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.protocol.payloads import object_body
from kinto_lite.protocol.timestamps import next_timestamp
from kinto_lite.resources.conditions import start_list, timestamp_headers
from kinto_lite.resources.field_indexes import store_indexes
from kinto_lite.resources.groups import store_members
from kinto_lite.resources.schema_rules import validate_against_schemas

#: Lists of principals, by the name of the permission.
Permissions = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The state that an object shall have."""

    #: All attributes, without `id` and `last_modified`.
    data: dict[str, Json]
    #: Permission lists to set, by name; those not named stay as they are.
    permissions: Permissions = field(default_factory=dict)
    #: The usable `last_modified` of the client.
    last_modified: int | None = None
    #: Whether the server made the id up, so that a schema cannot ask for it.
    has_new_id: bool = False


def read_attributes(row: Row | None) -> dict[str, Json]:
    """Return the attributes of a stored object as a dict; of a missing one, none."""
    attributes: dict[str, Json] = {} if row is None else json.loads(row.data)
    return attributes


def store(call: Call, ref: ObjectRef, place: Place, wanted: Wanted) -> Row:
    """Create or replace an object, tell the plugins, and return what is stored now.

    Errors: InvalidRequest when the object does not fit its JSON schema; what the rules of its
    kind raise.
    """
    assert place.list_key is not None
    data = validate_against_schemas(call, ref, None if wanted.has_new_id else ref.id, wanted.data)
    data = call.service.rules_of(ref.kind).prepare(call, ref, place.live, data)
    counter = start_list(call, place)
    existing = None if place.live is None else place.live.last_modified
    timestamp, list_timestamp = next_timestamp(
        call.service.clock(), counter, wanted.last_modified, existing
    )
    row = call.tx.write_object(place, ref, dump_json(data), timestamp, list_timestamp)
    _store_permissions(call, ref, place.list_key, row.key, wanted.permissions)
    if ref.kind == "group":
        store_members(call, ref, place.live, row)
    if ref.kind == "collection":
        store_indexes(call, ref, place.live, data)
    action = "create" if place.live is None else "update"
    call.tell(action, ref, place.live, row)
    return row


def _store_permissions(
    call: Call, ref: ObjectRef, list_key: int, object_key: int, permissions: Permissions
) -> None:
    kind = call.kind.name
    if permissions:
        call.tx.replace_permissions(list_key, object_key, kind, permissions)
    if call.service.settings["explicit_permissions"]:
        owner = call.service.rules_of(kind).owner(call, ref)
        call.tx.add_permission(list_key, object_key, kind, "write", owner)


def show(call: Call, row: Row, status: int) -> Answer:
    """Return the answer that shows a stored object, with the permissions the asker may see."""
    if call.service.rules_of(call.kind.name).shows_permissions:
        permissions = call.tx.read_permissions(row.key)
    else:
        permissions = call.tx.read_shown_permissions(row.key, call.asker)
    return Answer(status, timestamp_headers(row.last_modified), object_body(row, permissions))
