"""A small HTTP client for filling the servers and checking samples of their answers.

Loopback only. Leaves the load itself to `wrk`.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 120


class BenchmarkError(Exception):
    """The run cannot go on; the text says why, in one line."""


class NoAnswerError(BenchmarkError):
    """A server did not answer once in the time that it had."""


class RefusedError(BenchmarkError):
    """A server refused some of the requests."""

    def __init__(self, refused: int, answers: int) -> None:
        super().__init__(f"{refused} of {answers} requests were refused")
        self.share = refused / answers


class MissingError(BenchmarkError):
    """Fewer records are there than answers say, or more."""

    def __init__(self, answers: int, grown: int, wanted: int) -> None:
        super().__init__(f"{answers} answers, but {grown} new records instead of {wanted}")
        self.share = max(0.0, 1 - grown / wanted)


@dataclass(frozen=True)
class Reply:
    """An answer. Names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read_json(self) -> Any:
        """Return the decoded body. Errors: BenchmarkError."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise BenchmarkError(f"not JSON: {self.body[:200]!r}") from None


class Client:
    """One connection that is kept open, with headers sent each time."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, TIMEOUT_SECONDS)
        self._headers = dict(headers or {})

    def send(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request and return the answer, whatever its status. Errors: OSError."""
        sent = {**self._headers, **(headers or {})}
        try:
            self._connection.request(method, path, body, sent)
            response = self._connection.getresponse()
            read = response.read()
        except http.client.HTTPException as error:
            self._connection.close()
            raise ConnectionError(repr(error)) from None
        except OSError:
            self._connection.close()
            raise
        received = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, received, read)

    def ask(
        self,
        method: str,
        path: str,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send JSON, return the decoded answer (None for none).

        Errors: BenchmarkError when the status is no success, or nobody answers.
        """
        typed = {"Content-Type": "application/json", **(headers or {})}
        body = None if data is None else json.dumps(data)
        try:
            reply = self.send(method, path, body, typed)
        except OSError as error:
            raise BenchmarkError(f"{method} {path}: {error}") from None
        if not 200 <= reply.status < 300:
            raise BenchmarkError(f"{method} {path}: {reply.status} {reply.body[:300]!r}")
        return reply.read_json() if reply.body else None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
