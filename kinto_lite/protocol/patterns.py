"""Regular expressions of strangers: how long can matching take?

Python's engine backtracks. A pattern is accepted when, wherever it may go on in two ways inside
of a repetition, the next character decides between them; so it never tries both. Outside of
repetitions undecided places are allowed: each one that is followed by another long repetition
adds a power to the time, and three powers are the most. Whoever matches a text bounds its length
with `count_steps`.

Conservative: some harmless patterns are refused, no harmful one is meant to pass.

Source: protocol, part 1, chapter 12 (limits are ours).
"""

from __future__ import annotations

import re
from functools import lru_cache, reduce
from importlib import import_module
from operator import or_
from typing import Any, NamedTuple

#: Characters of a pattern.
MAX_PATTERN = 1000

_MAX_POWER = 3
_MAX_FACTOR = 64
_MAX_GROUPS = 100
#: Repetitions beyond this count as unlimited.
_MANY = 16
#: Positions that the engine tries in the time of one step of `protocol.schemas`.
_POSITIONS_PER_STEP = 200

# Sets of characters are bits: one for each ASCII character, one for all others. The last bit says
# that the pattern may be complete here, so that what comes before can no longer fail.
_ASCII = (1 << 128) - 1
_OTHERS = 1 << 128
_COMPLETE = 1 << 129
_CHARACTERS = _ASCII | _OTHERS

_parser: Any = import_module("re._parser")


class PatternCost(NamedTuple):
    """Matching a text of length n takes at most about `factor` * n ** `power` positions."""

    power: int
    factor: int


@lru_cache(maxsize=512)
def measure_pattern(pattern: str) -> PatternCost:
    """Return what matching can cost; ValueError with the reason when that is too much.

    The pattern must be valid for `re`; `re.error` otherwise.
    """
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"it has more than {MAX_PATTERN} characters")
    if pattern.count("(") > _MAX_GROUPS:
        raise ValueError(f"it has more than {_MAX_GROUPS} groups")
    try:
        tree = _parser.parse(pattern)
    except (RecursionError, OverflowError):
        raise ValueError("it is nested too deeply or repeats too often") from None
    if tree.state.flags & ~re.UNICODE.value:
        raise ValueError("it has flags")
    return _Measure().measure(tree)


def count_steps(cost: PatternCost, length: int) -> int:
    """Return the steps to charge for one search in a text of this length."""
    positions: int = cost.factor * length**cost.power
    return 1 + positions // _POSITIONS_PER_STEP


class _Measure:
    """One walk over a parsed pattern, from its end to its beginning."""

    def __init__(self) -> None:
        self.factor = 1
        #: For each long repetition, last one first: is the end of it undecided?
        self.undecided: list[bool] = []

    def measure(self, tree: Any) -> PatternCost:
        self.walk(tree, _COMPLETE, is_repeated=False)
        power = 1 + sum(self.undecided[1:]) if self.undecided else 0
        if power and not _is_anchored(tree):
            power += 1
        if power > _MAX_POWER or self.factor > _MAX_FACTOR:
            raise ValueError("matching it could take very long")
        return PatternCost(max(1, power), self.factor)

    def walk(self, nodes: Any, follow: int, is_repeated: bool) -> int:
        """Return the characters that may come first, given those that may follow."""
        for operation, argument in reversed(list(nodes)):
            follow = self.step(str(operation), argument, follow, is_repeated)
        return follow

    def step(self, operation: str, argument: Any, follow: int, is_repeated: bool) -> int:
        if operation == "AT":
            return 0 if str(argument).startswith("AT_END") else follow & ~_COMPLETE
        if operation == "SUBPATTERN":
            return self.walk(argument[3], follow, is_repeated)
        if operation == "ATOMIC_GROUP":
            return self.walk(argument, follow, is_repeated)
        if operation == "BRANCH":
            return self.step_branch(argument[1], follow, is_repeated)
        if operation.endswith("_REPEAT"):
            return self.step_repeat(argument, follow, is_repeated)
        if operation in ("ASSERT", "ASSERT_NOT"):
            return self.step_lookaround(argument[1], follow, is_repeated)
        return _read_characters(operation, argument)

    def step_branch(self, branches: list[Any], follow: int, is_repeated: bool) -> int:
        firsts = [self.walk(branch, follow, is_repeated) for branch in branches]
        prefixes = [_read_prefix(branch) for branch in branches]
        begins = list(zip(firsts, prefixes, strict=True))
        ways = max(sum(_begin_alike(one, other) for other in begins) for one in begins)
        if ways > 1:
            self.allow_choice(ways, is_repeated)
        return reduce(or_, firsts)

    def step_repeat(self, argument: Any, follow: int, is_repeated: bool) -> int:
        low, high, body = argument
        first, is_empty = _find_first(body)
        if high > 1 and is_empty:
            raise ValueError("it repeats what can be empty")
        is_undecided = low != high and bool(first & follow & _CHARACTERS)
        if high <= _MANY:
            if is_undecided:
                self.allow_choice(int(high) + 1, is_repeated)
        elif not follow & _COMPLETE or low > _MANY:
            self.undecided.append(is_undecided)
        if is_undecided and is_repeated:
            raise ValueError("it repeats a repetition that can end in several ways")
        rest = follow | first if high > 1 else follow
        self.walk(body, rest, is_repeated or high > 1)
        return first | follow if low == 0 or is_empty else first

    def step_lookaround(self, body: Any, follow: int, is_repeated: bool) -> int:
        before = len(self.undecided)
        self.walk(body, 0, is_repeated)
        if is_repeated and len(self.undecided) > before:
            raise ValueError("it repeats a look-around")
        return follow & ~_COMPLETE

    def allow_choice(self, ways: int, is_repeated: bool) -> None:
        if is_repeated:
            raise ValueError("it repeats alternatives that begin alike")
        self.factor *= ways


def _is_anchored(tree: Any) -> bool:
    operation, argument = tree[0] if len(tree) else ("", None)
    return str(operation) == "AT" and str(argument).startswith("AT_BEGINNING")


def _begin_alike(one: tuple[int, list[int]], other: tuple[int, list[int]]) -> bool:
    """Tell whether a text can begin both branches, as far as their fixed prefixes show."""
    if not one[0] & other[0] & _CHARACTERS:
        return one is other
    return all(here & there for here, there in zip(one[1], other[1], strict=False))


def _read_prefix(nodes: Any) -> list[int]:
    """Return the characters at each place before the first node that is not one character."""
    prefix = []
    for operation, argument in nodes:
        if str(operation) not in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            break
        prefix.append(_read_characters(str(operation), argument))
    return prefix


def _find_first(nodes: Any) -> tuple[int, bool]:
    """Return the characters that can begin a match, and whether it can be empty."""
    first = 0
    for operation, argument in nodes:
        found, is_empty = _find_first_of(str(operation), argument)
        first |= found
        if not is_empty:
            return first, False
    return first, True


def _find_first_of(operation: str, argument: Any) -> tuple[int, bool]:
    if operation in ("AT", "ASSERT", "ASSERT_NOT"):
        return 0, True
    if operation == "SUBPATTERN":
        return _find_first(argument[3])
    if operation == "ATOMIC_GROUP":
        return _find_first(argument)
    if operation == "BRANCH":
        found = [_find_first(branch) for branch in argument[1]]
        return reduce(or_, (first for first, _ in found)), any(is_empty for _, is_empty in found)
    if operation.endswith("_REPEAT"):
        first, is_empty = _find_first(argument[2])
        return first, is_empty or argument[0] == 0
    return _read_characters(operation, argument), False


def _read_characters(operation: str, argument: Any) -> int:
    if operation == "LITERAL":
        return _one(argument)
    if operation == "NOT_LITERAL":
        return _OTHERS | (_ASCII & ~_one(argument))
    if operation == "ANY":
        return _CHARACTERS & ~_one(ord("\n"))
    if operation == "IN":
        return _read_set(argument)
    if operation == "FAILURE":
        return 0
    raise ValueError("it refers to a group")


def _read_set(items: Any) -> int:
    found, is_negated = 0, False
    for operation, argument in items:
        name = str(operation)
        if name == "NEGATE":
            is_negated = True
        elif name == "RANGE":
            low, high = argument
            found |= ((1 << min(high + 1, 128)) - 1) & ~((1 << min(low, 128)) - 1)
            found |= _OTHERS if high > 127 else 0
        elif name == "CATEGORY":
            found |= _read_category(str(argument))
        else:
            found |= _one(argument)
    return _OTHERS | (_ASCII & ~found) if is_negated else found


def _read_category(name: str) -> int:
    escape = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[name.rsplit("_", 1)[1]]
    found = 0
    for code in range(128):
        if re.match(escape, chr(code)):
            found |= 1 << code
    return _OTHERS | (_ASCII & ~found if "NOT" in name else found)


def _one(code: int) -> int:
    return 1 << code if code < 128 else _OTHERS
