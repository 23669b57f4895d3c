"""Several requests in one (protocol, core chapter 9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.resources.asking import (
    ANONYMOUS,
    BUCKET,
    COLLECTION,
    GROUP,
    RECORD,
    RECORDS,
    Asking,
    credentials,
    user_id,
)

NEW = {"data": {"m": 2}}


def run(ask: Asking, *requests: Any, **given: Any) -> list[Any]:
    """Send a batch that is accepted, and return its responses."""
    reply = ask("POST", "/batch", {"requests": list(requests)}, **given)
    assert reply.status_int == 200, reply.body
    responses: list[Any] = reply.json["responses"]
    return responses


def put(path: str, **body: Any) -> dict[str, Any]:
    """An item that puts an object."""
    return {"method": "PUT", "path": path, "body": body}


WRONG_FORMS: list[tuple[Any, list[tuple[str, str]]]] = [
    ({}, [("requests", "Required")]),
    ({"requests": None}, [("requests", '"None" is not iterable')]),
    ({"requests": {}, "x": 1}, [("", "Unrecognized keys in mapping: \"{'x': 1}\"")]),
    ({"requests": [{}]}, [("requests.0.path", "Required")]),
    ({"requests": [{"path": ""}]}, [("requests.0.path", "Required")]),
    (
        {"requests": [{"path": "x"}]},
        [("requests.0.path", "String does not match expected pattern")],
    ),
    ({"requests": [{"path": 1}]}, [("requests.0.path", "1 is not a string: {'path': ''}")]),
    (
        {"requests": [{"path": "/", "method": "get"}]},
        [(
            "requests.0.method",
            '"get" is not one of GET, HEAD, DELETE, TRACE, POST, PUT, PATCH',
        )],
    ),
    (
        {"requests": [{"path": "/", "headers": {"a": 1}}]},
        [("requests.0.headers", "{'a': 1} contains non string value")],
    ),
    (
        {"requests": [{"path": "/", "foo": 1}]},
        [("requests.0", "Unrecognized keys in mapping: \"{'foo': 1}\"")],
    ),
    (
        {"requests": [{"path": "/batch"}]},
        [("requests", "Recursive call on /batch endpoint is forbidden.")],
    ),
    (
        {"requests": [{"path": "/"}] * 26},
        [("requests", "Number of requests is limited to 25")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "details"), WRONG_FORMS)
def test_a_batch_of_a_wrong_form(ask: Asking, body: Any, details: list[tuple[str, str]]) -> None:
    reply = ask("POST", "/batch", body)
    assert reply.status_int == 400
    shown = [(detail["name"], detail["description"]) for detail in reply.json["details"]]
    assert shown == details


@pytest.mark.parametrize("body", [[], [1], "x", None, 1, {"requests": [[]]}, {"requests": [1]},
                                  {"requests": [{"path": "/", "body": []}]},
                                  {"requests": [], "defaults": 1},
                                  {"requests": [], "defaults": {"foo": 1}}])  # fmt: skip
def test_other_wrong_forms_are_400_too(ask: Asking, body: Any) -> None:
    assert ask("POST", "/batch", body).status_int == 400


def test_a_form_is_checked_before_anything_runs(tree: Asking) -> None:
    requests = [put(RECORD + "3"), {"path": "nope"}]
    assert tree("POST", "/batch", {"requests": requests}).status_int == 400
    assert tree("GET", RECORD + "3").status_int == 404


def test_an_empty_batch_is_fine(ask: Asking) -> None:
    assert run(ask) == []


@pytest.mark.parametrize(
    ("limit", "count", "status"), [("2", 3, 400), ("0", 60, 200), ("2", 2, 200)]
)
def test_the_number_of_items_is_limited(
    make_ask: Callable[..., Asking], limit: str, count: int, status: int
) -> None:
    ask = make_ask(batch_max_requests=limit)
    reply = ask("POST", "/batch", {"requests": [{"path": "/"}] * count})
    assert reply.status_int == status


@pytest.mark.parametrize("path", [
    "/batch", "/v1/batch", "/batch?x", "/%62atch", "/batch/", "/v1/batch//", "/batch%2F",
])  # fmt: skip
def test_a_batch_in_a_batch_is_refused(ask: Asking, path: str) -> None:
    inner = {"method": "POST", "path": path, "body": {"requests": []}}
    reply = ask("POST", "/batch", {"requests": [inner]})
    assert "Recursive call" in reply.json["message"]


@pytest.mark.parametrize(
    "path", ["/batch%3Fx/", "/batch%23/", "//batch", "/v1/v1/batch", "/./batch"]
)
def test_no_other_way_leads_into_a_batch(ask: Asking, path: str) -> None:
    inner = {"method": "POST", "path": path, "body": {"requests": [{"path": "/"}]}}
    (item,) = run(ask, inner)
    assert item["status"] == 404


@pytest.mark.parametrize("path", ["/buckets/batch", "/buckets/b/collections/batch-1", "/?x=/batch"])
def test_other_paths_with_the_word_are_fine(tree: Asking, path: str) -> None:
    (item,) = run(tree, {"path": path})
    assert item["status"] in (200, 403, 404)


def test_an_escaped_question_mark_belongs_to_the_path(tree: Asking) -> None:
    (item,) = run(tree, {"path": "/buckets/b%3Fx/"})
    assert item["status"] != 200


# Running


def test_items_run_in_order_and_see_each_other(tree: Asking) -> None:
    responses = run(
        tree,
        put("/buckets/n"),
        put("/buckets/n/collections/c"),
        put("/buckets/n/collections/c/records/r", data={"n": 1}),
        {"method": "PATCH", "path": "/buckets/n/collections/c/records/r", "body": NEW},
        {"path": "/buckets/n/collections/c/records/r"},
    )  # fmt: skip
    assert [item["status"] for item in responses] == [201, 201, 201, 200, 200]
    assert {"n": 1, "m": 2}.items() <= responses[4]["body"]["data"].items()


def test_refused_items_do_not_stop_the_others(tree: Asking) -> None:
    responses = run(
        tree,
        put(RECORD + "3"),
        {"path": "/nope"},
        {"path": RECORD + "9"},
        {"method": "PUT", "path": RECORD, "headers": {"If-Match": '"1"'}},
        {"method": "PUT", "path": "/buckets"},
        put(RECORD, data=1),
        put(RECORD + "4"),
    )
    assert [item["status"] for item in responses] == [201, 404, 404, 412, 405, 400, 201]
    assert [item["body"].get("errno") for item in responses] == [
        None,
        111,
        110,
        114,
        115,
        107,
        None,
    ]
    assert {"r3", "r4"} <= set(tree.ids(RECORDS))


def test_the_headers_of_the_batch_are_those_of_its_items(tree: Asking) -> None:
    headers = {"If-None-Match": "*"}
    statuses = [
        item["status"] for item in run(tree, put(RECORD), put(RECORD + "3"), headers=headers)
    ]
    assert statuses == [412, 201]


def test_an_item_may_ask_as_somebody_else(tree: Asking) -> None:
    as_bob = {"path": "/", "headers": {"AUTHORIZATION": credentials("bob")}}
    hello, bobs, again = run(tree, {"path": "/"}, as_bob, {"path": "/"})
    ids = [item["body"]["user"]["id"] for item in (hello, bobs, again)]
    assert ids == [user_id("alice"), user_id("bob"), user_id("alice")]


def test_anonymous_batches_are_answered(tree: Asking) -> None:
    (item,) = run(tree, {"path": BUCKET}, user=ANONYMOUS)
    assert (item["status"], item["headers"]["WWW-Authenticate"]) == (401, 'Basic realm="Realm"')


def test_defaults_are_merged_at_any_depth(tree: Asking) -> None:
    body = {
        "defaults": {"method": "PUT", "body": {"data": {"a": 1, "o": {"x": 1}}}},
        "requests": [
            {"path": RECORD},
            {"path": RECORD + "3", "body": {"data": {"a": 2, "o": {"y": 2}}}},
            {"path": RECORD + "4", "body": {"data": {"o": 5}}},
        ],
    }
    responses = tree("POST", "/batch", body).json["responses"]
    data = [item["body"]["data"] for item in responses]
    assert [(item["a"], item["o"]) for item in data] == [
        (1, {"x": 1}),
        (2, {"x": 1, "y": 2}),
        (1, 5),
    ]


@pytest.mark.parametrize(
    ("path", "status", "shown"),
    [
        ("/buckets/b", 200, "/v1/buckets/b"),
        ("/v1/buckets/b", 200, "/v1/buckets/b"),
        ("/buckets/b/", 200, "/v1/buckets/b"),
        ("/buckets?n=1&_limit=1", 200, "/v1/buckets"),
        ("/v1", 200, "/v1/"),
        ("/", 200, "/v1/"),
        ("/v2/x", 404, "/v1/v2/x"),
        ("/caf%C3%A9", 404, "/v1/café"),
        ("/café", 404, "/v1/café"),
    ],
)
def test_paths_are_prefixed_redirected_and_decoded(
    tree: Asking, path: str, status: int, shown: str
) -> None:
    (item,) = run(tree, {"path": path})
    assert (item["status"], item["path"]) == (status, shown)


def test_a_query_is_the_items_own(tree: Asking) -> None:
    (item,) = run(tree, {"path": RECORDS + "?_limit=1&_sort=id"})
    assert [record["id"] for record in item["body"]["data"]] == ["r"]
    assert "_sort=id" in item["headers"]["Next-Page"]


def test_the_query_of_the_batch_means_nothing(tree: Asking) -> None:
    reply = tree("POST", "/batch?_limit=1", {"requests": [{"path": RECORDS}]})
    assert len(reply.json["responses"][0]["body"]["data"]) == 2


def test_head_has_an_empty_text_for_a_body(tree: Asking) -> None:
    (item,) = run(tree, {"method": "HEAD", "path": RECORDS})
    assert (item["body"], item["headers"]["Total-Objects"]) == ("", "2")


def test_304_has_an_empty_object_for_a_body(tree: Asking) -> None:
    headers = {"If-None-Match": f'"{tree.etag(RECORDS)}"'}
    (item,) = run(tree, {"path": RECORDS, "headers": headers})
    assert (item["status"], item["body"]) == (304, {})


def test_items_carry_the_headers_of_their_responses(tree: Asking) -> None:
    (item,) = run(tree, {"path": RECORD})
    direct = tree("GET", RECORD)
    for name in ("ETag", "Last-Modified", "Content-Type", "Content-Length", "Cache-Control"):
        assert item["headers"][name] == direct.headers[name]


def test_a_batch_has_no_etag(tree: Asking) -> None:
    reply = tree("POST", "/batch", {"requests": [{"path": RECORD}]})
    assert not {"ETag", "Last-Modified"} & set(reply.headers)


def test_a_batch_does_not_depend_on_accept_but_its_items_do(tree: Asking) -> None:
    responses = run(tree, {"path": RECORD}, {"path": "/"}, headers={"Accept": "text/html"})
    assert [item["status"] for item in responses] == [406, 200]


def test_a_batch_must_be_json(ask: Asking) -> None:
    reply = ask("POST", "/batch", b"x", headers={"Content-Type": "text/plain"})
    assert reply.status_int == 415


def test_bodies_of_items_are_plain_json(tree: Asking) -> None:
    item = {
        "method": "PATCH",
        "path": RECORD,
        "headers": {"Content-Type": "application/merge-patch+json"},
        "body": {"data": {"n": None}},
    }
    (response,) = run(tree, item)
    assert response["body"]["data"]["n"] is None


def test_deleting_a_collection_in_a_batch_is_final(tree: Asking) -> None:
    responses = run(
        tree,
        {"method": "DELETE", "path": COLLECTION},
        {"path": RECORD},
        put(RECORD),
        put(COLLECTION),
        put(RECORD + "7"),
    )
    assert [item["status"] for item in responses] == [200, 404, 404, 201, 201]
    assert tree.ids(RECORDS) == ["r7"]


def test_who_leaves_a_group_in_a_batch_loses_its_rights_at_once(tree: Asking) -> None:
    tree("PUT", GROUP, {"data": {"members": [user_id("bob")]}})
    tree.share(RECORD, "read", GROUP)
    as_bob = {"path": RECORD, "headers": {"Authorization": credentials("bob")}}
    statuses = [item["status"] for item in run(tree, put(GROUP, data={"members": []}), as_bob)]
    assert statuses == [200, 403]


def test_who_asked_before_leaving_a_group_loses_its_rights_too(tree: Asking) -> None:
    tree("PUT", GROUP, {"data": {"members": [user_id("bob")]}})
    tree.share(RECORD, "read", GROUP)
    as_bob = {"path": RECORD, "headers": {"Authorization": credentials("bob")}}
    responses = run(tree, as_bob, put(GROUP, data={"members": []}), as_bob)
    assert [item["status"] for item in responses] == [200, 200, 403]


def test_who_enters_a_group_in_a_batch_has_its_rights_afterwards(tree: Asking) -> None:
    tree.share(RECORD, "read", GROUP)
    run(tree, put(GROUP, data={"members": [user_id("bob")]}))
    assert tree("GET", RECORD, user="bob").status_int == 200


def test_a_batch_of_reads_takes_no_write_transaction(
    tree: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[bool] = []
    begin = tree.storage.transaction
    monkeypatch.setattr(
        tree.storage, "transaction", lambda write: begun.append(write) or begin(write)
    )
    run(tree, {"path": RECORD}, {"path": RECORDS}, {"method": "HEAD", "path": BUCKET})
    assert begun == [False]


def test_a_list_that_is_first_used_in_a_batch_is_started(tree: Asking) -> None:
    path = COLLECTION + "2/records"
    (item,) = run(tree, {"path": path})
    assert item["headers"]["ETag"] == tree("GET", path).headers["ETag"]


def test_an_item_refused_by_the_origin_is_400(make_ask: Callable[..., Asking]) -> None:
    ask = make_ask(cors_origins="https://ours")
    body = {"requests": [{"path": "/buckets", "headers": {"Origin": "http://evil"}}]}
    assert ask("POST", "/batch", body).json["responses"][0]["status"] == 400
    assert ask("POST", "/batch", body, headers={"Origin": "http://evil"}).status_int == 400
