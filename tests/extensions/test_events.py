"""What listeners hear of, when, and what they may do about it (protocol, plugins chapter 14)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from kinto_lite.errors import ApiError, ErrorRow
from kinto_lite.events import (
    AfterResourceChanged,
    AfterResourceRead,
    ResourceChanged,
    ResourceRead,
    ServerFlushed,
)
from kinto_lite.hooks import Listener
from tests.extensions.hearing import MakeAsk, hear_all, include
from tests.plugins.conftest import ask, make_ask
from tests.resources.asking import BUCKET, COLLECTION, RECORD, RECORDS, Asking, user_id

__all__ = ["ask", "make_ask"]

ALICE = user_id("alice")
BEFORE = (ResourceRead, ResourceChanged)
AFTER = (AfterResourceRead, AfterResourceChanged)
REFUSAL = ErrorRow(400, 107, "Bad Request", "Not today.")


@pytest.fixture
def make_heard(make_ask: MakeAsk, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function from listeners to someone who asks; alice has an empty collection."""

    def make(*listeners: Listener, includes: str = "", **settings: str) -> Asking:
        name = include(monkeypatch, *listeners)
        return make_ask(includes=f"{includes} {name}", **settings)

    return make


def fill(ask: Asking, heard: list[Any]) -> None:
    """Make an empty collection, and forget that somebody heard of it."""
    for path in (BUCKET, COLLECTION):
        ask("PUT", path, {})
    heard.clear()


def batch(ask: Asking, *items: tuple[str, str, Any]) -> Any:
    requests = [{"method": m, "path": path, "body": body or {}} for m, path, body in items]
    return ask("POST", "/batch", {"requests": requests})


def outline(heard: list[Any]) -> list[tuple[str, str, int]]:
    """Action, kind and number of objects of each event."""
    return [
        (
            event.payload["action"],
            event.payload["resource_name"],
            len(getattr(event, "impacted_objects", None) or getattr(event, "read_objects", ())),
        )
        for event in heard
    ]


# Payload (14.2)


def test_an_event_tells_what_was_made_where_and_by_whom(make_heard: Any) -> None:
    heard, listeners = hear_all(ResourceChanged)
    ask = make_heard(*listeners)
    fill(ask, heard)
    made = ask("PUT", RECORD, {"data": {"n": 1}}).json["data"]
    (event,) = heard
    assert list(event.payload.items()) == [
        ("timestamp", made["last_modified"]),
        ("action", "create"),
        ("uri", RECORD),
        ("user_id", ALICE),
        ("resource_name", "record"),
        ("bucket_id", "b"),
        ("collection_id", "c"),
        ("record_id", "r"),
    ]
    assert event.impacted_objects == [{"new": made}]
    assert event.request.headers["authorization"].startswith("Basic ")


def test_a_request_on_a_list_has_no_id_of_its_own(make_heard: Any) -> None:
    heard, listeners = hear_all(ResourceChanged)
    ask = make_heard(*listeners)
    fill(ask, heard)
    ask("POST", RECORDS, {"data": {"id": "x"}})
    assert heard[0].payload["uri"] == RECORDS
    assert "record_id" not in heard[0].payload


def test_the_timestamp_is_that_of_the_list(make_heard: Any) -> None:
    heard, listeners = hear_all(ResourceChanged)
    ask = make_heard(*listeners)
    fill(ask, heard)
    ask("PUT", RECORD, {})
    ask("POST", RECORDS, {"data": {"last_modified": 5}})
    assert heard[1].impacted_objects[0]["new"]["last_modified"] == 5
    assert heard[1].payload["timestamp"] == ask.etag(RECORDS)


@pytest.mark.parametrize(
    "body", [{"data": {"n": 2}}, {"permissions": {"read": ["system.Everyone"]}}]
)
def test_an_update_shows_old_and_new(make_heard: Any, body: Any) -> None:
    heard, listeners = hear_all(ResourceChanged)
    ask = make_heard(*listeners)
    fill(ask, heard)
    old = ask("PUT", RECORD, {"data": {"n": 1}}).json["data"]
    new = ask("PATCH", RECORD, body, headers={"Response-Behavior": "full"}).json["data"]
    assert heard[1].payload["action"] == "update"
    assert heard[1].impacted_objects == [{"new": new, "old": old}]


def test_a_light_answer_does_not_make_the_event_lighter(make_heard: Any) -> None:
    heard, listeners = hear_all(ResourceChanged)
    ask = make_heard(*listeners)
    fill(ask, heard)
    ask("PUT", RECORD, {"data": {"n": 1}})
    ask("PATCH", RECORD, {"data": {"m": 2}}, headers={"Response-Behavior": "light"})
    assert heard[1].impacted_objects[0]["new"] == ask.data(RECORD)


def test_a_deletion_of_several_shows_every_tombstone(make_heard: Any) -> None:
    heard, listeners = hear_all(ResourceChanged)
    ask = make_heard(*listeners)
    fill(ask, heard)
    made = [ask("POST", RECORDS, {}).json["data"] for _ in "ab"]
    heard.clear()
    tombstones = ask("DELETE", f"{RECORDS}?_sort=last_modified").json["data"]
    (event,) = heard
    assert event.payload["uri"] == RECORDS
    assert event.payload["timestamp"] == ask.etag(RECORDS)
    pairs = [{"new": new, "old": old} for new, old in zip(tombstones, made, strict=True)]
    assert event.impacted_objects == pairs


def test_passwords_are_not_in_events(make_heard: Any) -> None:
    heard, listeners = hear_all(ResourceChanged)
    ask = make_heard(
        *listeners,
        includes="kinto.plugins.accounts",
        account_create_principals="system.Everyone",
        **{"multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy"},
        **{"multiauth.policies": "account"},
    )
    ask("POST", "/accounts", {"data": {"id": "eve", "password": "pw"}}, user="")
    assert heard[0].payload["resource_name"] == "account"
    assert set(heard[0].impacted_objects[0]["new"]) == {"id", "last_modified"}


# Which events there are (14.3)


def test_a_batch_is_merged_by_list_and_action(make_heard: Any) -> None:
    heard, listeners = hear_all(ResourceChanged, ResourceRead)
    ask = make_heard(*listeners)
    fill(ask, heard)
    batch(
        ask,
        ("PUT", RECORD, {"data": {"n": 1}}),
        ("PUT", "/buckets/b/collections/d", None),
        ("PUT", f"{RECORDS}/s", None),
        ("PATCH", RECORD, {"data": {"n": 2}}),
        ("DELETE", f"{RECORDS}/s", None),
        ("GET", RECORD, None),
        ("PUT", "/buckets/b/collections/missing/records/x", None),
    )
    assert outline(heard) == [
        ("create", "record", 2),
        ("create", "collection", 1),
        ("update", "record", 1),
        ("delete", "record", 1),
        ("read", "record", 1),
    ]
    first = heard[0]
    assert (first.payload["uri"], first.payload["record_id"]) == (RECORD, "r")
    assert first.payload["timestamp"] == first.impacted_objects[0]["new"]["last_modified"]


def test_what_a_refused_item_did_is_no_event(make_heard: Any) -> None:
    heard, listeners = hear_all(ResourceChanged)
    ask = make_heard(*listeners)
    fill(ask, heard)

    def refuse(call: Any, change: Any) -> None:
        if change.ref.id == "r":
            raise ApiError(REFUSAL)

    ask.service.listeners.append(refuse)
    reply = batch(ask, ("PUT", RECORD, None), ("PUT", f"{RECORDS}/s", None))
    assert [part["status"] for part in reply.json["responses"]] == [400, 201]
    assert [event.payload["uri"] for event in heard] == [f"{RECORDS}/s"]


def test_the_personal_bucket_is_an_event_under_its_own_name(make_heard: Any) -> None:
    heard, listeners = hear_all(ResourceChanged)
    ask = make_heard(*listeners, includes="kinto.plugins.default_bucket")
    ask("PUT", "/buckets/default/collections/x/records/y", {})
    own = ask("GET", "/").json["user"]["bucket"]
    uris = [event.payload["uri"] for event in heard]
    assert uris == [
        f"/buckets/{own}",
        f"/buckets/{own}/collections/x",
        f"/buckets/{own}/collections/x/records/y",
    ]


def test_deleting_a_parent_is_one_event(make_heard: Any) -> None:
    heard, listeners = hear_all(ResourceChanged)
    ask = make_heard(*listeners)
    fill(ask, heard)
    ask("PUT", RECORD, {})
    heard.clear()
    ask("DELETE", BUCKET)
    assert outline(heard) == [("delete", "bucket", 1)]


@pytest.mark.parametrize(
    ("method", "path", "body", "count"),
    [
        ("GET", RECORD, None, 1),
        ("HEAD", RECORD, None, 1),
        ("GET", RECORDS, None, 1),
        ("HEAD", RECORDS, None, 0),
        ("POST", RECORDS, {"data": {"id": "r"}}, 1),
        ("DELETE", f"{RECORDS}?n=77", None, 0),
    ],
)
def test_reads_are_events(make_heard: Any, method: str, path: str, body: Any, count: int) -> None:
    heard, listeners = hear_all(ResourceRead)
    ask = make_heard(*listeners)
    fill(ask, heard)
    ask("PUT", RECORD, {"data": {"n": 1}})
    ask(method, path, body)
    assert outline(heard) == [("read", "record", count)]
    assert heard[0].payload["uri"] == path.partition("?")[0]
    assert heard[0].payload["timestamp"] == ask.etag(RECORDS)


def test_the_list_of_permissions_is_read_too(make_heard: Any) -> None:
    heard, listeners = hear_all(ResourceRead)
    ask = make_heard(*listeners, experimental_permissions_endpoint="true")
    ask("PUT", BUCKET, {})
    shown = ask.data("/permissions")
    assert heard[0].payload == {
        "timestamp": 0,
        "action": "read",
        "uri": "/permissions",
        "user_id": ALICE,
        "resource_name": "permissions",
    }
    assert heard[0].read_objects == shown


@pytest.mark.parametrize("path", [RECORD, RECORDS])
def test_selected_fields_are_all_that_a_read_event_shows(make_heard: Any, path: str) -> None:
    heard, listeners = hear_all(ResourceRead)
    ask = make_heard(*listeners)
    fill(ask, heard)
    ask("PUT", RECORD, {"data": {"n": 1, "m": 2}})
    ask("GET", f"{path}?_fields=n")
    assert set(heard[0].read_objects[0]) == {"n", "id", "last_modified"}


def test_what_is_refused_or_not_modified_is_no_event(make_heard: Any) -> None:
    heard, listeners = hear_all(*BEFORE, *AFTER)
    ask = make_heard(*listeners)
    fill(ask, heard)
    etag = ask("GET", COLLECTION).headers["ETag"]
    heard.clear()
    assert ask("GET", COLLECTION, headers={"If-None-Match": etag}).status_int == 304
    assert ask("PUT", COLLECTION, {"data": 1}).status_int == 400
    assert ask("GET", RECORD).status_int == 404
    assert ask("PUT", RECORD, {}, user="bob").status_int == 403
    assert heard == []


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"resources": frozenset({"record"})}, 2),
        ({"actions": frozenset({"update"})}, 1),
        ({"resources": frozenset({"bucket"}), "actions": frozenset({"delete"})}, 0),
    ],
)
def test_listeners_hear_of_what_they_ask_for(
    make_heard: Any, filters: dict[str, frozenset[str]], count: int
) -> None:
    heard, listeners = hear_all(ResourceChanged, **filters)
    ask = make_heard(*listeners)
    for path in (BUCKET, COLLECTION, RECORD, RECORD):
        ask("PUT", path, {})
    assert len(heard) == count


# What listeners may do (14.1, 14.3)


def veto(event: Any) -> None:
    raise ApiError(REFUSAL)


def fail(event: Any) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(("act", "status"), [(veto, 400), (fail, 500)])
def test_a_listener_may_undo_a_request(make_heard: Any, act: Any, status: int) -> None:
    ask = make_heard(Listener(ResourceChanged, act, frozenset({"record"})))
    fill(ask, [])
    assert ask("PUT", RECORD, {}).status_int == status
    assert ask("GET", RECORD).status_int == 404


def test_a_veto_is_the_answer_to_a_whole_batch_and_undoes_it(make_heard: Any) -> None:
    ask = make_heard(
        Listener(ResourceChanged, veto, frozenset({"record"})), includes="kinto.plugins.history"
    )
    reply = batch(ask, ("PUT", BUCKET, None), ("PUT", COLLECTION, None), ("PUT", RECORD, None))
    assert (reply.status_int, reply.json["message"]) == (400, "Not today.")
    assert ask.ids("/buckets") == []


def test_a_veto_of_a_read_hides_what_was_read(make_heard: Any) -> None:
    ask = make_heard(Listener(ResourceRead, veto))
    ask("PUT", BUCKET, {})
    assert ask("GET", BUCKET).status_int == 400


@pytest.mark.parametrize("event", AFTER)
def test_who_hears_after_the_commit_changes_nothing(
    make_heard: Any, event: type[Any], caplog: pytest.LogCaptureFixture
) -> None:
    heard, listeners = hear_all(*AFTER)
    ask = make_heard(Listener(event, fail), *listeners)
    with caplog.at_level(logging.ERROR):
        assert ask("PUT", BUCKET, {"data": {"n": 1}}).status_int == 201
        assert ask.data(BUCKET)["n"] == 1
    assert outline(heard) == [("create", "bucket", 1), ("read", "bucket", 1)]
    assert "Unable to notify" in caplog.text


def test_nobody_hears_after_a_commit_that_a_listener_has_stopped(make_heard: Any) -> None:
    heard, listeners = hear_all(*AFTER)
    make_heard(*listeners, Listener(ResourceChanged, veto))("PUT", BUCKET, {})
    assert heard == []


def test_after_the_commit_others_see_the_change(make_heard: Any) -> None:
    counts: list[int] = []

    def look(event: Any) -> None:
        with ask.storage.transaction(write=False) as tx:
            counts.append(tx.count_all()[0]["bucket"])

    ask = make_heard(Listener(AfterResourceChanged, look))
    ask("PUT", BUCKET, {})
    assert counts == [1]


def test_changes_by_listeners_are_events_after_the_others(
    make_ask: MakeAsk, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, listeners = hear_all(ResourceChanged)
    calls: list[Any] = []

    def follow(event: Any) -> None:
        call = calls[-1]
        if event.payload["resource_name"] == "bucket":
            change = call.work.changes[-1]
            call.tell("update", change.ref, change.new, change.new)
            call.tell("create", change.ref._replace(kind="group"), None, change.new)

    name = include(
        monkeypatch,
        Listener(ResourceChanged, follow, actions=frozenset({"create"})),
        *listeners,
        after_write=lambda call, change: calls.append(call),
    )
    make_ask(includes=name)("PUT", BUCKET, {})
    assert [action for action, _, _ in outline(heard)] == ["create", "update", "create"]


def test_listeners_that_never_end_are_stopped(
    make_ask: MakeAsk, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def again(event: Any) -> None:
        change = calls[-1].work.changes[-1]
        calls[-1].tell("update", change.ref, change.new, change.new)

    name = include(
        monkeypatch,
        Listener(ResourceChanged, again),
        after_write=lambda call, change: calls.append(call),
    )
    ask = make_ask(includes=name)
    assert ask("PUT", BUCKET, {}).status_int == 500
    assert ask("GET", BUCKET).status_int == 403


def test_what_other_plugins_change_at_the_end_is_an_event_too(
    make_ask: MakeAsk, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, listeners = hear_all(ResourceChanged)

    def change_more(call: Any) -> None:
        change = call.work.changes[-1]
        call.tell("update", change.ref, change.new, change.new)

    name = include(monkeypatch, *listeners, before_commit=change_more)
    make_ask(includes=name)("PUT", BUCKET, {})
    assert [action for action, _, _ in outline(heard)] == ["create", "update"]


def test_the_history_has_what_listeners_change(
    make_ask: MakeAsk, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def change_more(event: Any) -> None:
        change = calls[-1].work.changes[-1]
        if event.payload["action"] == "create":
            calls[-1].tell("update", change.ref, change.new, change.new)

    name = include(
        monkeypatch,
        Listener(ResourceChanged, change_more),
        after_write=lambda call, change: calls.append(call),
    )
    ask = make_ask(includes=f"kinto.plugins.history {name}")
    ask("PUT", BUCKET, {})
    entries = ask.data(f"{BUCKET}/history")
    assert [entry["action"] for entry in entries] == ["update", "create"]


@pytest.mark.parametrize(("act", "status", "left"), [(None, 202, []), (veto, 400, ["b"])])
def test_a_flush_is_an_event_that_may_be_undone(
    make_heard: Any, act: Any, status: int, left: list[str]
) -> None:
    heard, listeners = hear_all(ServerFlushed)
    refusing = [Listener(ServerFlushed, act)] if act else []
    ask = make_heard(*listeners, *refusing, includes="kinto.plugins.flush")
    ask("PUT", BUCKET, {})
    assert ask("POST", "/__flush__").status_int == status
    assert (len(heard), ask.ids("/buckets")) == (1, left)


# Nobody listens


def test_nothing_is_made_for_nobody(make_heard: Any) -> None:
    service = make_heard().service
    assert (service.listeners, service.readers, service.finishers) == ([], [], [])


def test_reads_are_not_looked_at_when_only_changes_are_heard(make_heard: Any) -> None:
    _, listeners = hear_all(ResourceChanged)
    assert make_heard(*listeners).service.readers == []


def test_what_nobody_hears_of_is_not_put_together(make_heard: Any) -> None:
    _, listeners = hear_all(AfterResourceChanged, resources=frozenset({"group"}))
    ask = make_heard(*listeners)
    told: list[int] = []
    ask.service.finishers.insert(0, lambda call: told.append(len(call.work.told)))
    ask("PUT", BUCKET, {})
    assert told == [0]
