"""POST on a list: create an object, or show the one that has this id already.

Source: protocol, core chapters 1.9, 2.3, 2.4 and 8.3.
"""

from __future__ import annotations

from kinto_lite.hooks import Call
from kinto_lite.model import MISSING, Answer, ObjectRef
from kinto_lite.protocol.bodies import find_replaced_lists, read_envelope
from kinto_lite.resources.access import (
    check_above,
    check_id,
    check_parent,
    list_ref,
    locate,
    require,
)
from kinto_lite.resources.conditions import (
    check_negotiation,
    check_preconditions,
    check_request,
    content_type,
)
from kinto_lite.resources.storing import Wanted, show, store


def create_object(call: Call) -> Answer:
    """Answer POST on a plural endpoint."""
    envelope, details = read_envelope(call.request.body, content_type(call), call.kind)
    ref = _wanted_ref(call, envelope.id)
    place = locate(call, ref)
    check_above(call, place)
    if envelope.id is not MISSING:
        check_id(call, envelope.id)
    check_negotiation(call)
    require(call, place, "create" if place.live is None else "read")
    preconditions = check_request(call, details)
    existing = None if place.live is None else place.live.last_modified
    check_preconditions(call, preconditions, place, existing)
    if place.live is not None:
        call.tell_read(ref.list, [place.live])
        return show(call, place.live, 200)
    check_parent(call, place)
    lists = find_replaced_lists(envelope, call.kind)
    wanted = Wanted(
        envelope.data or {}, lists, envelope.last_modified, has_new_id=envelope.id is MISSING
    )
    return show(call, store(call, ref, place, wanted), 201)


def _wanted_ref(call: Call, id_: object) -> ObjectRef:
    """Return where the object will be; one that is sent without an id gets a new one."""
    kind, parent_uri = list_ref(call)
    if id_ is MISSING:
        return ObjectRef(kind, parent_uri, call.service.identifiers[kind].generate())
    return ObjectRef(kind, parent_uri, str(id_))
