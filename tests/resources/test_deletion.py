"""Deletion, what goes with it, and re-creation (protocol, core chapter 6)."""

from __future__ import annotations

import pytest

from tests.resources.asking import (
    BUCKET,
    COLLECTION,
    GROUP,
    RECORD,
    RECORDS,
    Asking,
    user_id,
)

OBJECTS = [BUCKET, GROUP, COLLECTION, RECORD]


@pytest.mark.parametrize("path", OBJECTS)
def test_deletion_answers_the_tombstone_alone(tree: Asking, path: str) -> None:
    reply = tree("DELETE", path)
    data = reply.json["data"]
    assert reply.json == {
        "data": {
            "id": path.rpartition("/")[2],
            "last_modified": data["last_modified"],
            "deleted": True,
        }
    }


@pytest.mark.parametrize("path", [GROUP, COLLECTION, RECORD])
def test_a_second_deletion_is_404(tree: Asking, path: str) -> None:
    tree("DELETE", path)
    reply = tree("DELETE", path)
    assert (reply.status_int, reply.json["errno"]) == (404, 110)


def test_a_second_deletion_of_a_bucket_is_403(tree: Asking) -> None:
    assert [tree("DELETE", BUCKET).status_int for _ in "ab"] == [200, 403]


@pytest.mark.parametrize("path", [GROUP, COLLECTION, RECORD])
def test_tombstones_are_listed_since_a_time_only(tree: Asking, path: str) -> None:
    tree("DELETE", path)
    list_path, _, id_ = path.rpartition("/")
    since = tree("GET", list_path + "?_since=0").json["data"]
    assert [item["id"] for item in since if item.get("deleted")] == [id_]
    assert id_ not in tree.ids(list_path)


# DELETE ?last_modified=n (6.2)


def delete_at(tree: Asking, text: str) -> int:
    reply = tree("DELETE", f"{RECORD}?last_modified={text}")
    assert reply.status_int == 200
    return int(reply.json["data"]["last_modified"])


def test_a_tombstone_takes_a_newer_timestamp_below_the_counter(tree: Asking) -> None:
    tree("PUT", RECORD + "3", {"data": {"last_modified": 5}})
    counter = tree.etag(RECORDS)
    reply = tree("DELETE", RECORD + "3?last_modified=7")
    assert (reply.json["data"]["last_modified"], tree.etag(RECORDS)) == (7, counter)


def test_a_tombstone_at_the_counter_is_bumped(tree: Asking) -> None:
    counter = tree.etag(RECORDS)
    assert delete_at(tree, str(counter)) > counter


@pytest.mark.parametrize("quote", ["", "%22"])
def test_a_tombstone_in_the_future_moves_the_counter(tree: Asking, quote: str) -> None:
    future = tree.etag(RECORDS) + 10**6
    assert delete_at(tree, f"{quote}{future}{quote}") == future == tree.etag(RECORDS)


@pytest.mark.parametrize("text", ["0", "1000", "null"])
def test_a_tombstone_ignores_old_timestamps(tree: Asking, text: str) -> None:
    counter = tree.etag(RECORDS)
    assert delete_at(tree, text) > counter


@pytest.mark.parametrize("text", ["abc", "", "%5B%5D", "true", "%22x%22", "1e400"])
def test_a_tombstone_needs_a_number(tree: Asking, text: str) -> None:
    reply = tree("DELETE", f"{RECORD}?last_modified={text}")
    assert (reply.status_int, reply.json["details"][0]["name"]) == (400, "last_modified")
    assert tree("GET", RECORD).status_int == 200


# Cascade (6.3) and re-creation (6.4)


def test_records_vanish_with_their_collection(tree: Asking) -> None:
    tree("DELETE", RECORD + "2")
    tree("DELETE", COLLECTION)
    tree("PUT", COLLECTION, {"data": {}})
    assert tree.data(RECORDS + "?_since=0") == []
    assert tree("GET", RECORD).status_int == 404


def test_everything_below_a_bucket_vanishes_with_it(tree: Asking) -> None:
    tree("DELETE", COLLECTION + "2")
    tree("DELETE", BUCKET)
    tree("PUT", BUCKET, {"data": {}})
    assert tree.data("/buckets/b/collections?_since=0") == []
    assert tree.data("/buckets/b/groups?_since=0") == []
    assert tree("PUT", RECORD, {"data": {}}).json["errno"] == 111


def test_a_plural_deletion_of_buckets_cascades(tree: Asking) -> None:
    assert [item["id"] for item in tree("DELETE", "/buckets").json["data"]] == ["b"]
    tree("PUT", BUCKET, {"data": {}})
    assert tree.ids("/buckets/b/collections") == []


def test_a_plural_deletion_of_collections_cascades(tree: Asking) -> None:
    tree("DELETE", "/buckets/b/collections")
    tree("PUT", COLLECTION, {"data": {}})
    assert tree.ids(RECORDS) == []


def test_a_recreated_collection_starts_a_new_counter(
    tree: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = tree.etag(RECORDS) + 10**7
    tree("PUT", RECORD, {"data": {"last_modified": future}})
    tree("DELETE", COLLECTION)
    tree("PUT", COLLECTION, {"data": {}})
    assert tree.etag(RECORDS) < future


@pytest.mark.parametrize("path", OBJECTS)
def test_permissions_die_with_the_object(tree: Asking, path: str) -> None:
    tree.share(path, "read", user_id("bob"))
    tree("DELETE", path)
    assert tree("PUT", path, {"data": {}}).status_int == 201
    assert tree.permissions(path) == {"write": {user_id("alice")}}
    assert tree("GET", path, user="bob").status_int == 403


@pytest.mark.parametrize("deleted", [BUCKET, COLLECTION])
def test_permissions_of_records_die_with_what_holds_them(tree: Asking, deleted: str) -> None:
    tree.share(RECORD, "read", user_id("bob"))
    tree("DELETE", deleted)
    for path in (BUCKET, COLLECTION, RECORD):
        tree("PUT", path, {"data": {}})
    assert tree("GET", RECORD, user="bob").status_int == 403


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_recreation_removes_the_tombstone(tree: Asking, method: str) -> None:
    tree("DELETE", RECORD)
    path, body = (RECORD, {"data": {}}) if method == "PUT" else (RECORDS, {"data": {"id": "r"}})
    assert tree(method, path, body).status_int == 201
    assert [i for i in tree.data(RECORDS + "?_since=0") if i.get("deleted")] == []


# Group principals


def join(tree: Asking) -> None:
    """Let bob be in the group, and the group read the collection."""
    tree("PUT", GROUP, {"data": {"members": [user_id("bob")]}})
    tree.share(COLLECTION, "read", GROUP)


def principals(ask: Asking, user: str) -> set[str]:
    return set(ask("GET", "/", user=user).json["user"]["principals"])


def test_members_have_the_principal_of_their_group(tree: Asking) -> None:
    join(tree)
    assert GROUP in principals(tree, "bob")
    assert tree("GET", RECORD, user="bob").status_int == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", BUCKET, None),
        ("DELETE", GROUP, None),
        ("DELETE", "/buckets", None),
        ("DELETE", "/buckets/b/groups", None),
        ("PUT", GROUP, {"data": {"members": []}}),
        ("PUT", GROUP, {"data": {}}),
        ("PATCH", GROUP, {"data": {"members": ["carol"]}}),
    ],
)
def test_former_members_lose_the_principal(
    tree: Asking, method: str, path: str, body: object
) -> None:
    join(tree)
    assert tree(method, path, body).status_int == 200
    assert GROUP not in principals(tree, "bob")
    for again in (BUCKET, GROUP, COLLECTION):
        tree("PUT", again, {"permissions": {"read": [GROUP]}})
    assert tree("GET", COLLECTION, user="bob").status_int == 403


def test_a_data_less_write_of_a_group_keeps_its_members(tree: Asking) -> None:
    join(tree)
    tree("PUT", GROUP, {"permissions": {"read": ["carol"]}})
    assert GROUP in principals(tree, "bob")


def test_a_group_may_hold_all_authenticated_users(tree: Asking) -> None:
    tree("PUT", GROUP, {"data": {"members": ["system.Authenticated"]}})
    tree.share(RECORD, "read", GROUP)
    assert tree("GET", RECORD, user="anybody").status_int == 200
    assert tree("GET", RECORD, user="").status_int == 401


@pytest.mark.parametrize("value", [2**63 - 1, 2**63, 10**27, 253402300800000])
def test_a_deletion_in_no_expressible_time_gets_a_fresh_timestamp(tree: Asking, value: int) -> None:
    tombstone = tree("DELETE", f"{RECORD}?last_modified={value}").json["data"]
    assert tombstone["last_modified"] < 253402300800000
    assert tree("PUT", RECORD, {}).status_int == 201
