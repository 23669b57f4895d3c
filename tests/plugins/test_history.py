"""The list of the history, and what leaves entries in it (protocol, plugins 5.1 to 5.3)."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from kinto_lite.settings import ConfigurationError
from tests.plugins.histories import (
    HISTORY,
    PLUGIN,
    MakeAsk,
    newest,
    send_batch,
    tell,
)
from tests.resources.asking import (
    ANONYMOUS,
    BUCKET,
    COLLECTION,
    GROUP,
    RECORD,
    RECORDS,
    Asking,
    build_tree,
    user_id,
)

ALICE = user_id("alice")
STAMPS = {"id", "last_modified"}


@pytest.fixture
def ask(make_ask: MakeAsk) -> Asking:
    """Someone who asks an app with history; alice has an empty collection."""
    ask = make_ask(**PLUGIN)
    for path in (BUCKET, COLLECTION):
        ask("PUT", path, {"data": {"n": 1}})
    return ask


# The list (5.1)


def test_hello_tells_of_the_history(ask: Asking) -> None:
    capability = ask("GET", "/").json["capabilities"]["history"]
    assert set(capability) == {"description", "url"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_nobody_writes_entries(ask: Asking, method: str) -> None:
    reply = ask(method, HISTORY, {"data": {}})
    assert (reply.status_int, reply.json["errno"]) == (405, 115)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_single_entries_have_no_url(ask: Asking, method: str) -> None:
    reply = ask(method, f"{HISTORY}/{newest(ask)['id']}")
    assert (reply.status_int, reply.json["errno"]) == (404, 111)


def test_head_has_the_headers_of_get_and_no_totals(ask: Asking) -> None:
    seen, shown = (ask(method, HISTORY).headers for method in ("GET", "HEAD"))
    assert "Total-Objects" not in shown
    assert "Total-Objects" not in shown["Access-Control-Expose-Headers"]
    assert {**seen, "Content-Length": "0"} == {**shown, "Content-Length": "0"}


def test_head_tells_of_the_next_page(ask: Asking) -> None:
    assert "_token" in ask("HEAD", f"{HISTORY}?_limit=1").headers["Next-Page"]
    assert "Next-Page" not in ask("HEAD", HISTORY).headers


def test_a_time_that_a_client_gave_does_not_move_the_history(ask: Asking) -> None:
    future = ask.data(HISTORY)[0]["last_modified"] + 3_600_000
    ask("PUT", RECORD, {"data": {"last_modified": future}})
    assert ask.data(HISTORY)[0]["last_modified"] < future


def test_history_is_not_cached_by_anybody(ask: Asking) -> None:
    assert ask("GET", HISTORY).headers["Cache-Control"] == "no-cache, no-store"


def test_history_that_was_read_already_answers_304(ask: Asking) -> None:
    etag = ask("GET", HISTORY).headers["ETag"]
    assert ask("GET", HISTORY, headers={"If-None-Match": etag}).status_int == 304
    ask("PUT", RECORD)
    assert ask("GET", HISTORY, headers={"If-None-Match": etag}).status_int == 200


def test_purge_of_a_history_that_went_on_answers_412(ask: Asking) -> None:
    headers = {"If-Match": ask("GET", HISTORY).headers["ETag"]}
    ask("PUT", RECORD)
    assert ask("DELETE", HISTORY, headers=headers).status_int == 412


def test_pages_of_the_history_join_to_the_whole(ask: Asking) -> None:
    for number in range(5):
        ask("PUT", f"{RECORDS}/{number}")
    found, page = [], ask("GET", HISTORY + "?_limit=3")
    while "Next-Page" in page.headers:
        found += page.json["data"]
        page = ask("GET", page.headers["Next-Page"].partition("/v1")[2])
    assert found + page.json["data"] == ask.data(HISTORY)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("foo=1", "Unknown filter field 'foo'"),
        ("_sort=foo", "querystring: Unknown sort field 'foo'"),
        ("_fields=foo", "Invalid _fields parameter in body: Fields foo do not exist"),
    ],
)
def test_unknown_attributes_are_refused(ask: Asking, query: str, message: str) -> None:
    reply = ask("GET", f"{HISTORY}?{query}")
    assert (reply.status_int, reply.json["message"]) == (400, message)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("record_id=456", 1),
        ("in_record_id=456,7", 1),
        ('record_id="456"', 1),
        ("like_record_id=45", 1),
        ("not_record_id=456", 3),
        ("exclude_record_id=456", 3),
        ("has_record_id=true", 1),
        ("collection_id=456", 0),
        ("group_id=456", 1),
        ("in_group_id=456", 1),
        ("user_id=null", 0),
        ("like_uri=collections", 2),
        ("target.data.n=1", 2),
        ("has_target.permissions.write=true", 4),
        ("has_target.permissions.read=true", 0),
        ("deleted=true&_since=0", 0),
    ],
)
def test_entries_are_found_by_their_attributes(ask: Asking, query: str, number: int) -> None:
    for path in (f"{RECORDS}/456", f"{BUCKET}/groups/456"):
        ask("PUT", path)
    assert len(ask.data(f"{HISTORY}?{query}")) == number


# Entries (5.2)


def test_entry_about_a_record_says_all_of_it(ask: Asking) -> None:
    shown = ask("PUT", RECORD, {"data": {"a": {"b": "é\\u0000"}}}).json
    entry = newest(ask)
    assert uuid.UUID(entry.pop("id")).version == 4
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{6}\+00:00", entry.pop("date"))
    assert f'"{entry.pop("last_modified")}"' == ask("GET", HISTORY).headers["ETag"]
    assert entry == {
        "uri": RECORD,
        "resource_name": "record",
        "collection_id": "c",
        "record_id": "r",
        "action": "create",
        "user_id": ALICE,
        "target": {"data": shown["data"], "permissions": shown["permissions"]},
    }


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        (BUCKET, {"bucket_id": "b"}),
        (GROUP, {"group_id": "g"}),
        (COLLECTION, {"collection_id": "c"}),
        (RECORD, {"collection_id": "c", "record_id": "r"}),
    ],
)
def test_entry_names_the_ids_of_its_object(ask: Asking, path: str, ids: dict[str, str]) -> None:
    ask("PUT", path, {"data": {}})
    entry = newest(ask)
    assert {name: entry[name] for name in entry if name.endswith("_id")} == {
        **ids,
        "user_id": ALICE,
    }


def test_entry_about_a_deletion_shows_the_tombstone(ask: Asking) -> None:
    ask("PUT", RECORD)
    tombstone = ask("DELETE", RECORD).json["data"]
    assert newest(ask)["target"] == {"data": tombstone, "permissions": {}}


def test_entry_of_an_anonymous_write_has_no_user(ask: Asking) -> None:
    ask.share(COLLECTION, "write", "system.Everyone")
    ask("PUT", RECORD, user=ANONYMOUS)
    assert newest(ask, "resource_name=record")["user_id"] is None
    assert len(ask.data(HISTORY + "?user_id=null")) == 1


def test_timestamps_of_entries_are_their_own_sequence(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = ask.etag(HISTORY)
    ask.set_clock(monkeypatch, 1000)
    for number in range(3):
        ask("PUT", f"{RECORDS}/{number}", {"data": {"last_modified": number + 1}})
    found = [entry["last_modified"] for entry in ask.data(HISTORY)[:3]]
    assert found == [reached + 3, reached + 2, reached + 1]


# What leaves entries (5.3)

CREATED = [("create", "b"), ("create", "c")]


@pytest.mark.parametrize("path", [GROUP, RECORD])
def test_each_step_of_an_object_leaves_one_entry(ask: Asking, path: str) -> None:
    for method in ("PUT", "PATCH", "PUT", "DELETE"):
        ask(method, path, {"data": {}} if method != "DELETE" else None)
    name = path[-1]
    actions = ["create", "update", "update", "delete"]
    assert tell(ask) == CREATED + [(action, name) for action in actions]


@pytest.mark.parametrize("behavior", ["light", "diff"])
def test_short_answers_to_a_patch_leave_whole_entries(ask: Asking, behavior: str) -> None:
    ask("PUT", RECORD, {"data": {"a": 1}})
    reply = ask("PATCH", RECORD, {"data": {"b": 2}}, headers={"Response-Behavior": behavior})
    data = newest(ask)["target"]["data"]
    assert (reply.status_int, data["a"], data["b"]) == (200, 1, 2)


def test_change_of_permissions_is_an_update(ask: Asking) -> None:
    ask.share(COLLECTION, "read", "bob")
    entry = newest(ask)
    assert entry["action"] == "update"
    assert entry["target"]["permissions"] == {"write": [ALICE], "read": ["bob"]}


def test_post_on_an_existing_id_leaves_none(ask: Asking) -> None:
    ask("PUT", RECORD)
    assert ask("POST", RECORDS, {"data": {"id": "r"}}).status_int == 200
    assert tell(ask) == [*CREATED, ("create", "r")]


def test_what_the_personal_bucket_creates_leaves_one_each(make_ask: MakeAsk) -> None:
    ask = make_ask(includes="kinto.plugins.default_bucket kinto.plugins.history")
    ask("PUT", "/buckets/default/collections/c/records/r")
    history = ask.data("/buckets/default/history?_sort=last_modified")
    assert [entry["resource_name"] for entry in history] == ["bucket", "collection", "record"]


def test_plural_deletion_leaves_one_for_each_object_in_order(ask: Asking) -> None:
    for name in "xyz":
        ask("PUT", f"{RECORDS}/{name}")
    ask("DELETE", RECORDS + "?_sort=last_modified")
    assert tell(ask, "action=delete") == [("delete", name) for name in "xyz"]


def test_deletion_of_a_collection_leaves_none_for_its_records(ask: Asking) -> None:
    ask("PUT", RECORD)
    ask("DELETE", COLLECTION)
    assert tell(ask, "action=delete") == [("delete", "c")]


@pytest.mark.parametrize("path", [BUCKET, "/buckets"])
def test_deleted_bucket_takes_its_history_along(ask: Asking, path: str) -> None:
    ask("DELETE", HISTORY)
    ask("DELETE", path)
    assert ask("GET", HISTORY).status_int == 403
    ask("PUT", BUCKET)
    assert tell(ask, "_since=0") == [("create", "b")]


def test_bucket_deleted_and_made_again_in_a_batch_starts_anew(ask: Asking) -> None:
    send_batch(ask, ("PUT", RECORD, None), ("DELETE", BUCKET, None), ("PUT", BUCKET, None))
    assert tell(ask) == [("create", "b")]


def test_purge_leaves_none(ask: Asking) -> None:
    ask("DELETE", HISTORY)
    assert ask.data(HISTORY) == []


def test_refused_requests_leave_none(ask: Asking) -> None:
    for method, path in (("PUT", RECORD), ("DELETE", COLLECTION)):
        assert ask(method, path, user="bob").status_int == 403
    assert ask("PUT", RECORD, b"{").status_int == 400
    assert tell(ask) == CREATED


def test_deletion_of_user_data_leaves_one_for_each_object(make_ask: MakeAsk) -> None:
    settings: dict[str, Any] = {"user-data_delete_principals": user_id("root")}
    ask = make_ask(**PLUGIN, **settings)
    build_tree(ask)
    ask.share(BUCKET, "write", user_id("bob"))
    assert ask("DELETE", f"/__user_data__/{ALICE}", user="root").status_int == 200
    told = tell(ask, f"user_id={user_id('root')}", user="bob")
    assert sorted(told) == [("delete", name) for name in ("c", "c2", "g", "g2")]
    assert ask("GET", HISTORY).status_int == 403


# Batches (5.3)


def test_entries_of_a_batch_are_grouped_by_list_and_action(ask: Asking) -> None:
    send_batch(
        ask,
        ("PUT", RECORD, None),
        ("PATCH", RECORD, {"data": {"n": 2}}),
        ("PUT", GROUP, None),
        ("DELETE", RECORD, None),
        ("PUT", RECORD, {"data": {"n": 4}}),
    )
    told = [("create", "r"), ("create", "r"), ("update", "r"), ("create", "g"), ("delete", "r")]
    assert tell(ask) == CREATED + told


def test_entries_of_a_batch_show_the_permissions_at_its_end(ask: Asking) -> None:
    share = {"permissions": {"read": ["bob"]}}
    send_batch(ask, ("PUT", RECORD, None), ("PATCH", RECORD, share))
    found = [entry["target"]["permissions"] for entry in ask.data(HISTORY)[:2]]
    assert found == [{"write": [ALICE], "read": ["bob"]}] * 2


def test_refused_items_of_a_batch_leave_none_and_disturb_nothing(ask: Asking) -> None:
    statuses = send_batch(
        ask, ("PUT", RECORD, None), ("PUT", "/buckets/b/collections/!", None), ("PUT", GROUP, None)
    )
    assert statuses == [201, 400, 201]
    assert tell(ask) == [*CREATED, ("create", "r"), ("create", "g")]


def test_record_of_a_collection_deleted_in_the_same_batch_has_no_permissions(ask: Asking) -> None:
    other = "/buckets/b/collections/other"
    secret = {"permissions": {"read": [user_id("bob")]}}
    ask("PUT", other)
    send_batch(
        ask,
        ("PUT", RECORD, None),
        ("DELETE", COLLECTION, None),
        ("PUT", other + "/records/r2", secret),
    )
    assert newest(ask, "record_id=r")["target"]["permissions"] == {}
    assert tell(ask, user="bob") == [("create", "r2")]


# Settings (5.5)


def test_excluded_resources_leave_none(make_ask: MakeAsk) -> None:
    uris = f"/buckets/x {COLLECTION} {GROUP} /buckets/b/collections/d/records/r"
    ask = make_ask(**PLUGIN, history__exclude_resources=uris)
    for path in ("/buckets/x", "/buckets/x/groups/g", BUCKET, GROUP, GROUP + "2", COLLECTION):
        ask("PUT", path)
    for path in (RECORD, COLLECTION + "2", "/buckets/b/collections/d"):
        ask("PUT", path)
    for name in ("r", "r2"):
        ask("PUT", f"/buckets/b/collections/d/records/{name}")
    assert ask.data("/buckets/x/history") == []
    assert [name for _, name in tell(ask)] == ["b", "g2", "c2", "d", "r2"]


def test_hello_tells_what_is_excluded(make_ask: MakeAsk) -> None:
    uris = (
        "/buckets/x /buckets/b/collections/c /buckets/b/collections/c/records/r /buckets/b/groups/g"
    )
    ask = make_ask(**PLUGIN, history__exclude_resources=uris)
    assert ask("GET", "/").json["capabilities"]["history"]["excluded_resources"] == [
        {"bucket": "x"},
        {"bucket": "b", "collection": "c"},
        {"bucket": "b", "collection": "c", "record": "r"},
        {"bucket": "b", "group": "g"},
    ]


@pytest.mark.parametrize("uri", ["b", "/buckets", "/buckets/b/", "/buckets/b/collections"])
def test_start_fails_when_an_excluded_resource_is_none(make_ask: MakeAsk, uri: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(repr(uri))):
        make_ask(**PLUGIN, history__exclude_resources=uri)


def test_excluded_users_leave_none(make_ask: MakeAsk) -> None:
    ask = make_ask(**PLUGIN, history__exclude_user_ids=user_id("bob"))
    ask("PUT", BUCKET, {"permissions": {"write": [user_id("bob")]}})
    ask("PUT", COLLECTION, user="bob")
    ask("PUT", RECORD)
    assert [name for _, name in tell(ask)] == ["b", "r"]
