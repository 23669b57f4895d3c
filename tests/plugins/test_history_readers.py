"""Who sees which entries, who may purge them, and a purge (protocol, plugins 5.4 and 5.6)."""

from __future__ import annotations

import pytest

from tests.plugins.histories import HISTORY, PLUGIN, MakeAsk, tell
from tests.resources.asking import (
    ANONYMOUS,
    BUCKET,
    COLLECTION,
    GROUP,
    RECORD,
    Asking,
    build_tree,
    user_id,
)

READERS = {"bucket": BUCKET, "collection": COLLECTION, "record": RECORD, "group": GROUP}
ABOUT_ALL = [("update", "b"), ("update", "c"), ("update", "r"), ("update", "g")]


@pytest.fixture
def ask(make_ask: MakeAsk) -> Asking:
    """Someone who asks an app where a user named after each kind may read one object of it;
    all was shared, each object was then updated once, and nothing of before is left."""
    ask = make_ask(**PLUGIN)
    build_tree(ask)
    for user, path in READERS.items():
        ask.share(path, "read", user_id(user))
    ask("DELETE", HISTORY)
    for path in (BUCKET, COLLECTION, RECORD, GROUP):
        ask("PATCH", path, {"data": {"n": 2}})
    return ask


@pytest.mark.parametrize(
    ("user", "seen"),
    [
        ("alice", ABOUT_ALL),
        ("bucket", ABOUT_ALL),
        ("collection", [("update", "c"), ("update", "r")]),
        ("record", [("update", "r")]),
        ("group", [("update", "g")]),
    ],
)
def test_readers_see_the_entries_about_what_they_may_read(
    ask: Asking, user: str, seen: list[tuple[str, str]]
) -> None:
    assert tell(ask, user=user) == seen


@pytest.mark.parametrize(("user", "status"), [("stranger", 403), (ANONYMOUS, 401)])
@pytest.mark.parametrize("path", [HISTORY, "/buckets/missing/history"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_strangers_are_refused(ask: Asking, user: str, status: int, path: str, method: str) -> None:
    assert ask(method, path, user=user).status_int == status


@pytest.mark.parametrize("user", READERS)
def test_readers_may_not_purge(ask: Asking, user: str) -> None:
    assert ask("DELETE", HISTORY, user=user).status_int == 403


def test_who_loses_access_still_sees_the_entries_of_before(ask: Asking) -> None:
    ask.share(COLLECTION, "read")
    ask("PATCH", RECORD, {"data": {"n": 3}})
    assert tell(ask, user="collection") == [("update", "c"), ("update", "r")]


def test_who_gains_access_sees_none_of_the_entries_of_before(ask: Asking) -> None:
    ask.share(RECORD, "read", user_id("late"))
    assert len(tell(ask, user="late")) == 1


def test_members_of_a_group_see_what_the_group_may_read(ask: Asking) -> None:
    ask("PATCH", GROUP, {"data": {"members": [user_id("member")]}})
    ask.share(RECORD, "write", GROUP)
    assert tell(ask, user="member") == [("update", "r")]


def test_the_right_to_create_records_shows_no_entries(ask: Asking) -> None:
    ask.share(COLLECTION, "record:create", user_id("writer"))
    assert ask("GET", HISTORY, user="writer").status_int == 403


def test_writers_of_the_bucket_may_purge(ask: Asking) -> None:
    ask.share(BUCKET, "write", user_id("helper"))
    assert len(ask("DELETE", HISTORY, user="helper").json["data"]) == 5


def test_filters_of_a_reader_apply_to_what_she_sees(ask: Asking) -> None:
    assert tell(ask, "resource_name=record", user="collection") == [("update", "r")]
    assert tell(ask, "resource_name=group", user="collection") == []


def test_entries_are_not_in_the_list_of_permissions(make_ask: MakeAsk) -> None:
    ask = make_ask(
        **PLUGIN,
        experimental_permissions_endpoint="true",
        history_read_principals="system.Authenticated",
        history_write_principals="system.Authenticated",
        history_create_principals="system.Authenticated",
    )
    build_tree(ask)
    ask.share(RECORD, "read", user_id("record"))
    shown = ask.data("/permissions", user="record")
    assert [(one["uri"], one["permissions"]) for one in shown] == [
        (RECORD, ["read"]),
        ("/", ["bucket:create"]),
    ]


# Grants by settings


def test_setting_lets_read_the_history_of_any_bucket(make_ask: MakeAsk) -> None:
    ask = make_ask(**PLUGIN, history_read_principals="system.Everyone")
    ask("PUT", BUCKET)
    assert tell(ask, user=ANONYMOUS) == [("create", "b")]
    assert ask.data("/buckets/missing/history", user=ANONYMOUS) == []
    assert ask("DELETE", HISTORY, user="bob").status_int == 403


def test_setting_lets_purge_the_history_of_any_bucket(make_ask: MakeAsk) -> None:
    ask = make_ask(**PLUGIN, history_write_principals=user_id("bob"))
    ask("PUT", BUCKET)
    assert tell(ask, user="bob") == [("create", "b")]
    assert len(ask("DELETE", HISTORY, user="bob").json["data"]) == 1


def test_setting_does_not_help_with_a_malformed_bucket_id(make_ask: MakeAsk) -> None:
    ask = make_ask(**PLUGIN, history_read_principals="system.Everyone")
    reply = ask("GET", "/buckets/-nope/history")
    assert (reply.status_int, reply.json["errno"]) == (404, 111)
    assert reply.json["details"] == {"id": "-nope", "resource_name": "bucket"}


@pytest.mark.parametrize("name", ["bucket_read_principals", "bucket_write_principals"])
def test_settings_about_buckets_say_nothing_about_histories(make_ask: MakeAsk, name: str) -> None:
    ask = make_ask(**PLUGIN, **{name: "system.Authenticated"})
    ask("PUT", BUCKET)
    assert ask("GET", HISTORY, user="bob").status_int == 403


def test_without_explicit_permissions_only_those_of_the_bucket_count(make_ask: MakeAsk) -> None:
    ask = make_ask(**PLUGIN, explicit_permissions="false")
    ask("PUT", BUCKET, {"permissions": {"write": [user_id("alice")]}})
    ask("PUT", COLLECTION, {"permissions": {"read": [user_id("bob")]}})
    assert ask("GET", HISTORY, user="bob").status_int == 403
    assert tell(ask) == [("create", "b"), ("create", "c")]


def test_without_explicit_permissions_every_object_of_a_batch_is_recorded(
    make_ask: MakeAsk,
) -> None:
    ask = make_ask(**PLUGIN, explicit_permissions="false")
    ask("PUT", BUCKET, {"permissions": {"write": [user_id("alice")]}})
    paths = [f"{BUCKET}/groups/{name}" for name in "xy"]
    ask("POST", "/batch", {"requests": [{"method": "PUT", "path": path} for path in paths]})
    assert tell(ask) == [("create", "b"), ("create", "x"), ("create", "y")]


# Purge (5.6)


def test_purge_answers_the_tombstones_and_a_new_timestamp(ask: Asking) -> None:
    before = ask.etag(HISTORY)
    reply = ask("DELETE", HISTORY + "?resource_name=record")
    (tombstone,) = reply.json["data"]
    assert set(tombstone) == {"id", "last_modified", "deleted"}
    assert before < tombstone["last_modified"] == int(reply.headers["ETag"].strip('"'))
    assert tell(ask) == [one for one in ABOUT_ALL if one[1] != "r"]


def test_purged_entries_stay_visible_as_tombstones(ask: Asking) -> None:
    tombstones = ask("DELETE", HISTORY).json["data"]
    assert ask.data(HISTORY) == []
    shown = ask.data(HISTORY + "?_since=0")
    assert [one for one in shown if one in tombstones] == tombstones[::-1]


def test_purge_of_nothing_answers_an_empty_list(ask: Asking) -> None:
    ask("DELETE", HISTORY)
    reply = ask("DELETE", HISTORY)
    assert (reply.status_int, reply.json) == (200, {"data": []})


def test_after_a_purge_only_readers_of_the_bucket_see_the_empty_list(ask: Asking) -> None:
    ask("DELETE", HISTORY)
    assert ask.data(HISTORY, user="bucket") == []
    assert ask("GET", HISTORY, user="record").status_int == 403


def test_purge_page_by_page_takes_each_token_once(ask: Asking) -> None:
    first = ask("DELETE", HISTORY + "?_limit=3")
    url = first.headers["Next-Page"].partition("/v1")[2]
    assert [len(page.json["data"]) for page in (first, ask("DELETE", url))] == [3, 1]
    assert ask("DELETE", url).status_int == 400
