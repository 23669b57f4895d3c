"""Timestamps: how they are shown in headers, and which one a write gets.

All are integers, milliseconds since 1970-01-01 UTC. Leaves reading `data.last_modified` to
`protocol.bodies` and keeping the counters to the storage.

Source: protocol, part 1, chapters 2.6, 4.1 and 4.2.
"""

from __future__ import annotations

import time
from functools import lru_cache

#: The first millisecond of the year 1 and the last of 9999, beyond which no HTTP date exists.
EARLIEST_MS = -62135596800000
LATEST_MS = 253402300799999

# Names that no locale changes.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def etag(timestamp_ms: int) -> str:
    """Return the value of an `ETag` header (chapter 4.2)."""
    return f'"{timestamp_ms}"'


def http_date(timestamp_ms: int) -> str:
    """Return the second that holds this instant as an HTTP date (chapter 4.2).

    Instants after the year 9999, which a counter can reach when a client pushed it to the end,
    are shown as its last second.
    """
    return format_second(min(timestamp_ms, LATEST_MS) // 1000)


@lru_cache(maxsize=1024)
def format_second(second: int) -> str:
    """Return a second since 1970 as an HTTP date (RFC 9110, chapter 5.6.7)."""
    # Python's `email.utils` does the same, and takes long to import.
    at = time.gmtime(second)
    month, clock = _MONTHS[at.tm_mon - 1], f"{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}"
    return f"{_DAYS[at.tm_wday]}, {at.tm_mday:02} {month} {at.tm_year:04} {clock} GMT"


def next_timestamp(
    now_ms: int, counter: int, requested: int | None = None, existing: int | None = None
) -> tuple[int, int]:
    """Return the timestamp of a written object and the one its list has after the write.

    `counter` is the timestamp of the list, 0 when it was never used: it then counts as created
    now. `requested` is the usable `last_modified` of the client; `existing` is the timestamp
    of the live object that is replaced, None on creation.
    Source: protocol, part 1, chapters 2.6 and 4.1.
    """
    reached = counter or now_ms
    if requested is None or is_stale(requested, existing):
        fresh = max(now_ms, counter + 1)
    elif requested == reached:
        fresh = max(now_ms, reached + 1)
    else:
        return requested, max(requested, reached)
    return fresh, fresh


def is_stale(requested: int, existing: int | None) -> bool:
    """Tell whether an update asks for a timestamp that is not after the object's own."""
    return existing is not None and requested <= existing
