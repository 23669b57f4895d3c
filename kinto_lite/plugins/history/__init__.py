"""The history of each bucket: one entry for each change below it, and snapshots made from them.

An entry is an object of the kind `history` below its bucket, so the list, its filters, pages and
purge are those of every list. `entries` says what an entry holds, `recording` when one is
written, who may read it and when it goes, `snapshots` shows a collection as it was.

Source: protocol, plugins chapter 5.
"""

from __future__ import annotations

from collections.abc import Mapping

from kinto_lite.hooks import Handler, Parts, Plugin, Route, Service
from kinto_lite.model import Kind
from kinto_lite.permissions.tree import Inheritance
from kinto_lite.plugins.history.exclusions import describe_excluded
from kinto_lite.plugins.history.recording import Recorder
from kinto_lite.plugins.history.snapshots import SNAPSHOT_ROUTE
from kinto_lite.resources.delete_objects import delete_objects
from kinto_lite.resources.list_objects import list_objects
from kinto_lite.resources.routes import select_methods
from kinto_lite.settings import Settings

_IDS = ("bucket_id", "collection_id", "group_id", "record_id")
_FIELDS = ("user_id", "uri", "action", "date", "resource_name", "target")
_STAMPS = ("id", "last_modified", "deleted")

#: Nobody sets permissions on entries: who may read one is decided when it is written.
KIND = Kind(
    "history",
    "history",
    "bucket",
    permissions=(),
    fields=frozenset((*_FIELDS, *_IDS, *_STAMPS)),
    text_fields=frozenset(_IDS),
)

#: What lets somebody read entries: of a bucket, all of them; of what an entry is about, or of
#: the collection above that, those written meanwhile.
INHERITANCE = (
    *(
        Inheritance("history", "read", kind, permission)
        for kind in ("bucket", "group", "collection", "record")
        for permission in ("write", "read")
    ),
    Inheritance("history", "read", "history", "read"),
    Inheritance("history", "write", "bucket", "write"),
)

_HANDLERS: dict[str, Handler] = {
    "HEAD": list_objects,
    "GET": list_objects,
    "DELETE": delete_objects,
}


def describe(settings: Settings) -> Mapping[str, object]:
    """Return the entry of `capabilities` in the hello view."""
    capability: dict[str, object] = {
        "description": "Track changes on data.",
        "url": "https://kinto.readthedocs.io/en/latest/api/1.x/history.html",
    }
    if settings["history.auto_trim_max_count"] > 0:
        capability["auto_trim_max_count"] = settings["history.auto_trim_max_count"]
        if settings["history.auto_trim_user_ids"]:
            capability["auto_trim_user_ids"] = list(settings["history.auto_trim_user_ids"])
    excluded = describe_excluded(settings["history.exclude_resources"])
    return capability | ({"excluded_resources": excluded} if excluded else {})


def _set_up(service: Service) -> Parts:
    methods = select_methods(_HANDLERS, "plural", KIND, service.settings)
    pattern = "/buckets/{bucket_id}/history"
    return Parts(
        routes=(
            Route("history-plural", pattern, methods, KIND, "plural", has_totals=False),
            SNAPSHOT_ROUTE,
        ),
        capabilities={"history": describe(service.settings)},
        before_commit=Recorder(service).record,
    )


PLUGIN = Plugin("history", _set_up, (KIND,), inheritance=INHERITANCE)
