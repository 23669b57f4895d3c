"""What quotas refuse, and what they let pass (protocol, plugins chapter 7.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.plugins.histories import send_batch
from tests.plugins.holdings import (
    PLUGIN,
    check_counters,
    held,
    put_parents,
    refusal,
    size,
)
from tests.resources.asking import BUCKET, COLLECTION, GROUP, RECORD, RECORDS, Asking, user_id

MakeAsk = Callable[..., Asking]
BIG = {"data": {"text": "x" * 300}}
SMALL = {"data": {"text": "x"}}


@pytest.fixture
def make_limited(make_ask: MakeAsk) -> Callable[..., Asking]:
    """A function from limits to a server with a bucket and a collection."""

    def make(**limits: Any) -> Asking:
        given = {f"quotas__{name}": str(limit) for name, limit in limits.items()}
        return put_parents(make_ask(includes=PLUGIN, **given))

    return make


# Each limit


def test_a_collection_takes_so_many_records_and_no_more(make_limited: MakeAsk) -> None:
    ask = make_limited(collection_max_items=1)
    assert ask("POST", RECORDS, {}).status_int == 201
    reply = ask("POST", RECORDS, {})
    assert refusal(reply) == "Collection maximum number of objects exceeded (2 > 1 objects)."
    assert len(ask.data(RECORDS)) == 1


def test_a_bucket_takes_so_many_records_in_all_its_collections(make_limited: MakeAsk) -> None:
    ask = make_limited(bucket_max_items=1)
    ask("PUT", COLLECTION + "2", {})
    assert ask("PUT", RECORD, {}).status_int == 201
    reply = ask("PUT", f"{COLLECTION}2/records/r", {})
    assert refusal(reply) == "Bucket maximum number of objects exceeded (2 > 1 objects)."


def test_groups_and_collections_are_no_items(make_limited: MakeAsk) -> None:
    ask = make_limited(bucket_max_items=0, collection_max_items=0)
    assert ask("PUT", GROUP, {}).status_int == 201
    assert ask("PUT", COLLECTION + "2", {}).status_int == 201
    assert ask("PUT", RECORD, {}).status_int == 507


def test_a_collection_holds_so_many_bytes(make_limited: MakeAsk) -> None:
    ask = make_limited(collection_max_bytes=200)
    ask("PUT", RECORD, SMALL)
    wanted = size(ask.data(COLLECTION)) + size(ask.data(RECORD)) + 299
    reply = ask("PUT", RECORD, BIG)
    assert refusal(reply) == f"Collection maximum size exceeded ({wanted} > 200 Bytes)."


@pytest.mark.parametrize("path", [BUCKET, GROUP, COLLECTION, RECORD])
def test_all_kinds_of_objects_count_in_a_bucket(make_limited: MakeAsk, path: str) -> None:
    ask = make_limited(bucket_max_bytes=350)
    assert refusal(ask("PUT", path, BIG)).startswith("Bucket maximum size exceeded (")
    assert ask("PUT", path, SMALL).status_int in (200, 201)


def test_a_limit_may_be_reached_exactly(make_limited: MakeAsk) -> None:
    used = held(make_limited()).bytes
    record = size({"id": "r", "last_modified": 1795300537477})
    ask = make_limited(bucket_max_bytes=used + record)
    assert ask("PUT", RECORD, {}).status_int == 201
    reply = ask("PATCH", RECORD, {"data": {"a": 1}})
    assert refusal(reply).startswith(f"Bucket maximum size exceeded ({used + record + 6} > ")


@pytest.mark.parametrize("path", [BUCKET, GROUP, COLLECTION, RECORD])
def test_no_object_of_a_bucket_is_larger_than_allowed(make_limited: MakeAsk, path: str) -> None:
    ask = make_limited(bucket_max_bytes_per_item=200)
    reply = ask("PUT", path, BIG)
    assert refusal(reply).startswith("Maximum bytes per object exceeded (3")
    assert refusal(reply).endswith(" > 200 Bytes).")


def test_no_record_of_a_collection_is_larger_than_allowed(make_limited: MakeAsk) -> None:
    ask = make_limited(collection_max_bytes_per_item=200)
    assert ask("PUT", GROUP, BIG).status_int == 201
    assert ask("PUT", RECORD, BIG).status_int == 507
    assert ask("PUT", RECORD, SMALL).status_int == 201


def test_characters_beyond_ascii_count_as_they_are_answered(make_limited: MakeAsk) -> None:
    ask = make_limited()
    before = held(ask, "c").bytes
    ask("PUT", RECORD, {"data": {"text": "é😀"}})
    assert held(ask, "c").bytes - before == size(ask.data(RECORD))


# Which limit counts


@pytest.mark.parametrize(
    "name", ["bucket_b", "collection_b", "collection_b_c"], ids=["bucket", "all", "one"]
)
def test_the_more_specific_limit_counts(make_limited: MakeAsk, name: str) -> None:
    ask = make_limited(**{"bucket_max_items": 5, "collection_max_items": 5, f"{name}_max_items": 0})
    assert ask("PUT", RECORD, {}).status_int == 507


@pytest.mark.parametrize("name", ["bucket_x", "collection_x", "collection_b_x", "collection_x_c"])
def test_limits_of_others_do_not_count(make_limited: MakeAsk, name: str) -> None:
    ask = make_limited(**{f"{name}_max_items": 0, f"{name}_max_bytes": 0})
    assert ask("PUT", RECORD, {}).status_int == 201


def test_a_more_specific_limit_may_be_wider_or_none(make_limited: MakeAsk) -> None:
    ask = make_limited(
        collection_max_items=0, collection_b_max_items=2, collection_b_d_max_items=""
    )
    ask("PUT", "/buckets/b/collections/d", {})
    answers = [ask("POST", f"/buckets/b/collections/{c}/records", {}) for c in "cccddd"]
    assert [answer.status_int for answer in answers] == [201, 201, 507, 201, 201, 201]


def test_a_limit_that_is_no_number_stops_the_start(make_limited: MakeAsk) -> None:
    with pytest.raises(Exception, match=r"quotas\.bucket_b_max_bytes.*whole number"):
        make_limited(bucket_b_max_bytes="1GB")


def test_without_limits_everything_is_counted_and_nothing_refused(make_limited: MakeAsk) -> None:
    ask = make_limited()
    assert ask("PUT", RECORD, BIG).status_int == 201
    assert held(ask).records == 1


# Each verb


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", RECORD), ("PATCH", RECORD), ("POST", RECORDS), ("PUT", RECORD + "2")],
)
def test_every_verb_that_makes_larger_is_refused(
    make_limited: MakeAsk, method: str, path: str
) -> None:
    ask = make_limited(collection_max_bytes=300)
    ask("PUT", RECORD, SMALL)
    refusal(ask(method, path, BIG))
    assert ask.data(RECORD)["text"] == "x"
    assert ask.ids(RECORDS) == ["r"]


def test_a_refused_write_leaves_no_timestamp_and_no_count(make_limited: MakeAsk) -> None:
    ask = make_limited(collection_max_items=1)
    ask("PUT", RECORD, {})
    before = (ask.etag(RECORDS), held(ask))
    refusal(ask("PUT", RECORD + "2", {}))
    assert (ask.etag(RECORDS), held(ask)) == before


@pytest.mark.parametrize("path", [RECORD, RECORDS, COLLECTION])
def test_what_is_deleted_makes_room(make_limited: MakeAsk, path: str) -> None:
    ask = make_limited(bucket_max_items=1, bucket_max_bytes=600)
    ask("PUT", RECORD, BIG)
    assert ask("DELETE", path).status_int == 200
    ask("PUT", COLLECTION, {})
    assert ask("PUT", RECORD, BIG).status_int == 201
    assert held(ask).records == 1


def test_a_deleted_bucket_begins_with_nothing(make_limited: MakeAsk) -> None:
    ask = make_limited(bucket_max_items=1, bucket_max_bytes=600)
    ask("PUT", RECORD, BIG)
    ask("DELETE", "/buckets")
    put_parents(ask)
    assert held(ask).records == 0
    assert ask("PUT", RECORD, BIG).status_int == 201


def test_tombstones_do_not_count(make_limited: MakeAsk) -> None:
    ask = make_limited()
    before = held(ask)
    for number in range(3):
        ask("PUT", f"{RECORD}{number}", BIG)
    ask("DELETE", RECORDS)
    assert held(ask) == before


# Beyond a limit already


@pytest.fixture
def over(open_file: MakeAsk) -> Asking:
    """A server whose limits are lower than what is stored."""
    ask = put_parents(open_file(includes=PLUGIN))
    for path in (RECORD, RECORD + "2"):
        ask("PUT", path, BIG)
    ask.storage.close()
    limits = {"max_bytes": "300", "max_items": "1", "max_bytes_per_item": "150"}
    return open_file(includes=PLUGIN, **{f"quotas__collection_{k}": v for k, v in limits.items()})


def test_beyond_a_limit_a_patch_that_shrinks_is_allowed(over: Asking) -> None:
    assert over("PATCH", RECORD, {"data": {"text": "x" * 250}}).status_int == 200
    assert over("PATCH", RECORD, {"data": {"text": "x" * 251}}).status_int == 507


def test_beyond_a_limit_the_same_size_is_allowed(over: Asking) -> None:
    assert over("PUT", RECORD, {"data": {"text": "y" * 300}}).status_int == 200


def test_beyond_a_limit_deletions_are_allowed(over: Asking) -> None:
    assert over("DELETE", RECORD).status_int == 200
    assert over("PUT", RECORD, {}).status_int == 507
    assert over("DELETE", RECORDS).status_int == 200
    assert over("PUT", RECORD, {}).status_int == 201


# Batches, and the personal bucket


def batch(ask: Asking, *items: tuple[str, str, Any]) -> Any:
    """Send a batch; return the reply to it as a whole."""
    requests = [{"method": m, "path": p, "body": b} for m, p, b in items]
    return ask("POST", "/batch", {"requests": requests})


def test_a_batch_beyond_a_limit_is_undone_as_a_whole(make_limited: MakeAsk) -> None:
    ask = make_limited(collection_max_items=1)
    reply = batch(ask, ("PUT", RECORD, {}), ("PUT", GROUP, {}), ("PUT", RECORD + "2", {}))
    assert refusal(reply) == "Collection maximum number of objects exceeded (2 > 1 objects)."
    assert ask.ids(RECORDS) == []
    assert ask("GET", GROUP).status_int == 404


def test_what_a_batch_leaves_is_what_counts(make_limited: MakeAsk) -> None:
    ask = make_limited(collection_max_items=1)
    ask("PUT", RECORD, {})
    assert send_batch(ask, ("PUT", RECORD + "2", {}), ("DELETE", RECORD, None)) == [201, 200]
    assert held(ask, "c").records == 1


def test_refused_items_of_a_batch_do_not_count(make_limited: MakeAsk) -> None:
    ask = make_limited(collection_max_items=1)
    statuses = send_batch(ask, ("PUT", COLLECTION + "/records/!", {}), ("PUT", RECORD, {}))
    assert statuses == [400, 201]
    assert held(ask, "c").records == 1


@pytest.mark.parametrize("collection", ["c", "d"])
def test_a_batch_may_make_and_delete_collections(make_limited: MakeAsk, collection: str) -> None:
    ask = make_limited()
    ask("PUT", RECORD, BIG)
    path = f"/buckets/b/collections/{collection}"
    again = [("PUT", path, {}), ("PUT", f"{path}/records/r2", BIG), ("DELETE", path, None)]
    send_batch(ask, *again, *again, ("PUT", path, {}), ("PUT", f"{path}/records/r3", {}))
    assert held(ask, collection).records == 1
    send_batch(ask, ("PUT", f"{path}/records/r4", BIG), ("DELETE", path, None))
    assert collection not in check_counters(ask).stored


def test_a_batch_may_delete_a_bucket_and_make_it_again(make_limited: MakeAsk) -> None:
    ask = make_limited()
    ask("PUT", RECORD, BIG)
    again = [("DELETE", BUCKET, None), ("PUT", BUCKET, {}), ("PUT", COLLECTION, {})]
    send_batch(ask, ("PUT", RECORD + "2", BIG), *again, ("PUT", RECORD, {}))
    assert (held(ask).records, held(ask, "c").records) == (1, 1)
    assert send_batch(ask, *again, ("DELETE", BUCKET, None)) == [200, 201, 201, 200]


def test_the_personal_bucket_is_limited_too(make_ask: MakeAsk) -> None:
    includes = f"{PLUGIN} kinto.plugins.default_bucket"
    ask = make_ask(includes=includes, quotas__bucket_max_items="1")
    path = "/buckets/default/collections/tasks/records"
    assert ask("POST", path, {}).status_int == 201
    refusal(ask("POST", path, {}))
    assert ask("POST", path, {}, user="bob").status_int == 201
    assert check_counters(ask, ask.data("/buckets/default")["id"]).stored[None].records == 1


# With others


def test_the_history_is_not_counted_and_not_written_for_refused_writes(make_ask: MakeAsk) -> None:
    includes = f"kinto.plugins.history {PLUGIN}"
    ask = put_parents(make_ask(includes=includes, quotas__collection_max_items="1"))
    ask("PUT", RECORD, SMALL)
    before = len(ask.data("/buckets/b/history"))
    refusal(ask("PUT", RECORD + "2", SMALL))
    assert len(ask.data("/buckets/b/history")) == before == 3
    sizes = [size(ask.data(path)) for path in (BUCKET, COLLECTION, RECORD)]
    assert held(ask).bytes == sum(sizes)


def test_counters_are_nowhere_to_be_seen(make_ask: MakeAsk) -> None:
    ask = put_parents(make_ask(includes=f"{PLUGIN} kinto.plugins.counters"))
    counted = ask("GET", "/__counters__").json
    assert counted == {"objects": {"bucket": 1, "collection": 1}, "tombstones": {}}
    assert ask("GET", "/buckets/b/quotas").status_int == 404
    assert ask("GET", "/buckets/b/quotas/bucket").status_int == 404


def test_a_flush_forgets_the_counters(make_ask: MakeAsk) -> None:
    ask = put_parents(make_ask(includes=f"{PLUGIN} kinto.plugins.flush"))
    items = [("PUT", RECORD, {}), ("POST", "/__flush__", None), ("PUT", BUCKET, {})]
    assert send_batch(ask, *items) == [201, 202, 201]
    assert set(check_counters(ask).stored) == {None}


def test_data_of_a_forgotten_user_give_their_bytes_back(make_ask: MakeAsk) -> None:
    grant = {"user-data_delete_principals": "system.Everyone"}
    ask = put_parents(make_ask(includes=PLUGIN, **grant))
    ask("PATCH", BUCKET, {"permissions": {"collection:create": ["system.Authenticated"]}})
    ask("PUT", "/buckets/b/collections/d", {}, user="bob")
    ask("PUT", "/buckets/b/collections/d/records/r", BIG, user="bob")
    assert ask("DELETE", f"/__user_data__/{user_id('bob')}").status_int == 200
    assert set(check_counters(ask).stored) == {None, "c"}


def test_the_plugin_is_a_capability(make_ask: MakeAsk) -> None:
    capability = make_ask(includes=PLUGIN)("GET", "/").json["capabilities"]["quotas"]
    assert set(capability) == {"description", "url"}


def test_without_the_plugin_limits_are_not_enforced(make_ask: MakeAsk) -> None:
    ask = put_parents(make_ask(quotas__collection_max_items="0"))
    assert ask("PUT", RECORD, {}).status_int == 201
    assert "quotas" not in ask("GET", "/").json["capabilities"]
