"""What the server answers by itself, before or instead of the app, in the protocol's shape."""

from __future__ import annotations

from collections.abc import Sequence

from kinto_lite.errors import (
    BAD_REQUEST,
    METHOD_NOT_ALLOWED,
    TOO_LARGE,
    UNAVAILABLE,
    UNEXPECTED,
    ApiError,
    ErrorRow,
)
from kinto_lite.model import Answer
from kinto_lite.protocol.payloads import error_body

REQUEST_TIMEOUT = ErrorRow(408, 107, "Request Timeout")
HEAD_TOO_LARGE = ErrorRow(431, 107, "Request Header Fields Too Large")
#: When to try again what met a crowd.
RETRY_SECONDS = 3

#: Headers that every response of the API carries. Source: protocol, core chapter 1.6.
COMMON_HEADERS = (
    ("Content-Type", "application/json"),
    ("X-Content-Type-Options", "nosniff"),
    (
        "Content-Security-Policy",
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; ",
    ),
    (
        "Access-Control-Expose-Headers",
        "Backoff, Retry-After, Alert, Content-Length, Content-Type",
    ),
)


class Refusal(Exception):
    """The server answers this request itself."""

    def __init__(
        self,
        row: ErrorRow,
        message: str | None = None,
        *,
        closes: bool = False,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message or row.title)
        self.answer = refuse(row, message, headers)
        #: Whether nothing more can be read from the connection.
        self.closes = closes


def refuse(
    row: ErrorRow, message: str | None = None, headers: Sequence[tuple[str, str]] = ()
) -> Answer:
    """Return the response for an error, with headers of its own."""
    headers = [*COMMON_HEADERS, *headers]
    return Answer(row.status, headers, error_body(ApiError(row, message)))


def too_large(max_body_bytes: int, *, closes: bool) -> Refusal:
    """Return the refusal of a body that is over the limit."""
    message = f"The request body must not be larger than {max_body_bytes} bytes."
    return Refusal(TOO_LARGE, message, closes=closes)


def too_late(seconds: float, pace: float) -> Refusal:
    """Return the refusal of a body that did not arrive in time, or at its pace (bytes/s)."""
    message = f"The request body did not arrive within {seconds:g} seconds"
    if pace:
        message += f", at {pace:g} bytes per second or more"
    return Refusal(REQUEST_TIMEOUT, f"{message}.", closes=True)


def too_busy() -> Refusal:
    """Return the refusal of a request that would wait behind too many slow ones."""
    message = "Too many slow requests are under way: retry later, or ask for less at a time."
    return Refusal(UNAVAILABLE, message, headers=[("Retry-After", str(RETRY_SECONDS))])


def broken_body() -> Refusal:
    """Return the refusal of a body that ended before its end."""
    return Refusal(BAD_REQUEST, "The request body is incomplete.", closes=True)


def head_too_large() -> Refusal:
    """Return the refusal of headers that are too many, or too long."""
    return Refusal(HEAD_TOO_LARGE, "The URL or the headers are too long.", closes=True)


def not_http(has_head: bool) -> Refusal:
    """Return the refusal of what cannot be read: in the body, or before it."""
    if has_head:
        return broken_body()
    return Refusal(BAD_REQUEST, "This is no HTTP request.", closes=True)


def bad_host() -> Refusal:
    """Return the refusal of a request that does not say, or not clearly, which host it is for."""
    return Refusal(BAD_REQUEST, "The host of the request is missing or malformed.", closes=True)


def bad_target() -> Refusal:
    """Return the refusal of a request line whose target is neither a path nor a URL."""
    return Refusal(BAD_REQUEST, "The target of the request is no URL.", closes=True)


def failed() -> Refusal:
    """Return the refusal of what we fail to read by a fault of our own."""
    return Refusal(UNEXPECTED, closes=True)


def unknown_method() -> Refusal:
    """Return the refusal of a method that no URL has."""
    return Refusal(METHOD_NOT_ALLOWED, closes=True)


def unexpected() -> Answer:
    """Return the response for a failure of our own; it tells nothing about it."""
    return refuse(UNEXPECTED)
