"""Cross-origin headers: who may read what from a browser.

Source: protocol, core chapter 1.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache

from kinto_lite.errors import Detail, InvalidRequest

BASE = ("Alert", "Backoff", "Content-Length", "Content-Type", "Retry-After")
_OBJECT = ("Cache-Control", "ETag", "Expires", "Last-Modified", "Pragma")
_PLURAL = (*_OBJECT, "Next-Page")
_TOTALS = ("Total-Objects", "Total-Records")
#: What redirects and unknown URLs carry.
EXPOSED_ELSEWHERE = "Backoff,Retry-After,Alert,Content-Length,Content-Type"


def exposed_headers(shape: str, method: str, has_totals: bool = True) -> tuple[str, ...]:
    """Return the response headers a script may read. `shape`: "plural", "object" or ""."""
    if shape == "plural" and method in ("GET", "HEAD"):
        totals = _TOTALS if has_totals and method == "HEAD" else ()
        return tuple(sorted(BASE + _PLURAL + totals))
    if shape == "object" and method in ("GET", "HEAD"):
        return tuple(sorted(BASE + _OBJECT))
    return BASE


@lru_cache(maxsize=64)
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


class Origins:
    """The setting `cors_origins`: glob patterns of the origins that may read answers."""

    def __init__(self, patterns: Sequence[str], max_age_seconds: int | None) -> None:
        self._patterns = tuple(patterns)
        self._max_age_seconds = max_age_seconds
        self._is_open = "*" in self._patterns

    def allows(self, origin: str) -> bool:
        """Tell whether one of the patterns matches."""
        return self._is_open or any(_compile(p).match(origin) for p in self._patterns)

    def shown(self, origin: str) -> str:
        """Return the value of Access-Control-Allow-Origin for an allowed origin."""
        return "*" if self._is_open else origin

    def errors(self, origin: str | None) -> list[Detail]:
        """Return the validation error of an origin that is not allowed (400)."""
        if not origin or self.allows(origin):
            return []
        return [Detail("Origin", "header", f"{origin} not allowed")]

    def known_url_headers(self, origin: str | None, exposed: str | None) -> list[tuple[str, str]]:
        """Return the headers of an answer of a known URL."""
        headers = [("Access-Control-Expose-Headers", exposed)] if exposed else []
        if origin and self.allows(origin):
            headers.append(("Access-Control-Allow-Origin", self.shown(origin)))
        return headers

    def other_url_headers(self, origin: str | None) -> list[tuple[str, str]]:
        """Return the headers of redirects and of unknown URLs: no patterns there."""
        headers = [("Access-Control-Expose-Headers", EXPOSED_ELSEWHERE)]
        if origin and (self._is_open or origin in self._patterns):
            headers.append(("Access-Control-Allow-Origin", self.shown(origin)))
        return headers

    def preflight_headers(
        self, headers: Mapping[str, str], methods: Sequence[str], exposed: Iterable[str]
    ) -> list[tuple[str, str]]:
        """Answer a preflight request for an endpoint with these methods.

        Errors: InvalidRequest (400).
        """
        origin = headers.get("origin")
        wanted = headers.get("access-control-request-method")
        details = self.errors(origin) or [
            Detail(name, "header", "this header is mandatory")
            for name, value in (
                ("Origin", origin),
                ("Access-Control-Request-Method", wanted),
            )
            if not value
        ]
        if not details and wanted not in methods:
            details = [Detail("Access-Control-Request-Method", "header", "Method not allowed")]
        if details:
            raise InvalidRequest(details)
        return self._grant(str(origin), headers, methods, exposed)

    def _grant(
        self,
        origin: str,
        headers: Mapping[str, str],
        methods: Sequence[str],
        exposed: Iterable[str],
    ) -> list[tuple[str, str]]:
        requested = headers.get("access-control-request-headers", "").split(",")
        allowed = set(exposed) | {name.strip() for name in requested if name.strip()}
        answer = [
            ("Access-Control-Allow-Origin", self.shown(origin)),
            ("Access-Control-Allow-Methods", ",".join(methods)),
            ("Access-Control-Allow-Headers", ",".join(sorted(allowed))),
        ]
        if self._max_age_seconds is not None:
            answer.append(("Access-Control-Max-Age", str(self._max_age_seconds)))
        return answer
