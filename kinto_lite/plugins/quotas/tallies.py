"""What a request, or a whole batch, changes in each bucket. Pure: changes in, sums out.

What a deleted collection held before the request is not known here: `Tally.gone` names it, and
whoever has the counters takes it off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kinto_lite.model import Change, ObjectRef
from kinto_lite.plugins.quotas.usage import COUNTED, NOTHING, Usage, weigh


@dataclass(slots=True)
class Tally:
    """What a request changes in one bucket."""

    #: Of the bucket and all below it, without what `gone` held before the request.
    bucket: Usage = NOTHING
    #: Of each collection that is there in the end, by id.
    collections: dict[str, Usage] = field(default_factory=dict)
    #: The request made the bucket: it held nothing before.
    is_new: bool = False
    #: Collections that the request made.
    new: set[str] = field(default_factory=set)
    #: Collections that were there before and were deleted (and perhaps made again).
    gone: set[str] = field(default_factory=set)


def tally_changes(changes: Iterable[Change]) -> dict[str, Tally]:
    """Return what changes make of each bucket that is there in the end, by its URI."""
    tallies: dict[str, Tally] = {}
    for change in changes:
        if change.ref.kind not in COUNTED:
            continue
        uri = find_bucket(change.ref)
        if change.ref.kind == "bucket" and change.action != "update":
            # What happened below it before is gone.
            tallies[uri] = Tally(is_new=change.action == "create")
        add_change(tallies.setdefault(uri, Tally()), change)
    return tallies


def add_change(tally: Tally, change: Change) -> None:
    """Add one change to what is known of its bucket."""
    kind, collection_id = change.ref.kind, find_collection(change.ref)
    if collection_id is None:
        tally.bucket = tally.bucket.plus(compare(change))
        return
    if kind == "collection" and change.action == "delete":
        drop_collection(tally, collection_id)
        return
    if kind == "collection" and change.action == "create":
        tally.new.add(collection_id)
    difference = compare(change)
    tally.bucket = tally.bucket.plus(difference)
    held = tally.collections.get(collection_id, NOTHING)
    tally.collections[collection_id] = held.plus(difference)


def drop_collection(tally: Tally, collection_id: str) -> None:
    """Take a collection off, with what the request did to it before."""
    done = tally.collections.pop(collection_id, NOTHING)
    tally.bucket = tally.bucket.minus(done)
    if collection_id in tally.new:
        tally.new.remove(collection_id)
    else:
        tally.gone.add(collection_id)


def compare(change: Change) -> Usage:
    """Return what a change adds; less than nothing when it makes smaller."""
    kind = change.ref.kind
    return weigh(kind, change.new).minus(weigh(kind, change.old))


def find_bucket(ref: ObjectRef) -> str:
    """Return the URI of the bucket that an object is, or lies in."""
    return "/".join(ref.uri.split("/", 3)[:3])


def find_collection(ref: ObjectRef) -> str | None:
    """Return the id of the collection that an object is, or lies in."""
    if ref.kind == "record":
        return ref.parent_uri.rpartition("/")[2]
    return ref.id if ref.kind == "collection" else None
