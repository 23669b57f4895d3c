"""Every error of the protocol, as one table, and the exceptions that carry a row of it.

    Exception
    ├── ApiError            one row of the table + message, details, headers
    │   └── InvalidRequest  a validation error: a list of Detail (400, 406, 415)
    │       └── InvalidForm one that needs no look at the stored objects
    ├── ConfigurationError  the start cannot go on; `str(error)` is for the operator
    └── SlowWork            no refusal: something is to be computed before the request can go on

The storage has errors of its own (`storage.base`); `pipeline.answer` maps them to rows.
A number that was once published is never given another meaning. Leaves the writing of
the response body to `protocol.payloads`.

Source: protocol, part 1, chapter 10.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One kind of error: HTTP status, errno of the body, `error` text, default message."""

    status: int
    errno: int
    title: str
    message: str | None = None


UNAUTHORIZED = ErrorRow(
    401, 104, "Unauthorized", "Please authenticate yourself to use this endpoint."
)
INVALID = ErrorRow(400, 107, "Invalid parameters")
BAD_REQUEST = ErrorRow(400, 107, "Bad Request")
NOT_ACCEPTABLE = ErrorRow(406, 107, "Invalid parameters")
UNSUPPORTED_MEDIA_TYPE = ErrorRow(415, 107, "Invalid parameters")
OBJECT_NOT_FOUND = ErrorRow(404, 110, "Not Found")
PARENT_NOT_FOUND = ErrorRow(404, 111, "Not Found")
URL_NOT_FOUND = ErrorRow(
    404, 111, "Not Found", "The resource you are looking for could not be found."
)
VERSION_NOT_FOUND = ErrorRow(
    404, 116, "Not Found", "The requested API version is not available on this server."
)
TOO_LARGE = ErrorRow(413, 113, "Request Entity Too Large")
URI_TOO_LONG = ErrorRow(414, 107, "Request-URI Too Long")
PRECONDITION_FAILED = ErrorRow(412, 114, "Precondition Failed", "Resource was modified meanwhile")
METHOD_NOT_ALLOWED = ErrorRow(
    405, 115, "Method Not Allowed", "Method not allowed on this endpoint."
)
FORBIDDEN = ErrorRow(403, 121, "Forbidden", "This user cannot access this resource.")
CONFLICT = ErrorRow(409, 122, "Conflict", "Integrity constraint violated, please retry.")
UNAVAILABLE = ErrorRow(
    503,
    201,
    "Service Unavailable",
    "Service temporary unavailable due to overloading or maintenance, please retry later.",
)
STORAGE_FULL = ErrorRow(
    507, 201, "Insufficient Storage", "The disk of the server is full: nothing was stored."
)
QUOTA_EXCEEDED = ErrorRow(
    507, 121, "Insufficient Storage", "There is no room left for this write: nothing was stored."
)
GONE = ErrorRow(
    410,
    202,
    "Gone",
    "The service you are trying to connect no longer exists at this location.",
)
UNEXPECTED = ErrorRow(
    500,
    999,
    "Internal Server Error",
    "A programmatic error occurred, developers have been informed.",
)

TABLE: tuple[ErrorRow, ...] = (
    UNAUTHORIZED,
    INVALID,
    BAD_REQUEST,
    NOT_ACCEPTABLE,
    UNSUPPORTED_MEDIA_TYPE,
    OBJECT_NOT_FOUND,
    PARENT_NOT_FOUND,
    URL_NOT_FOUND,
    VERSION_NOT_FOUND,
    TOO_LARGE,
    URI_TOO_LONG,
    PRECONDITION_FAILED,
    METHOD_NOT_ALLOWED,
    FORBIDDEN,
    CONFLICT,
    UNAVAILABLE,
    STORAGE_FULL,
    QUOTA_EXCEEDED,
    GONE,
    UNEXPECTED,
)


class Detail(NamedTuple):
    """One validation error. `location`: body, querystring, header or path."""

    name: str | int | None
    location: str
    description: str


class ApiError(Exception):
    """A refusal: a row of the table, and what this request adds to it.

    `details` is what the body shows under that name (an object, or the list of a
    validation error); `headers` go out with the response.
    """

    def __init__(
        self,
        row: ErrorRow,
        message: str | None = None,
        details: Any = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message or row.message or row.title)
        self.row = row
        self.message = message if message is not None else row.message
        self.details = details
        self.headers = tuple(headers)


class InvalidRequest(ApiError):
    """Validation errors, all found in one pass, sorted by name as text (chapter 10.3)."""

    def __init__(self, details: Sequence[Detail], row: ErrorRow = INVALID) -> None:
        ordered = sorted(details, key=lambda detail: str(detail.name))
        shown = [
            {"location": d.location, "name": d.name, "description": d.description} for d in ordered
        ]
        super().__init__(row, describe_detail(ordered[0]), shown)


class InvalidForm(InvalidRequest):
    """The errors of form of a request: of its headers, query string and body (chapter 1.9, 5)."""


def describe_detail(detail: Detail) -> str:
    """Return the `message` that the first detail of a validation error gives (chapter 10.3)."""
    if detail.name is None:
        return f"{detail.location}: {detail.description}"
    if str(detail.name) in detail.description:
        return detail.description
    return f"{detail.name} in {detail.location}: {detail.description}"


class ConfigurationError(Exception):
    """The server cannot start as it is told to; the text says what to do about it."""


#: Slow works of one request: a password and a hash for each item of a batch, and some more.
MAX_SLOW_WORKS = 64


class SlowWork(Exception):
    """A request needs a result that takes long to compute (a password's hash).

    Raised inside a transaction, which is undone: nobody waits for a lock meanwhile. Whoever runs
    the request calls `run` outside of it, in a thread of its own where others would have to
    wait, puts the result into `ApiRequest.done` under `key`, and runs the request again, up to
    `MAX_SLOW_WORKS` times. Equal keys have equal results. `client` is whom the work is done for:
    limits count by it. An errand waits for another server instead of computing, so that more of
    them may be under way, in threads and limits of their own.
    """

    def __init__(
        self, key: Hashable, run: Callable[[], Any], client: str, *, is_errand: bool = False
    ) -> None:
        super().__init__("slow work is to be done")
        self.key = key
        self.run = run
        self.client = client
        self.is_errand = is_errand
