"""PUT on an object: create it, or replace it.

Source: protocol, core chapters 1.9, 2.4 and 8.6.
"""

from __future__ import annotations

from kinto_lite.errors import InvalidRequest
from kinto_lite.hooks import Call
from kinto_lite.model import Answer, Place
from kinto_lite.protocol.bodies import check_same_id, find_replaced_lists, read_envelope
from kinto_lite.protocol.preconditions import read_preconditions
from kinto_lite.resources.access import (
    check_above,
    check_id,
    check_parent,
    locate,
    object_ref,
    require,
)
from kinto_lite.resources.conditions import (
    check_negotiation,
    check_preconditions,
    check_request,
    content_type,
)
from kinto_lite.resources.storing import Wanted, read_attributes, show, store


def replace_object(call: Call) -> Answer:
    """Answer PUT on an object endpoint."""
    ref = object_ref(call)
    place = locate(call, ref)
    check_above(call, place)
    check_negotiation(call)
    require(call, place, _need(call, place))
    envelope, details = read_envelope(call.request.body, content_type(call), call.kind)
    preconditions = check_request(call, details)
    check_id(call, ref.id)
    existing = None if place.live is None else place.live.last_modified
    check_preconditions(call, preconditions, place, existing)
    wrong_id = check_same_id(envelope.id, ref.id)
    if wrong_id:
        raise InvalidRequest(wrong_id)
    check_parent(call, place)
    data = envelope.data if envelope.data is not None else read_attributes(place.live)
    lists = find_replaced_lists(envelope, call.kind)
    row = store(call, ref, place, Wanted(data, lists, envelope.last_modified))
    return show(call, row, 201 if place.live is None else 200)


def _need(call: Call, place: Place) -> str:
    """An existing object is written, a missing one created. `If-None-Match: *` asks to create
    in both cases, and then fails as a precondition (core 8.3)."""
    if place.live is None:
        return "create"
    preconditions, _ = read_preconditions(call.request.headers)
    return "create" if preconditions.wants_creation else "write"
