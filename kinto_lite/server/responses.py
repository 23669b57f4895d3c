"""From an answer to the bytes of a response. Pure, but for the date.

Source: RFC 9110 chapters 6.4 and 8.6 (which responses have a body, and a length), 6.6.1 (date).
"""

from __future__ import annotations

import time
from http import HTTPStatus

from kinto_lite.model import Answer
from kinto_lite.protocol.timestamps import format_second
from kinto_lite.server.refusals import unexpected

_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}
#: Statuses whose responses have neither a body nor a length of one.
_BODILESS = (204, 304)
#: Sent to clients that wait for it before they send a body.
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Dates:
    """The header with the time, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = ""

    def line(self) -> str:
        """Return the header of now."""
        second = int(time.time())
        if second != self._second:
            self._second, self._line = second, f"Date: {format_second(second)}"
        return self._line


_dates = Dates()


def encode_response(answer: Answer, method: str, connection: str = "") -> bytes:
    """Return the response that an answer becomes; header values are latin-1 text.

    `connection` is the value of that header, where it is not what the version says by itself.
    """
    status, body = answer.status, answer.body
    lines = [_LINES[status], _dates.line()]
    has_length = False
    for name, value in answer.headers:
        if name == "Content-Length":
            if status in _BODILESS:
                continue
            has_length = True
        lines.append(f"{name}: {value}")
    if not has_length and status not in _BODILESS:
        lines.append(f"Content-Length: {len(body)}")
    if connection:
        lines.append(f"Connection: {connection}")
    count = len(lines)
    head = "\r\n".join(lines)
    if head.count("\n") != count - 1 or head.count("\r") != count - 1:
        # A value with a line break would let its author write headers of his own.
        return encode_response(unexpected(), method, connection)
    if method == "HEAD" or status in _BODILESS:
        body = b""
    return f"{head}\r\n\r\n".encode("latin-1", "replace") + body
