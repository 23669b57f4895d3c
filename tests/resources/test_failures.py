"""A request that fails stores nothing (protocol, core chapters 1.9 and 4.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.resources.asking import BUCKET, COLLECTION, GROUP, RECORD, RECORDS, Asking, user_id

STALE = {"If-Match": '"1"'}
MERGE = {"Content-Type": "application/merge-patch+json"}
PATCHES = {"Content-Type": "application/json-patch+json"}
EVERYONE = {"read": ["system.Everyone"]}
NEW = {"data": {"x": 1}, "permissions": EVERYONE}
LISTS = ["/buckets", "/buckets/b/groups", "/buckets/b/collections", RECORDS]

FAILURES: list[tuple[str, str, Any, str, dict[str, str], int]] = [
    ("PUT", RECORD, {**NEW, "more": 1}, "alice", {}, 400),
    ("PUT", RECORD, {"data": {"id": "x"}, "permissions": EVERYONE}, "alice", {}, 400),
    ("PUT", RECORD, {"data": {"a": 1}, "permissions": {"x": ["y"]}}, "alice", {}, 400),
    ("PUT", RECORD, NEW, "alice", STALE, 412),
    ("PUT", RECORD, NEW, "alice", {"If-None-Match": "*"}, 412),
    ("PUT", RECORD, NEW, "bob", {}, 403),
    ("PUT", RECORD, NEW, "", {}, 401),
    ("PUT", RECORD, NEW, "alice", {"Accept": "text/html"}, 406),
    ("PUT", RECORD, b"x", "alice", {"Content-Type": "text/plain"}, 415),
    ("PUT", RECORD, b"[" * 1000, "alice", {}, 400),
    ("PUT", RECORD + "9", NEW, "alice", STALE, 412),
    ("PUT", RECORDS + "/-bad", NEW, "alice", {}, 400),
    ("PUT", GROUP, {"data": {"members": ["system.Everyone"]}}, "alice", {}, 400),
    ("PUT", COLLECTION, {"data": {"schema": {"type": "bogus"}}}, "alice", {}, 400),
    ("PUT", "/buckets/none/collections/c", NEW, "alice", {}, 403),
    ("PUT", "/buckets/none/collections/c/records/r", NEW, "alice", {}, 404),
    ("PATCH", RECORD, {"data": {"id": 1}, "permissions": EVERYONE}, "alice", {}, 400),
    ("PATCH", RECORD, {}, "alice", {}, 400),
    ("PATCH", RECORD, NEW, "alice", STALE, 412),
    ("PATCH", RECORD, NEW, "alice", {"Response-Behavior": "loud"}, 400),
    ("PATCH", GROUP, {"data": {"members": None}}, "alice", {}, 400),
    (
        "PATCH", RECORD,
        [{"op": "add", "path": "/data/x", "value": 1}, {"op": "remove", "path": "/data/none"}],
        "alice", PATCHES, 400,
    ),
    (
        "PATCH", RECORD,
        [
            {"op": "add", "path": "/permissions/read/system.Everyone"},
            {"op": "test", "path": "/data/n", "value": 2},
        ],
        "alice", PATCHES, 400,
    ),
    ("POST", RECORDS, {"data": {"id": "r", "x": 1}, "permissions": EVERYONE}, "alice", STALE, 412),
    ("POST", RECORDS, NEW, "alice", STALE, 412),
    ("POST", RECORDS, NEW, "bob", {}, 403),
    ("POST", RECORDS, {"data": {"id": "-bad"}}, "alice", {}, 400),
    ("POST", RECORDS, {"data": []}, "alice", {}, 400),
    ("DELETE", RECORD, None, "alice", STALE, 412),
    ("DELETE", RECORD, b"{", "alice", {}, 400),
    ("DELETE", RECORD + "?last_modified=x", None, "alice", {}, 400),
    ("DELETE", RECORDS, None, "alice", STALE, 412),
    ("DELETE", RECORDS + "?in_id=1", None, "alice", {}, 400),
    ("DELETE", RECORDS + "?_token=x", None, "alice", {}, 400),
    ("DELETE", BUCKET, None, "bob", {}, 403),
]  # fmt: skip


def look(ask: Asking) -> list[Any]:
    """All that alice can see of a tree: objects, tombstones, permissions, timestamps, totals."""
    lists = [ask("GET", path + "?_since=0") for path in LISTS]
    heads = [ask("HEAD", path).headers["Total-Objects"] for path in LISTS]
    objects = [ask("GET", path).json for path in (BUCKET, GROUP, COLLECTION, RECORD)]
    return [heads, objects, [(reply.json, reply.headers["ETag"]) for reply in lists]]


@pytest.mark.parametrize(("method", "path", "body", "user", "headers", "status"), FAILURES)
def test_a_failed_request_changes_nothing_at_all(
    tree: Asking,
    method: str,
    path: str,
    body: Any,
    user: str,
    headers: dict[str, str],
    status: int,
) -> None:
    before = look(tree)
    assert tree(method, path, body, user, headers).status_int == status
    assert look(tree) == before


def test_a_listener_that_fails_undoes_the_request(
    tree: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_call: object, _change: object) -> None:
        raise RuntimeError("no")

    before = look(tree)
    monkeypatch.setattr(tree.service, "listeners", [refuse])
    statuses = [
        tree(method, path, body).status_int
        for method, path, body in (
            ("PUT", RECORD, NEW),
            ("PATCH", GROUP, {"data": {"members": [user_id("bob")]}}),
            ("POST", RECORDS, NEW),
            ("DELETE", RECORDS, None),
            ("DELETE", BUCKET, None),
        )
    ]
    assert statuses == [500] * 5
    assert look(tree) == before
