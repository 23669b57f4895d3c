"""POST on `/batch`: several requests in one, in order, in one transaction.

Items go through the same pipeline as requests of their own. A refused item (4xx) is reported
in its place and the others go on; a failure on our side (5xx) undoes and ends the batch.

Source: protocol, core chapter 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from kinto_lite.errors import UNSUPPORTED_MEDIA_TYPE, InvalidRequest
from kinto_lite.hooks import Call, Route
from kinto_lite.model import Answer, ApiRequest
from kinto_lite.pipeline.routing import PREFIX
from kinto_lite.protocol.batches import SubRequest, read_batch
from kinto_lite.protocol.json_text import dump_json, parse_json
from kinto_lite.protocol.media_types import check_media_type
from kinto_lite.resources.conditions import check_request, content_type
from kinto_lite.resources.groups import admit_new_members
from kinto_lite.storage.base import NeedsWrite

_READING = ("GET", "HEAD", "OPTIONS", "TRACE")


def answer_batch(call: Call) -> Answer:
    """Answer POST on the batch endpoint."""
    wrong_type = check_media_type(call.request.method, content_type(call))
    if wrong_type:
        raise InvalidRequest(wrong_type, UNSUPPORTED_MEDIA_TYPE)
    limit = call.service.settings["batch_max_requests"]
    items, details = read_batch(call.request.body, content_type(call), limit)
    check_request(call, details)
    if not call.tx.is_write and any(item.method not in _READING for item in items):
        raise NeedsWrite("the batch holds writes")
    call.work.pending_groups = {}
    parts = [_run_item(call, item) for item in items]
    admit_new_members(call)
    return Answer(200, [], f'{{"responses":[{",".join(parts)}]}}'.encode("ascii"))


def _run_item(call: Call, item: SubRequest) -> str:
    """Run one item and return its part of the response, as JSON."""
    request = _build_request(call.request, item)
    performed = call.service.perform(call, request)
    answer = performed.answer
    headers = _join_headers(answer)
    nothing = '""' if item.method == "HEAD" else "{}"
    body = _embed(answer.body, headers.get("Content-Type", "")) if answer.body else nothing
    return (
        f'{{"path":{dump_json(performed.path)},"status":{answer.status},'
        f'"headers":{dump_json(headers)},"body":{body}}}'
    )


def _embed(body: bytes, content_type: str) -> str:
    """Return a body as JSON: as it is, or as a text when it is of another type.

    What calls itself JSON is believed when it looks like an object, as ours does; anything else a
    plugin may have written by hand.
    """
    if content_type.startswith("application/json"):
        if body.isascii() and body.startswith(b"{") and body.endswith(b"}"):
            return body.decode("ascii")
        try:
            return dump_json(parse_json(body))
        except ValueError:
            pass
    return dump_json(body.decode("utf-8", "replace"))


def _build_request(outer: ApiRequest, item: SubRequest) -> ApiRequest:
    """Return the request an item stands for: the outer headers, overridden by its own."""
    raw_path, _, query = item.path.partition("?")
    path = unquote(raw_path, errors="surrogateescape")
    headers = {name: value for name, value in outer.headers.items() if name != "content-length"}
    headers |= {name.lower(): value for name, value in item.headers.items()}
    body = dump_json(item.body).encode("ascii") if item.body else b""
    if body:
        headers["content-type"] = "application/json; charset=utf-8"
    return ApiRequest(
        method=item.method,
        path=path if path == PREFIX or path.startswith(PREFIX + "/") else PREFIX + path,
        query=query,
        headers=headers,
        body=body,
        origin=outer.origin,
        remote_address=outer.remote_address,
        done=outer.done,
    )


def _join_headers(answer: Answer) -> Mapping[str, str]:
    joined: dict[str, str] = {}
    for name, value in answer.headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


BATCH_ROUTE = Route("batch", "/batch", {"POST": answer_batch}, writes=frozenset())
