"""Reading a request body from Granian: whole, within a size, a time and a pace, or refused.

While a body is awaited, the worker serves others: a slow client costs a connection only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from kinto_lite.server.refusals import broken_body, too_large, too_late
from kinto_lite.server.rsgi import HttpProtocol

#: A body over the limit is read and thrown away up to this multiple of the limit, because a
#: client that is still sending may never see an answer when the connection is closed.
DISCARD_FACTOR = 8
#: Bodies up to this size are awaited in one go, which is cheaper than piece by piece.
SMALL_BYTES = 65536


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a request body may be."""

    max_body_bytes: int = 5 * 1024 * 1024
    #: From the end of the headers to the end of the body.
    timeout_seconds: float = 30.0
    #: On average, once the grace is over; 0: any pace.
    min_bytes_per_second: float = 1000.0
    grace_seconds: float = 5.0

    def allowance(self, size: int) -> float:
        """Return how many seconds `size` bytes may take."""
        if not self.min_bytes_per_second:
            return self.timeout_seconds
        return min(self.timeout_seconds, self.grace_seconds + size / self.min_bytes_per_second)


class Pace:
    """Ends the waiting for a body when it comes too late, or too slowly."""

    def __init__(self, limits: BodyLimits, expected: int) -> None:
        """`expected`: how much is awaited before the next look at the clock."""
        self._limits = limits
        self._begin = asyncio.get_running_loop().time()
        self.size = 0
        self.timer = asyncio.timeout_at(self._begin + limits.allowance(expected))

    def count(self, piece: bytes) -> None:
        """Count what has arrived, which gives more time for the rest."""
        self.size += len(piece)
        self.timer.reschedule(self._begin + self._limits.allowance(self.size))


async def read_body(
    headers: Mapping[str, str], protocol: HttpProtocol, limits: BodyLimits
) -> bytes:
    """Return the body, b"" when there is none. `headers` has names in lower case.

    Errors: Refusal with 413, 408, or 400 for a body that is cut off.
    """
    length = headers.get("content-length")
    if length is None and "transfer-encoding" not in headers:
        return b""
    if length == "0":
        return b""
    is_small = length is not None and len(length) < 6 and int(length) <= SMALL_BYTES
    pace = Pace(limits, int(length or 0) if is_small else 0)
    try:
        async with pace.timer:
            if is_small and int(length or 0) <= limits.max_body_bytes:
                return await protocol()
            return await read_pieces(length, "expect" in headers, protocol, limits, pace)
    except TimeoutError:
        raise too_late(limits.timeout_seconds, limits.min_bytes_per_second) from None
    except RuntimeError:
        # Granian's word for a connection that ended inside the body.
        raise broken_body() from None


async def read_pieces(
    length: str | None, waits: bool, protocol: HttpProtocol, limits: BodyLimits, pace: Pace
) -> bytes:
    """Return a body that is large, or comes without its length.

    A body that is announced as too large is refused after reading it, if that is bearable; a
    client that asked first (`waits`, from `Expect: 100-continue`) has not sent it yet.

    Granian ends the stream with one empty piece, whether it was complete or not; a stream that
    broke has another empty piece before that. Executing half a body could erase data.
    """
    bound = limits.max_body_bytes * DISCARD_FACTOR
    expected = None if length is None else int(length[:15])
    is_too_large = expected is not None and expected > limits.max_body_bytes
    if is_too_large and (waits or len(length or "") > 15 or (expected or 0) > bound):
        raise too_large(limits.max_body_bytes, closes=True)
    pieces: list[bytes] = []
    empty = 0
    async for piece in protocol:
        pace.count(piece)
        empty += not piece
        if pace.size > bound:
            raise too_large(limits.max_body_bytes, closes=True)
        if pace.size <= limits.max_body_bytes:
            pieces.append(piece)
    if empty > 1 or (expected is not None and pace.size != expected):
        raise broken_body()
    if pace.size > limits.max_body_bytes:
        raise too_large(limits.max_body_bytes, closes=False)
    return b"".join(pieces)
