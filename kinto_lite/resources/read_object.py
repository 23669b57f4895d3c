"""GET and HEAD on an object.

Source: protocol, core chapters 2.4, 4.4, 5.6, 8.3 and 11.
"""

from __future__ import annotations

import json

from kinto_lite.hooks import Call
from kinto_lite.model import Answer, Row
from kinto_lite.protocol.bodies import check_ignored_body
from kinto_lite.protocol.fields import select_fields
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.protocol.payloads import data_body, object_body, splice_row
from kinto_lite.protocol.querystring import read_object_parameters
from kinto_lite.resources.access import check_above, locate, object_ref, require, require_live
from kinto_lite.resources.caching import cache_headers
from kinto_lite.resources.conditions import (
    check_negotiation,
    check_preconditions,
    check_request,
    content_type,
    timestamp_headers,
)


def read_object(call: Call) -> Answer:
    """Answer GET and HEAD on an object endpoint."""
    ref = object_ref(call)
    check_negotiation(call)
    place = locate(call, ref)
    require(call, place, "read")
    check_above(call, place)
    fields, details = read_object_parameters(call.request.query, call.request.method)
    wrong_body = check_ignored_body(call.request.body, content_type(call))
    preconditions = check_request(call, [*details, *wrong_body])
    row = require_live(call, ref, place)
    not_modified = check_preconditions(call, preconditions, place, row.last_modified)
    if not_modified is not None:
        return not_modified
    if call.service.readers:
        call.tell_read(ref.list, [row], fields)
    headers = [*timestamp_headers(row.last_modified), *cache_headers(call)]
    if fields is not None:
        return Answer(200, headers, data_body(select_text(row, fields)))
    if call.service.rules_of(ref.kind).shows_permissions:
        return Answer(200, headers, object_body(row, call.tx.read_permissions(row.key)))
    return Answer(200, headers, object_body(row, place.permissions))


def select_text(row: Row, fields: tuple[str, ...]) -> str:
    """Return the JSON text of an object with these attributes only (core 5.6)."""
    return dump_json(select_fields(json.loads(splice_row(row)), fields))
