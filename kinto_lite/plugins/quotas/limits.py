"""What the settings allow: the most specific one counts, and an empty one is no limit.

Source: protocol, plugins chapter 7.7; public documentation of Kinto 19, "Quotas management".
"""

from __future__ import annotations

from kinto_lite.errors import QUOTA_EXCEEDED, ApiError
from kinto_lite.plugins.quotas.usage import Usage
from kinto_lite.settings import Settings

MAX_BYTES, MAX_ITEMS, MAX_BYTES_PER_ITEM = "max_bytes", "max_items", "max_bytes_per_item"


class Limits:
    """The limits of one bucket, or of one of its collections."""

    def __init__(self, settings: Settings, bucket_id: str, collection_id: str | None) -> None:
        self._settings = settings
        self._title = "Bucket" if collection_id is None else "Collection"
        if collection_id is None:
            self._scopes = [f"quotas.bucket_{bucket_id}_", "quotas.bucket_"]
        else:
            self._scopes = [
                f"quotas.collection_{bucket_id}_{collection_id}_",
                f"quotas.collection_{bucket_id}_",
                "quotas.collection_",
            ]

    def find(self, name: str) -> int | None:
        """Return a limit; None when there is none."""
        for scope in self._scopes:
            if scope + name in self._settings.values:
                limit: int | None = self._settings.values[scope + name]
                return limit
        return None

    def check_totals(self, before: Usage, after: Usage) -> None:
        """Refuse more bytes or records than allowed, unless there are no more than before.

        Errors: ApiError (507).
        """
        limit = self.find(MAX_ITEMS)
        if limit is not None and limit < after.records > before.records:
            raise ApiError(
                QUOTA_EXCEEDED,
                f"{self._title} maximum number of objects exceeded "
                f"({after.records} > {limit} objects).",
            )
        limit = self.find(MAX_BYTES)
        if limit is not None and limit < after.bytes > before.bytes:
            raise ApiError(
                QUOTA_EXCEEDED,
                f"{self._title} maximum size exceeded ({after.bytes} > {limit} Bytes).",
            )

    def check_object(self, before: int, after: int) -> None:
        """Refuse an object of more bytes than allowed, unless it has no more than before.

        Errors: ApiError (507).
        """
        limit = self.find(MAX_BYTES_PER_ITEM)
        if limit is not None and limit < after > before:
            raise ApiError(
                QUOTA_EXCEEDED, f"Maximum bytes per object exceeded ({after} > {limit} Bytes)."
            )


def limits_objects(settings: Settings) -> bool:
    """Tell whether the size of single objects is limited anywhere."""
    return any(
        name.startswith("quotas.") and name.endswith(MAX_BYTES_PER_ITEM) and value is not None
        for name, value in settings.values.items()
    )
