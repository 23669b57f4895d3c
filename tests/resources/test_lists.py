"""Lists: order, pages, filters, tombstones (protocol, core chapter 5)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.resources.asking import BUCKET, COLLECTION, GROUP, RECORDS, Asking

VALUES: list[Any] = [None, "", "B", "a", "é", -1, 0, 1.5, 2, False, True, [], [1], {}, {"k": 1}]


@pytest.fixture
def listed(tree: Asking) -> Asking:
    """One record for each value of `v`, with `n` from 0, and at last one without `v`."""
    tree("DELETE", RECORDS)
    for n, value in enumerate(VALUES):
        tree("PUT", f"{RECORDS}/r{n:02}", {"data": {"n": n, "v": value, "m": n % 3}})
    tree("PUT", f"{RECORDS}/r{len(VALUES)}", {"data": {"n": len(VALUES), "m": 0}})
    return tree


def numbers(ask: Asking, query: str) -> list[int | None]:
    """The `n` of all that is listed, in order."""
    return [item.get("n") for item in ask.data(RECORDS + query)]


def follow(ask: Asking, query: str, between: Callable[[], object] = lambda: None) -> list[str]:
    """The ids on all pages."""
    path, ids = RECORDS + query, []
    for _ in range(50):
        reply = ask("GET", path)
        ids += [item["id"] for item in reply.json["data"]]
        path = reply.headers.get("Next-Page", "").partition("/v1")[2]
        if not path:
            return ids
        between()
    raise AssertionError("the pages do not end")


ALL = list(range(len(VALUES) + 1))
ORDERS: list[tuple[str, list[int]]] = [
    ("", ALL[::-1]),
    ("?_sort=last_modified", ALL),
    ("?_sort=-last_modified", ALL[::-1]),
    ("?_sort=n", ALL),
    ("?_sort=%2Bn", ALL),
    ("?_sort=-n", ALL[::-1]),
    ("?_sort=id", ALL),
    ("?_sort=v,n", ALL),
    ("?_sort=-v,n", ALL[::-1]),
    ("?_sort=zz,n", ALL),
    ("?_sort=v-x,--n,n", ALL),
    ("?_sort=-n&_sort=id", ALL[::-1]),
    ("?_sort=", ALL[::-1]),
]


@pytest.mark.parametrize(("query", "expected"), ORDERS)
def test_a_list_is_ordered_as_asked(listed: Asking, query: str, expected: list[int]) -> None:
    assert numbers(listed, query) == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 16, 100])
@pytest.mark.parametrize("sort", ["", "n", "-n", "v", "-v", "m,-v", "-m,n", "zz", "-zz,v", "id"])
def test_pages_hold_everything_once_and_in_order(listed: Asking, sort: str, limit: int) -> None:
    whole = [item["id"] for item in listed.data(f"{RECORDS}?_sort={sort}")]
    assert follow(listed, f"?_limit={limit}&_sort={sort}") == whole


@pytest.mark.parametrize("sort", ["n", "-n", "m,n", "-last_modified", "v"])
def test_writes_between_pages_repeat_and_skip_nothing(listed: Asking, sort: str) -> None:
    fresh = itertools.count()

    def write() -> None:
        listed("PUT", f"{RECORDS}/new{next(fresh)}", {"data": {"n": -1, "m": -1}})

    seen = [id_ for id_ in follow(listed, f"?_limit=4&_sort={sort}", write) if "new" not in id_]
    assert sorted(seen) == sorted(f"r{n:02}" for n in ALL)


def test_deleting_the_last_of_a_page_skips_nothing(listed: Asking) -> None:
    gone: list[str] = []

    def delete() -> None:
        left = listed.ids(RECORDS + f"?max_n={3 + len(gone)}")
        gone.append(left[-1])
        listed("DELETE", f"{RECORDS}/{left[-1]}")

    assert len(follow(listed, "?_limit=4&_sort=n", delete)) == len(ALL)


def test_a_full_last_page_has_no_next(listed: Asking) -> None:
    assert "Next-Page" not in listed("GET", f"{RECORDS}?_limit={len(ALL)}").headers


def test_the_next_page_keeps_the_query(listed: Asking) -> None:
    url = listed("GET", RECORDS + "?gt_n=2&_limit=2&_fields=n&_sort=-n&_x=%C3%A9").headers[
        "Next-Page"
    ]
    for part in ("gt_n=2", "_limit=2", "_fields=n", "_sort=-n", "_x=%C3%A9", "_token="):
        assert part in url


LIMITS = [
    # paginate_by, storage_max_fetch_size, _limit, objects in the first page
    (None, None, "", 16),
    ("5", None, "", 5),
    ("5", None, "?_limit=3", 3),
    ("5", None, "?_limit=9", 5),
    ("5", None, "?_limit=0", 16),
    (None, "4", "", 4),
    (None, "4", "?_limit=9", 4),
    (None, "4", "?_limit=0", 4),
    ("5", "4", "", 4),
    ("3", "4", "?_limit=0", 4),
    (None, None, "?_limit=9223372036854775808", 16),
]


@pytest.mark.parametrize(("paginate_by", "fetch", "query", "count"), LIMITS)
def test_the_size_of_a_page(
    make_ask: Callable[..., Asking],
    paginate_by: str | None,
    fetch: str | None,
    query: str,
    count: int,
) -> None:
    given = {"paginate_by": paginate_by, "storage_max_fetch_size": fetch, "batch_max_requests": "0"}
    ask = make_ask(**{name: value for name, value in given.items() if value})
    requests = [{"method": "PUT", "path": path} for path in (BUCKET, COLLECTION)]
    requests += [{"method": "PUT", "path": f"{RECORDS}/r{n}"} for n in range(16)]
    assert ask("POST", "/batch", {"requests": requests}).status_int == 200
    reply = ask("GET", RECORDS + query)
    assert (len(reply.json["data"]), "Next-Page" in reply.headers) == (count, count < 16)
    assert ask("HEAD", RECORDS + query).headers["Total-Objects"] == "16"


TOKENS = ["x", "e30%3D", "W10%3D", "bnVsbA%3D%3D", "a" * 9000, "%00", "é", "v1", "%22x%22"]


@pytest.mark.parametrize("token", TOKENS)
def test_what_is_no_token_is_refused(listed: Asking, token: str) -> None:
    reply = listed("GET", f"{RECORDS}?_token={quote(token, safe='%')}")
    assert (reply.status_int, reply.json["message"]) == (
        400,
        "querystring: _token has invalid content",
    )


# Since and before (5.4)


@pytest.fixture
def buried(tree: Asking) -> Asking:
    """Records a to d, written and then, but for a and d, deleted in order."""
    tree("DELETE", COLLECTION)
    tree("PUT", COLLECTION, {})
    for name in "abcd":
        tree("PUT", f"{RECORDS}/{name}", {"data": {"v": ord(name)}})
    for name in "bc":
        tree("DELETE", f"{RECORDS}/{name}")
    return tree


SINCE = [
    ("", "ad"),
    ("?_since=0", "abcd"),
    ("?_since=null", "ad"),
    ("?_before=null", "ad"),
    ("?gt_last_modified=0", "abcd"),
    ("?min_last_modified=0", "abcd"),
    ("?not_last_modified=1", "abcd"),
    ("?_since=0&deleted=true", "bc"),
    ("?_since=0&not_deleted=true", "ad"),
    ("?_since=0&deleted=false", ""),
    ("?deleted=true", ""),
    ("?_since=0&gt_v=97", "bcd"),
    ("?_since=0&not_v=97", "bcd"),
    ("?_since=0&exclude_v=97", "bcd"),
    ("?_since=0&has_v=false", "bc"),
    ("?_since=0&has_v=true", "ad"),
    ("?_since=0&v=97", "a"),
    ("?_since=0&lt_v=98", "a"),
    ("?_since=0&in_v=97,98", "a"),
    ("?_since=0&like_id=b", "b"),
    ("?_since=0&_sort=id&_limit=2", "ab"),
    ("?_since=0&exclude_id=a,b", "cd"),
]


@pytest.mark.parametrize(("query", "expected"), SINCE)
def test_which_tombstones_are_listed(buried: Asking, query: str, expected: str) -> None:
    assert "".join(buried.ids(RECORDS + query)) == expected


@pytest.mark.parametrize("quote", ["", "%22"])
def test_since_and_before_are_strict(buried: Asking, quote: str) -> None:
    stamps = {item["id"]: item["last_modified"] for item in buried.data(RECORDS + "?_since=0")}
    d, c = (f"{quote}{stamps[name]}{quote}" for name in "dc")
    assert buried.ids(f"{RECORDS}?_since={d}") == ["b", "c"]
    assert buried.ids(f"{RECORDS}?_before={d}") == ["a"]
    assert buried.ids(f"{RECORDS}?_since={d}&_before={c}") == ["b"]
    assert buried.ids(f"{RECORDS}?_to={d}") == ["a"]


WRONG = [
    ("?_since=", "_since"), ("?_since=abc", "_since"), ("?_since=-1", "_since"),
    ("?_since=true", "_since"), ("?_before=", "_before"), ("?last_modified=null", "last_modified"),
    ("?last_modified=", "last_modified"), ("?_since=9999999999999", "_since"),
    ("?in_last_modified=1", "in_last_modified"), ("?has_last_modified=1", "has_last_modified"),
    ("?_limit=x", "_limit"), ("?_limit=-1", "_limit"), ("?_limit=9223372036854775809", "_limit"),
    ("?_limit=1&_limit=2", "_limit"), ("?id=1", "id"), ("?_token=1", "_token"),
    ("?in_id=1", "in_id"), ("?like_v=1", "like_v"), ("?like_v=null", "like_v"),
    ("?gt_last_modified=x", "gt_last_modified"), ("?v=%00", "v"), ("?contains_id=x", "contains_id"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "name"), WRONG)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_wrong_parameter_is_400(buried: Asking, query: str, name: str, method: str) -> None:
    reply = buried(method, RECORDS + query)
    assert (reply.status_int, reply.json["details"][0]["location"]) == (400, "querystring")
    (detail,) = reply.json["details"]
    assert name in (detail["name"] or "") + detail["description"]


@pytest.mark.parametrize("query", ["?_limit=", "?_limit=null", "?_sort=", "?_token=", "?_fields=",
                                   "?_x=1", "?__=", "?_limit=1.5", "?_limit=%223%22", "?_limit=+5",
                                   "?_token=null", "?%20_limit%20=2"])  # fmt: skip
def test_these_parameters_are_fine(buried: Asking, query: str) -> None:
    assert buried("GET", RECORDS + query).status_int == 200


@pytest.mark.parametrize("path", ["/buckets", "/buckets/b/collections", "/buckets/b/groups"])
def test_other_lists_work_the_same(tree: Asking, path: str) -> None:
    ids = tree.ids(path)
    assert tree.ids(f"{path}?id={ids[0]}") == ids[:1]
    assert tree.ids(f"{path}?n=1") == ids
    assert tree.ids(f"{path}?n=2") == []
    assert len(tree.data(f"{path}?_limit=1")) == 1


def test_groups_can_be_found_by_their_members(tree: Asking) -> None:
    tree("PUT", GROUP, {"data": {"members": ["a", "b"]}})
    path = "/buckets/b/groups"
    found = [tree.ids(f"{path}?{query}") for query in (
        "contains_members=a", "contains_members=[%22b%22,%22a%22]", "contains_any_members=c",
        "contains_members=[]",
    )]  # fmt: skip
    assert found == [["g"], ["g"], [], ["g", "g2"]]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_old_name_of_before_is_told_of_in_the_list_of_permissions(
    make_ask: Callable[..., Asking], method: str
) -> None:
    ask = make_ask(experimental_permissions_endpoint="true")
    assert "_to is now deprecated" in ask(method, "/permissions?_to=5").headers["Alert"]
    assert "Alert" not in ask(method, "/permissions?_before=5").headers
