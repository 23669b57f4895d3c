"""`If-Match` and `If-None-Match`: reading them, and what they mean for a request.

Pure: the caller looks up the timestamp to compare with, answers 404 where the object of a GET,
PATCH or DELETE is missing before it asks here, and fills `details.existing`.

Source: protocol, part 1, chapters 4.3 and 4.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from kinto_lite.errors import Detail

#: What `*` is read as: no timestamp is that far in the past.
ANY = -(2**63)

#: What digits are read as that are too long to be a timestamp: equal to none.
_NO_TIMESTAMP = ANY + 1

_QUOTED_DIGITS = re.compile(r'"([0-9]+)"')
_LONGEST_TIMESTAMP = 19


class Verdict(Enum):
    """What the preconditions make of a request."""

    PASSED = "passed"
    #: Answer 304.
    NOT_MODIFIED = "not modified"
    #: Answer 412.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Preconditions:
    """Both headers: a timestamp, ANY for `*`, or None when the header is absent."""

    if_match: int | None = None
    if_none_match: int | None = None

    @property
    def wants_creation(self) -> bool:
        """Whether the request may only create: `If-None-Match: *`."""
        return self.if_none_match == ANY


NO_PRECONDITIONS = Preconditions()


def read_preconditions(headers: Mapping[str, str]) -> tuple[Preconditions, list[Detail]]:
    """Read both headers (names in lower case).

    A header that cannot be read counts as absent and gives a detail.
    Source: protocol, part 1, chapter 4.3.
    """
    if not (headers.get("if-match") or headers.get("if-none-match")):
        return NO_PRECONDITIONS, []
    details: list[Detail] = []
    if_match = _read_header(headers, "If-Match", details)
    if_none_match = _read_header(headers, "If-None-Match", details)
    return Preconditions(if_match, if_none_match), details


def judge(preconditions: Preconditions, method: str, current: int | None) -> Verdict:
    """Decide one request.

    `current` is the object's timestamp (for POST: that of the object `data.id` names), or the
    counter of the list on GET, HEAD and DELETE of plural endpoints; None when the object is
    missing or deleted.
    Source: protocol, part 1, chapter 4.4.
    """
    if preconditions is NO_PRECONDITIONS:
        return Verdict.PASSED
    if current is None:
        return _judge_missing(preconditions, method)
    if method in ("GET", "HEAD") and preconditions.if_none_match == current:
        return Verdict.NOT_MODIFIED
    if preconditions.wants_creation or preconditions.if_match not in (None, ANY, current):
        return Verdict.FAILED
    return Verdict.PASSED


def _judge_missing(preconditions: Preconditions, method: str) -> Verdict:
    if method in ("PUT", "POST") and preconditions.if_match is not None:
        return Verdict.FAILED
    return Verdict.PASSED


def _read_header(headers: Mapping[str, str], name: str, details: list[Detail]) -> int | None:
    text = headers.get(name.lower())
    if not text:
        return None
    if text == "*":
        return ANY
    match = _QUOTED_DIGITS.fullmatch(text)
    if match is None:
        details.append(Detail(name, "header", "The value should be integer between double quotes."))
        return None
    digits = match[1].lstrip("0") or "0"
    return int(digits) if len(digits) <= _LONGEST_TIMESTAMP else _NO_TIMESTAMP
