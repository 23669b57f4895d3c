"""A collection as it was at some time (protocol, plugins 5.7)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.plugins.histories import PLUGIN, MakeAsk
from tests.resources.asking import ANONYMOUS, BUCKET, COLLECTION, RECORD, RECORDS, Asking, user_id

SNAPSHOTS = "/buckets/b/snapshot/collections/"


@pytest.fixture
def ask(make_ask: MakeAsk) -> Asking:
    """Someone who asks an app with history; alice has an empty collection."""
    ask = make_ask(**PLUGIN)
    for path in (BUCKET, COLLECTION):
        ask("PUT", path)
    return ask


def put(ask: Asking, path: str = RECORD, **data: Any) -> int:
    """Write a record and return its timestamp."""
    return int(ask("PUT", path, {"data": data}).json["data"]["last_modified"])


def delete(ask: Asking, path: str = RECORD) -> int:
    """Delete a record and return the timestamp of the tombstone."""
    return int(ask("DELETE", path).json["data"]["last_modified"])


def look_back(ask: Asking, when: object, user: str = "alice") -> Any:
    """The records as they were then."""
    return ask.data(f"{SNAPSHOTS}c@{when}", user)


def test_each_step_of_a_record_is_found_again(ask: Asking) -> None:
    created, updated, deleted = put(ask, v=1), put(ask, v=2), delete(ask)
    assert look_back(ask, created - 1) == []
    assert look_back(ask, created) == [{"v": 1, "id": "r", "last_modified": created}]
    assert look_back(ask, updated) == [{"v": 2, "id": "r", "last_modified": updated}]
    assert look_back(ask, deleted) == []


def test_record_that_came_back_later_is_shown_as_its_tombstone(ask: Asking) -> None:
    created, deleted, restored = put(ask), delete(ask), put(ask, v=2)
    tombstone = {"id": "r", "last_modified": deleted, "deleted": True}
    found = [look_back(ask, when)[0] for when in (created, deleted, restored)]
    assert found == [
        {"id": "r", "last_modified": created},
        tombstone,
        {"v": 2, "id": "r", "last_modified": restored},
    ]


def test_records_come_newest_first(ask: Asking) -> None:
    for name in "xyz":
        put(ask, f"{RECORDS}/{name}")
    when = put(ask, f"{RECORDS}/x", v=2)
    put(ask, f"{RECORDS}/y", v=2)
    assert [record["id"] for record in look_back(ask, when)] == ["x", "z", "y"]


@pytest.mark.parametrize("when", ["9999999999999", "9" * 100])
def test_the_future_is_the_present(ask: Asking, when: str) -> None:
    put(ask, v=1)
    put(ask, v=2)
    assert [record["v"] for record in look_back(ask, when)] == [2]


def test_steps_within_a_batch_are_told_apart(ask: Asking) -> None:
    steps = [{"method": "PUT", "path": RECORD, "body": {"data": {"v": v}}} for v in range(3)]
    steps.insert(1, {"method": "DELETE", "path": RECORD})
    replies = ask("POST", "/batch", {"requests": steps}).json["responses"]
    when = [reply["body"]["data"]["last_modified"] for reply in replies]
    put(ask, v="later")
    found = [look_back(ask, moment)[0].get("v", "deleted") for moment in when]
    assert found == [0, "deleted", 1, 2]


def test_record_without_history_of_then_is_left_out(ask: Asking) -> None:
    created = put(ask)
    put(ask, v=2)
    ask("DELETE", "/buckets/b/history")
    assert look_back(ask, created) == []


def test_attributes_of_a_client_are_not_taken_for_our_own(ask: Asking) -> None:
    data = {"id\0": 1, "last_modified\0": 5, "target": {"data": {"last_modified": 1}}, "n": 1e0}
    when = put(ask, **data)
    put(ask)
    assert look_back(ask, when) == [{**data, "id": "r", "last_modified": when}]
    assert look_back(ask, when - 1) == []


def test_collections_do_not_mix(ask: Asking) -> None:
    ask("PUT", "/buckets/b/collections/d")
    when = put(ask, v="c")
    for value in ("d", "newest"):
        put(ask, "/buckets/b/collections/d/records/r", v=value, last_modified=when)
    put(ask, v="later")
    assert [record["v"] for record in look_back(ask, when)] == ["c"]


def test_query_is_ignored(ask: Asking) -> None:
    when = put(ask, v=1)
    for query in ("?v=2", "?_limit=0", "?_sort=!", "?_since=abc"):
        assert len(look_back(ask, f"{when}{query}")) == 1


def test_snapshot_has_no_headers_of_a_list(ask: Asking) -> None:
    headers = ask("GET", f"{SNAPSHOTS}c@1").headers
    assert not {"ETag", "Last-Modified", "Cache-Control"} & set(headers)


@pytest.mark.parametrize("when", ["abc", "-1", "1.5", "1e3", "٣", "9" * 5000])
def test_malformed_timestamp_answers_400(ask: Asking, when: str) -> None:
    reply = ask("GET", f"{SNAPSHOTS}c@{quote(when)}")
    detail = {
        "location": "path",
        "name": "timestamp",
        "description": f"Invalid timestamp '{when}'",
    }
    assert (reply.status_int, reply.json["details"]) == (400, [detail])


@pytest.mark.parametrize("name", ["c", "c@", "@5"])
def test_missing_timestamp_or_collection_answers_404(ask: Asking, name: str) -> None:
    reply = ask("GET", SNAPSHOTS + name)
    assert (reply.status_int, reply.json["errno"], "details" in reply.json) == (404, 111, False)


@pytest.mark.parametrize(
    ("path", "kind", "id_"),
    [
        (SNAPSHOTS + "-c@5", "collection", "-c"),
        (SNAPSHOTS + "c@5@6", "collection", "c@5"),
        ("/buckets/-b/snapshot/collections/c@5", "bucket", "-b"),
    ],
)
def test_malformed_id_answers_404(ask: Asking, path: str, kind: str, id_: str) -> None:
    reply = ask("GET", path)
    assert (reply.status_int, reply.json["errno"]) == (404, 111)
    assert reply.json["details"] == {"id": id_, "resource_name": kind}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_snapshots_are_read_only(ask: Asking, method: str) -> None:
    assert ask(method, SNAPSHOTS + "c@5").status_int == 405


def test_unknown_collection_of_a_readable_bucket_was_empty(ask: Asking) -> None:
    assert ask.data(SNAPSHOTS + "missing@5") == []


@pytest.mark.parametrize("path", [BUCKET, COLLECTION])
@pytest.mark.parametrize("permission", ["read", "write"])
def test_readers_of_bucket_or_collection_look_back(ask: Asking, path: str, permission: str) -> None:
    ask.share(path, permission, user_id("bob"))
    assert len(look_back(ask, put(ask), "bob")) == 1


@pytest.mark.parametrize(("user", "status"), [("bob", 403), (ANONYMOUS, 401)])
@pytest.mark.parametrize("path", [SNAPSHOTS + "c@5", "/buckets/no/snapshot/collections/c@5"])
def test_strangers_are_refused(ask: Asking, user: str, status: int, path: str) -> None:
    assert ask("GET", path, user=user).status_int == status


def test_readers_of_a_record_only_are_refused(ask: Asking) -> None:
    put(ask)
    ask.share(RECORD, "read", user_id("bob"))
    ask.share(COLLECTION, "record:create", user_id("bob"))
    assert ask("GET", SNAPSHOTS + "c@5", user="bob").status_int == 403


@pytest.mark.parametrize("kind", ["bucket", "collection", "record", "history"])
def test_what_settings_grant_does_not_help(make_ask: MakeAsk, kind: str) -> None:
    ask = make_ask(**PLUGIN, **{f"{kind}_read_principals": "system.Everyone"})
    for path in (BUCKET, COLLECTION):
        ask("PUT", path)
    assert ask("GET", SNAPSHOTS + "c@5", user="bob").status_int == 403
