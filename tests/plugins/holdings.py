"""Short words for the tests of quotas: refused writes, and what the counters say."""

from __future__ import annotations

import json
from typing import Any

from kinto_lite.plugins.quotas.counting import Recount, count_again, rebuild
from kinto_lite.plugins.quotas.usage import Usage
from tests.resources.asking import Asking

PLUGIN = "kinto.plugins.quotas"
#: Of a server with a bucket, a collection in it, and nothing else.
PARENTS = ("/buckets/b", "/buckets/b/collections/c")


def put_parents(ask: Asking) -> Asking:
    """Make the bucket and the collection."""
    for path in PARENTS:
        assert ask("PUT", path, {}).status_int == 201
    return ask


def refusal(reply: Any) -> str:
    """The message of a write that a quota refused."""
    body = reply.json
    assert (reply.status_int, body["code"], body["errno"]) == (507, 507, 121)
    assert body["error"] == "Insufficient Storage"
    return str(body["message"])


def size(data: dict[str, Any]) -> int:
    """The size of an object, by the definition in the documentation."""
    return len(json.dumps(data, separators=(",", ":")))


def check_counters(ask: Asking, bucket_id: str = "b") -> Recount:
    """What a bucket holds, after seeing that its counters say so."""
    with ask.storage.transaction(write=False) as tx:
        recount = count_again(tx, bucket_id)
    assert recount is not None
    assert recount.stored == recount.counted
    return recount


def held(ask: Asking, collection_id: str | None = None) -> Usage:
    """What the bucket, or one of its collections, holds by its counter."""
    return check_counters(ask).stored[collection_id]


def list_wrong(ask: Asking, is_dry_run: bool = False) -> list[str]:
    """The buckets whose counters a rebuild finds wrong."""
    recounts = rebuild(ask.storage, is_dry_run)
    return sorted(recount.bucket_id for recount in recounts if not recount.is_right)
