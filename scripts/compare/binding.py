"""Which value of one server stands for which value of the other.

Timestamps: requests are sent at least a millisecond apart, so a timestamp tells during which
request it was made. Two timestamps are the same when both were made during the same request
and in the same order; values that no request made (`last_modified` given by a client) must be
equal. Ids: the first response that shows a generated pair binds it, from then on both ways.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
SHORT_ID = re.compile(r"[0-9a-zA-Z][0-9a-zA-Z_-]{7}")
LONG_NUMBER = re.compile(r"(?<!\d)\d{13}(?!\d)")


def get_id_form(text: str) -> str | None:
    """Return how an id was generated, or None when it was not."""
    if UUID.fullmatch(text):
        return "uuid"
    return "short" if SHORT_ID.fullmatch(text) else None


@dataclass
class Binding:
    """What is known of one session: side 0 is the reference, side 1 ours."""

    #: When each request was sent, ascending; the first is the start of the session.
    starts: list[int] = field(default_factory=list)
    #: Pairs of timestamps seen, by the request during which they were made, and by list.
    pairs: dict[tuple[int, str], set[tuple[int, int]]] = field(default_factory=dict)
    #: The list whose timestamps are compared: only within one list have they an order.
    scope: str = ""
    ids: tuple[dict[str, str], dict[str, str]] = field(default_factory=lambda: ({}, {}))

    def begin_request(self, now: int) -> None:
        """Note that whatever is made from now on belongs to the next request."""
        self.starts.append(now)

    def get_birth(self, timestamp: int) -> int | None:
        """Return during which request a timestamp was made, None for none of them."""
        place = bisect.bisect_right(self.starts, timestamp)
        if place == 0 or timestamp > self.starts[-1] + 60_000:
            return None
        return place

    def are_same_times(self, first: int, second: int) -> bool:
        """Tell whether these two stand for each other."""
        birth = self.get_birth(first)
        if birth is None or self.get_birth(second) != birth:
            return first == second
        seen = self.pairs.setdefault((birth, self.scope), set())
        crossed = any((first - a) * (second - b) < 0 for a, b in seen)
        seen.add((first, second))
        return not crossed

    def are_same_ids(self, first: str, second: str) -> bool:
        """Tell whether these two stand for each other; binds them when both are new."""
        known, other = self.ids[0].get(first), self.ids[1].get(second)
        if known is not None or other is not None:
            return known == other
        if first == second:
            return True
        form = get_id_form(first)
        if form is None or form != get_id_form(second):
            return False
        self.ids[0][first] = self.ids[1][second] = f"«{form} {len(self.ids[0])}»"
        return True

    def label(self, text: str, side: int) -> str:
        """Return a text with generated ids and timestamps replaced by what they stand for."""
        for generated, label in self.ids[side].items():
            if generated in text:
                text = text.replace(generated, label)
        return LONG_NUMBER.sub(self._label_number, text)

    def _label_number(self, match: re.Match[str]) -> str:
        birth = self.get_birth(int(match[0]))
        return match[0] if birth is None else f"«time {birth}»"
