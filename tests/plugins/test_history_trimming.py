"""How old entries go (protocol, plugins 5.5), and the plugin switched on, off and on again."""

from __future__ import annotations

from pathlib import Path

from kinto_lite.model import ListRef
from tests.plugins.histories import HISTORY, PLUGIN, MakeAsk, tell
from tests.resources.asking import BUCKET, COLLECTION, RECORD, RECORDS, Asking, user_id

TRIMMED = {**PLUGIN, "history.auto_trim_max_count": "3", "history.auto_trim_threshold": "2"}
ABOUT_RECORDS = HISTORY + "?resource_name=record"


def start(make_ask: MakeAsk, **settings: str) -> Asking:
    """Someone who asks an app that trims; alice and bob write a collection."""
    ask = make_ask(**TRIMMED, **settings)
    ask("PUT", BUCKET)
    ask("PUT", COLLECTION, {"permissions": {"write": [user_id("bob")]}})
    return ask


def write_and_count(ask: Asking, query: str = "", user: str = "alice") -> int:
    """Write a record, and count the entries about records."""
    assert ask("POST", RECORDS, user=user).status_int == 201
    return len(ask.data(f"{ABOUT_RECORDS}&{query}"))


def test_entries_grow_beyond_the_limit_and_are_cut_back(make_ask: MakeAsk) -> None:
    ask = start(make_ask)
    counts = [write_and_count(ask) for _ in range(12)]
    assert counts == [1, 2, 3, 4, 5, 3, 4, 5, 3, 4, 5, 3]


def test_the_newest_entries_are_kept(make_ask: MakeAsk) -> None:
    ask = start(make_ask)
    for number in range(6):
        ask("PUT", f"{RECORDS}/r{number}")
    assert tell(ask, "resource_name=record") == [("create", f"r{n}") for n in (3, 4, 5)]


def test_entries_about_other_kinds_do_not_count(make_ask: MakeAsk) -> None:
    ask = start(make_ask)
    for _ in range(6):
        write_and_count(ask)
    assert tell(ask, "not_resource_name=record") == [("create", "b"), ("create", "c")]


def test_trimmed_entries_leave_no_tombstones(make_ask: MakeAsk) -> None:
    ask = start(make_ask)
    counts = [write_and_count(ask, "_since=0") for _ in range(6)]
    assert counts[-1] == 3
    assert ask.data(HISTORY + "?_since=0&deleted=true") == []


def test_counter_of_the_list_stays_exact(make_ask: MakeAsk) -> None:
    ask = start(make_ask)
    for _ in range(7):
        write_and_count(ask)
    with ask.storage.transaction(write=False) as tx:
        place = tx.find_list(ListRef("history", BUCKET), tx.find_asker(None), "read")
        counted = tx.count_all()[0]["history"]
    assert (place.live_count, counted, len(ask.data(HISTORY))) == (6, 6, 6)


def test_a_batch_is_trimmed_entry_by_entry(make_ask: MakeAsk) -> None:
    ask = start(make_ask)
    requests = [{"method": "PUT", "path": f"{RECORDS}/{number}"} for number in range(8)]
    ask("POST", "/batch", {"requests": requests})
    assert len(ask.data(ABOUT_RECORDS)) == 5


def test_only_entries_of_these_users_are_counted_and_trimmed(make_ask: MakeAsk) -> None:
    ask = start(make_ask, **{"history.auto_trim_user_ids": user_id("bob")})
    alices = [write_and_count(ask) for _ in range(7)]
    bobs = [write_and_count(ask, f"user_id={user_id('bob')}", "bob") for _ in range(6)]
    assert (alices[-1], bobs) == (7, [1, 2, 3, 4, 5, 3])
    assert len(ask.data(ABOUT_RECORDS)) == 10


def test_hello_tells_how_many_entries_are_kept(make_ask: MakeAsk) -> None:
    ask = make_ask(**TRIMMED, **{"history.auto_trim_user_ids": user_id("bob")})
    capability = ask("GET", "/").json["capabilities"]["history"]
    assert capability["auto_trim_max_count"] == 3
    assert capability["auto_trim_user_ids"] == [user_id("bob")]


# Switched on, off and on again


def open_file(make_ask: MakeAsk, file: Path, **settings: str) -> Asking:
    """Someone who asks an app whose database is this file."""
    return make_ask(storage_url=f"sqlite:///{file}", **settings)


def test_buckets_made_before_get_their_history(make_ask: MakeAsk, tmp_path: Path) -> None:
    file = tmp_path / "test.db"
    before = open_file(make_ask, file)
    before("PUT", BUCKET)
    before.storage.close()
    ask = open_file(make_ask, file, **PLUGIN)
    assert ask.data(HISTORY) == []
    ask("PUT", COLLECTION)
    assert tell(ask) == [("create", "c")]


def test_switched_off_the_history_does_no_harm(make_ask: MakeAsk, tmp_path: Path) -> None:
    file = tmp_path / "test.db"
    before = open_file(make_ask, file, **PLUGIN)
    for path in (BUCKET, COLLECTION, RECORD):
        before("PUT", path)
    before.storage.close()
    ask = open_file(make_ask, file, experimental_permissions_endpoint="true")
    assert ask("GET", HISTORY).status_int == 404
    assert {one["resource_name"] for one in ask.data("/permissions")} == {
        "root",
        "bucket",
        "collection",
        "record",
    }
    assert ask("DELETE", BUCKET).status_int == 200
    with ask.storage.transaction(write=False) as tx:
        assert tx.count_all() == ({}, {"bucket": 1})


def test_buckets_made_while_it_was_off_get_their_history(make_ask: MakeAsk, tmp_path: Path) -> None:
    file = tmp_path / "test.db"
    for settings, bucket in ((PLUGIN, "/buckets/a"), ({}, BUCKET)):
        ask = open_file(make_ask, file, **settings)
        ask("PUT", bucket)
        ask.storage.close()
    ask = open_file(make_ask, file, **PLUGIN)
    ask("PUT", COLLECTION)
    assert tell(ask) == [("create", "c")]
    assert len(ask.data("/buckets/a/history")) == 1
