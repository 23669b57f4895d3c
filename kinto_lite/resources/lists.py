"""What GET, HEAD and DELETE on a list have in common: which part of it the asker may see, the
conditions of the request, the query, and the way to the next page.

Source: protocol, core chapters 5 and 8.7.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from kinto_lite.hooks import Call
from kinto_lite.model import Answer, Filter, Page, Place, Query
from kinto_lite.protocol.bodies import check_ignored_body
from kinto_lite.protocol.fields import check_fields
from kinto_lite.protocol.filters import (
    build_filters,
    build_sort,
    refuse_secret_fields,
    wants_tombstones,
)
from kinto_lite.protocol.pagination import (
    Seal,
    complete_position,
    decode_token,
    describe_scope,
    encode_token,
    find_last_object,
    next_page_url,
    page_size,
)
from kinto_lite.protocol.querystring import ListParameters, read_list_parameters
from kinto_lite.resources.access import check_above, locate_list, may, refuse
from kinto_lite.resources.conditions import (
    check_negotiation,
    check_preconditions,
    check_request,
    content_type,
    start_list,
)
from kinto_lite.storage.base import Visibility

TO_IS_DEPRECATED = (
    '{"code":"soft-eol","message":"_to is now deprecated, you should use _before instead",'
    '"url":"https://kinto.readthedocs.io/en/2.4.0/api/resource.html'
    '#list-of-available-url-parameters"}'
)


class Reading(NamedTuple):
    """A list, as one request sees it."""

    place: Place
    #: None: the whole list; else only what the asker holds a need on directly.
    visible: Visibility | None
    timestamp: int
    parameters: ListParameters
    query: Query
    #: Of the token that was sent.
    nonce: str | None

    @property
    def is_whole(self) -> bool:
        """Whether every live object of the list is wanted, so that its counter tells how many."""
        return self.visible is None and not self.query.filters


def open_list(call: Call, need: str) -> Reading | Answer:
    """Check a request on a list up to the point where objects are looked at; 304 is an answer.

    `need` is what the request does to the objects: read or write.
    Errors: 401, 403, 404, 406, 412 and 400, in the order of core 1.9.
    """
    check_negotiation(call)
    place = locate_list(call, need)
    visible = _find_visible_part(call, place, need)
    check_above(call, place)
    parameters, details = read_list_parameters(call.request.query, call.request.method)
    wrong_body = check_ignored_body(call.request.body, content_type(call))
    preconditions = check_request(call, [*details, *wrong_body])
    timestamp = start_list(call, place)
    not_modified = check_preconditions(call, preconditions, place, timestamp)
    if not_modified is not None:
        return not_modified
    return _read_query(call, place, visible, timestamp, parameters)


def _find_visible_part(call: Call, place: Place, need: str) -> Visibility | None:
    """Return None for those who may see the whole list (core 8.7)."""
    if may(call, place, "list" if need == "read" else need):
        return None
    if not place.sees_some and not may(call, place, "create"):
        refuse(call)
    return Visibility(call.asker, need)


def _read_query(
    call: Call,
    place: Place,
    visible: Visibility | None,
    timestamp: int,
    parameters: ListParameters,
) -> Reading:
    settings, known_fields = call.service.settings, call.kind.fields
    filters: tuple[Filter, ...] = ()
    if parameters.conditions:
        now, text_fields = call.service.clock(), call.kind.text_fields
        filters = build_filters(parameters, known_fields, now, text_fields)
    sort = build_sort(parameters, known_fields)
    refuse_secret_fields(filters, sort, call.kind.secret_fields)
    filters += call.service.rules_of(call.kind.name).narrow_list(call)
    check_fields(parameters.fields or (), known_fields)
    limit = page_size(parameters.limit, settings["paginate_by"], settings["storage_max_fetch_size"])
    query = Query(filters, sort, limit, None, wants_tombstones(filters))
    reading = Reading(place, visible, timestamp, parameters, query, None)
    return reading if parameters.token is None else _go_on(call, reading, parameters.token)


def _go_on(call: Call, reading: Reading, text: str) -> Reading:
    """Return the reading that goes on where the page before ended."""
    query = reading.query
    token = decode_token(_seal(call, query), text)
    after = token.after
    if token.is_shortened:
        rows = read_page(call, reading, find_last_object(token, query.sort)).rows
        after = complete_position(token, query.sort, rows)
    return reading._replace(query=replace(query, after=after), nonce=token.nonce)


def _seal(call: Call, query: Query) -> Seal:
    """Return what page tokens of this list, with these filters and this order, are bound to."""
    scope = describe_scope(call.request.path, query.filters)
    return Seal(call.service.token_secret, scope, query.sort)


def read_page(call: Call, reading: Reading, query: Query) -> Page:
    """Return one page; of a list that does not exist, an empty one."""
    if reading.place.list_key is None:
        return Page([], False)
    return call.tx.list_objects(reading.place.list_key, call.kind.name, query, reading.visible)


def next_page_header(
    call: Call, reading: Reading, page: Page, nonce: str | None = None
) -> list[tuple[str, str]]:
    """Return Next-Page, when there is one."""
    if not page.has_more:
        return []
    url = next_page_url(
        call.service.origin_of(call.request),
        call.request.path,
        reading.parameters.pairs,
        reading.query.limit,
        encode_token(_seal(call, reading.query), page.rows[-1], nonce),
    )
    return [("Next-Page", url)]
