"""How usage is stored: hidden objects below the bucket, one for itself and one for each of its
collections. They go with the bucket, and no list or URL shows them.

Their timestamps never change, so that writing them touches no index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
        self._rows: dict[str | None, Row | None] = {}
        self._list_key: int | None = None

    def have_place(self) -> bool:
        """Tell whether they can be stored: there is a bucket, and it was made with a list for
        them."""
        return self.find(None) is not None or self._find_list() is not None

    def find(self, collection_id: str | None) -> Row | None:
        """Return a stored counter."""
        if collection_id not in self._rows:
            self._rows[collection_id] = self._tx.find_row(self._ref(collection_id))
        return self._rows[collection_id]

    def write(self, collection_id: str | None, usage: Usage) -> None:
        """Store a counter, unless it says so already."""
        row, data = self.find(collection_id), usage.to_json()
        if row is not None and row.data == data:
            return
        list_key = self._find_list() if row is None else self._list_key
        place = Place(list_key, 0, 0, frozenset(), row)
        self._tx.write_object(place, self._ref(collection_id), data, 0, 0)

    def forget(self, collection_ids: Iterable[str]) -> None:
        """Delete the counters of collections."""
        names = [name_counter(one) for one in collection_ids]
        if names:
            self._delete([Filter("id", "in", names)])

    def replace(self, usages: Mapping[str | None, Usage]) -> None:
        """Store these counters and no others."""
        self._delete([])
        self._rows = dict.fromkeys(usages)
        for collection_id, usage in usages.items():
            self.write(collection_id, usage)

    def _delete(self, filters: list[Filter]) -> None:
        list_key = self._find_list()
        assert list_key is not None
        self._tx.delete_oldest(list_key, filters, 0)

    def _find_list(self) -> int | None:
        """Return the storage's key of their list, which only new counters need."""
        if self._list_key is None:
            self._list_key = self._tx.find_object(self._ref(None), NOBODY).list_key
        return self._list_key

    def _ref(self, collection_id: str | None) -> ObjectRef:
        return ObjectRef(KIND.name, self._bucket_uri, name_counter(collection_id))


def name_counter(collection_id: str | None) -> str:
    """Return the id of the counter of a collection, or of the bucket."""
    return _BUCKET if collection_id is None else _COLLECTION + collection_id


def read_name(counter_id: str) -> str | None:
    """Return whose counter it is: the id of a collection, None for the bucket."""
    return None if counter_id == _BUCKET else counter_id.removeprefix(_COLLECTION)
