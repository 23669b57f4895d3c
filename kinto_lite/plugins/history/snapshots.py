"""A collection as it was at some time: what has not changed since, and for the rest what the
history says.

A record that was deleted then, and came back later, is shown as its tombstone, as in the
reference.

Source: protocol, plugins chapter 5.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kinto_lite.errors import PARENT_NOT_FOUND, URL_NOT_FOUND, ApiError, Detail, InvalidRequest
from kinto_lite.hooks import Call, Route
from kinto_lite.model import Answer, ObjectRef
from kinto_lite.protocol.payloads import list_body, splice_rows
from kinto_lite.resources.access import refuse

_TIMESTAMP = re.compile(r"[0-9]{1,100}")
#: The latest moment that the storage can compare with; what lies after it is the present, too.
_LATEST = 2**63 - 1


def show_snapshot(call: Call) -> Answer:
    """Answer GET and HEAD on a snapshot. What settings grant does not count here."""
    collection_id, _, text = call.params["snapshot"].rpartition("@")
    if not (collection_id and text):
        raise ApiError(URL_NOT_FOUND)
    timestamp = read_timestamp(text)
    bucket_id = call.params["bucket_id"]
    check_ids(call, {"bucket": bucket_id, "collection": collection_id})
    ref = ObjectRef("collection", f"/buckets/{bucket_id}", collection_id)
    if ("record", "read") not in call.tx.find_object(ref, call.asker).held:
        refuse(call)
    rows = call.tx.list_snapshot(ref, timestamp)
    return Answer(200, [], list_body(splice_rows(rows)))


def check_ids(call: Call, ids: Mapping[str, str]) -> None:
    """Answer 404 errno 111 when an id in the URL is malformed."""
    for kind, id_ in ids.items():
        if not call.service.identifiers[kind].is_valid(id_):
            raise ApiError(PARENT_NOT_FOUND, details={"id": id_, "resource_name": kind})


def read_timestamp(text: str) -> int:
    """Return the milliseconds in the URL. Errors: InvalidRequest."""
    if not _TIMESTAMP.fullmatch(text):
        raise InvalidRequest([Detail("timestamp", "path", f"Invalid timestamp '{text}'")])
    return min(int(text), _LATEST)


SNAPSHOT_ROUTE = Route(
    "history_snapshot",
    "/buckets/{bucket_id}/snapshot/collections/{snapshot}",
    {"GET": show_snapshot, "HEAD": show_snapshot},
)
