"""Timestamps (protocol, part 1, chapters 2.6, 4.1 and 4.2)."""

from __future__ import annotations

from kinto_lite.protocol.timestamps import LATEST_MS, etag, http_date, next_timestamp

NOW = 1_795_281_720_379
FUTURE = NOW + 7_200_000


def test_etag_is_the_quoted_timestamp() -> None:
    assert etag(NOW) == '"1795281720379"'


def test_http_date_is_truncated_to_the_second() -> None:
    assert http_date(NOW) == "Sat, 21 Nov 2026 17:22:00 GMT"


def test_http_date_of_zero_is_the_epoch() -> None:
    assert http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_http_date_beyond_the_year_9999_is_its_last_second() -> None:
    assert http_date(LATEST_MS + 5) == "Fri, 31 Dec 9999 23:59:59 GMT"


def test_a_write_gets_the_current_time() -> None:
    assert next_timestamp(NOW, NOW - 10) == (NOW, NOW)


def test_a_write_is_after_the_counter_when_the_clock_is_not() -> None:
    assert next_timestamp(NOW, NOW) == (NOW + 1, NOW + 1)
    assert next_timestamp(NOW, FUTURE) == (FUTURE + 1, FUTURE + 1)


def test_the_first_write_of_a_list_gets_the_current_time() -> None:
    assert next_timestamp(NOW, 0) == (NOW, NOW)


def test_a_past_timestamp_is_used_and_does_not_move_the_list() -> None:
    assert next_timestamp(NOW, NOW - 10, 1000) == (1000, NOW - 10)


def test_a_past_timestamp_in_a_new_list_leaves_the_list_at_the_current_time() -> None:
    assert next_timestamp(NOW, 0, 0) == (0, NOW)


def test_a_future_timestamp_becomes_the_one_of_the_list() -> None:
    assert next_timestamp(NOW, NOW - 10, FUTURE) == (FUTURE, FUTURE)


def test_the_timestamp_of_the_list_is_bumped() -> None:
    assert next_timestamp(NOW, FUTURE, FUTURE) == (FUTURE + 1, FUTURE + 1)
    assert next_timestamp(NOW, NOW - 10, NOW - 10) == (NOW, NOW)
    assert next_timestamp(NOW, 0, NOW) == (NOW + 1, NOW + 1)


def test_an_update_that_is_not_newer_gets_a_fresh_timestamp() -> None:
    assert next_timestamp(NOW, NOW - 10, 1000, existing=1000) == (NOW, NOW)
    assert next_timestamp(NOW, NOW - 10, 999, existing=1000) == (NOW, NOW)


def test_an_update_that_is_newer_than_the_object_is_used() -> None:
    assert next_timestamp(NOW, NOW - 10, 1001, existing=1000) == (1001, NOW - 10)
