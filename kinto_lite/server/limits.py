"""What a message may be, in size, time and pace; the same for every connection of a server."""

from __future__ import annotations

from dataclasses import dataclass

#: A body over the limit is read and thrown away up to this multiple of the limit, because a
#: client that is still sending may never see an answer when the connection is closed.
DISCARD_FACTOR = 8
#: Headers of one request.
MAX_HEADERS = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may be."""

    max_body_bytes: int = 5 * 1024 * 1024
    #: From the end of the headers to the end of the body.
    timeout_seconds: float = 30.0
    #: On average, once the grace is over; 0: any pace.
    min_bytes_per_second: float = 1000.0
    grace_seconds: float = 5.0
    #: How long headers may take to arrive, and a connection may be idle.
    head_seconds: float = 30.0
    #: How often a client that reads an answer slowly is looked at: it must keep the same pace.
    unread_seconds: float = 60.0
    #: What clients may keep in memory together: bodies that are not whole, answers not yet read.
    held_bytes: int = 256 * 1024 * 1024

    @property
    def bound(self) -> int:
        """How many bytes of a body are read at all."""
        return self.max_body_bytes * DISCARD_FACTOR

    def allowance(self, size: int) -> float:
        """Return how many seconds `size` bytes of a body may take."""
        if not self.min_bytes_per_second:
            return self.timeout_seconds
        return min(self.timeout_seconds, self.grace_seconds + size / self.min_bytes_per_second)

    @property
    def least_read(self) -> float:
        """Return how many bytes of an answer a client must read in `unread_seconds`."""
        return max(1.0, self.min_bytes_per_second * self.unread_seconds)
