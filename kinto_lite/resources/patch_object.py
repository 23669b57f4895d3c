"""PATCH on an object, in its three formats.

Source: protocol, core chapters 1.9, 2.4 and 3.
"""

from __future__ import annotations

import json

from kinto_lite.hooks import Call
from kinto_lite.model import Answer, Json, ObjectRef, Row
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.protocol.media_types import JSON_PATCH
from kinto_lite.protocol.patches import (
    Patch,
    Patched,
    apply_patch,
    read_behavior,
    read_patch,
    select_members,
)
from kinto_lite.protocol.payloads import data_body, splice_row
from kinto_lite.resources.access import (
    check_above,
    locate,
    object_ref,
    require_change,
    require_live,
)
from kinto_lite.resources.conditions import (
    check_negotiation,
    check_preconditions,
    check_request,
    content_type,
    timestamp_headers,
)
from kinto_lite.resources.storing import Wanted, show, store


def patch_object(call: Call) -> Answer:
    """Answer PATCH on an object endpoint."""
    ref = object_ref(call)
    place = locate(call, ref)
    check_above(call, place)
    check_negotiation(call)
    require_change(call, place)
    patch, wrong_body = read_patch(call.request.body, content_type(call), call.kind)
    behavior, wrong_header = read_behavior(call.request.headers.get("response-behavior"))
    preconditions = check_request(call, [*wrong_body, *wrong_header])
    old = require_live(call, ref, place)
    check_preconditions(call, preconditions, place, old.last_modified)
    patched = _apply(call, patch, old)
    wanted = Wanted(patched.data, patched.permissions, patched.last_modified)
    new = store(call, ref, place, wanted)
    return _answer(call, ref, (behavior, patched), old, new)


def _apply(call: Call, patch: Patch, old: Row) -> Patched:
    needs_permissions = patch.media_type == JSON_PATCH
    permissions = call.tx.read_permissions(old.key) if needs_permissions else {}
    max_bytes = call.service.settings["max_body_bytes"]
    return apply_patch(patch, call.kind, _read(old), permissions, max_bytes)


def _read(row: Row) -> dict[str, Json]:
    complete: dict[str, Json] = json.loads(splice_row(row))
    return complete


def _answer(call: Call, ref: ObjectRef, wish: tuple[str, Patched], old: Row, new: Row) -> Answer:
    behavior, patched = wish
    if behavior == "full":
        return show(call, new, 200)
    members = select_members(behavior, patched, _read(old), _read(new))
    return Answer(200, timestamp_headers(new.last_modified), data_body(dump_json(members)))
