"""One connection: requests in, responses out, in order, within bounds of time and memory.

Whatever a client does or leaves undone costs a connection only: nothing here waits. Requests
are handed on whole; one of a connection is under way at a time. Leaves what is in a message to
`messages`, and what becomes of a request to the `Handler`.

Source: RFC 9112 chapter 9 (keep-alive, pipelining, closing).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol, cast

from kinto_lite.model import Answer, ApiRequest
from kinto_lite.server.limits import Limits
from kinto_lite.server.messages import Message, Reader
from kinto_lite.server.parsers import MAX_HEAD_BYTES
from kinto_lite.server.refusals import (
    Refusal,
    broken_body,
    failed,
    head_too_large,
    too_late,
    unexpected,
)
from kinto_lite.server.requests import Origin
from kinto_lite.server.responses import CONTINUE, encode_response

#: Requests of one connection that wait for their turn, before no more are read.
MAX_PIPELINED = 16
#: Read at a time, so that those that arrive together are not many more.
PIECE_BYTES = 8 * 1024
#: How long a connection that ended with a refusal is read on, so that the client sees that.
LINGER_SECONDS = 2.0
#: How long a new connection may take to send something when the server is about to end.
FIRST_SECONDS = 1.0

log = logging.getLogger("kinto_lite")


class Handler(Protocol):
    """What connections have in common."""

    origin: Origin
    limits: Limits
    connections: set[Connection]

    def handle(self, request: ApiRequest, connection: Connection) -> None:
        """See to it that the connection gets one `answer`, now or later."""
        ...


class Connection(asyncio.Protocol):
    """One client. `loop` tells the time."""

    __slots__ = (
        "_begin",
        "_body_bytes",
        "_count",
        "_current",
        "_deadline",
        "_handler",
        "_is_full",
        "_is_last",
        "_is_lingering",
        "_is_paused",
        "_is_refused",
        "_is_stopping",
        "_loop",
        "_owed_leave",
        "_reader",
        "_rest",
        "_still_bytes",
        "_transport",
        "_unread_bytes",
        "_waiting",
    )

    def __init__(self, handler: Handler, loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._loop = loop
        #: Never many: a list is smaller than a deque, and idle connections may be many.
        self._waiting: list[Message] = []
        self._current: Message | None = None
        #: What has arrived and is not looked at while so many requests wait.
        self._rest = b""
        #: Nothing more is read: what waits is answered, and then the connection ends.
        self._is_last = False
        self._is_stopping = self._is_lingering = self._is_paused = self._is_refused = False
        #: The client does not read its answers; how many bytes it had left when we last looked.
        self._is_full = False
        self._unread_bytes = 0
        #: The message that is being read; when it, or its body, began; how much of its body there
        #: was last time, and how many bytes have come that did not add to it.
        self._count, self._begin, self._body_bytes, self._still_bytes = 0, 0.0, -1, 0
        #: Of the message whose client waits for leave to send its body, 0: none.
        self._owed_leave = 0
        #: When the client must have done something, unless it is our turn.
        self._deadline = 0.0

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        client = peer[0] if isinstance(peer, tuple) else ""
        handler = self._handler
        self._reader = Reader(
            handler.origin, handler.limits, client, self._waiting.append, self._give_leave
        )
        self._deadline = self._loop.time() + handler.limits.head_seconds
        handler.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """End. What is under way goes on; its answer is dropped."""
        self._handler.connections.discard(self)
        self._waiting.clear()
        self._rest = b""
        self._is_last = True

    def data_received(self, data: bytes) -> None:
        """Read what has arrived, and have it answered."""
        if self._is_last:
            return
        if self._rest or len(data) > PIECE_BYTES:
            self._rest += data
            self._read_rest()
        else:
            self._read(data)
        if self._current is None:
            self._next()
        if len(self._waiting) >= MAX_PIPELINED and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client sends no more; it may still wait for answers. Return whether it does."""
        if self._reader.has_head and not self._is_last:
            self._end_with(broken_body())
        self._is_last = True
        if self._current is None:
            self._next()
        is_busy = self._current is not None or bool(self._waiting)
        # TLS ends both ways at once.
        return is_busy and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """The client does not read its answers: it gets no more of them."""
        self._is_full = True
        self._unread_bytes = self._transport.get_write_buffer_size()
        self._deadline = self._loop.time() + self._handler.limits.unread_seconds

    def resume_writing(self) -> None:
        """Go on."""
        self._is_full, self._unread_bytes = False, 0
        self._deadline = self._loop.time() + self._handler.limits.head_seconds
        if self._current is None:
            self._next()

    # Reading.

    def _read(self, data: bytes) -> None:
        reader = self._reader
        try:
            reader.feed(data)
            if reader.is_inside:
                self._watch(len(data))
        except Refusal as refusal:
            self._end_with(refusal)
        except Exception:
            log.exception("a request could not be read")
            self._end_with(failed())

    def _read_rest(self) -> None:
        """Read what has arrived, as far as not too many requests wait."""
        rest, offset = self._rest, 0
        while offset < len(rest) and len(self._waiting) < MAX_PIPELINED and not self._is_last:
            self._read(rest[offset : offset + PIECE_BYTES])
            offset += PIECE_BYTES
        self._rest = rest[offset:]

    def _go_on(self) -> None:
        """Read again what a connection with many requests was not read for."""
        # It is not the client that was slow.
        self._begin = self._loop.time()
        self._read_rest()
        if len(self._waiting) < MAX_PIPELINED:
            self._is_paused = False
            self._transport.resume_reading()

    # Requests and answers.

    def _next(self) -> None:
        """Have the next message answered, if there is one and its answer can go out."""
        if self._is_full:
            return
        if not self._waiting:
            if self._is_last and not self._is_lingering:
                self._leave()
            return
        message = self._current = self._waiting.pop(0)
        if isinstance(message.content, Refusal):
            self.answer(message.content.answer)
        else:
            self._handler.handle(message.content, self)

    def answer(self, answer: Answer) -> None:
        """Send the answer to the request that is under way."""
        message, self._current = self._current, None
        transport = self._transport
        if message is None or transport.is_closing():
            return
        ends = (self._is_last or self._is_stopping) and not self._waiting
        connection = "close" if ends else message.connection
        try:
            response = encode_response(answer, message.method, connection)
        except Exception:
            log.exception("an answer could not be sent")
            response = encode_response(unexpected(), message.method, connection)
        transport.write(response)
        if connection == "close":
            self._close(self._is_refused or message.connection != "close")
        elif self._waiting:
            # Not at once: other connections have their turn first.
            self._loop.call_soon(self._take_turn)
        elif not self._is_full:
            self._deadline = self._loop.time() + self._handler.limits.head_seconds
            if self._owed_leave:
                self._give_leave()

    def _take_turn(self) -> None:
        if self._current is None:
            self._next()
        if self._is_paused and not self._is_last and len(self._waiting) < MAX_PIPELINED:
            self._go_on()

    def _give_leave(self) -> None:
        """Let a client that waits send its body; after the answers to what it sent before."""
        reader = self._reader
        if self._current is not None or self._waiting:
            self._owed_leave = reader.count
            return
        if reader.is_inside and not reader.size and self._owed_leave in (0, reader.count):
            self._transport.write(CONTINUE)
        self._owed_leave = 0

    # Ends.

    def _end_with(self, refusal: Refusal) -> None:
        """Refuse what cannot be read, after what was read before."""
        self._waiting.append(Message(refusal, "", "close"))
        self._rest = b""
        self._is_last = self._is_refused = True

    def _close(self, lingers: bool) -> None:
        """End the connection. Where the client may still be sending, so that it gets the last
        answer: a socket that is closed with unread input takes back what was sent."""
        self._waiting.clear()
        self._rest = b""
        self._is_last = True
        if not lingers:
            self._leave()
            return
        self._is_lingering = True
        self._deadline = self._loop.time() + LINGER_SECONDS
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _leave(self) -> None:
        """Close, once the client has taken what it was sent; it has a while for that."""
        self._deadline = self._loop.time() + self._handler.limits.unread_seconds
        self._transport.close()

    def stop(self) -> None:
        """End when what has begun is answered. May be called again."""
        self._is_stopping = True
        if self._is_lingering or self._current is not None or self._waiting:
            return
        if not self._reader.count:
            # It has just been accepted: its first request is on its way.
            self._deadline = min(self._deadline, self._loop.time() + FIRST_SECONDS)
        elif not self._reader.is_inside:
            self._transport.close()

    # Time and memory.

    def _watch(self, arrived: int) -> None:
        """Set the time until which a message that is not whole has to go on.

        Errors: Refusal of what goes on for ever and is no body.
        """
        limits, now, reader = self._handler.limits, self._loop.time(), self._reader
        if reader.count != self._count:
            self._count, self._body_bytes, self._still_bytes = reader.count, -1, 0
            self._deadline = now + limits.head_seconds
        if not reader.has_head or reader.size == self._body_bytes:
            self._still_bytes += arrived
            if self._still_bytes > MAX_HEAD_BYTES:
                raise head_too_large()
        else:
            if self._body_bytes < 0:
                self._begin = now
            self._body_bytes, self._still_bytes = reader.size, 0
        if reader.has_head:
            self._deadline = self._begin + limits.allowance(reader.size)

    @property
    def held_bytes(self) -> int:
        """How much memory the client makes us keep, beside what every connection takes."""
        size = self._reader.size if self._reader.is_inside else 0
        return size + self._unread_bytes

    def check(self, now: float) -> None:
        """End the connection if its client has not done in time what it had to do."""
        if now < self._deadline or (self._current is not None and not self._is_full):
            return
        limits, transport = self._handler.limits, self._transport
        if self._is_full:
            unread = transport.get_write_buffer_size()
            if self._unread_bytes - unread < limits.least_read:
                transport.abort()
            self._unread_bytes, self._deadline = unread, now + limits.unread_seconds
        elif transport.is_closing():
            transport.abort()
        elif self._reader.has_head and not self._is_last:
            self._end_with(too_late(limits.timeout_seconds, limits.min_bytes_per_second))
            self._next()
        else:
            self._leave()

    def abort(self) -> None:
        """End at once."""
        self._transport.abort()
