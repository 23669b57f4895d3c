"""If-Match and If-None-Match (protocol, part 1, chapters 4.3 and 4.4)."""

from __future__ import annotations

import pytest

from kinto_lite.errors import Detail
from kinto_lite.protocol.preconditions import (
    ANY,
    NO_PRECONDITIONS,
    Preconditions,
    Verdict,
    judge,
    read_preconditions,
)

CURRENT = 1795281720383
PASSED, NOT_MODIFIED, FAILED = Verdict.PASSED, Verdict.NOT_MODIFIED, Verdict.FAILED
SYNTAX = "The value should be integer between double quotes."


def test_timestamps_and_stars_are_read() -> None:
    headers = {"if-match": f'"{CURRENT}"', "if-none-match": "*"}
    assert read_preconditions(headers) == (Preconditions(CURRENT, ANY), [])


def test_absent_and_empty_headers_count_as_absent() -> None:
    assert read_preconditions({"if-match": ""}) == (NO_PRECONDITIONS, [])


@pytest.mark.parametrize(
    "text",
    [
        "1",
        'W/"1"',
        '"1","2"',
        '"-1"',
        '"*"',
        '""',
        "**",
        "*x",
        '"1',
        '"1.0"',
        '" 1"',
        "é",
        '"1_0"',
        '"٣"',
        '"1"\n',
    ],
)
def test_any_other_syntax_is_an_error(text: str) -> None:
    expected = [Detail("If-Match", "header", SYNTAX)]
    assert read_preconditions({"if-match": text}) == (Preconditions(), expected)


def test_both_headers_are_checked() -> None:
    _, details = read_preconditions({"if-match": "x", "if-none-match": "y"})
    assert [detail.name for detail in details] == ["If-Match", "If-None-Match"]


def test_a_million_digits_are_no_timestamp() -> None:
    preconditions, details = read_preconditions({"if-match": '"' + "9" * 1_000_000 + '"'})
    assert details == []
    assert judge(preconditions, "PUT", CURRENT) is FAILED


def test_zero_is_an_ordinary_value() -> None:
    preconditions, _ = read_preconditions({"if-none-match": '"0"'})
    assert judge(preconditions, "GET", 0) is NOT_MODIFIED


def test_only_the_star_of_if_none_match_wants_creation() -> None:
    assert Preconditions(None, ANY).wants_creation
    assert not Preconditions(ANY, CURRENT).wants_creation


SAME = Preconditions(if_none_match=CURRENT)
OTHER = Preconditions(if_none_match=1)
CREATE = Preconditions(if_none_match=ANY)
MATCH = Preconditions(if_match=CURRENT)
STALE = Preconditions(if_match=1)
EXISTS = Preconditions(if_match=ANY)


@pytest.mark.parametrize(
    ("method", "same", "create", "match", "stale", "exists"),
    [
        ("GET", NOT_MODIFIED, FAILED, PASSED, FAILED, PASSED),
        ("HEAD", NOT_MODIFIED, FAILED, PASSED, FAILED, PASSED),
        ("PUT", PASSED, FAILED, PASSED, FAILED, PASSED),
        ("PATCH", PASSED, FAILED, PASSED, FAILED, PASSED),
        ("DELETE", PASSED, FAILED, PASSED, FAILED, PASSED),
        ("POST", PASSED, FAILED, PASSED, FAILED, PASSED),
    ],
)
def test_what_exists_is_compared_for_equality(
    method: str, same: Verdict, create: Verdict, match: Verdict, stale: Verdict, exists: Verdict
) -> None:
    found = [judge(p, method, CURRENT) for p in (SAME, CREATE, MATCH, STALE, EXISTS)]
    assert found == [same, create, match, stale, exists]
    assert judge(OTHER, method, CURRENT) is PASSED


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_creation_passes_with_if_none_match_and_fails_with_if_match(method: str) -> None:
    found = [judge(p, method, None) for p in (SAME, CREATE, MATCH, STALE, EXISTS)]
    assert found == [PASSED, PASSED, FAILED, FAILED, FAILED]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH", "DELETE"])
def test_a_missing_object_is_left_to_the_404(method: str) -> None:
    found = {judge(p, method, None) for p in (SAME, CREATE, MATCH, STALE, EXISTS)}
    assert found == {PASSED}


def test_not_modified_is_tested_before_if_match() -> None:
    assert judge(Preconditions(1, CURRENT), "GET", CURRENT) is NOT_MODIFIED


@pytest.mark.parametrize("current", [-1, -2, 0])
def test_a_star_is_never_taken_for_a_timestamp(current: int) -> None:
    assert judge(CREATE, "GET", current) is FAILED
    assert judge(EXISTS, "PUT", current) is PASSED
