"""What all answers have in common: security and cross-origin headers, Backoff, Alert, content
length, and the refusals that come before any URL is looked at.

Source: protocol, core chapters 1.3, 1.6, 1.7, 10.6, 10.7 and 10.8.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from functools import lru_cache

from kinto_lite.errors import GONE, METHOD_NOT_ALLOWED, UNEXPECTED, ApiError
from kinto_lite.hooks import Route, Service
from kinto_lite.model import Answer, ApiRequest
from kinto_lite.protocol.cors import exposed_headers
from kinto_lite.protocol.payloads import error_body
from kinto_lite.settings import Settings

_SECURITY = [
    ("X-Content-Type-Options", "nosniff"),
    (
        "Content-Security-Policy",
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; ",
    ),
]
_JSON = ("Content-Type", "application/json")
Headers = list[tuple[str, str]]
_READING = ("GET", "HEAD", "OPTIONS")


def error_answer(error: ApiError, settings: Settings) -> Answer:
    """Turn an error into an answer, without the headers common to all."""
    info = settings["error_info_link"] if error.row is UNEXPECTED else None
    body = error_body(error, info)
    return Answer(error.row.status, list(error.headers), body, error.row.errno)


def allow_header(route: Route) -> tuple[str, str]:
    """Return the header that names the methods of a URL."""
    return "Allow", ", ".join((*route.handlers, "OPTIONS"))


class Edition:
    """Finishes the answers of one service."""

    def __init__(self, service: Service) -> None:
        self._settings = service.settings
        self._origins = service.origins
        self._is_readonly = bool(service.settings["readonly"])
        self._backoff = service.settings["backoff"]
        self._backoff_share = service.settings["backoff_percentage"]
        self._end = service.settings.end_of_service()
        self._has_signals = self._backoff is not None or self._end is not None

    def refuse_early(self, request: ApiRequest) -> Answer | None:
        """Answer when the service has ended, or is read only and this is a write."""
        if self._end is not None and self._end <= datetime.now(UTC):
            return error_answer(ApiError(GONE), self._settings)
        if self._is_readonly and request.method not in _READING:
            return error_answer(ApiError(METHOD_NOT_ALLOWED), self._settings)
        return None

    def preflight_or_405(self, request: ApiRequest, route: Route) -> Answer | None:
        """Answer OPTIONS, and methods that this URL does not have."""
        if request.method in route.handlers or request.method in route.disabled:
            return None
        methods = (*route.handlers, "OPTIONS")
        if request.method != "OPTIONS":
            raise ApiError(METHOD_NOT_ALLOWED, headers=[allow_header(route)])
        exposed = [name for method in methods for name in _exposed_names(route, method)]
        headers = self._origins.preflight_headers(request.headers, methods, exposed)
        return Answer(200, headers, b"null")

    def finish(self, request: ApiRequest, route: Route, answer: Answer) -> Answer:
        """Add the headers common to all answers of known URLs."""
        return self._finish(request, answer, self._cors_headers(request, route, answer))

    def finish_item(self, request: ApiRequest, route: Route, answer: Answer) -> Answer:
        """Add the headers of a batch item: as of any answer, but the end of the service is
        announced by the batch itself."""
        cors = self._cors_headers(request, route, answer)
        return self._finish(request, answer, cors, is_item=True)

    def finish_elsewhere(self, request: ApiRequest, answer: Answer) -> Answer:
        """Add the headers common to all answers of other URLs: unknown ones, redirects."""
        cors = self._origins.other_url_headers(request.headers.get("origin"))
        return self._finish(request, answer, cors)

    def finish_refused_item(
        self, request: ApiRequest, route: Route | None, answer: Answer
    ) -> Answer:
        """Add the few headers that a refused item of a batch has: no signals, no policy."""
        if route is None:
            cors = self._origins.other_url_headers(request.headers.get("origin"))
        elif answer.status == 401:
            cors = self._origins.known_url_headers(request.headers.get("origin"), None)
        else:
            cors = self._cors_headers(request, route, answer)
        answer.headers += cors
        return _add_content_headers(request, answer)

    def _cors_headers(self, request: ApiRequest, route: Route, answer: Answer) -> Headers:
        if route.is_private or (request.method == "OPTIONS" and answer.status == 200):
            return []
        origin = request.headers.get("origin")
        if request.method == "OPTIONS" or (answer.status == 405 and not route.is_alias):
            return self._origins.known_url_headers(origin, None)
        if route.is_alias and answer.status == 401 and not origin:
            return []
        return self._origins.known_url_headers(origin, _expose(route, request.method))

    def _finish(
        self, request: ApiRequest, answer: Answer, cors: Headers, is_item: bool = False
    ) -> Answer:
        headers = answer.headers
        given = dict(headers)
        if "Access-Control-Expose-Headers" in given or "X-Content-Type-Options" in given:
            # An alias passes on the answer of another URL, which has its headers already.
            headers += [pair for pair in (*cors, *_SECURITY) if pair[0] not in given]
        else:
            headers += cors
            headers += _SECURITY
        if self._has_signals:
            self._add_signals(headers, is_item)
        return _add_content_headers(request, answer)

    def _add_signals(self, headers: Headers, is_item: bool) -> None:
        is_given = any(name == "Backoff" for name, _ in headers)
        if self._backoff is not None and not is_given and self._wants_backoff():
            headers.append(("Backoff", str(self._backoff)))
        if self._end is not None and not is_item:
            headers[:] = [pair for pair in headers if pair[0] != "Alert"]
            headers.append(("Alert", self._end_of_service_alert()))

    def _wants_backoff(self) -> bool:
        share = self._backoff_share
        return share is None or random.uniform(0, 100) < share

    def _end_of_service_alert(self) -> str:
        assert self._end is not None
        alert = {
            "code": "hard-eol" if self._end <= datetime.now(UTC) else "soft-eol",
            "message": self._settings["eos_message"],
            "url": self._settings["eos_url"] or self._settings["project_docs"],
        }
        return json.dumps(alert, separators=(",", ":"))


def _expose(route: Route, method: str) -> str:
    """Return the value of Access-Control-Expose-Headers."""
    return _join_exposed(route.shape, method, route.has_totals)


@lru_cache(maxsize=64)
def _join_exposed(shape: str, method: str, has_totals: bool) -> str:
    return ", ".join(exposed_headers(shape, method, has_totals))


def _exposed_names(route: Route, method: str) -> tuple[str, ...]:
    return exposed_headers(route.shape, method, route.has_totals)


def _add_content_headers(request: ApiRequest, answer: Answer) -> Answer:
    """Add type and length; drop the body where there must be none."""
    given = {name for name, _ in answer.headers}
    if answer.status != 304:
        if answer.body and "Content-Type" not in given:
            answer.headers.append(_JSON)
        # An alias passes on the length, too; of HEAD, there is no body to measure any more.
        if "Content-Length" not in given:
            answer.headers.append(("Content-Length", str(len(answer.body))))
    if request.method == "HEAD" or answer.status == 304:
        answer.body = b""
    return answer
