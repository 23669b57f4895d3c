"""Writes the entries of a request (or of a whole batch) when it ends, in its transaction.

Source: protocol, plugins chapters 5.3 to 5.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kinto_lite.hooks import Call, Service
from kinto_lite.model import Asker, Change, Filter, ListRef, ObjectRef, Place, Query
from kinto_lite.plugins.history.entries import describe_change
from kinto_lite.plugins.history.exclusions import is_excluded
from kinto_lite.protocol.timestamps import next_timestamp
from kinto_lite.resources.kinds import generate_uuid

#: Kinds whose changes are recorded.
RECORDED = frozenset({"bucket", "group", "collection", "record"})
#: Asks for places: entries are written for whoever made the change.
_NOBODY = Asker(None, frozenset(), "[]")
#: The key of no object.
_GONE = 0


@dataclass(slots=True)
class History:
    """The history of one bucket, as far as a request got with it."""

    bucket_uri: str
    place: Place
    #: Of the newest entry, in milliseconds.
    timestamp: int
    #: Number of entries.
    count: int


class Recorder:
    """Writes and trims the histories of one service."""

    def __init__(self, service: Service) -> None:
        settings = service.settings
        self._has_own_readers = bool(settings["explicit_permissions"])
        self._excluded_uris: tuple[str, ...] = settings["history.exclude_resources"]
        self._excluded_users = frozenset(settings["history.exclude_user_ids"])
        self._max_count: int = settings["history.auto_trim_max_count"]
        self._limit: int = self._max_count + settings["history.auto_trim_threshold"]
        self._trimmed_users = frozenset(settings["history.auto_trim_user_ids"])

    def record(self, call: Call) -> None:
        """Write an entry for each change of a request."""
        if not call.work.changes:
            return
        changes = [change for change in call.work.changes if change.ref.kind in RECORDED]
        histories: dict[str, History | None] = {}
        for change in order_changes(changes):
            uri = find_bucket(change.ref)
            if uri not in histories:
                histories[uri] = open_history(call, uri)
            history = histories[uri]
            if history is not None and not self._is_excluded(change):
                self._write(call, change, history)
                self._trim(call, change, history)

    def _is_excluded(self, change: Change) -> bool:
        if change.user_id in self._excluded_users:
            return True
        return is_excluded(change.ref.uri, self._excluded_uris)

    def _write(self, call: Call, change: Change, history: History) -> None:
        place, row = history.place, change.new
        assert place.list_key is not None
        assert row is not None
        timestamp, _ = next_timestamp(call.service.clock(), history.timestamp)
        text = describe_change(change, row, call.tx.read_permissions(row.key))
        ref = ObjectRef("history", history.bucket_uri, generate_uuid())
        entry = call.tx.write_object(place, ref, text, timestamp, timestamp)
        if self._has_own_readers:
            call.tx.copy_readers(place.list_key, entry.key, "history", row.key)
        history.timestamp = timestamp
        history.count += 1

    def _trim(self, call: Call, change: Change, history: History) -> None:
        """Keep the newest entries about a kind of object, by now and then. They are counted only
        when the whole history has so many."""
        list_key = history.place.list_key
        if self._max_count <= 0 or history.count <= self._limit or list_key is None:
            return
        filters = [Filter("resource_name", "eq", change.ref.kind)]
        if self._trimmed_users:
            if change.user_id not in self._trimmed_users:
                return
            filters.append(Filter("user_id", "eq", change.user_id))
        query = Query(tuple(filters))
        count = call.tx.count_objects(list_key, "history", query, None)
        if count > self._limit:
            call.tx.delete_oldest(list_key, filters, self._max_count)
            history.count -= count - self._max_count


def open_history(call: Call, bucket_uri: str) -> History | None:
    """Find the history of a bucket; of one that this request has deleted there is none."""
    place = call.tx.find_list(ListRef("history", bucket_uri), _NOBODY, "read")
    if place.list_key is None:
        return None
    return History(bucket_uri, place, place.list_timestamp, place.live_count)


def order_changes(changes: Iterable[Change]) -> list[Change]:
    """Return the changes that entries are written for, in the order of the entries.

    Those with the same action on the same list stand together, where the first of them was.
    A deleted bucket takes along what happened below it before; what a deleted collection held
    is gone, so its permissions are.
    """
    kept: list[Change] = []
    for change in changes:
        if change.action == "delete" and change.ref.kind == "bucket":
            kept = [one for one in kept if find_bucket(one.ref) != change.ref.uri]
            continue
        if change.action == "delete" and change.ref.kind == "collection":
            kept = [detach(one) if is_below(one, change.ref) else one for one in kept]
        kept.append(change)
    groups: dict[tuple[object, str], list[Change]] = {}
    for change in kept:
        groups.setdefault((change.ref.list, change.action), []).append(change)
    return [change for group in groups.values() for change in group]


def is_below(change: Change, collection: ObjectRef) -> bool:
    """Tell whether a change was made to a record of a collection."""
    return change.ref.kind == "record" and change.ref.parent_uri == collection.uri


def detach(change: Change) -> Change:
    """Return a change whose object has vanished: its key may mean another one by now."""
    new = None if change.new is None else change.new._replace(key=_GONE)
    return Change(change.action, change.ref, change.old, new, change.user_id)


def find_bucket(ref: ObjectRef) -> str:
    """Return the URI of the bucket that an object is, or lies in."""
    return "/".join(ref.uri.split("/", 3)[:3])
