"""The endpoint that empties the server (protocol, plugins chapter 7.1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.resources.asking import (
    ANONYMOUS,
    BUCKET,
    GROUP,
    RECORDS,
    Asking,
    build_tree,
    credentials,
    user_id,
)

MakeAsk = Callable[..., Asking]


@pytest.fixture
def tree(make_ask: MakeAsk) -> Asking:
    """A tree in an app that may be flushed."""
    ask = make_ask(includes="kinto.plugins.flush")
    build_tree(ask)
    return ask


def test_without_the_plugin_there_is_no_such_endpoint(ask: Asking) -> None:
    assert ask("POST", "/__flush__").status_int == 404


@pytest.mark.parametrize("body", [None, b"", b"x", b"{}"])
def test_anyone_may_flush_with_any_body(tree: Asking, body: bytes | None) -> None:
    reply = tree("POST", "/__flush__", body, ANONYMOUS, {"Content-Type": "text/plain"})
    assert (reply.status_int, reply.json) == (202, {})
    assert tree.ids("/buckets") == []


def test_everything_is_gone(tree: Asking) -> None:
    tree("PUT", GROUP, {"data": {"members": [user_id("bob")]}})
    tree.share(BUCKET, "read", GROUP)
    tree("POST", "/__flush__")
    assert tree.data("/buckets?_since=0") == []
    assert GROUP not in tree("GET", "/", user="bob").json["user"]["principals"]
    assert tree("HEAD", "/buckets").headers["Total-Objects"] == "0"


def test_nobody_keeps_a_right(tree: Asking) -> None:
    tree.share(BUCKET, "read", user_id("bob"))
    tree("POST", "/__flush__")
    tree("PUT", BUCKET, {})
    assert tree("GET", BUCKET, user="bob").status_int == 403


def test_the_counters_start_again_from_now(tree: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    now = tree.etag("/buckets") + 1000
    tree("POST", "/__flush__")
    tree.set_clock(monkeypatch, now)
    assert tree.etag("/buckets") == now


def test_users_keep_their_ids(tree: Asking) -> None:
    tree("POST", "/__flush__")
    assert tree("GET", "/").json["user"]["id"] == user_id("alice")


def test_writes_work_after_a_flush(tree: Asking) -> None:
    tree("POST", "/__flush__")
    build_tree(tree)
    assert tree.ids(RECORDS) == ["r", "r2"]


def test_a_flush_in_a_batch_is_final(tree: Asking) -> None:
    requests = [
        {"method": "POST", "path": "/__flush__"},
        {"method": "PUT", "path": "/buckets/new"},
        {"method": "GET", "path": BUCKET},
    ]
    responses = tree("POST", "/batch", {"requests": requests}).json["responses"]
    assert [item["status"] for item in responses] == [202, 201, 403]
    assert tree.ids("/buckets") == ["new"]
    assert tree.permissions("/buckets/new") == {"write": {user_id("alice")}}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_405(tree: Asking, method: str) -> None:
    assert tree(method, "/__flush__").status_int == 405


def test_a_read_only_server_is_not_flushed(make_ask: MakeAsk) -> None:
    ask = make_ask(includes="kinto.plugins.flush", readonly="true")
    assert ask("POST", "/__flush__").status_int == 405


def test_the_plugin_is_a_capability(tree: Asking) -> None:
    assert "flush_endpoint" in tree("GET", "/").json["capabilities"]


def test_rights_are_not_mixed_up_by_a_flush_in_a_batch(tree: Asking) -> None:
    as_bob = {"headers": {"Authorization": credentials("bob")}}
    requests = [
        {"path": "/", **as_bob},
        {"method": "POST", "path": "/__flush__"},
        {"method": "PUT", "path": "/buckets/private"},
        {"path": "/buckets/private"},
        {"path": "/buckets/private", **as_bob},
        {"path": "/buckets/private", "headers": {"Authorization": ""}},
    ]
    responses = tree("POST", "/batch", {"requests": requests}).json["responses"]
    assert [item["status"] for item in responses] == [200, 202, 201, 200, 403, 401]
