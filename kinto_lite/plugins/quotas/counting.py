"""Counts what is there: a bucket that has no counters yet, or all of them again.

Reads the lists page by page, so that memory stays small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kinto_lite.model import ListRef, ObjectRef, Place, Query, Row
from kinto_lite.plugins.quotas.counters import KIND, NOBODY, Counters, read_name
from kinto_lite.plugins.quotas.usage import NOTHING, Usage, read_usage, weigh
from kinto_lite.storage.base import Storage, Transaction

_PAGE_ROWS = 500

#: Usage of a bucket (None) and of its collections, by id.
Usages = Mapping[str | None, Usage]


@dataclass(frozen=True, slots=True)
class Recount:
    """What one bucket holds, and what its counters said."""

    bucket_id: str
    counted: Usages
    stored: Usages

    @property
    def is_right(self) -> bool:
        """Whether the counters said what is there."""
        return self.counted == self.stored


def rebuild(storage: Storage, is_dry_run: bool = False) -> Iterator[Recount]:
    """Count all buckets, each in a transaction of its own, and correct the counters.

    May run beside servers: they wait while a bucket is counted, not longer.
    Errors: StorageError.
    """
    for bucket_id in list_buckets(storage):
        with storage.transaction(write=not is_dry_run) as tx:
            recount = count_again(tx, bucket_id)
            if recount is None:
                continue
            if not (recount.is_right or is_dry_run):
                Counters(tx, f"/buckets/{bucket_id}").replace(recount.counted)
        yield recount


def count_buckets(storage: Storage) -> int:
    """Return how many buckets there are."""
    with storage.transaction(write=False) as tx:
        return find_place(tx, ListRef("bucket", "")).live_count


def list_buckets(storage: Storage) -> list[str]:
    """Return the ids of all buckets."""
    with storage.transaction(write=False) as tx:
        return [row.id for row in read_rows(tx, ListRef("bucket", ""))]


def count_again(tx: Transaction, bucket_id: str) -> Recount | None:
    """Count a bucket and read its counters; None when it has been deleted."""
    counted = count_bucket(tx, bucket_id)
    rows = read_rows(tx, ListRef(KIND.name, f"/buckets/{bucket_id}"))
    stored = {read_name(row.id): read_usage(row) for row in rows}
    return Recount(bucket_id, counted, stored) if counted else None


def count_bucket(tx: Transaction, bucket_id: str) -> Usages:
    """Return what a bucket and its collections hold; empty when there is no such bucket."""
    bucket = ObjectRef("bucket", "", bucket_id)
    row = tx.find_row(bucket)
    if row is None or row.is_deleted:
        return {}
    usages: dict[str | None, Usage] = {}
    total = weigh("bucket", row).plus(count_list(tx, ListRef("group", bucket.uri)))
    for collection in read_rows(tx, ListRef("collection", bucket.uri)):
        records = ListRef("record", f"{bucket.uri}/collections/{collection.id}")
        usage = weigh("collection", collection).plus(count_list(tx, records))
        usages[collection.id] = usage
        total = total.plus(usage)
    return usages | {None: total}


def count_list(tx: Transaction, ref: ListRef) -> Usage:
    """Return what all objects of a list hold together."""
    usage = NOTHING
    for row in read_rows(tx, ref):
        usage = usage.plus(weigh(ref.kind, row))
    return usage


def read_rows(tx: Transaction, ref: ListRef) -> Iterator[Row]:
    """Yield the live objects of a list."""
    place = find_place(tx, ref)
    query = Query(limit=_PAGE_ROWS)
    while place.list_key is not None:
        page = tx.list_objects(place.list_key, ref.kind, query, None)
        yield from page.rows
        if not page.has_more:
            return
        last = page.rows[-1]
        query = Query(limit=_PAGE_ROWS, after=(last.last_modified, last.key))


def find_place(tx: Transaction, ref: ListRef) -> Place:
    """Return the place of a list, found by an id that no object has."""
    return tx.find_object(ObjectRef(ref.kind, ref.parent_uri, ""), NOBODY)
