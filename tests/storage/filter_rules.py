"""What filters and sorting mean, in plain Python, and values to try them with.

Written from the protocol (core, chapters 5.2, 5.3 and 5.5), with nothing shared with the SQL of
any engine but `look_up`, which has tests of its own.
"""

from __future__ import annotations

import json

from hypothesis import strategies as st

from kinto_lite.model import MISSING, Filter, Json, Sort

NEWEST_FIRST = (Sort("last_modified", True),)


def canonical(value: Json) -> Json:
    """A value that is equal to another one exactly when the protocol says so."""
    if isinstance(value, bool) or value is None:
        return ("word", str(value))
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, list):
        return ("array", tuple(canonical(item) for item in value))
    if isinstance(value, dict):
        return ("object", frozenset((key, canonical(item)) for key, item in value.items()))
    return ("text", value)


def rank(value: Json) -> int:
    types = [type(None), str, (int, float), bool, list, dict, type(MISSING)]
    if isinstance(value, bool):
        return 3
    return next(number for number, kind in enumerate(types) if isinstance(value, kind))


def normalise(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [normalise(item) for item in value]
    if isinstance(value, dict):
        return {key: normalise(item) for key, item in value.items()}
    return value


def order(value: Json) -> tuple[Json, ...]:
    if value is None or value is MISSING:
        return (rank(value),)
    if isinstance(value, list | dict):
        text = json.dumps(normalise(value), sort_keys=True, separators=(",", ":"))
        return (rank(value), len(value), text)
    return (rank(value), value)


def is_like(value: Json, pattern: str) -> bool:
    if value is None or value is MISSING:
        return False
    text = (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )
    text, pattern = text.casefold(), pattern.casefold()
    if "*" not in pattern:
        return pattern in text
    return match_wildcards(text, pattern)


def match_wildcards(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(match_wildcards(text[n:], pattern[1:]) for n in range(len(text) + 1))
    return bool(text) and text[0] == pattern[0] and match_wildcards(text[1:], pattern[1:])


def items(value: Json) -> set[Json]:
    return {canonical(item) for item in value}


ORACLE = {
    "eq": lambda have, want: have is not MISSING and canonical(have) == canonical(want),
    "not": lambda have, want: have is MISSING or canonical(have) != canonical(want),
    "lt": lambda have, want: order(have) < order(want),
    "max": lambda have, want: order(have) <= order(want),
    "gt": lambda have, want: order(have) > order(want),
    "min": lambda have, want: order(have) >= order(want),
    "in": lambda have, want: have is not MISSING and canonical(have) in items(want),
    "exclude": lambda have, want: have is MISSING or canonical(have) not in items(want),
    "like": is_like,
    "has": lambda have, want: (have is not MISSING) == want,
    "contains": lambda have, want: isinstance(have, list) and items(want) <= items(have),
    "contains_any": lambda have, want: isinstance(have, list) and bool(items(want) & items(have)),
}

# What hypothesis draws from: few names and values, so that they meet.

NAMES = st.sampled_from(
    ["v", "v\0", "w", "v.w", "é", 'a"b', "a\\b", "", "$", "[0]", "a b", "w.v.w"]
)
HUGE = st.sampled_from([-(2**63), 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1, float(2**64)])
NUMBERS = HUGE | st.sampled_from(
    [0, 1, -1, 2, 1.0, 1.5, -0.0, 0.1, 5e-324, 1e300, 2**53, 2**53 + 1, 2.0**53]
)
TEXTS = st.sampled_from(
    ["", "a", "A", "ab", "é", "É", "ß", "1", "true", "z*", "a\0b", "\U0001f600"]
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3),
    max_leaves=5,
)
OBJECTS = st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=7)
FIELDS = st.sampled_from(["v", "w", "v.w", "w.v.w", "é", 'a"b', "a\\b", "", "$", "[0]", "v.", ".v"])
PATTERNS = st.text("aAbÉé*1.", max_size=4)
FILTERS = st.one_of(
    st.builds(Filter, FIELDS, st.sampled_from(["eq", "not", "lt", "max", "gt", "min"]), VALUES),
    st.builds(
        Filter,
        FIELDS,
        st.sampled_from(["in", "exclude", "contains", "contains_any"]),
        st.lists(VALUES, max_size=3),
    ),
    st.builds(Filter, FIELDS, st.just("like"), PATTERNS),
    st.builds(Filter, FIELDS, st.just("has"), st.booleans()),
)
SORTS = st.lists(
    st.builds(Sort, FIELDS | st.sampled_from(["id", "last_modified"]), st.booleans()),
    max_size=3,
    unique_by=lambda key: key.field,
).map(lambda keys: (*keys, *(NEWEST_FIRST if "last_modified" not in dict(keys) else ())))
