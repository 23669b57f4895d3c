"""How long a read may be kept: settings, and the collection's own `cache_expires`.

Source: protocol, core chapter 11.
"""

from __future__ import annotations

import json

from kinto_lite.hooks import Call
from kinto_lite.model import ObjectRef
from kinto_lite.protocol.caching import NOT_CACHED, cache_for


def cache_headers(call: Call) -> list[tuple[str, str]]:
    """Return the cache headers of a successful read of an object or a list."""
    if call.asker.user_id is not None:
        return NOT_CACHED
    kind = call.kind.name
    if kind == "record":
        seconds = _record_seconds(call)
    else:
        seconds = call.service.settings.cache_expires_seconds(kind)
    return NOT_CACHED if seconds is None else cache_for(seconds, call.service.clock())


def _record_seconds(call: Call) -> int | None:
    bucket_id, collection_id = call.params["bucket_id"], call.params["collection_id"]
    setting = call.service.settings.record_cache_expires_seconds(bucket_id, collection_id)
    ref = ObjectRef("collection", f"/buckets/{bucket_id}", collection_id)
    collection = call.tx.find_object(ref, call.asker).live
    if collection is None or "cache_expires" not in collection.data:
        return setting
    stored = json.loads(collection.data).get("cache_expires")
    if not isinstance(stored, int):
        return setting
    return stored if setting is None else max(stored, setting)
