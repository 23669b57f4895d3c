"""DELETE on an object: leave a tombstone, erase what lies below.

Source: protocol, core chapters 6.1 to 6.3.
"""

from __future__ import annotations

from kinto_lite.hooks import Call
from kinto_lite.model import Answer
from kinto_lite.protocol.bodies import check_ignored_body, read_timestamp
from kinto_lite.protocol.payloads import data_body, splice_row
from kinto_lite.protocol.querystring import read_delete_parameters
from kinto_lite.protocol.timestamps import next_timestamp
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


def delete_object(call: Call) -> Answer:
    """Answer DELETE on an object endpoint."""
    ref = object_ref(call)
    place = locate(call, ref)
    check_above(call, place)
    check_negotiation(call)
    require_change(call, place)
    last_modified, details = read_delete_parameters(call.request.query)
    wrong_body = check_ignored_body(call.request.body, content_type(call))
    preconditions = check_request(call, [*details, *wrong_body])
    row = require_live(call, ref, place)
    check_preconditions(call, preconditions, place, row.last_modified)
    assert place.list_key is not None
    requested = read_timestamp(last_modified)
    timestamp, _ = next_timestamp(
        call.service.clock(), place.list_timestamp, requested, row.last_modified
    )
    (tombstone,) = call.tx.delete_objects(place.list_key, ref.kind, [row], [timestamp])
    call.tell("delete", ref, row, tombstone)
    body = data_body(splice_row(tombstone))
    return Answer(200, timestamp_headers(tombstone.last_modified), body)
