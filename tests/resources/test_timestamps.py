"""Which timestamp a write gets, and which one a response shows (protocol, core 2.6, 4.1, 4.2)."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.resources.asking import BUCKET, COLLECTION, GROUP, RECORD, RECORDS, Asking

NOW = 1_795_000_000_000


def write(ask: Asking, last_modified: Any, id_: str = "x", method: str = "PUT") -> int:
    """Write a record with a timestamp of the client, and return the one it got."""
    body = {"data": {"last_modified": last_modified}}
    reply = ask(method, f"{RECORDS}/{id_}", body)
    assert reply.status_int in (200, 201)
    return int(reply.json["data"]["last_modified"])


def test_writes_in_one_millisecond_get_different_timestamps(
    tree: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.set_clock(monkeypatch, tree.etag(RECORDS) + 10)
    stamps = [tree("POST", RECORDS, {"data": {}}).json["data"]["last_modified"] for _ in "abc"]
    assert stamps == [stamps[0], stamps[0] + 1, stamps[0] + 2]


def test_timestamps_go_on_when_the_clock_goes_back(
    tree: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree.etag(RECORDS)
    tree.set_clock(monkeypatch, NOW - 10**9, NOW - 2 * 10**9)
    stamps = [int(tree("PUT", RECORD, {"data": {}}).headers["ETag"][1:-1]) for _ in "abc"]
    assert stamps == [before + 1, before + 2, before + 3]


def test_deletions_go_on_when_the_clock_goes_back(
    tree: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree.etag(RECORDS)
    tree.set_clock(monkeypatch, 1000)
    assert tree("DELETE", RECORD).headers["ETag"] == f'"{before + 1}"'
    assert tree("DELETE", RECORDS).headers["ETag"] == f'"{before + 2}"'
    assert tree.etag(RECORDS) == before + 2


def test_each_object_of_a_plural_deletion_has_its_own_timestamp(tree: Asking) -> None:
    stamps = [item["last_modified"] for item in tree("DELETE", RECORDS).json["data"]]
    assert (len(set(stamps)), max(stamps)) == (2, tree.etag(RECORDS))


def test_each_write_of_a_batch_has_its_own_timestamp(
    tree: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.set_clock(monkeypatch, tree.etag(RECORDS))
    requests = [{"method": "PUT", "path": RECORD, "body": {"data": {"n": n}}} for n in range(5)]
    responses = tree("POST", "/batch", {"requests": requests}).json["responses"]
    stamps = [item["body"]["data"]["last_modified"] for item in responses]
    assert stamps == sorted(set(stamps))


def test_a_list_that_was_never_used_keeps_its_first_timestamp(
    tree: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.set_clock(monkeypatch, NOW, NOW + 5, NOW + 10)
    path = COLLECTION + "2/records"
    assert tree.etag(path) == tree.etag(path) == tree.etag(path)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_the_first_access_of_any_kind_starts_the_list(tree: Asking, method: str) -> None:
    path = COLLECTION + "2/records"
    first = tree(method, path).headers["ETag"]
    assert first == f'"{tree.etag(path)}"'


def test_a_refused_precondition_starts_the_list_too(
    tree: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = COLLECTION + "2/records"
    tree.set_clock(monkeypatch, NOW, NOW + 5, NOW + 10)
    shown = tree("PUT", path + "/x", {"data": {}}, headers={"If-Match": '"1"'}).headers["ETag"]
    assert shown == f'"{tree.etag(path)}"'


@pytest.mark.parametrize(
    ("written", "others"),
    [
        (RECORD, ["/buckets", "/buckets/b/collections", "/buckets/b/groups"]),
        (COLLECTION, ["/buckets", "/buckets/b/groups", RECORDS, COLLECTION + "2/records"]),
        (GROUP, ["/buckets", "/buckets/b/collections", RECORDS]),
        (BUCKET, ["/buckets/b/groups", "/buckets/b/collections", RECORDS]),
    ],
)
def test_a_write_moves_only_its_own_list(tree: Asking, written: str, others: list[str]) -> None:
    before = [tree.etag(path) for path in others]
    own = written.rpartition("/")[0]
    own_before = tree.etag(own)
    tree("PUT", written, {"data": {"n": 2}})
    assert [tree.etag(path) for path in others] == before
    assert tree.etag(own) > own_before


def test_writing_records_leaves_their_collection_alone(tree: Asking) -> None:
    before = tree.etag(COLLECTION), tree.etag(BUCKET)
    tree("PUT", RECORD, {"data": {"n": 2}})
    assert (tree.etag(COLLECTION), tree.etag(BUCKET)) == before


@pytest.mark.parametrize("body", [{}, {"data": {}}, {"permissions": {"read": ["x"]}}])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_every_write_moves_the_timestamp(tree: Asking, method: str, body: Any) -> None:
    if method == "PATCH" and not body:
        body = {"permissions": {}}
    before = tree.etag(RECORD)
    reply = tree(method, RECORD, body)
    assert (reply.status_int, tree.etag(RECORD) > before) == (200, True)


# What the client wants (2.6)


@pytest.mark.parametrize(
    "value", ["12", 12.0, None, {}, [], "", True, False, 253402300800000, 2**64, 1e300, "x"]
)
def test_what_is_no_timestamp_is_dropped(
    tree: Asking, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = tree.etag(RECORDS) + 100
    tree.set_clock(monkeypatch, fresh)
    assert write(tree, value) == fresh


@pytest.mark.parametrize("value", [0, 1, 1000])
def test_old_timestamps_are_used_on_creation_and_do_not_move_the_list(
    tree: Asking, value: int
) -> None:
    before = tree.etag(RECORDS)
    assert (write(tree, value), tree.etag(RECORDS)) == (value, before)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("offset", [0, -1, -1000])
def test_updates_ignore_timestamps_that_are_not_newer(
    tree: Asking, method: str, offset: int
) -> None:
    current, counter = tree.etag(RECORD), tree.etag(RECORDS)
    assert write(tree, current + offset, "r", method) > counter


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_updates_take_newer_timestamps_below_the_counter(tree: Asking, method: str) -> None:
    write(tree, 1000)
    before = tree.etag(RECORDS)
    assert (write(tree, 2000, "x", method), tree.etag(RECORDS)) == (2000, before)


def test_a_timestamp_equal_to_the_counter_is_bumped(tree: Asking) -> None:
    counter = tree.etag(RECORDS)
    assert write(tree, counter) > counter


def test_a_future_timestamp_moves_the_list_and_later_writes_count_on(tree: Asking) -> None:
    future = tree.etag(RECORDS) + 10**9
    assert write(tree, future) == tree.etag(RECORDS) == future
    assert write(tree, None, "y") == future + 1


def test_two_objects_may_have_the_same_timestamp(tree: Asking) -> None:
    assert (write(tree, 1000, "x"), write(tree, 1000, "y")) == (1000, 1000)


def test_writes_go_on_after_the_last_possible_timestamp(tree: Asking) -> None:
    assert write(tree, 253402300799999) == 253402300799999
    assert write(tree, None, "y") == 253402300800000
    assert [tree(method, RECORDS).status_int for method in ("GET", "DELETE", "GET")] == [200] * 3


def test_posted_timestamps_follow_the_same_rules(tree: Asking) -> None:
    reply = tree("POST", RECORDS, {"data": {"last_modified": 1234}})
    assert (reply.status_int, reply.headers["ETag"]) == (201, '"1234"')


def test_recreation_may_be_older_than_the_tombstone(tree: Asking) -> None:
    tree("DELETE", RECORD)
    assert write(tree, 5, "r") == 5


# What is shown (4.2)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", RECORD, None),
        ("PUT", RECORD, {"data": {}}),
        ("PATCH", RECORD, {"data": {}}),
        ("POST", RECORDS, {"data": {}}),
        ("POST", RECORDS, {"data": {"id": "r"}}),
        ("DELETE", RECORD, None),
    ],
)
def test_the_etag_is_the_timestamp_of_the_object(
    tree: Asking, method: str, path: str, body: Any
) -> None:
    reply = tree(method, path, body)
    last_modified = reply.json["data"]["last_modified"]
    assert reply.headers["ETag"] == f'"{last_modified}"'
    date = parsedate_to_datetime(reply.headers["Last-Modified"])
    assert date.timestamp() == last_modified // 1000


@pytest.mark.parametrize("query", ["", "?n=404", "?_limit=1", "?_since=0", "?_fields=n"])
def test_the_etag_of_a_list_does_not_depend_on_the_query(tree: Asking, query: str) -> None:
    tree("DELETE", RECORD)
    assert tree.etag(RECORDS + query) == tree.etag(RECORDS)


def test_a_deletion_of_nothing_shows_the_counter(tree: Asking) -> None:
    before = tree.etag(RECORDS)
    reply = tree("DELETE", RECORDS + "?n=404")
    assert (reply.json, reply.headers["ETag"]) == ({"data": []}, f'"{before}"')
    assert tree.etag(RECORDS) == before


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", RECORD + "9"), ("GET", "/"), ("GET", "/buckets?_limit=x"), ("PUT", "/batch")],
)
def test_other_answers_have_no_etag(tree: Asking, method: str, path: str) -> None:
    assert not {"ETag", "Last-Modified"} & set(tree(method, path).headers)


def test_head_of_an_object_has_the_length_of_get(tree: Asking) -> None:
    full, head = tree("GET", RECORD), tree("HEAD", RECORD)
    assert (head.body, head.headers["Content-Length"]) == (b"", str(len(full.body)))
    assert head.headers["ETag"] == full.headers["ETag"]


def test_head_of_a_list_has_the_length_of_an_empty_one(tree: Asking) -> None:
    assert tree("HEAD", RECORDS).headers["Content-Length"] == "11"
