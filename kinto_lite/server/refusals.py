"""What the server answers by itself, before or instead of the app, in the protocol's shape."""

from __future__ import annotations

from dataclasses import dataclass

from kinto_lite.errors import BAD_REQUEST, TOO_LARGE, UNEXPECTED, ApiError, ErrorRow
from kinto_lite.protocol.payloads import error_body

REQUEST_TIMEOUT = ErrorRow(408, 107, "Request Timeout")

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


@dataclass(slots=True)
class Reply:
    """A response as it goes to the server; header values are latin-1 text, as WSGI has it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Refusal(Exception):
    """The server answers this request itself."""

    def __init__(self, row: ErrorRow, message: str | None = None, *, closes: bool = False) -> None:
        super().__init__(message or row.title)
        self.reply = refuse(row, message, closes)


def refuse(row: ErrorRow, message: str | None = None, closes: bool = False) -> Reply:
    """Return the response for an error; `closes` ends the connection after it."""
    headers = [*COMMON_HEADERS, *([("Connection", "close")] if closes else [])]
    return Reply(row.status, headers, error_body(ApiError(row, message)))


def too_large(max_body_bytes: int, *, closes: bool) -> Refusal:
    """Return the refusal of a body that is over the limit."""
    message = f"The request body must not be larger than {max_body_bytes} bytes."
    return Refusal(TOO_LARGE, message, closes=closes)


def too_late(seconds: float) -> Refusal:
    """Return the refusal of a body that did not arrive in time."""
    message = f"The request body did not arrive within {seconds:g} seconds."
    return Refusal(REQUEST_TIMEOUT, message, closes=True)


def broken_body() -> Refusal:
    """Return the refusal of a body that ended before its end."""
    return Refusal(BAD_REQUEST, "The request body is incomplete.", closes=True)


def unexpected() -> Reply:
    """Return the response for a failure of our own; it tells nothing about it."""
    return refuse(UNEXPECTED)
