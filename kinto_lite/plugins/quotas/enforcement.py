"""Brings the counters up to date at the end of a request or batch, in its transaction, and
refuses what goes beyond a limit: then all of it is undone.

A bucket without counters was there before the plugin was on: it is counted now.

Source: protocol, plugins chapter 7.7.
"""

from __future__ import annotations

from collections.abc import Mapping

from kinto_lite.hooks import Call
from kinto_lite.model import Change, ObjectRef
from kinto_lite.plugins.quotas.counters import Counters
from kinto_lite.plugins.quotas.counting import Usages, count_bucket
from kinto_lite.plugins.quotas.limits import Limits, limits_objects
from kinto_lite.plugins.quotas.tallies import Tally, find_bucket, find_collection, tally_changes
from kinto_lite.plugins.quotas.usage import COUNTED, NOTHING, Usage, measure, read_usage
from kinto_lite.settings import Settings
from kinto_lite.storage.base import Transaction, Unavailable


class Enforcer:
    """Keeps the counters and the limits of one service."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits_objects = limits_objects(settings)

    def settle(self, call: Call) -> None:
        """Count the changes of a request. Errors: ApiError (507) beyond a limit."""
        changes = call.work.changes
        if self._limits_objects:
            for change in changes:
                if change.ref.kind in COUNTED:
                    self._check_object(change)
        for bucket_uri, tally in tally_changes(changes).items():
            self._settle_bucket(call.tx, bucket_uri, tally)

    def _check_object(self, change: Change) -> None:
        before, after = measure(change.old), measure(change.new)
        bucket_id = find_bucket(change.ref).rpartition("/")[2]
        collection_id = find_collection(change.ref)
        Limits(self._settings, bucket_id, None).check_object(before, after)
        if collection_id is not None:
            Limits(self._settings, bucket_id, collection_id).check_object(before, after)

    def _settle_bucket(self, tx: Transaction, bucket_uri: str, tally: Tally) -> None:
        bucket_id = bucket_uri.rpartition("/")[2]
        counters = Counters(tx, bucket_uri)
        if not counters.have_place():
            refuse_uncounted(tx, bucket_id)
            return
        usages = add_tally(counters, tally)
        if usages is None:
            counted = count_bucket(tx, bucket_id)
            counters.replace(counted)
            usages = compare_with(counted, tally)
        for collection_id, (before, after) in usages.items():
            Limits(self._settings, bucket_id, collection_id).check_totals(before, after)


def refuse_uncounted(tx: Transaction, bucket_id: str) -> None:
    """Refuse to write into a bucket that has no place for counters; a deleted one needs none.

    Errors: Unavailable.
    """
    row = tx.find_row(ObjectRef("bucket", "", bucket_id))
    if row is not None and not row.is_deleted:
        raise Unavailable(
            f"bucket {bucket_id} was made by a server without quotas on the same database: "
            "restart this one"
        )


#: Usage before and after, of the bucket (None) and of collections, by id.
Moves = Mapping[str | None, tuple[Usage, Usage]]


def add_tally(counters: Counters, tally: Tally) -> Moves | None:
    """Write the counters that a request changed; None when some are missing."""
    known = find_known(counters, tally)
    if known is None:
        return None
    lost = NOTHING
    for collection_id in tally.gone:
        lost = lost.plus(known[collection_id])
    moves: dict[str | None, tuple[Usage, Usage]] = {}
    moves[None] = known[None], known[None].plus(tally.bucket).minus(lost)
    for collection_id, difference in tally.collections.items():
        before = NOTHING if collection_id in tally.new else known[collection_id]
        moves[collection_id] = before, before.plus(difference)
    for name, (_, after) in moves.items():
        counters.write(name, after)
    counters.forget(tally.gone - tally.new)
    return moves


def find_known(counters: Counters, tally: Tally) -> dict[str | None, Usage] | None:
    """Return what the counters say of all that was there before; None when some are missing."""
    if tally.is_new:
        return {None: NOTHING}
    known: dict[str | None, Usage] = {}
    for collection_id in (None, *tally.collections.keys() - tally.new, *tally.gone):
        row = counters.find(collection_id)
        if row is None:
            return None
        known[collection_id] = read_usage(row)
    return known


def compare_with(counted: Usages, tally: Tally) -> Moves:
    """Return what was there before a request and after it, when only the latter was counted.

    What deleted collections held is not known: it counts as if it had not been there.
    """
    moves: dict[str | None, tuple[Usage, Usage]] = {
        name: (counted[name].minus(difference), counted[name])
        for name, difference in tally.collections.items()
    }
    return {None: (counted[None].minus(tally.bucket), counted[None])} | moves
