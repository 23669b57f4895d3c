"""What counts: the bytes and the records of a bucket or a collection.

The size of an object is the length of its JSON as the server answers it: no spaces, characters
beyond ASCII escaped, `id` and `last_modified` included, permissions not. Tombstones have none.

Source: protocol, plugins chapter 7.7; public documentation of Kinto 19, "Quotas management".
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from kinto_lite.model import Row
from kinto_lite.protocol.payloads import splice_row

#: Kinds of objects that count.
COUNTED = frozenset({"bucket", "group", "collection", "record"})


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes of objects, and how many of them are records."""

    bytes: int = 0
    records: int = 0

    def plus(self, other: Usage) -> Usage:
        """Return both together."""
        return Usage(self.bytes + other.bytes, self.records + other.records)

    def minus(self, other: Usage) -> Usage:
        """Return what is left without the other."""
        return Usage(self.bytes - other.bytes, self.records - other.records)

    def to_json(self) -> str:
        """Return it as a counter is stored."""
        return f'{{"bytes":{self.bytes},"records":{self.records}}}'


NOTHING = Usage()


def read_usage(row: Row) -> Usage:
    """Return what a stored counter says."""
    return Usage(**json.loads(row.data))


def measure(row: Row | None) -> int:
    """Return the size of an object in bytes; 0 when there is none or a tombstone."""
    # Stored texts are plain ASCII: a character is a byte.
    return 0 if row is None or row.is_deleted else len(splice_row(row))


def weigh(kind: str, row: Row | None) -> Usage:
    """Return what one object adds to its bucket."""
    size = measure(row)
    return Usage(size, int(kind == "record" and size > 0))
