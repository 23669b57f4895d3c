"""Regular expressions of strangers (limits of our own, see protocol, part 1, chapter 12)."""

from __future__ import annotations

import re

import pytest

from kinto_lite.protocol.patterns import PatternCost, count_steps, measure_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "^$",
        "^[a-z0-9-]+$",
        r"^\d{4}-\d{2}-\d{2}$",
        "^https?://",
        r"^#[0-9a-fA-F]{6}$",
        "[A-Za-z]+",
        r"^(\d{1,3}\.){3}\d{1,3}$",
        r"^[0-9]+(\.[0-9]+)*$",
        "^(a|b|cd)+$",
        "^(foo|bar|baz)+$",
        "^(GET|POST|PUT|PATCH)$",
        r"^v?\d+\.\d+\.\d+(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$",
        "^(?!x-).*$",
        r"^[\w-]+(,[\w-]+)*$",
        r"^\{?[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\}?$",
    ],
)
def test_patterns_without_ambiguity_are_linear(pattern: str) -> None:
    assert measure_pattern(pattern) == PatternCost(1, 1)


@pytest.mark.parametrize(
    ("pattern", "power"),
    [
        (r"^[^@]+@[^@]+\.[^@]+$", 2),
        (r"^([a-z]+-)*[a-z]+$", 2),
        (r"^([\w.-]+)@([\w-]+\.)+[\w-]{2,}$", 2),
        (r"\s+$", 2),
        (".*foo.*", 2),
        (r"^\s*(.*?)\s*$", 3),
        (r"^(?=.*[A-Z])(?=.*\d).{8,}$", 3),
        (r"[^a]{2,}(?=-\w)", 2),
        (r"a+\b", 2),
    ],
)
def test_undecided_places_add_a_power(pattern: str, power: int) -> None:
    assert measure_pattern(pattern).power == power


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "(a|aa)+$",
        "(a*)*b",
        r"^([\/\w \.-]*)*\/?$",
        r"(\w+\s?)*x",
        "(x+x+)+y",
        r"(.*)\1",
        r"(a)?(?(1)b|c)",
        r"^(\d{1,3},?)*$",
        "(?i)a",
        "a*a*a*a*b",
        "((a?){10}){10}",
        "(?:a|b|ab)*c",
        r"^(([a-z])+.)+[A-Z]([a-z])+$",
        "(?:(?:){1000}){1000}",
        "(?:(?=a+b)a)*c",
        "((a{1,16}){1,16}){1,16}x",
        "^(?:.?){20}x",
        ".*.*.*x",
        "(?:a|[^b])(?:a|[^b])(?:a|[^b])(?:a|[^b])(?:a|[^b])(?:a|[^b])(?:a|[^b])x",
        "(" * 400 + ")" * 400,
        "a" * 1001,
    ],
)
def test_patterns_that_could_take_long_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^(it|matching it) "):
        measure_pattern(pattern)


def test_a_malformed_pattern_is_an_error_of_the_engine() -> None:
    with pytest.raises(re.error, match="missing"):
        measure_pattern("(")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^[^@]+@[^@]+\.[^@]+$", "a@" + "." * 3000 + "@"),
        (r"^\s*(.*?)\s*$", " " * 250 + "a\n\nb"),
        ("a+b", "a" * 4000),
        ("^(foo|bar|baz)+$", "foobar" * 10_000 + "x"),
    ],
)
def test_the_worst_texts_stay_within_their_steps(pattern: str, text: str) -> None:
    assert count_steps(measure_pattern(pattern), len(text)) > len(text) // 200
    assert re.search(pattern, text) is None


def test_steps_grow_with_the_power_of_the_length() -> None:
    assert count_steps(PatternCost(1, 1), 2000) == 11
    assert count_steps(PatternCost(2, 1), 2000) == 20_001
    assert count_steps(PatternCost(2, 3), 2000) == 60_001
