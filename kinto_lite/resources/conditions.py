"""What a request must fulfil before anything is done: Accept, Content-Type, Origin,
preconditions. All validation errors of one request are collected and refused together.

Source: protocol, core chapters 1.7, 1.8, 1.9 and 4.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from kinto_lite.errors import (
    NOT_ACCEPTABLE,
    PRECONDITION_FAILED,
    UNSUPPORTED_MEDIA_TYPE,
    ApiError,
    Detail,
    InvalidForm,
    InvalidRequest,
)
from kinto_lite.hooks import Call
from kinto_lite.model import Answer, Json, Place, Row
from kinto_lite.protocol.bodies import find_unreadable
from kinto_lite.protocol.media_types import check_accept, check_media_type
from kinto_lite.protocol.payloads import splice_row
from kinto_lite.protocol.preconditions import Preconditions, Verdict, judge, read_preconditions
from kinto_lite.protocol.timestamps import etag, http_date
from kinto_lite.resources.access import may
from kinto_lite.storage.base import NeedsWrite


def content_type(call: Call) -> str:
    """Return the Content-Type header, "" when there is none."""
    return call.request.headers.get("content-type", "")


def check_negotiation(call: Call) -> None:
    """Answer 406, then 415, when client and server do not speak the same media type."""
    details = check_accept(call.request.headers.get("accept"))
    if details:
        raise InvalidRequest(details, NOT_ACCEPTABLE)
    details = check_media_type(call.request.method, content_type(call))
    if details:
        raise InvalidRequest(details, UNSUPPORTED_MEDIA_TYPE)


def check_request(call: Call, details: Sequence[Detail]) -> Preconditions:
    """Answer 400 with all errors of the request: these details, and those of its headers."""
    preconditions, wrong_headers = read_preconditions(call.request.headers)
    wrong_origin = call.service.origins.errors(call.request.headers.get("origin"))
    found = [*details, *wrong_headers, *wrong_origin]
    if found:
        raise InvalidForm(find_unreadable(details) or found)
    return preconditions


def start_list(call: Call, place: Place) -> int:
    """Return the timestamp of the list; a list that was never used gets one now (core 4.1).

    Below a missing parent there is no list to remember it: the current time is returned.
    """
    if place.list_timestamp:
        return place.list_timestamp
    now = call.service.clock()
    if place.list_key is None:
        return now
    if not call.tx.is_write:
        raise NeedsWrite("the list gets its first timestamp")
    call.tx.start_list(place.list_key, now)
    call.started = (place.list_key, now)
    return now


def timestamp_headers(timestamp_ms: int) -> list[tuple[str, str]]:
    """Return ETag and Last-Modified."""
    return [("ETag", etag(timestamp_ms)), ("Last-Modified", http_date(timestamp_ms))]


def check_preconditions(
    call: Call, preconditions: Preconditions, place: Place, current: int | None
) -> Answer | None:
    """Return a 304, raise a 412, or let the request pass.

    `current` is the timestamp to compare with; None when there is no object.
    """
    verdict = judge(preconditions, call.request.method, current)
    if verdict is Verdict.PASSED:
        return None
    if verdict is Verdict.NOT_MODIFIED:
        assert current is not None
        return Answer(304, timestamp_headers(current))
    details = None
    if place.live is not None and may(call, place, "read"):
        details = {"existing": _show_existing(call, place.live, place.permissions is not None)}
    shown = start_list(call, place) if current is None else current
    raise ApiError(PRECONDITION_FAILED, details=details, headers=timestamp_headers(shown))


def _show_existing(call: Call, row: Row, is_owner: bool) -> dict[str, Json]:
    """Return the object that is in the way; what is secret about it is for its owners."""
    shown: dict[str, Json] = json.loads(splice_row(row))
    if not is_owner:
        for name in call.kind.secret_fields:
            shown.pop(name, None)
    return shown
