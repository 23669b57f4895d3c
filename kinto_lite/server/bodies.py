"""Reading a request body from Granian: whole, within a size and a time, or refused.

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


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a request body may be."""

    max_body_bytes: int = 5 * 1024 * 1024
    #: From the end of the headers to the end of the body.
    timeout_seconds: float = 30.0


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
    try:
        async with asyncio.timeout(limits.timeout_seconds):
            if length is None:
                return await read_chunked(protocol, limits)
            if len(length) > 15 or int(length) > limits.max_body_bytes:
                await discard(int(length[:15]), headers, protocol, limits)
            return await protocol()
    except TimeoutError:
        raise too_late(limits.timeout_seconds) from None
    except RuntimeError:
        # Granian's word for a connection that ended inside the body.
        raise broken_body() from None


async def read_chunked(protocol: HttpProtocol, limits: BodyLimits) -> bytes:
    """Return a body that comes without its length.

    Granian ends the stream with one empty piece, whether it was complete or not; a stream that
    broke has another empty piece before that. Executing half a body could erase data.
    """
    pieces: list[bytes] = []
    size = empty = 0
    async for piece in protocol:
        size += len(piece)
        empty += not piece
        if size <= limits.max_body_bytes:
            pieces.append(piece)
        elif size > limits.max_body_bytes * DISCARD_FACTOR:
            raise too_large(limits.max_body_bytes, closes=True)
    if empty > 1:
        raise broken_body()
    if size > limits.max_body_bytes:
        raise too_large(limits.max_body_bytes, closes=False)
    return b"".join(pieces)


async def discard(
    length: int, headers: Mapping[str, str], protocol: HttpProtocol, limits: BodyLimits
) -> None:
    """Refuse a body that is announced as too large, after reading it if that is bearable.

    A client that asked first (`Expect: 100-continue`) has not sent it yet.
    """
    waits = "expect" in headers
    if waits or length > limits.max_body_bytes * DISCARD_FACTOR:
        raise too_large(limits.max_body_bytes, closes=True)
    async for _piece in protocol:
        pass
    raise too_large(limits.max_body_bytes, closes=False)
