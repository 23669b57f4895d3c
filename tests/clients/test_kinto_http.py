"""kinto_http, the Python client of the protocol: each of its calls against a running server.

History and sign-in by OpenID have tests of their own; attachments are not built.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from kinto_http import BucketNotFound, Client, KintoException
from kinto_http.patch_type import BasicPatch, JSONPatch, MergePatch

from tests.clients.conftest import MakeClient


@pytest.fixture
def blog(client: Client) -> Client:
    """A client of a bucket of its own, with the empty collection `articles`."""
    blog = client.clone(bucket=f"blog-{uuid.uuid4()}", collection="articles")
    blog.create_bucket()
    blog.create_collection()
    return blog


def get_status(refusal: pytest.ExceptionInfo[KintoException]) -> Any:
    return refusal.value.response.status_code


def store_numbers(blog: Client, count: int) -> list[str]:
    """Store records with n = 0, 1, 2 ...; returns their ids."""
    return [blog.create_record(data={"n": n})["data"]["id"] for n in range(count)]


# --- server ----------------------------------------------------------------------------------


def test_server_info_tells_who_and_what(client: Client) -> None:
    info = client.server_info()
    assert info["http_api_version"] == "1.23"
    assert info["user"]["id"].startswith("basicauth:")
    assert info["settings"]["batch_max_requests"] == 25
    assert {"default_bucket", "basicauth"} <= info["capabilities"].keys()


def test_get_endpoint_and_server_agree(blog: Client) -> None:
    endpoint = blog.get_endpoint("records")
    body, headers = blog.session.request("get", endpoint)
    assert body == {"data": []}
    assert headers["ETag"].strip('"').isdigit()


def test_get_permissions_lists_what_one_may_do(blog: Client) -> None:
    bucket = blog.get_bucket()["data"]["id"]
    listed = blog.get_permissions(exclude_resource_names=["record"])
    mine = {entry["uri"]: set(entry["permissions"]) for entry in listed}
    assert {"read", "write"} <= mine[f"/buckets/{bucket}"]
    assert "record:create" in mine[f"/buckets/{bucket}/collections/articles"]


# --- buckets ---------------------------------------------------------------------------------


def test_a_bucket_is_created_with_data_and_permissions(client: Client) -> None:
    name = f"b-{uuid.uuid4()}"
    bucket = client.create_bucket(
        id=name, data={"color": "blue"}, permissions={"read": ["system.Everyone"]}
    )
    assert bucket["data"]["color"] == "blue"
    assert bucket["permissions"]["read"] == ["system.Everyone"]
    assert client.get_bucket(id=name) == bucket


def test_a_bucket_without_id_gets_one(client: Client) -> None:
    bucket = client.create_bucket(data={"a": 1}, safe=False)["data"]
    assert bucket["id"] in {one["id"] for one in client.get_buckets()}


def test_creating_a_bucket_twice_is_refused(blog: Client) -> None:
    with pytest.raises(KintoException) as refusal:
        blog.create_bucket()
    assert get_status(refusal) == 412


def test_if_not_exists_answers_the_bucket_there_is(blog: Client) -> None:
    assert blog.create_bucket(data={"a": 1}, if_not_exists=True) == blog.get_bucket()


def test_a_bucket_is_replaced(blog: Client) -> None:
    blog.update_bucket(data={"a": 1, "b": 2})
    assert "b" not in blog.update_bucket(data={"a": 3})["data"]


def test_a_bucket_is_patched(blog: Client) -> None:
    blog.update_bucket(data={"a": 1, "b": 2})
    patched = blog.patch_bucket(data={"b": 3})["data"]
    assert (patched["a"], patched["b"]) == (1, 3)


def test_a_bucket_is_deleted(blog: Client) -> None:
    assert blog.delete_bucket()["deleted"] is True
    with pytest.raises(BucketNotFound):
        blog.get_bucket()


def test_deleting_a_missing_bucket_is_refused_unless_told(blog: Client) -> None:
    blog.delete_bucket()
    with pytest.raises(KintoException) as refusal:
        blog.delete_bucket()
    assert get_status(refusal) == 403
    assert blog.delete_bucket(if_exists=True) is None


def test_all_buckets_one_may_write_are_deleted(blog: Client, client: Client) -> None:
    mine = {blog.get_bucket()["data"]["id"], client.get_bucket()["data"]["id"]}
    assert {bucket["id"] for bucket in client.delete_buckets()} == mine
    assert not mine & {bucket["id"] for bucket in client.get_buckets()}


# --- groups ----------------------------------------------------------------------------------


def test_a_group_is_created_listed_and_read(blog: Client) -> None:
    group = blog.create_group(id="eds", data={"members": ["alice", "bob"]})
    assert group["data"]["members"] == ["alice", "bob"]
    assert blog.get_group(id="eds") == group
    assert blog.get_groups() == [group["data"]]


def test_a_group_if_not_exists_answers_the_one_there_is(blog: Client) -> None:
    group = blog.create_group(id="eds", data={"members": ["alice"]})
    again = blog.create_group(id="eds", data={"members": []}, if_not_exists=True)
    assert again == group


def test_a_group_is_replaced_and_patched(blog: Client) -> None:
    blog.create_group(id="eds", data={"members": ["alice"], "name": "Editors"})
    replaced = blog.update_group(id="eds", data={"members": ["bob"]})["data"]
    assert replaced["members"] == ["bob"]
    assert "name" not in replaced
    patched = blog.patch_group(id="eds", data={"name": "Ed"})["data"]
    assert (patched["members"], patched["name"]) == (["bob"], "Ed")


def test_groups_are_deleted_one_by_one_and_all(blog: Client) -> None:
    for name in ("one", "two", "three"):
        blog.create_group(id=name, data={"members": []})
    assert blog.delete_group(id="one")["deleted"] is True
    assert {group["id"] for group in blog.delete_groups()} == {"two", "three"}
    assert blog.get_groups() == []


def test_deleting_a_missing_group_is_fine_when_told(blog: Client) -> None:
    with pytest.raises(KintoException) as refusal:
        blog.delete_group(id="nobody")
    assert get_status(refusal) == 404
    assert blog.delete_group(id="nobody", if_exists=True) is None


# --- collections -----------------------------------------------------------------------------


def test_a_collection_is_created_listed_and_read(blog: Client) -> None:
    collection = blog.create_collection(
        id="pages", data={"title": "Pages"}, permissions={"read": ["system.Everyone"]}
    )
    assert collection["data"]["title"] == "Pages"
    assert blog.get_collection(id="pages") == collection
    assert {one["id"] for one in blog.get_collections()} == {"pages", "articles"}


def test_collections_are_sorted_and_filtered(blog: Client) -> None:
    blog.create_collection(id="pages", data={"rank": 1})
    blog.update_collection(data={"rank": 2})
    ranked = blog.get_collections(_sort="-rank", has_rank="true")
    assert [one["id"] for one in ranked] == ["articles", "pages"]


def test_a_collection_if_not_exists_answers_the_one_there_is(blog: Client) -> None:
    assert blog.create_collection(data={"a": 1}, if_not_exists=True) == blog.get_collection()


def test_a_collection_is_replaced_and_patched(blog: Client) -> None:
    blog.update_collection(data={"a": 1})
    assert blog.patch_collection(data={"b": 2})["data"]["a"] == 1
    assert "b" not in blog.update_collection(data={"a": 3})["data"]


def test_a_deleted_collection_takes_its_records_along(blog: Client) -> None:
    store_numbers(blog, 3)
    blog.delete_collection()
    blog.create_collection()
    assert blog.get_records() == []


def test_all_collections_are_deleted(blog: Client) -> None:
    blog.create_collection(id="pages")
    assert {one["id"] for one in blog.delete_collections()} == {"pages", "articles"}
    assert blog.get_collections() == []


def test_deleting_a_missing_collection_is_fine_when_told(blog: Client) -> None:
    with pytest.raises(KintoException) as refusal:
        blog.delete_collection(id="nothing")
    assert get_status(refusal) == 404
    assert blog.delete_collection(id="nothing", if_exists=True) is None


# --- records ---------------------------------------------------------------------------------


def test_a_record_is_created_with_and_without_id(blog: Client) -> None:
    named = blog.create_record(id="first", data={"n": 1})
    unnamed = blog.create_record(data={"n": 2})
    assert named["data"]["id"] == "first"
    assert uuid.UUID(unnamed["data"]["id"]).version == 4
    assert blog.get_record(id="first") == named


def test_creating_a_record_twice_is_refused_unless_told(blog: Client) -> None:
    record = blog.create_record(id="first", data={"n": 1})
    with pytest.raises(KintoException) as refusal:
        blog.create_record(id="first", data={"n": 2})
    assert get_status(refusal) == 412
    assert blog.create_record(id="first", data={"n": 2}, if_not_exists=True) == record


def test_an_unsafe_creation_replaces(blog: Client) -> None:
    blog.create_record(id="first", data={"n": 1})
    assert blog.create_record(id="first", data={"n": 2}, safe=False)["data"]["n"] == 2


def test_a_record_is_replaced(blog: Client) -> None:
    blog.create_record(id="first", data={"a": 1, "b": 2})
    assert "b" not in blog.update_record(id="first", data={"a": 3})["data"]


def test_a_safe_update_of_an_old_copy_is_refused(blog: Client) -> None:
    old = blog.create_record(id="first", data={"a": 1})["data"]
    blog.update_record(id="first", data={"a": 2})
    with pytest.raises(KintoException) as refusal:
        blog.update_record(data={**old, "a": 3})
    assert get_status(refusal) == 412
    assert blog.update_record(data={**old, "a": 3}, safe=False)["data"]["a"] == 3


def test_if_match_guards_updates_patches_and_deletions(blog: Client) -> None:
    blog.create_record(id="first", data={"a": 1})
    for call in (blog.update_record, blog.patch_record):
        with pytest.raises(KintoException) as refusal:
            call(id="first", data={"a": 2}, if_match=12345)
        assert get_status(refusal) == 412
    with pytest.raises(KintoException) as refusal:
        blog.delete_record(id="first", if_match=12345)
    assert get_status(refusal) == 412
    current = blog.get_record(id="first")["data"]["last_modified"]
    assert blog.delete_record(id="first", if_match=current)["deleted"] is True


def test_a_basic_patch_replaces_members(blog: Client) -> None:
    blog.create_record(id="first", data={"a": 1, "o": {"x": 1}})
    patch = BasicPatch({"o": {"y": 2}}, permissions={"read": ["system.Everyone"]})
    patched = blog.patch_record(id="first", changes=patch)
    assert (patched["data"]["a"], patched["data"]["o"]) == (1, {"y": 2})
    assert patched["permissions"]["read"] == ["system.Everyone"]


def test_a_merge_patch_goes_deep_and_removes(blog: Client) -> None:
    blog.create_record(id="first", data={"a": 1, "o": {"x": 1, "y": 1}})
    patch = MergePatch({"a": None, "o": {"y": 2}})
    patched = blog.patch_record(id="first", changes=patch)["data"]
    assert "a" not in patched
    assert patched["o"] == {"x": 1, "y": 2}


def test_a_json_patch_runs_its_operations(blog: Client) -> None:
    blog.create_record(id="first", data={"tags": ["a"], "n": 1})
    patch = JSONPatch(
        [
            {"op": "test", "path": "/data/n", "value": 1},
            {"op": "add", "path": "/data/tags/-", "value": "b"},
            {"op": "add", "path": "/permissions/read/system.Everyone"},
        ]
    )
    patched = blog.patch_record(id="first", changes=patch)
    assert patched["data"]["tags"] == ["a", "b"]
    assert patched["permissions"]["read"] == ["system.Everyone"]


def test_a_json_patch_that_fails_changes_nothing(blog: Client) -> None:
    record = blog.create_record(id="first", data={"n": 1})
    patch = JSONPatch(
        [
            {"op": "replace", "path": "/data/n", "value": 2},
            {"op": "test", "path": "/data/n", "value": 5},
        ]
    )
    with pytest.raises(KintoException) as refusal:
        blog.patch_record(id="first", changes=patch)
    assert get_status(refusal) == 400
    assert blog.get_record(id="first") == record


def test_a_patch_knows_what_it_was_made_from(blog: Client) -> None:
    original = blog.create_record(id="first", data={"n": 1})["data"]
    assert blog.patch_record(original=original, data={"n": 2})["data"]["n"] == 2
    with pytest.raises(KintoException) as refusal:
        blog.patch_record(original=original, data={"n": 3})
    assert get_status(refusal) == 412


def test_a_record_is_deleted_once(blog: Client) -> None:
    blog.create_record(id="first", data={})
    assert blog.delete_record(id="first")["deleted"] is True
    with pytest.raises(KintoException) as refusal:
        blog.delete_record(id="first")
    assert get_status(refusal) == 404
    assert blog.delete_record(id="first", if_exists=True) is None


def test_all_records_are_deleted(blog: Client) -> None:
    names = store_numbers(blog, 4)
    assert {record["id"] for record in blog.delete_records()} == set(names)
    assert blog.get_records() == []


def test_records_are_filtered_sorted_and_limited(blog: Client) -> None:
    store_numbers(blog, 6)
    records = blog.get_records(min_n=2, _sort="-n", _limit=3, pages=1)
    assert [record["n"] for record in records] == [5, 4, 3]


def test_records_of_all_pages_come_together(blog: Client) -> None:
    names = store_numbers(blog, 7)
    assert [one["id"] for one in blog.get_records(_limit=2, _sort="n", pages=9)] == names


def test_pages_come_one_by_one(blog: Client) -> None:
    store_numbers(blog, 5)
    pages = [page["data"] for page in blog.get_paginated_records(_limit=2, _sort="n")]
    assert [[record["n"] for record in page] for page in pages] == [[0, 1], [2, 3], [4]]


def test_changes_since_a_time_come_with_tombstones(blog: Client) -> None:
    first, second = store_numbers(blog, 2)
    since = blog.get_records_timestamp()
    blog.delete_record(id=first)
    [tombstone] = blog.get_records(_since=since)
    assert (tombstone["id"], tombstone["deleted"]) == (first, True)
    assert second not in {one["id"] for one in blog.get_records(_since=since)}


def test_the_timestamp_of_the_records_moves_with_every_write(blog: Client) -> None:
    before = int(blog.clone().get_records_timestamp())
    record = blog.create_record(data={})["data"]
    assert int(blog.clone().get_records_timestamp()) == record["last_modified"] > before


def test_permissions_alone_are_updated(blog: Client) -> None:
    blog.create_record(id="first", data={"a": 1})
    updated = blog.update_record(id="first", permissions={"read": ["system.Everyone"]})
    assert updated["data"]["a"] == 1
    assert updated["permissions"]["read"] == ["system.Everyone"]


def test_what_is_not_shared_is_refused(blog: Client, make_client: MakeClient) -> None:
    bucket = blog.get_bucket()["data"]["id"]
    other = make_client("other").clone(bucket=bucket, collection="articles")
    with pytest.raises(KintoException) as refusal:
        other.get_records()
    assert get_status(refusal) == 403


# --- batches ---------------------------------------------------------------------------------


def test_a_batch_does_everything_at_once(client: Client) -> None:
    name = f"blog-{uuid.uuid4()}"
    with client.batch(bucket=name, collection="articles") as batch:
        batch.create_bucket()
        batch.create_collection()
        batch.create_record(id="one", data={"n": 1})
        batch.create_record(id="two", data={"n": 2})
        batch.patch_record(id="two", data={"n": 3})
    records = client.get_records(bucket=name, collection="articles", _sort="n")
    assert [(record["id"], record["n"]) for record in records] == [("one", 1), ("two", 3)]


def test_a_batch_changes_permissions(blog: Client) -> None:
    blog.create_record(id="one", data={"a": 1})
    with blog.batch() as batch:
        batch.patch_record(id="one", changes=BasicPatch(permissions={"read": ["somebody"]}))
    record = blog.get_record(id="one")
    assert (record["data"]["a"], record["permissions"]["read"]) == (1, ["somebody"])


def test_a_batch_larger_than_the_server_takes_is_cut(blog: Client) -> None:
    with blog.batch() as batch:
        for n in range(60):
            batch.create_record(id=f"r{n}", data={"n": n})
    assert len(blog.get_records()) == 60


def test_an_error_in_a_batch_is_raised(blog: Client) -> None:
    blog.create_record(id="one", data={"n": 1})
    with pytest.raises(KintoException) as refusal, blog.batch() as batch:
        batch.create_record(id="one", data={"n": 2})
    assert "412" in str(refusal.value)


def test_results_of_a_batch_come_in_order(blog: Client) -> None:
    with blog.batch() as batch:
        batch.create_record(id="one", data={"n": 1})
        batch.patch_record(id="one", data={"n": 2})
        batch.delete_record(id="one")
    created, patched, deleted = (result["data"] for result in batch.results())
    assert (created["n"], patched["n"], deleted["deleted"]) == (1, 2, True)
    assert created["last_modified"] < patched["last_modified"] < deleted["last_modified"]
