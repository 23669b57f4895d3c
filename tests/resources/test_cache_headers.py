"""How long a read may be kept (protocol, core chapter 11)."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.resources.asking import ANONYMOUS, BUCKET, COLLECTION, GROUP, RECORD, RECORDS, Asking
from tests.resources.asking import build_tree as build

NO = "no-cache, no-store"
NEVER = "max-age=0, must-revalidate, no-cache, no-store"


@pytest.fixture
def open_tree(make_ask: Callable[..., Asking]) -> Callable[..., Asking]:
    """A function from settings to an app with a tree that everyone may read."""

    def make(stored: Any = None, **given: str) -> Asking:
        ask = make_ask(**given)
        build(ask)
        ask("PATCH", BUCKET, {"permissions": {"read": ["system.Everyone"]}})
        if stored is not None:
            ask("PATCH", COLLECTION, {"data": {"cache_expires": stored}})
        return ask

    return make


def shown(ask: Asking, path: str, user: str = ANONYMOUS) -> Any:
    """The value of Cache-Control."""
    return ask("GET", path, user=user).headers.get("Cache-Control")


ROWS: list[tuple[dict[str, str], Any, str, str]] = [
    # settings (before `_cache_expires_seconds`), stored in the collection, path, expected
    ({}, None, RECORD, NO),
    ({}, None, BUCKET, NO),
    ({"bucket": "10"}, None, BUCKET, "max-age=10"),
    ({"bucket": "10"}, None, COLLECTION, NO),
    ({"bucket": "0"}, None, BUCKET, NO),
    ({"group": "11"}, None, GROUP, "max-age=11"),
    ({"group": "11"}, None, "/buckets/b/groups", "max-age=11"),
    ({"collection": "12"}, None, COLLECTION, "max-age=12"),
    ({"record": "13"}, None, RECORD, "max-age=13"),
    ({"record": "13"}, None, RECORDS, "max-age=13"),
    ({"record": "0"}, None, RECORD, NEVER),
    ({"record": "-1"}, None, RECORD, NEVER),
    ({"b.record": "14"}, None, RECORD, "max-age=14"),
    ({"b.c.record": "15"}, None, RECORD, "max-age=15"),
    ({"b.c.record": "0", "record": "9"}, None, RECORD, NEVER),
    ({"b.c.record": "7", "b.record": "9"}, None, RECORD, "max-age=7"),
    ({"b.record": "7", "record": "9"}, None, RECORD, "max-age=7"),
    ({"b_c_record": "7"}, None, RECORD, "max-age=7"),
    ({"b_record": "7"}, None, RECORD, "max-age=7"),
    ({"b_record": "7", "record": "9"}, None, RECORD, "max-age=9"),
    ({}, 5, RECORD, "max-age=5"),
    ({}, 5, COLLECTION, NO),
    ({}, 0, RECORD, NEVER),
    ({"record": "0"}, 5, RECORD, "max-age=5"),
    ({"record": "40"}, 5, RECORD, "max-age=40"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "stored", "path", "expected"), ROWS)
def test_anonymous_reads_are_kept_as_set(
    open_tree: Callable[..., Asking],
    settings: dict[str, str],
    stored: Any,
    path: str,
    expected: str,
) -> None:
    given = {f"{name}_cache_expires_seconds": value for name, value in settings.items()}
    assert shown(open_tree(stored, **given), path) == expected


@pytest.mark.parametrize("path", [BUCKET, RECORD, RECORDS])
def test_authenticated_reads_are_never_kept(open_tree: Callable[..., Asking], path: str) -> None:
    ask = open_tree(60, bucket_cache_expires_seconds="60", record_cache_expires_seconds="60")
    assert shown(ask, path, "alice") == NO


def test_what_may_be_kept_expires(
    open_tree: Callable[..., Asking], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = open_tree(record_cache_expires_seconds="60")
    now = 1_895_000_000_000
    ask.set_clock(monkeypatch, now)
    expires = ask("GET", RECORD, user=ANONYMOUS).headers["Expires"]
    assert parsedate_to_datetime(expires).timestamp() == now // 1000 + 60


def test_what_may_not_be_kept_has_expired(
    open_tree: Callable[..., Asking], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = open_tree(record_cache_expires_seconds="0")
    now = 1_895_000_000_000
    ask.set_clock(monkeypatch, now)
    headers = ask("GET", RECORD, user=ANONYMOUS).headers
    assert headers["Pragma"] == "no-cache"
    assert parsedate_to_datetime(headers["Expires"]).timestamp() == now // 1000


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", RECORD), ("DELETE", RECORD), ("GET", RECORD + "9"), ("GET", "/x")]
)
def test_writes_and_errors_say_nothing_of_caches(tree: Asking, method: str, path: str) -> None:
    assert "Cache-Control" not in tree(method, path, {} if method == "PUT" else None).headers


def test_heads_say_the_same_as_gets(open_tree: Callable[..., Asking]) -> None:
    ask = open_tree(record_cache_expires_seconds="13")
    for path in (RECORD, RECORDS):
        assert ask("HEAD", path, user=ANONYMOUS).headers["Cache-Control"] == "max-age=13"
