"""Parsing of HTTP/1.1: by httptools (llhttp, in C), and by h11 where that has no wheel.

Both tell a `Listener` about one message after the other, in the same words. Both refuse what
could be read in two ways (two lengths, a length and chunks). How large and how slow a message
may be is left to `connections`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

#: One header of a message has at most this many bytes, and all of them together.
MAX_HEAD_BYTES = 128 * 1024


class Listener(Protocol):
    """Hears what a parser finds; a message may come in any number of pieces."""

    def on_message_begin(self) -> None: ...
    def on_url(self, url: bytes) -> None: ...
    def on_header(self, name: bytes, value: bytes) -> None: ...
    def on_headers_complete(self) -> None: ...
    def on_body(self, piece: bytes) -> None: ...
    def on_message_complete(self) -> None: ...


class Parser(Protocol):
    """A parser of one connection. The last three tell about the message that is being read."""

    def feed_data(self, data: bytes) -> None:
        """Read what has arrived. Errors: those of the kit."""
        ...

    def get_method(self) -> bytes: ...
    def get_http_version(self) -> str: ...
    def should_keep_alive(self) -> bool: ...
    def should_upgrade(self) -> bool: ...


class _Never(Exception):
    """Not raised: h11 takes any method, goes on with HTTP/1.1 by itself, and wraps nothing."""


class Kit(NamedTuple):
    """A parser, and what it raises."""

    make: Callable[[Listener], Parser]
    #: For what is no HTTP.
    malformed: type[Exception]
    #: For a method that it does not know; is one of the former.
    unknown_method: type[Exception]
    #: For a client that asks for another protocol, with the offset of what follows its headers.
    upgrade: type[Exception]
    #: For a listener that raised something; is one of the first.
    failed: type[Exception]


class PlainParser:
    """The parser in pure Python."""

    def __init__(self, listener: Listener) -> None:
        import h11

        self._h11 = h11
        self._listener = listener
        self._connection = self._connect()
        self._request: Any = None

    def _connect(self) -> Any:
        role = self._h11.SERVER
        return self._h11.Connection(role, max_incomplete_event_size=MAX_HEAD_BYTES)

    def feed_data(self, data: bytes) -> None:
        """Read what has arrived. Errors: RemoteProtocolError."""
        self._connection.receive_data(data)
        while True:
            event = self._connection.next_event()
            if event is self._h11.NEED_DATA:
                return
            if isinstance(event, self._h11.Request):
                self._begin(event)
            elif isinstance(event, self._h11.Data):
                self._listener.on_body(bytes(event.data))
            elif isinstance(event, self._h11.EndOfMessage):
                self._end()
            else:
                # The answers are not told to h11, so it stops where it would wait for one.
                return

    def _begin(self, request: Any) -> None:
        self._request = request
        self._listener.on_message_begin()
        self._listener.on_url(request.target)
        for name, value in request.headers:
            self._listener.on_header(name, value)
        self._listener.on_headers_complete()

    def _end(self) -> None:
        self._listener.on_message_complete()
        rest, _ = self._connection.trailing_data
        self._connection = self._connect()
        if rest:
            self._connection.receive_data(rest)

    def get_method(self) -> bytes:
        """Return the method of the message."""
        return bytes(self._request.method)

    def get_http_version(self) -> str:
        """Return its version, such as "1.1"."""
        return str(self._request.http_version.decode())

    def should_keep_alive(self) -> bool:
        """Tell whether the client wants to send another one."""
        options = b",".join(value for name, value in self._request.headers if name == b"connection")
        words = {word.strip().lower() for word in options.split(b",")}
        if self._request.http_version < b"1.1":
            return b"keep-alive" in words
        return b"close" not in words

    def should_upgrade(self) -> bool:
        """Return False: a wish for another protocol is not heard."""
        return False


def load_fast() -> Kit:
    """Return the parser in C. Errors: ImportError."""
    import httptools

    return Kit(
        httptools.HttpRequestParser,
        httptools.HttpParserError,
        httptools.HttpParserInvalidMethodError,
        httptools.HttpParserUpgrade,
        httptools.HttpParserCallbackError,
    )


def load_plain() -> Kit:
    """Return the parser in Python."""
    from h11 import RemoteProtocolError

    return Kit(PlainParser, RemoteProtocolError, _Never, _Never, _Never)


def load_best() -> Kit:
    """Return the best parser of this machine."""
    try:
        return load_fast()
    except ImportError:
        return load_plain()
