"""The personal bucket (protocol, plugins chapter 3)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from kinto_lite.plugins.default_bucket import DefaultBucket
from tests.resources.asking import ANONYMOUS, Asking, user_id

MakeAsk = Callable[..., Asking]
PLUGIN = {"includes": "kinto.plugins.default_bucket"}
DEFAULT = "/buckets/default"
TASKS = DEFAULT + "/collections/tasks"
RECORDS = TASKS + "/records"
STAR = {"If-None-Match": "*"}


@pytest.fixture
def ask(make_ask: MakeAsk) -> Asking:
    """Someone who asks an app with personal buckets."""
    return make_ask(**PLUGIN)


def own_bucket(ask: Asking, user: str = "alice") -> str:
    """The path of the personal bucket, as hello tells it."""
    return f"/buckets/{ask('GET', '/', user=user).json['user']['bucket']}"


# Identifiers (3.1)

VECTORS = [
    (
        "3f6e5d4c3b2a19080706050403020100",
        "basicauth:97b9de4692598e206a21666d0c2a2d243f8e434a16aacd2955773853a650671d",
        "636a4997-6b15-e4f3-50a1-a2f2ee6b6f60",
    ),
    (
        "3f6e5d4c3b2a19080706050403020100",
        "account:alice",
        "4e19e6bd-2f2f-d538-4c98-f26c260ca4a2",
    ),
    (
        "3f6e5d4c3b2a19080706050403020100",
        "account:dan@corp.com",
        "3b8debec-eabd-bba2-97f9-463e0c097b03",
    ),
    (
        "",
        "basicauth:4a0532c236256d3691f764aebb16df62d55e3c54bfe4c75541096e32e259fdcf",
        "c25d1cac-6b97-4fb1-21ff-67b68f4e258d",
    ),
]


@pytest.mark.parametrize(("secret", "user", "bucket_id"), VECTORS)
def test_the_id_of_the_bucket(make_ask: MakeAsk, secret: str, user: str, bucket_id: str) -> None:
    settings = PLUGIN | ({"default_bucket_hmac_secret": secret} if secret else {})
    service = make_ask(**settings).service
    assert DefaultBucket(service).bucket_id(user) == bucket_id


def test_hello_tells_the_id_before_the_bucket_exists(ask: Asking) -> None:
    uuid.UUID(own_bucket(ask).rpartition("/")[2])
    assert ask("GET", own_bucket(ask)).status_int == 403
    assert "user" not in ask("GET", "/", user=ANONYMOUS).json


def test_each_user_has_a_bucket(ask: Asking) -> None:
    assert own_bucket(ask, "alice") != own_bucket(ask, "bob")


def test_the_plugin_is_a_capability(ask: Asking) -> None:
    capability = ask("GET", "/").json["capabilities"]["default_bucket"]
    assert set(capability) >= {"description", "url"}


def test_without_the_plugin_the_bucket_is_like_others(make_ask: MakeAsk) -> None:
    assert make_ask()("GET", DEFAULT).status_int == 403


# What a request does (3.2)

FIRST_REQUESTS: list[tuple[str, str, Any, dict[str, str], list[int]]] = [
    # method, path, body, headers, statuses when sent again and again
    ("GET", DEFAULT, None, {}, [200, 200]),
    ("HEAD", DEFAULT, None, {}, [200, 200]),
    ("PUT", DEFAULT, {}, {}, [201, 200]),
    ("PUT", DEFAULT, {}, STAR, [201, 412]),
    ("PATCH", DEFAULT, {"data": {"a": 1}}, {}, [200, 200]),
    ("DELETE", DEFAULT, None, {}, [200, 200]),
    ("POST", DEFAULT, {}, {}, [405, 405]),
    ("GET", DEFAULT + "/collections", None, {}, [200]),
    ("GET", TASKS, None, {}, [200, 200]),
    ("GET", RECORDS, None, {}, [200]),
    ("POST", RECORDS, {"data": {"a": 1}}, {}, [201, 201]),
    ("PUT", RECORDS + "/x", {}, {}, [201, 200]),
    ("PUT", TASKS, {}, {}, [201, 200]),
    ("PUT", TASKS, {}, STAR, [201, 412]),
    ("PATCH", TASKS, {"data": {}}, {}, [200]),
    ("DELETE", TASKS, None, {}, [200, 200]),
    ("GET", RECORDS + "/nope", None, {}, [404]),
    ("DELETE", RECORDS + "/nope", None, {}, [404]),
    ("GET", DEFAULT + "/groups", None, {}, [200]),
    ("GET", DEFAULT + "/groups/g2", None, {}, [404]),
    ("PUT", DEFAULT + "/groups/g2", {}, {}, [201]),
    ("GET", DEFAULT + "/unknown", None, {}, [404]),
    ("PUT", DEFAULT + "/collections/a/records/bca", {}, {}, [201]),
    ("PUT", DEFAULT + "/collections/a/records/a", {}, {}, [201]),
]


@pytest.mark.parametrize(("method", "path", "body", "headers", "statuses"), FIRST_REQUESTS)
def test_a_first_request_of_a_new_user(
    ask: Asking, method: str, path: str, body: Any, headers: dict[str, str], statuses: list[int]
) -> None:
    replies = [ask(method, path, body, headers=headers) for _ in statuses]
    assert [reply.status_int for reply in replies] == statuses


@pytest.mark.parametrize(
    ("path", "errno"),
    [(RECORDS + "/nope", 110), (DEFAULT + "/groups/g2", 110), (DEFAULT + "/unknown", 111)],
)
def test_a_404_leaves_what_was_created(ask: Asking, path: str, errno: int) -> None:
    assert ask("GET", path).json["errno"] == errno
    assert ask("GET", own_bucket(ask)).status_int == 200
    assert ask("GET", own_bucket(ask) + "/collections").status_int == 200


def test_a_missing_record_leaves_its_collection(ask: Asking) -> None:
    ask("GET", RECORDS + "/nope")
    assert ask("GET", own_bucket(ask) + "/collections/tasks").status_int == 200


def test_lists_of_a_new_user_are_empty(ask: Asking) -> None:
    assert ask("GET", DEFAULT + "/collections").json == {"data": []}
    assert ask("GET", RECORDS).json == {"data": []}
    assert ask.ids(DEFAULT + "/collections") == ["tasks"]


def test_groups_are_not_implied(ask: Asking) -> None:
    ask("GET", DEFAULT + "/groups/g")
    assert ask.ids(DEFAULT + "/groups") == []


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/v1/buckets/default/", "/v1/buckets/default"),
        ("/v1/buckets/default/collections/tasks/", "/v1/buckets/default/collections/tasks"),
        ("/buckets/default", "/v1/buckets/default"),
    ],
)
def test_redirects_keep_the_alias(ask: Asking, path: str, location: str) -> None:
    reply = ask.client.get(path, status=307)
    assert reply.headers["Location"] == "http://localhost" + location


@pytest.mark.parametrize("name", ["default-1", "defaultx", "Default"])
def test_other_names_are_ordinary(ask: Asking, name: str) -> None:
    assert ask("GET", f"/buckets/{name}").status_int == 403
    assert ask("PUT", f"/buckets/{name}", {}).json["data"]["id"] == name


@pytest.mark.parametrize("path", [DEFAULT, TASKS, RECORDS])
def test_a_preflight_creates_nothing(ask: Asking, path: str) -> None:
    headers = {"Origin": "http://x", "Access-Control-Request-Method": "GET"}
    reply = ask("OPTIONS", path, headers=headers)
    assert (reply.status_int, reply.body) == (200, b"null")
    assert ask.ids("/buckets") == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", [DEFAULT, TASKS, RECORDS + "/x"])
def test_nobody_has_no_bucket(ask: Asking, method: str, path: str) -> None:
    reply = ask(method, path, {} if method == "PUT" else None, user=ANONYMOUS)
    assert (reply.status_int, reply.json["errno"]) == (401, 104)
    assert "WWW-Authenticate" in reply.headers


def test_a_page_may_read_why_it_is_refused(ask: Asking) -> None:
    reply = ask("GET", DEFAULT, user=ANONYMOUS, headers={"Origin": "http://x"})
    assert reply.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_read_only_server_has_no_personal_buckets(make_ask: MakeAsk, method: str) -> None:
    ask = make_ask(readonly="true", **PLUGIN)
    reply = ask(method, DEFAULT)
    assert (reply.status_int, reply.json["errno"]) == (405, 115)


def test_preflights_work_on_a_read_only_server(make_ask: MakeAsk) -> None:
    ask = make_ask(readonly="true", **PLUGIN)
    headers = {"Origin": "http://x", "Access-Control-Request-Method": "GET"}
    assert ask("OPTIONS", DEFAULT, headers=headers).status_int == 200


def test_urls_in_answers_have_the_real_id(ask: Asking) -> None:
    for _ in "ab":
        ask("POST", RECORDS, {})
    url = ask("GET", RECORDS + "?_limit=1&n=null&_fields=x").headers.get("Next-Page", "")
    assert url == ""
    url = ask("GET", RECORDS + "?_limit=1&_fields=x").headers["Next-Page"]
    assert url.startswith(f"http://localhost/v1{own_bucket(ask)}/collections/tasks/records?")
    assert "_fields=x" in url


def test_the_query_string_is_kept(ask: Asking) -> None:
    ask("PUT", RECORDS + "/x", {"data": {"n": 1}})
    assert ask.ids(RECORDS + "?n=1") == ["x"]
    assert ask.ids(RECORDS + "?n=2") == []


# Ids and bodies (3.3)


@pytest.mark.parametrize("id_", ["__files__", "-bad", "a b", "é"])
@pytest.mark.parametrize(
    ("method", "rest"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/records"), ("POST", "/records"),
     ("PUT", "/records/x")],
)  # fmt: skip
def test_a_malformed_collection_id_creates_nothing(
    ask: Asking, id_: str, method: str, rest: str
) -> None:
    body: Any = {"data": {}} if method[0] == "P" else None
    reply = ask(method, f"{DEFAULT}/collections/{quote(id_)}{rest}", body)
    assert (reply.status_int, reply.json["message"]) == (400, "path: Invalid collection id")
    assert reply.json["details"] == [
        {"location": "path", "name": None, "description": "Invalid collection id"}
    ]
    assert ask.ids("/buckets") == []


def test_putting_a_malformed_collection_leaves_the_bucket(ask: Asking) -> None:
    reply = ask("PUT", DEFAULT + "/collections/-bad", {})
    assert (reply.status_int, reply.json["message"]) == (400, "path: Invalid object id")
    assert len(ask.ids("/buckets")) == 1


def test_the_alias_may_be_the_id_in_the_body(ask: Asking) -> None:
    reply = ask("PUT", DEFAULT, {"data": {"id": "default", "a": 1}})
    assert (reply.status_int, reply.json["data"]["a"]) == (201, 1)
    assert reply.json["data"]["id"] == own_bucket(ask).rpartition("/")[2]


def test_the_real_id_may_be_the_id_in_the_body(ask: Asking) -> None:
    id_ = own_bucket(ask).rpartition("/")[2]
    assert ask("PUT", DEFAULT, {"data": {"id": id_}}).status_int == 201


def test_another_id_in_the_body_is_refused(ask: Asking) -> None:
    reply = ask("PUT", DEFAULT, {"data": {"id": "other"}})
    assert reply.json["message"] == "Object id does not match existing object"
    assert ask.ids("/buckets") == []


def test_the_word_is_replaced_nowhere_else(ask: Asking) -> None:
    posted = ask("POST", DEFAULT + "/collections", {"data": {"id": "my-default-thing"}})
    assert posted.json["data"]["id"] == "my-default-thing"
    path = DEFAULT + "/collections/default"
    put = ask("PUT", path, {"data": {"id": "default", "t": "default"}})
    assert (put.status_int, put.json["data"]["id"], put.json["data"]["t"]) == (
        201,
        "default",
        "default",
    )


def test_posting_a_bucket_of_that_name_makes_an_ordinary_one(ask: Asking) -> None:
    assert ask("POST", "/buckets", {"data": {"id": "default"}}).status_int == 201
    assert ask("GET", DEFAULT).json["data"]["id"] != "default"
    assert "default" in ask.ids("/buckets")


# Permissions (3.4)


def test_what_is_implied_belongs_to_its_user(ask: Asking) -> None:
    ask("PUT", RECORDS + "/x", {})
    for path in (own_bucket(ask), own_bucket(ask) + "/collections/tasks"):
        assert ask.permissions(path) == {"write": {user_id("alice")}}


def test_implied_buckets_need_no_right_to_create(make_ask: MakeAsk) -> None:
    ask = make_ask(bucket_create_principals="nobody", **PLUGIN)
    assert ask("PUT", DEFAULT, {}).status_int == 403
    assert ask("POST", RECORDS, {}).status_int == 201
    assert ask("PUT", DEFAULT, {}).status_int == 200


def test_others_reach_the_objects_by_the_real_id(ask: Asking) -> None:
    ask("PUT", RECORDS + "/x", {"permissions": {"read": [user_id("bob")]}})
    path = own_bucket(ask) + "/collections/tasks/records/x"
    assert ask("GET", path, user="bob").status_int == 200
    assert ask("GET", own_bucket(ask), user="bob").status_int == 403
    assert ask("GET", path, user=ANONYMOUS).status_int == 401


def test_the_alias_of_others_is_their_own(ask: Asking) -> None:
    ask("PUT", RECORDS + "/x", {})
    assert ask("GET", RECORDS + "/x", user="bob").status_int == 404


def test_collections_are_implied_by_the_alias_only(ask: Asking) -> None:
    ask("GET", DEFAULT)
    path = own_bucket(ask) + "/collections/new/records/x"
    assert ask("PUT", path, {}).json["errno"] == 111


def test_listeners_hear_of_what_is_implied_once(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, str, str | None]] = []

    def listen(call: Any, change: Any) -> None:
        heard.append((change.action, change.ref.kind, call.asker.user_id))

    monkeypatch.setattr(ask.service, "listeners", [listen])
    for _ in "ab":
        ask("PUT", RECORDS + "/x", {})
    alice = user_id("alice")
    assert heard == [
        ("create", "bucket", alice),
        ("create", "collection", alice),
        ("create", "record", alice),
        ("update", "record", alice),
    ]


def batch(ask: Asking, *items: tuple[str, str]) -> list[Any]:
    """Send a batch and return its responses."""
    requests = [{"method": method, "path": path} for method, path in items]
    responses: list[Any] = ask("POST", "/batch", {"requests": requests}).json["responses"]
    return responses


def test_items_of_a_batch_use_the_alias(ask: Asking) -> None:
    responses = batch(ask, ("PUT", RECORDS + "/x"), ("PUT", RECORDS + "/y"), ("GET", RECORDS))
    assert [item["status"] for item in responses] == [201, 201, 200]
    assert [item["path"] for item in responses][::2] == ["/v1" + RECORDS + "/x", "/v1" + RECORDS]
    assert ask.ids(RECORDS) == ["x", "y"]


def test_a_batch_of_reads_may_create(ask: Asking) -> None:
    assert [item["status"] for item in batch(ask, ("GET", DEFAULT), ("GET", TASKS))] == [200, 200]
    assert ask.ids("/buckets") != []


def test_a_collection_deleted_in_a_batch_is_implied_again(ask: Asking) -> None:
    ask("PUT", RECORDS + "/x", {})
    responses = batch(ask, ("DELETE", TASKS), ("PUT", RECORDS + "/y"))
    assert [item["status"] for item in responses] == [200, 201]
    assert ask.ids(RECORDS) == ["y"]


def test_a_malformed_id_in_a_batch_creates_nothing(ask: Asking) -> None:
    (item,) = batch(ask, ("PUT", DEFAULT + "/collections/-bad/records/x"))
    assert item["status"] == 400
    assert ask.ids("/buckets") == []


def test_an_anonymous_item_is_401(ask: Asking) -> None:
    body = {"requests": [{"path": DEFAULT, "headers": {"Authorization": "x"}}]}
    assert ask("POST", "/batch", body).json["responses"][0]["status"] == 401
