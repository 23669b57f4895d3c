"""Plays sessions on both servers, and cuts a session down to the least that still differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from compare.asked import Case
from compare.binding import Binding
from compare.comparison import FREE_ETAGS, Comparer, Mismatch, get_list
from compare.differences import Difference, find_difference
from compare.exchanges import (
    REFERENCE,
    Known,
    Request,
    Response,
    Session,
    build_message,
    get_milliseconds,
    wait_until,
)
from compare.servers import Pair
from compare.values import get_credentials

#: Objects below one list get a millisecond each, so an answer may run ahead of the clock.
FUTURE_MILLISECONDS = 1000
#: How much is spent on making one mismatch small.
SHRINKING_EXCHANGES = 3000
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Found:
    """A mismatch at the end of a session, and what explains it, if anything does."""

    session: Session
    case: Case
    mismatches: tuple[Mismatch, ...]
    difference: Difference | None

    @property
    def group(self) -> str:
        """Mismatches of the same group have, as far as can be told, the same cause."""
        if self.difference is not None:
            return self.difference.title
        first = self.mismatches[0]
        where = re.sub(r"\[\d+\]", "[]", first.where)
        values = f"{mask(first.reference)} | {mask(first.ours)}"
        request, status = self.case.request, self.case.reference.status
        return f"{request.method} {mask_path(request.path)} {status} {where}: {values}"


def mask(value: Any) -> str:
    """Return a value without what varies from one session to the next."""
    if isinstance(value, dict | list) or "items:" in str(value):
        return type(value).__name__ if isinstance(value, dict | list) else "list"
    text = re.sub(r"\"[^\"]*\"|'[^']*'|\d{4,}|«[^»]*»", "~", str(value))
    return text[:80]


def mask_path(path: str) -> str:
    """Return the kind of a URL: its plurals, and the names of its parameters."""
    where, _, query = path.partition("?")
    segments = where.split("/")
    shape = "/".join(
        "*" if index > 2 and index % 2 else part for index, part in enumerate(segments)
    )
    names = sorted({re.sub(r"_[^_&]*$", "_", part.partition("=")[0]) for part in query.split("&")})
    return f"{shape}?{'&'.join(names)}" if query else shape


class Player:
    """Plays sessions on a pair of servers; counts the exchanges. `known` are the differences that
    may be."""

    def __init__(self, pair: Pair, known: Sequence[Difference]) -> None:
        self.pair = pair
        self.known = known
        self.exchanges = 0
        self.limit = 0

    def play(self, session: Session) -> Iterator[Found]:
        """Yield what differs. After a write that differs, the session is over.

        After another request that differs, whatever refers to its answer is left out.
        """
        differing: set[int] = set()
        is_half_gone = False
        self.pair.open(session.settings)
        known = (Known(), Known())
        binding = Binding([get_milliseconds()])
        latest = binding.starts[0]
        for place, request in enumerate(session.requests):
            if differing & get_references(request) or (is_half_gone and not is_safe_then(request)):
                differing.add(request.number)
                continue
            wait_until(latest + 1)
            case = self._exchange(request, known, binding, session)
            latest = max(get_milliseconds(), get_latest(case))
            is_half_gone |= request.method == "DELETE" and bool(
                case.reference.get_header("next-page")
            )
            mismatches = Comparer(binding).compare(
                request.method, case.path, case.reference, case.ours
            )
            if not mismatches:
                continue
            differing.add(request.number)
            part = Session(session.settings, session.requests[: place + 1])
            yield Found(
                part, case, tuple(mismatches), find_difference(case, mismatches, self.known)
            )
            if request.method not in SAFE_METHODS:
                return

    def _exchange(
        self, request: Request, known: tuple[Known, Known], binding: Binding, session: Session
    ) -> Case:
        now = get_milliseconds()
        binding.begin_request(now)
        first, second = (build_message(request, side, now) for side in known)
        answers = self.pair.ask((first, second))
        self.exchanges += 1
        if first["path"].partition("?")[0] not in FREE_ETAGS:
            for side, answer in zip(known, answers, strict=True):
                side.learn(request.number, answer)
        return Case(request, first, second, answers[0], answers[1], session.settings)

    def find_group(self, session: Session, group: str) -> Found | None:
        """Play a session; returns the mismatch of this group, if it is still there."""
        if self.exchanges > self.limit:
            return None
        return next((found for found in self.play(session) if found.group == group), None)

    def shrink(self, found: Found) -> Found:
        """Return the same mismatch after as few and as small requests as can be found."""
        size = max(1, len(found.session.requests) // 2)
        self.limit = self.exchanges + SHRINKING_EXCHANGES
        while size:
            smaller = self._drop_chunk(found, size)
            if smaller is None:
                size //= 2
            else:
                found = smaller
                size = min(size, max(1, len(found.session.requests) // 2))
        return self._simplify(found)

    def _drop_chunk(self, found: Found, size: int) -> Found | None:
        requests = found.session.requests
        for start in range(0, len(requests) - 1, size):
            end = min(start + size, len(requests) - 1)
            left = requests[:start] + requests[end:]
            smaller = self.find_group(Session(found.session.settings, left), found.group)
            if smaller is not None:
                return smaller
        return None

    def _simplify(self, found: Found) -> Found:
        """Take parts of the last requests away, as long as the mismatch stays."""
        for place in range(len(found.session.requests)):
            for _ in range(20):
                simpler = self._simplify_request(found, place)
                if simpler is None:
                    break
                found = simpler
        return found

    def _simplify_request(self, found: Found, place: int) -> Found | None:
        requests = found.session.requests
        if place >= len(requests):
            return None
        for variant in simplify(requests[place]):
            changed = (*requests[:place], variant, *requests[place + 1 :])
            simpler = self.find_group(Session(found.session.settings, changed), found.group)
            if simpler is not None:
                return simpler
        return None


def simplify(request: Request) -> Iterator[Request]:
    """Yield variants of a request with one thing less."""
    for index in range(len(request.headers)):
        if request.headers[index][0] != "Authorization":
            headers = request.headers[:index] + request.headers[index + 1 :]
            yield Request(request.number, request.method, request.path, headers, request.body)
    path, _, query = request.path.partition("?")
    parts = query.split("&")
    for index in range(len(parts) if query else 0):
        left = "&".join(parts[:index] + parts[index + 1 :])
        shorter = f"{path}?{left}" if left else path
        yield Request(request.number, request.method, shorter, request.headers, request.body)
    for body in simplify_json(request.body):
        yield Request(request.number, request.method, request.path, request.headers, body)


def simplify_json(value: Any) -> Iterator[Any]:
    """Yield variants of a JSON value with one member or item less, at any depth."""
    if isinstance(value, dict):
        for name in value:
            yield {other: item for other, item in value.items() if other != name}
        for name, item in value.items():
            for simpler in simplify_json(item):
                yield {**value, name: simpler}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield value[:index] + value[index + 1 :]
            for simpler in simplify_json(item):
                yield [*value[:index], simpler, *value[index + 1 :]]


def is_safe_then(request: Request) -> bool:
    """Tell whether a request may follow a deletion that was cut into pages.

    The reference then erases the permissions of all that would have been deleted, so nothing
    is comparable but the lists that alice reads and deletes, who owns what is above.
    """
    headers = dict(request.headers)
    is_owner = headers.get("Authorization") == get_credentials("alice")
    path = request.path.partition("?")[0].strip("/")
    is_list = get_list(path) == path or path.startswith("«next")
    return is_owner and is_list and request.method in ("GET", "DELETE")


def get_references(request: Request) -> set[int]:
    """Return the numbers of the requests whose answers this one needs."""
    text = f"{request.path} {request.headers} {request.body}"
    return {int(match[2]) for match in REFERENCE.finditer(text) if match[2]}


def get_latest(case: Case) -> int:
    """Return the latest time that either answer shows, unless it is far in the future."""
    now = get_milliseconds()
    texts: Sequence[Response] = (case.reference, case.ours)
    shown = [
        int(number)
        for answer in texts
        for number in re.findall(
            r"(?<!\d)\d{13}(?!\d)", f"{answer.text} {answer.get_header('etag')}"
        )
    ]
    return max([now, *(time for time in shown if time < now + FUTURE_MILLISECONDS)])
