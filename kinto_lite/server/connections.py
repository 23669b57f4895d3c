"""One connection: requests in, responses out, in order, within bounds of time and memory.

Whatever a client does or leaves undone costs a connection only: nothing here waits. Requests
are handed on whole; one of a connection is under way at a time. Leaves what is in a message to
`messages`, and what becomes of a request to the `Handler`.

Source: RFC 9112 chapter 9 (keep-alive, pipelining, closing).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol, cast

from kinto_lite.model import Answer, ApiRequest
from kinto_lite.server.limits import Limits
from kinto_lite.server.messages import Message, Reader
from kinto_lite.server.parsers import MAX_HEAD_BYTES
from kinto_lite.server.refusals import Refusal, broken_body, head_too_large, too_late
from kinto_lite.server.requests import Origin
from kinto_lite.server.responses import CONTINUE, encode_response

#: Requests of one connection that wait for their turn, before no more are read.
MAX_PIPELINED = 16
#: How long a connection that ended with a refusal is read on, so that the client sees that.
LINGER_SECONDS = 2.0


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

    def __init__(self, handler: Handler, loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._loop = loop
        self._waiting: deque[Message] = deque()
        self._current: Message | None = None
        #: Nothing more is read: what waits is answered, and then the connection ends.
        self._is_last = False
        self._is_stopping = self._is_lingering = self._is_paused = False
        #: The client does not read its answers; how many bytes it had left when we last looked.
        self._is_full = False
        self._unread_bytes = 0
        #: Bytes of a head that is not whole; which message has a body that has begun, and when.
        self._head_bytes = 0
        self._body_count, self._body_begin = 0, 0.0
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
        self._is_last = True

    def data_received(self, data: bytes) -> None:
        """Read what has arrived, and have it answered."""
        if self._is_last:
            return
        reader = self._reader
        try:
            reader.feed(data)
            if reader.is_inside:
                self._watch(len(data))
            else:
                self._head_bytes = 0
        except Refusal as refusal:
            self._end_with(refusal)
        if self._current is None:
            self._next()
        if len(self._waiting) >= MAX_PIPELINED:
            self._is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client sends no more; it may still wait for answers. Return whether it does."""
        if self._reader.has_head and not self._is_last:
            self._end_with(broken_body())
        self._is_last = True
        if self._current is None:
            self._next()
        # TLS ends both ways at once.
        return self._current is not None and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """The client does not read its answers: it gets no more of them."""
        self._is_full = True
        self._unread_bytes = self._transport.get_write_buffer_size()
        self._deadline = self._loop.time() + self._handler.limits.unread_seconds

    def resume_writing(self) -> None:
        """Go on."""
        self._is_full = False
        self._deadline = self._loop.time() + self._handler.limits.head_seconds
        if self._current is None:
            self._next()

    # Requests and answers.

    def _next(self) -> None:
        """Have the next message answered, if there is one and its answer can go out."""
        if self._is_full:
            return
        if not self._waiting:
            if self._is_last and not self._is_lingering:
                self._transport.close()
            return
        message = self._current = self._waiting.popleft()
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
        transport.write(encode_response(answer, message.method, connection))
        if connection == "close":
            self._close()
        elif self._waiting:
            # Not at once: other connections have their turn first.
            self._loop.call_soon(self._take_turn)
        elif not self._is_full:
            self._deadline = self._loop.time() + self._handler.limits.head_seconds

    def _take_turn(self) -> None:
        if self._current is None:
            self._next()
        if self._is_paused and len(self._waiting) < MAX_PIPELINED:
            self._is_paused = False
            self._transport.resume_reading()

    def _give_leave(self) -> None:
        """Let a client that waits send its body."""
        self._transport.write(CONTINUE)

    # Ends.

    def _end_with(self, refusal: Refusal) -> None:
        """Refuse what cannot be read, after what was read before."""
        self._waiting.append(Message(refusal, "", "close"))
        self._is_last = True

    def _close(self) -> None:
        """End the connection so that the client gets the last answer: a socket that is closed
        with unread input takes back what was sent."""
        self._waiting.clear()
        is_whole = not self._is_last or not self._reader.is_inside
        self._is_last = True
        if is_whole or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._is_lingering = True
        self._deadline = self._loop.time() + LINGER_SECONDS
        self._transport.write_eof()

    def stop(self) -> None:
        """End when what has begun is answered."""
        self._is_stopping = True
        if self._current is None and not self._waiting and not self._reader.is_inside:
            self._transport.close()

    # Time.

    def _watch(self, arrived: int) -> None:
        """Set the time until which a message that is not whole has to go on.

        Errors: Refusal of an endless head.
        """
        limits, now = self._handler.limits, self._loop.time()
        if self._reader.has_head:
            if self._body_count != self._reader.count:
                self._body_count, self._body_begin = self._reader.count, now
            self._head_bytes = 0
            self._deadline = self._body_begin + limits.allowance(self._reader.size)
            return
        if not self._head_bytes:
            self._deadline = now + limits.head_seconds
        self._head_bytes += arrived
        if self._head_bytes > MAX_HEAD_BYTES:
            raise head_too_large()

    def check(self, now: float) -> None:
        """End the connection if its client has not done in time what it had to do."""
        if now < self._deadline or (self._current is not None and not self._is_full):
            return
        limits, transport = self._handler.limits, self._transport
        if self._is_full:
            unread = transport.get_write_buffer_size()
            if unread >= self._unread_bytes:
                transport.abort()
            self._unread_bytes, self._deadline = unread, now + limits.unread_seconds
        elif self._reader.has_head and not self._is_last:
            self._end_with(too_late(limits.timeout_seconds, limits.min_bytes_per_second))
            self._next()
        else:
            transport.close()
