"""DELETE on lists, page by page, and its tokens (protocol, core chapters 5.5 and 5.7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.resources.asking import BUCKET, COLLECTION, RECORDS, Asking

USED = "_token was already used or has expired."


@pytest.fixture
def listed(tree: Asking) -> Asking:
    """A list of five records, n from 0 to 4."""
    tree("DELETE", RECORDS)
    for n in range(5):
        tree("PUT", f"{RECORDS}/r{n}", {"data": {"n": n}})
    return tree


def next_path(reply: object) -> str:
    """The path and query of Next-Page, without the version; "" when there is none."""
    return str(getattr(reply, "headers").get("Next-Page", "")).partition("/v1")[2]  # noqa: B009


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", []),
        ("?n=2", ["r0", "r1", "r3", "r4"]),
        ("?gt_n=1&_limit=2&_sort=n", ["r0", "r1", "r4"]),
        ("?_limit=1", ["r0", "r1", "r2", "r3"]),
        ("?_limit=0", []),
        ("?in_id=r0,r4", ["r1", "r2", "r3"]),
        ("?like_id=r", []),
        ("?deleted=true", ["r0", "r1", "r2", "r3", "r4"]),
        ("?_fields=n&n=0", ["r1", "r2", "r3", "r4"]),
        ("?_whatever=1&n=0", ["r1", "r2", "r3", "r4"]),
    ],
)
def test_a_deletion_takes_what_a_get_would_list(
    listed: Asking, query: str, left: list[str]
) -> None:
    wanted = listed.ids(RECORDS + query)
    deleted = listed("DELETE", RECORDS + query).json["data"]
    assert sorted(item["id"] for item in deleted) == wanted
    assert listed.ids(RECORDS) == left


def test_the_range_of_a_deletion_is_strict(listed: Asking) -> None:
    stamps = {item["id"]: item["last_modified"] for item in listed.data(RECORDS)}
    query = f"?_since={stamps['r1']}&_before={stamps['r4']}"
    deleted = listed("DELETE", RECORDS + query).json["data"]
    assert sorted(item["id"] for item in deleted) == ["r2", "r3"]


def test_tombstones_are_not_deleted_again(listed: Asking) -> None:
    listed("DELETE", RECORDS + "/r0")
    deleted = listed("DELETE", RECORDS + "?_since=0").json["data"]
    assert sorted(item["id"] for item in deleted) == ["r1", "r2", "r3", "r4"]


def test_tombstones_have_three_members(listed: Asking) -> None:
    for item in listed("DELETE", RECORDS).json["data"]:
        assert set(item) == {"id", "last_modified", "deleted"}


def test_pages_are_deleted_one_by_one(listed: Asking) -> None:
    path, pages = RECORDS + "?_limit=2&_sort=n", []
    while path:
        reply = listed("DELETE", path)
        pages.append([item["id"] for item in reply.json["data"]])
        path = next_path(reply)
    assert pages == [["r0", "r1"], ["r2", "r3"], ["r4"]]


def test_a_token_of_a_deletion_works_once(listed: Asking) -> None:
    path = next_path(listed("DELETE", RECORDS + "?_limit=1"))
    replies = [listed("DELETE", path) for _ in "ab"]
    assert [reply.status_int for reply in replies] == [200, 400]
    assert replies[1].json["details"] == [
        {"location": "querystring", "name": None, "description": USED}
    ]
    assert len(listed.ids(RECORDS)) == 3


def test_a_token_of_a_get_does_not_delete(listed: Asking) -> None:
    path = next_path(listed("GET", RECORDS + "?_limit=1"))
    reply = listed("DELETE", path)
    assert (reply.status_int, reply.json["message"]) == (400, f"querystring: {USED}")
    assert len(listed.ids(RECORDS)) == 5


def test_a_token_of_a_deletion_may_be_read_with(listed: Asking) -> None:
    path = next_path(listed("DELETE", RECORDS + "?_limit=2&_sort=n"))
    assert listed.ids(path) == ["r2", "r3"]
    assert listed("DELETE", path).status_int == 200


def test_a_refused_deletion_does_not_use_its_token_up(listed: Asking) -> None:
    path = next_path(listed("DELETE", RECORDS + "?_limit=2&_sort=n"))
    assert listed("DELETE", path, headers={"If-Match": '"1"'}).status_int == 412
    assert listed("DELETE", path).status_int == 200


def test_a_token_expires(make_ask: Callable[..., Asking], monkeypatch: pytest.MonkeyPatch) -> None:
    ask = make_ask(pagination_token_validity_seconds="60")
    ask("PUT", BUCKET, {})
    ask("PUT", COLLECTION, {})
    for n in range(3):
        ask("PUT", f"{RECORDS}/r{n}", {})
    now = ask.service.clock()
    paths = [next_path(ask("DELETE", RECORDS + "?_limit=1"))]
    ask.set_clock(monkeypatch, now + 62_000)
    assert ask("DELETE", paths[0]).json["details"][0]["description"] == USED


def test_a_deletion_without_more_has_no_next_page(listed: Asking) -> None:
    assert next_path(listed("DELETE", RECORDS + "?_limit=5")) == ""


def test_the_etag_of_a_deletion_is_its_greatest_timestamp(listed: Asking) -> None:
    reply = listed("DELETE", RECORDS)
    greatest = max(item["last_modified"] for item in reply.json["data"])
    assert reply.headers["ETag"] == f'"{greatest}"' == f'"{listed.etag(RECORDS)}"'


def test_children_go_with_a_page_of_buckets(ask: Asking) -> None:
    for bucket in "ab":
        ask("PUT", f"/buckets/{bucket}", {})
        ask("PUT", f"/buckets/{bucket}/collections/c", {})
    ask("DELETE", "/buckets?_limit=1&_sort=id")
    assert ask("GET", "/buckets/a/collections/c").status_int == 403
    assert ask("GET", "/buckets/b/collections/c").status_int == 200
