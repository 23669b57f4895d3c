"""Lists for those who may see a part of them only (protocol, core chapter 8.7)."""

from __future__ import annotations

import pytest

from tests.resources.asking import BUCKET, COLLECTION, RECORDS, Asking, user_id

BOB = user_id("bob")


@pytest.fixture
def shared(tree: Asking) -> Asking:
    """A list of ten records of which bob may read 1, 3 and 5 and write 3 and 5."""
    tree("DELETE", RECORDS)
    for n in range(10):
        body = {"data": {"n": n}, "permissions": {"read": [BOB]} if n == 1 else {}}
        if n in (3, 5):
            body["permissions"] = {"write": [BOB]}
        tree("PUT", f"{RECORDS}/r{n}", body)
    return tree


def test_only_what_is_shared_is_listed(shared: Asking) -> None:
    assert shared.ids(RECORDS, "bob") == ["r1", "r3", "r5"]


def test_the_etag_is_the_one_of_the_whole_list(shared: Asking) -> None:
    reply = shared("GET", RECORDS, user="bob")
    assert reply.headers["ETag"] == f'"{shared.etag(RECORDS)}"'


def test_preconditions_are_those_of_the_whole_list(shared: Asking) -> None:
    etag = f'"{shared.etag(RECORDS)}"'
    replies = [
        shared("GET", RECORDS, user="bob", headers={header: etag})
        for header in ("If-None-Match", "If-Match")
    ]
    assert [reply.status_int for reply in replies] == [304, 200]


@pytest.mark.parametrize(
    ("query", "count"), [("", 3), ("?_limit=1", 3), ("?gt_n=2", 2), ("?n=0", 0), ("?_since=0", 3)]
)
def test_head_counts_the_visible_part(shared: Asking, query: str, count: int) -> None:
    headers = shared("HEAD", RECORDS + query, user="bob").headers
    assert headers["Total-Objects"] == headers["Total-Records"] == str(count)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("?gt_n=2", ["r3", "r5"]),
        ("?in_n=1,2,3", ["r1", "r3"]),
        ("?n=0", []),
        ("?id=r0", []),
        ("?_since=0", ["r1", "r3", "r5"]),
        ("?exclude_id=r1", ["r3", "r5"]),
    ],
)
def test_filters_apply_to_the_visible_part(shared: Asking, query: str, ids: list[str]) -> None:
    assert shared.ids(RECORDS + query, "bob") == ids


@pytest.mark.parametrize("sort", ["n", "-n", "last_modified", "-id"])
def test_pages_hold_the_visible_part_once(shared: Asking, sort: str) -> None:
    url, seen = f"{RECORDS}?_limit=2&_sort={sort}", []
    for _ in range(2):
        reply = shared("GET", url, user="bob")
        seen += [item["n"] for item in reply.json["data"]]
        url = reply.headers.get("Next-Page", "").partition("/v1")[2]
    assert url == ""
    assert seen == sorted([1, 3, 5], reverse=sort.startswith("-"))


def test_fields_are_selected_of_the_visible_part(shared: Asking) -> None:
    reply = shared("GET", RECORDS + "?_fields=x&_sort=n", user="bob")
    assert [set(item) for item in reply.json["data"]] == [{"id", "last_modified"}] * 3


def test_tombstones_are_not_seen(shared: Asking) -> None:
    shared("DELETE", RECORDS + "/r1")
    assert shared.ids(RECORDS + "?_since=0", "bob") == ["r3", "r5"]


def test_a_deletion_takes_what_may_be_written(shared: Asking) -> None:
    deleted = shared("DELETE", RECORDS, user="bob").json["data"]
    assert sorted(item["id"] for item in deleted) == ["r3", "r5"]
    assert len(shared.ids(RECORDS)) == 8


def test_a_filtered_deletion_takes_the_writable_matches(shared: Asking) -> None:
    deleted = shared("DELETE", RECORDS + "?lt_n=4", user="bob").json["data"]
    assert [item["id"] for item in deleted] == ["r3"]


def test_the_list_is_refused_when_the_last_shared_object_is_gone(shared: Asking) -> None:
    shared("DELETE", RECORDS + "?in_n=1,3,5")
    assert shared("GET", RECORDS, user="bob").status_int == 403


def test_a_share_with_everyone_opens_the_list_to_anonymous_readers(shared: Asking) -> None:
    assert shared("GET", RECORDS, user="").status_int == 401
    shared.share(RECORDS + "/r0", "read", "system.Everyone")
    assert shared.ids(RECORDS, "") == ["r0"]
    assert shared.ids(RECORDS, "bob") == ["r0", "r1", "r3", "r5"]


def test_an_object_that_is_shared_twice_is_listed_once(shared: Asking) -> None:
    shared("PUT", "/buckets/b/groups/g", {"data": {"members": [BOB]}})
    shared("PATCH", RECORDS + "/r1", {"permissions": {"read": [BOB, "/buckets/b/groups/g"]}})
    shared("PATCH", RECORDS + "/r1", {"permissions": {"write": [BOB]}})
    assert shared.ids(RECORDS, "bob") == ["r1", "r3", "r5"]
    assert shared("HEAD", RECORDS, user="bob").headers["Total-Objects"] == "3"


def test_sharing_a_record_gives_nothing_above_it(shared: Asking) -> None:
    paths = [COLLECTION, "/buckets/b/collections", BUCKET]
    assert [shared("GET", path, user="bob").status_int for path in paths] == [403, 403, 403]


def test_sharing_a_record_leaves_other_lists_alone(shared: Asking) -> None:
    assert shared("GET", COLLECTION + "2/records", user="bob").status_int == 403


@pytest.mark.parametrize("permission", ["read", "write", "record:create"])
def test_any_right_on_a_collection_lists_it(tree: Asking, permission: str) -> None:
    tree.share(COLLECTION, permission, BOB)
    assert tree.ids("/buckets/b/collections", "bob") == ["c"]


def test_a_partial_list_with_no_match_has_the_total_zero(shared: Asking) -> None:
    reply = shared("GET", RECORDS + "?n=77", user="bob")
    assert (reply.json["data"], reply.headers["Total-Objects"]) == ([], "0")


def test_the_counter_of_the_whole_list_is_not_shown_for_a_part(shared: Asking) -> None:
    totals = [
        shared("GET", RECORDS + query, user="bob").headers.get("Total-Objects")
        for query in ("", "?_limit=2", "?_limit=3")
    ]
    assert totals == ["3", None, "3"]


def test_head_of_an_object_is_refused_like_get(shared: Asking) -> None:
    assert shared("HEAD", RECORDS + "/r0", user="bob").status_int == 403
