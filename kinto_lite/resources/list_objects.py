"""GET and HEAD on a list.

Source: protocol, core chapters 4.2, 5 and 8.7.
"""

from __future__ import annotations

from kinto_lite.hooks import Call
from kinto_lite.model import Answer, Page
from kinto_lite.protocol.payloads import list_body, splice_rows
from kinto_lite.resources.access import list_ref
from kinto_lite.resources.caching import cache_headers
from kinto_lite.resources.conditions import timestamp_headers
from kinto_lite.resources.lists import (
    TO_IS_DEPRECATED,
    Reading,
    next_page_header,
    open_list,
    read_page,
)
from kinto_lite.resources.read_object import select_text


def list_objects(call: Call) -> Answer:
    """Answer GET and HEAD on a plural endpoint."""
    reading = open_list(call, "read")
    if isinstance(reading, Answer):
        return reading
    headers = [*timestamp_headers(reading.timestamp), *cache_headers(call)]
    if reading.parameters.uses_to:
        headers.append(("Alert", TO_IS_DEPRECATED))
    if call.request.method == "HEAD":
        call.tell_read(list_ref(call), ())
        return Answer(200, headers + _describe(call, reading), list_body([]))
    page = read_page(call, reading, reading.query)
    if call.service.readers:
        call.tell_read(list_ref(call), page.rows, reading.parameters.fields)
    headers += next_page_header(call, reading, page)
    headers += _total_headers(_free_total(reading, page) if call.route.has_totals else None)
    return Answer(200, headers, _body(reading, page))


def _describe(call: Call, reading: Reading) -> list[tuple[str, str]]:
    """Return what HEAD tells instead of objects: how many there are, or whether there are more
    than a page has (plugins 5.5)."""
    if call.route.has_totals:
        return _total_headers(_count(call, reading))
    return next_page_header(call, reading, read_page(call, reading, reading.query))


def _body(reading: Reading, page: Page) -> bytes:
    fields = reading.parameters.fields
    if fields is None:
        return list_body(splice_rows(page.rows))
    return list_body(select_text(row, fields) for row in page.rows)


def _count(call: Call, reading: Reading) -> int:
    """Count the live objects that match, whatever the page."""
    place = reading.place
    if reading.is_whole or place.list_key is None:
        return place.live_count
    return call.tx.count_objects(place.list_key, call.kind.name, reading.query, reading.visible)


def _free_total(reading: Reading, page: Page) -> int | None:
    """Return the total when it costs nothing: the counter of the list, or a single page."""
    if reading.is_whole:
        return reading.place.live_count
    if reading.query.after is not None or page.has_more:
        return None
    return sum(not row.is_deleted for row in page.rows)


def _total_headers(total: int | None) -> list[tuple[str, str]]:
    if total is None:
        return []
    return [("Total-Objects", str(total)), ("Total-Records", str(total))]
