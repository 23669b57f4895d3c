"""GET and HEAD on `/permissions`: everything the asker has something on.

The list is not stored: the storage joins it from stored permissions and what settings grant.

Source: protocol, core chapter 8.9.
"""

from __future__ import annotations

import json

from kinto_lite.hooks import Call, Route
from kinto_lite.model import Answer, ListRef, Page, Query, Row, Sort
from kinto_lite.permissions.principals import Listed, list_setting_grants
from kinto_lite.protocol.bodies import check_ignored_body
from kinto_lite.protocol.caching import NOT_CACHED
from kinto_lite.protocol.fields import check_fields, select_fields
from kinto_lite.protocol.filters import build_filters, build_sort
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.protocol.pagination import (
    Seal,
    decode_token,
    describe_scope,
    encode_token,
    next_page_url,
    page_size,
)
from kinto_lite.protocol.payloads import list_body
from kinto_lite.protocol.querystring import ListParameters, read_list_parameters
from kinto_lite.resources.access import refuse
from kinto_lite.resources.conditions import (
    check_negotiation,
    check_request,
    content_type,
    timestamp_headers,
)
from kinto_lite.resources.lists import TO_IS_DEPRECATED

_FIELDS = frozenset(
    {
        "uri",
        "resource_name",
        "id",
        "deleted",
        "last_modified",
    }
)
#: Stands for this list where others hear of what was read.
_LIST = ListRef("permissions", "")


def list_permissions(call: Call) -> Answer:
    """Answer GET and HEAD on the permissions endpoint."""
    check_negotiation(call)
    allowed = call.service.settings.principals("permissions", "read")
    if allowed.isdisjoint(call.asker.principals):
        refuse(call)
    parameters, details = read_list_parameters(call.request.query, call.request.method)
    wrong_body = check_ignored_body(call.request.body, content_type(call))
    check_request(call, [*details, *wrong_body])
    query, seal = _read_query(call, parameters)
    alerts = [("Alert", TO_IS_DEPRECATED)] if parameters.uses_to else []
    if call.request.method == "HEAD":
        call.tell_read(_LIST, ())
        return _answer_head(call, query, alerts)
    page = call.tx.list_permissions(call.asker, *_find_grants(call), query)
    headers = [*_headers(call), *alerts, *_next_page(call, parameters, (query, seal), page)]
    fields = parameters.fields
    call.tell_read(_LIST, page.rows, fields)
    return Answer(200, headers, list_body(_show(row, fields) for row in page.rows))


def _answer_head(call: Call, query: Query, alerts: list[tuple[str, str]]) -> Answer:
    total = str(call.tx.count_permissions(call.asker, *_find_grants(call), query))
    totals = [("Total-Objects", total), ("Total-Records", total)]
    return Answer(200, _headers(call) + alerts + totals, list_body([]))


def _headers(call: Call) -> list[tuple[str, str]]:
    """The timestamp says nothing about changes: it is that of the start of the server."""
    return [*timestamp_headers(call.service.started_ms), *NOT_CACHED]


def _find_grants(call: Call) -> Listed:
    principals = call.service.settings.principals
    return list_setting_grants(call.service.kinds, principals, call.asker.principals)


def _read_query(call: Call, parameters: ListParameters) -> tuple[Query, Seal]:
    """Read filters and sort; those on `last_modified` are accepted and mean nothing here."""
    settings, now = call.service.settings, call.service.clock()
    fields = _FIELDS.union(f"{kind}_id" for kind in call.service.kinds)
    filters = [f for f in build_filters(parameters, fields, now) if f.field != "last_modified"]
    sort = [key for key in build_sort(parameters, fields) if key.field != "last_modified"]
    if not any(key.field == "uri" for key in sort):
        sort.append(Sort("uri", True))
    check_fields(parameters.fields or (), fields)
    scope = describe_scope(call.request.path, filters)
    seal = Seal(call.service.token_secret, scope, tuple(sort))
    after = None if parameters.token is None else decode_token(seal, parameters.token).after
    limit = page_size(parameters.limit, settings["paginate_by"], settings["storage_max_fetch_size"])
    return Query(tuple(filters), tuple(sort), limit, after), seal


def _next_page(
    call: Call, parameters: ListParameters, asked: tuple[Query, Seal], page: Page
) -> list[tuple[str, str]]:
    query, seal = asked
    if not page.has_more:
        return []
    url = next_page_url(
        call.service.origin_of(call.request),
        call.request.path,
        parameters.pairs,
        query.limit,
        encode_token(seal, page.rows[-1]),
    )
    return [("Next-Page", url)]


def _show(row: Row, fields: tuple[str, ...] | None) -> str:
    """Return the text of an entry, which is complete as the storage gives it."""
    if fields is None:
        return row.data
    return dump_json(select_fields(json.loads(row.data), fields))


PERMISSIONS_ROUTE = Route(
    "permissions-plural",
    "/permissions",
    {"HEAD": list_permissions, "GET": list_permissions},
    shape="plural",
)
#: Its entry of `capabilities` in the hello view.
PERMISSIONS_CAPABILITY = {
    "description": "The permissions endpoint can be used to list all user objects permissions.",
    "url": "https://kinto.readthedocs.io/en/latest/configuration/settings.html"
    "#activating-the-permissions-endpoint",
}
