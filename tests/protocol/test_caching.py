"""Cache headers as text (protocol, part 1, chapters 1.3 and 11)."""

from __future__ import annotations

import pytest

from kinto_lite.protocol.caching import NOT_CACHED, cache_for, redirect_cache

NOW = 1_795_281_720_383
NOW_TEXT = "Sat, 21 Nov 2026 17:22:00 GMT"
NEVER = "max-age=0, must-revalidate, no-cache, no-store"


def test_an_answer_is_kept_for_some_seconds() -> None:
    assert cache_for(3600, NOW) == [
        ("Cache-Control", "max-age=3600"),
        ("Expires", "Sat, 21 Nov 2026 18:22:00 GMT"),
    ]


@pytest.mark.parametrize("seconds", [0, -1, -100])
def test_zero_and_less_forbid_it(seconds: int) -> None:
    assert dict(cache_for(seconds, NOW)) == {
        "Cache-Control": NEVER,
        "Pragma": "no-cache",
        "Expires": NOW_TEXT,
    }


def test_what_is_kept_for_ages_expires_at_the_end_of_time() -> None:
    assert dict(cache_for(10**17, NOW))["Expires"] == "Fri, 31 Dec 9999 23:59:59 GMT"


def test_by_default_nothing_is_kept() -> None:
    assert NOT_CACHED == [("Cache-Control", "no-cache, no-store")]


def test_redirects_say_nothing_below_zero() -> None:
    assert redirect_cache(-1, NOW) == []


def test_redirects_of_zero_seconds_have_just_been_changed() -> None:
    headers = dict(redirect_cache(0, NOW))
    assert (headers["Cache-Control"], headers["Last-Modified"]) == (NEVER, NOW_TEXT)


def test_redirects_are_kept_like_answers() -> None:
    assert redirect_cache(60, NOW) == cache_for(60, NOW)
