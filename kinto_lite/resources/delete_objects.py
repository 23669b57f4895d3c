"""DELETE on a list: turn the objects of one page into tombstones.

Source: protocol, core chapters 5.5, 5.7 and 6.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from kinto_lite.hooks import Call
from kinto_lite.model import Answer, ObjectRef, Page, Row
from kinto_lite.protocol.pagination import refuse_used_token
from kinto_lite.protocol.payloads import list_body, splice_rows
from kinto_lite.resources.access import list_ref
from kinto_lite.resources.conditions import timestamp_headers
from kinto_lite.resources.lists import (
    TO_IS_DEPRECATED,
    Reading,
    next_page_header,
    open_list,
    read_page,
)


def delete_objects(call: Call) -> Answer:
    """Answer DELETE on a plural endpoint."""
    reading = open_list(call, "write")
    if isinstance(reading, Answer):
        return reading
    _use_token(call, reading)
    page = read_page(call, reading, replace(reading.query, with_deleted=False))
    tombstones = _bury(call, reading, page)
    shown = max((row.last_modified for row in tombstones), default=reading.timestamp)
    headers = timestamp_headers(shown)
    if reading.parameters.uses_to:
        headers.append(("Alert", TO_IS_DEPRECATED))
    nonce = _issue_nonce(call) if page.has_more else None
    headers += next_page_header(call, reading, page, nonce)
    return Answer(200, headers, list_body(splice_rows(tombstones)))


def _bury(call: Call, reading: Reading, page: Page) -> list[Row]:
    if not page.rows or reading.place.list_key is None:
        call.tell_read(list_ref(call), ())
        return []
    first = max(call.service.clock(), reading.timestamp + 1)
    timestamps = range(first, first + len(page.rows))
    tombstones = call.tx.delete_objects(
        reading.place.list_key, call.kind.name, page.rows, timestamps
    )
    kind, parent_uri = list_ref(call)
    for old, new in zip(page.rows, tombstones, strict=True):
        call.tell("delete", ObjectRef(kind, parent_uri, old.id), old, new)
    return tombstones


def _use_token(call: Call, reading: Reading) -> None:
    """A token works once, and only if a DELETE issued it."""
    if reading.query.after is None:
        return
    nonce = reading.nonce
    if nonce is None or not call.tx.take_nonce(nonce, call.service.clock()):
        raise refuse_used_token()


def _issue_nonce(call: Call) -> str:
    nonce, now = secrets.token_urlsafe(12), call.service.clock()
    validity_seconds = call.service.settings["pagination_token_validity_seconds"]
    call.tx.issue_nonce(nonce, now, now + validity_seconds * 1000)
    return nonce
