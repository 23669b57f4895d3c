"""What Granian's asynchronous interface (RSGI 1.6) gives to an application, as far as we use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Protocol


class Headers(Protocol):
    """The headers of a request; names are in lower case."""

    def keys(self) -> list[str]:
        """Return each name once."""
        ...

    def items(self) -> list[tuple[str, str]]:
        """Return all that are ASCII; those of the same name follow each other."""
        ...


class Scope(Protocol):
    """A request without its body. `path` is percent-decoded, `query_string` is not."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query_string(self) -> str: ...
    @property
    def http_version(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def authority(self) -> str | None: ...
    @property
    def headers(self) -> Headers:
        """A copy, made at each access."""
        ...


class HttpProtocol(Protocol):
    """The body of a request, and the way to answer it. The body can be read once."""

    def __call__(self) -> Awaitable[bytes]:
        """Return the whole body; RuntimeError when the connection ends before it does."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the body in pieces; the last one is empty."""
        ...

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Answer without a body."""
        ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer with a body."""
        ...
