"""What is measured: the list of measurements, and what a server is asked in each.

The servers differ in their words: `kinto_api` and `pocketbase_api` translate a measurement into
a `Plan`, or say that there is no such thing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts.benchmark.client import Reply

#: Returns what is wrong with an answer, "" for nothing.
Check = Callable[[Reply], str]

LIST_SIZE = 30
BATCH_SIZE = 25
CHANGES = 10
SHARED = 15


@dataclass(frozen=True)
class Call:
    """One request, and what its answer has to look like."""

    method: str
    path: str
    check: Check
    body: str | None = None


@dataclass(frozen=True)
class Plan:
    """Requests that are sent in turn, again and again."""

    calls: Sequence[Call]
    headers: Mapping[str, str]
    #: Records that each answered request adds to the collection `written`; None: not checked.
    adds: int | None = 0


@dataclass(frozen=True)
class Measurement:
    """One line of the table."""

    name: str
    title: str
    connections: int = 32

    @property
    def writes(self) -> bool:
        """Whether records are created."""
        return self.name.startswith(("post", "batch", "mixed"))


MEASUREMENTS = (
    Measurement("get", "GET record"),
    Measurement("list", f"list of {LIST_SIZE}, with total"),
    Measurement("list-no-total", f"list of {LIST_SIZE}, total not needed"),
    Measurement("post-1", "POST record", 1),
    Measurement("post-32", "POST record"),
    Measurement("post-64", "POST record", 64),
    Measurement("batch", f"batch of {BATCH_SIZE} POSTs", 8),
    Measurement("poll", "poll, nothing new"),
    Measurement("since", f"poll, {CHANGES} changes"),
    Measurement("filter", "filter, no index"),
    Measurement("filter-indexed", "filter, index on the field"),
    Measurement("shared", f"{SHARED} records shared with the asker"),
    Measurement("mixed", "90 % GET, 10 % POST"),
)


@dataclass(frozen=True)
class Data:
    """The records that every server is filled with."""

    count: int
    #: Records with the same `rank` and the same `number`.
    alike: int = field(default=10)

    def make_record(self, index: int) -> dict[str, Any]:
        """Return the record of this index; any index above `count` is a further record."""
        value = index % max(1, self.count // self.alike)
        return {
            "title": f"Record {index}",
            "rank": value,
            "number": value,
            "done": index % 2 == 0,
            "note": f"Written for the comparison of servers, number {index:07}, and read often.",
        }

    def is_shared(self, index: int) -> bool:
        """Tell whether the record is one of those shared with the second user."""
        step = max(1, self.count // SHARED)
        return index % step == 0 and index // step < SHARED

    def choose_values(self) -> list[int]:
        """Return values of `rank` to filter for."""
        values = range(max(1, self.count // self.alike))
        return random.Random(1).sample(values, min(50, len(values)))


def choose_some(items: Sequence[str], wanted: int = 500) -> list[str]:
    """Return random items, the same in every run."""
    return random.Random(2).sample(list(items), min(wanted, len(items)))


def mix_calls(reads: Sequence[Call], writes: Sequence[Call]) -> list[Call]:
    """Return nine reads for each write, in an order that looks random."""
    mixed = [reads[index % len(reads)] for index in range(len(writes) * 9)] + list(writes)
    random.Random(3).shuffle(mixed)
    return mixed


def expect_status(*statuses: int) -> Check:
    """Check for one of these statuses."""

    def check(reply: Reply) -> str:
        if reply.status in statuses:
            return ""
        return f"status {reply.status} instead of {statuses[0]}: {reply.body[:200]!r}"

    return check


def expect_json(test: Callable[[Any], bool], *statuses: int) -> Check:
    """Check for a status and a body that passes the test."""
    check_status = expect_status(*statuses)

    def check(reply: Reply) -> str:
        wrong = check_status(reply)
        if wrong:
            return wrong
        try:
            passed = test(json.loads(reply.body))
        except (ValueError, KeyError, TypeError, IndexError):
            passed = False
        return "" if passed else f"an unexpected body: {reply.body[:300]!r}"

    return check
