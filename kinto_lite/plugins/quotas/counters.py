"""How usage is stored: hidden objects below the bucket, one for itself and one for each of its
collections. They go with the bucket, and no list or URL shows them.

Their timestamps never change, so that writing them touches no index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kinto_lite.model import Asker, Filter, Kind, ObjectRef, Place, Row
from kinto_lite.plugins.quotas.usage import Usage
from kinto_lite.storage.base import Transaction

#: Nobody has permissions on counters, and they can be computed again.
KIND = Kind("quota", "quotas", "bucket", permissions=(), is_derived=True)

#: Asks for places of what nobody asks for.
NOBODY = Asker(None, frozenset(), "[]")

_BUCKET = "bucket"
_COLLECTION = "collection/"


class Counters:
    """The counters of one bucket. Collections are named by their ids, the bucket by None."""

    def __init__(self, tx: Transaction, bucket_uri: str) -> None:
        self._tx = tx
        self._bucket_uri = bucket_uri
        self._place = tx.find_object(self._ref(None), NOBODY)
        self._rows: dict[str | None, Row | None] = {None: self._place.live}

    @property
    def list_key(self) -> int | None:
        """The storage's key of their list; None when there is no bucket."""
        return self._place.list_key

    def find(self, collection_id: str | None) -> Row | None:
        """Return a stored counter."""
        if collection_id not in self._rows:
            self._rows[collection_id] = self._tx.find_row(self._ref(collection_id))
        return self._rows[collection_id]

    def write(self, collection_id: str | None, usage: Usage) -> None:
        """Store a counter, unless it says so already."""
        row, data = self.find(collection_id), usage.to_json()
        if row is None or row.data != data:
            place: Place = replace(self._place, row=row)
            self._tx.write_object(place, self._ref(collection_id), data, 0, 0)

    def forget(self, collection_ids: Iterable[str]) -> None:
        """Delete the counters of collections."""
        names = [name_counter(one) for one in collection_ids]
        if names and self.list_key is not None:
            self._tx.delete_oldest(self.list_key, [Filter("id", "in", names)], 0)

    def replace(self, usages: Mapping[str | None, Usage]) -> None:
        """Store these counters and no others."""
        assert self.list_key is not None
        self._tx.delete_oldest(self.list_key, (), 0)
        self._rows = dict.fromkeys(usages)
        for collection_id, usage in usages.items():
            self.write(collection_id, usage)

    def _ref(self, collection_id: str | None) -> ObjectRef:
        return ObjectRef(KIND.name, self._bucket_uri, name_counter(collection_id))


def name_counter(collection_id: str | None) -> str:
    """Return the id of the counter of a collection, or of the bucket."""
    return _BUCKET if collection_id is None else _COLLECTION + collection_id


def read_name(counter_id: str) -> str | None:
    """Return whose counter it is: the id of a collection, None for the bucket."""
    return None if counter_id == _BUCKET else counter_id.removeprefix(_COLLECTION)
