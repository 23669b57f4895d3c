"""Reading and writing permissions (protocol, core chapters 8.1, 8.6 and 8.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.resources.asking import BUCKET, COLLECTION, GROUP, RECORD, RECORDS, Asking, user_id

ALICE, BOB = user_id("alice"), user_id("bob")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (BUCKET, ["read", "write", "collection:create", "group:create"]),
        (GROUP, ["read", "write"]),
        (COLLECTION, ["read", "write", "record:create"]),
        (RECORD, ["read", "write"]),
    ],
)
def test_each_kind_has_its_permissions(tree: Asking, path: str, names: list[str]) -> None:
    wanted = {name: ["x", "system.Everyone"] for name in names}
    assert tree("PUT", path, {"permissions": wanted}).status_int == 200
    expected = {name: {"x", "system.Everyone"} for name in names}
    assert tree.permissions(path) == expected | {"write": {"x", "system.Everyone", ALICE}}


@pytest.mark.parametrize("path", [BUCKET, GROUP, COLLECTION, RECORD])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_unknown_permissions_are_refused(tree: Asking, path: str, method: str) -> None:
    before = tree.permissions(path)
    reply = tree(method, path, {"data": {}, "permissions": {"bucket:create": ["x"]}})
    assert (reply.status_int, reply.json["details"][0]["name"]) == (400, "permissions")
    assert tree.permissions(path) == before


def test_unknown_permissions_are_named_with_the_known_ones(tree: Asking) -> None:
    reply = tree("PUT", RECORD, {"permissions": {"foo": []}})
    assert reply.json["details"] == [
        {
            "location": "body",
            "name": "permissions",
            "description": '"foo" is not one of read, write',
        }
    ]


#: How a body changes {"read": ["u"], "record:create": ["v"], "write": [alice]}.
EFFECTS: list[tuple[str, Any, dict[str, set[str]]]] = [
    ("PUT", {}, {"read": {"u"}, "record:create": {"v"}}),
    ("PUT", {"data": {}}, {"read": {"u"}, "record:create": {"v"}}),
    ("PUT", {"permissions": {}}, {"read": {"u"}, "record:create": {"v"}}),
    ("PUT", {"permissions": {"read": None}}, {"read": {"u"}, "record:create": {"v"}}),
    ("PUT", {"permissions": {"read": ["w"]}}, {"read": {"w"}}),
    ("PUT", {"permissions": {"read": ["w", "w"]}}, {"read": {"w"}}),
    ("PUT", {"permissions": {"read": []}}, {}),
    ("PUT", {"permissions": {"write": []}}, {}),
    ("PUT", {"permissions": {"read": ["w"], "record:create": None}}, {"read": {"w"}}),
    ("PATCH", {"data": {}}, {"read": {"u"}, "record:create": {"v"}}),
    ("PATCH", {"permissions": {}}, {"read": {"u"}, "record:create": {"v"}}),
    ("PATCH", {"permissions": {"read": ["w"]}}, {"read": {"w"}, "record:create": {"v"}}),
    ("PATCH", {"permissions": {"read": []}}, {"record:create": {"v"}}),
    ("PATCH", {"permissions": {"write": []}}, {"read": {"u"}, "record:create": {"v"}}),
    ("PATCH", {"permissions": {"read": None}}, {"read": {"u"}, "record:create": {"v"}}),
]


@pytest.mark.parametrize(("method", "body", "expected"), EFFECTS)
def test_a_write_changes_permissions_as_the_table_says(
    tree: Asking, method: str, body: Any, expected: dict[str, set[str]]
) -> None:
    tree("PUT", COLLECTION, {"permissions": {"read": ["u"], "record:create": ["v"]}})
    assert tree(method, COLLECTION, body).status_int == 200
    assert tree.permissions(COLLECTION) == expected | {"write": {ALICE}}


def test_merge_patch_empties_a_list_with_null(tree: Asking) -> None:
    tree.share(COLLECTION, "read", "u")
    merge = {"Content-Type": "application/merge-patch+json"}
    tree("PATCH", COLLECTION, {"permissions": {"read": None}}, headers=merge)
    assert tree.permissions(COLLECTION) == {"write": {ALICE}}


def test_posting_an_existing_object_leaves_its_permissions_alone(tree: Asking) -> None:
    body = {"data": {"id": "r", "n": 5}, "permissions": {"read": ["system.Everyone"]}}
    reply = tree("POST", RECORDS, body)
    assert (reply.status_int, reply.json["data"]["n"]) == (200, 1)
    assert tree.permissions(RECORD) == {"write": {ALICE}}


#: Wrong lists, and the details they give.
WRONG = [
    ("x", "permissions.read", '"x" is not iterable'),
    (5, "permissions.read", '"5" is not iterable'),
    ({"a": 1}, "permissions.read", "\"{'a': 1}\" is not iterable"),
    ([1], "permissions.read.0", "1 is not a string: {'': ''}"),
    ([""], "permissions.read.0", "Required"),
    (["x", None], "permissions.read.1", "Required"),
    ([{}], "permissions.read.0", "Required"),
]


@pytest.mark.parametrize(("value", "name", "description"), WRONG)
def test_a_wrong_list_of_principals(tree: Asking, value: Any, name: str, description: str) -> None:
    reply = tree("PUT", RECORD, {"permissions": {"read": value}})
    assert reply.json["details"] == [{"location": "body", "name": name, "description": description}]


def test_an_inherited_writer_joins_the_write_list(tree: Asking) -> None:
    tree.share(BUCKET, "write", BOB)
    assert tree.permissions(RECORD, "bob") == {}
    reply = tree("PATCH", RECORD, {"data": {"edited": True}}, user="bob")
    assert set(reply.json["permissions"]["write"]) == {ALICE, BOB}


def test_no_one_removes_themselves(tree: Asking) -> None:
    tree("PUT", RECORD, {"permissions": {"write": ["x"]}})
    assert tree.permissions(RECORD) == {"write": {"x", ALICE}}


def test_an_anonymous_creator_is_everyone(tree: Asking) -> None:
    tree.share(COLLECTION, "record:create", "system.Everyone")
    reply = tree("POST", RECORDS, {"data": {}}, user="")
    assert reply.json["permissions"] == {"write": ["system.Everyone"]}


def test_permissions_are_shown_to_members_of_a_writing_group(tree: Asking) -> None:
    tree("PUT", GROUP, {"data": {"members": [BOB]}})
    tree.share(RECORD, "write", GROUP)
    assert tree.permissions(RECORD, "bob") == {"write": {ALICE, GROUP}}


def test_without_explicit_permissions_nobody_is_added(make_ask: Callable[..., Asking]) -> None:
    ask = make_ask(explicit_permissions="false")
    reply = ask("PUT", BUCKET, {"permissions": {"read": [ALICE]}})
    assert (reply.status_int, reply.json["permissions"]) == (201, {})
    assert ask("GET", BUCKET).status_int == 200
    assert ask("PUT", BUCKET, {"data": {}}).status_int == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_permissions_do_not_hide_in_the_data(tree: Asking, method: str) -> None:
    body = {"data": {"id": "n", "__permissions__": {"read": ["system.Everyone"]}}}
    tree("PUT", RECORDS + "/n", {"data": {}}) if method == "PATCH" else None
    path = RECORDS if method == "POST" else RECORDS + "/n"
    reply = tree(method, path, body)
    assert "__permissions__" not in reply.json["data"]
    assert reply.json["permissions"] == {"write": [ALICE]}


@pytest.mark.parametrize("op", ["add", "replace"])
@pytest.mark.parametrize("path", ["/data/__permissions__", "/data"])
def test_permissions_do_not_come_in_by_json_patch(tree: Asking, op: str, path: str) -> None:
    value: Any = {"read": {"system.Everyone": 1}}
    value = value if path.endswith("__") else {"__permissions__": value}
    body = [{"op": op, "path": path, "value": value}]
    tree("PATCH", RECORD, body, headers={"Content-Type": "application/json-patch+json"})
    assert "__permissions__" not in tree.data(RECORD)
    assert tree.permissions(RECORD) == {"write": {ALICE}}


def test_a_merge_patch_cannot_hide_permissions_either(tree: Asking) -> None:
    merge = {"Content-Type": "application/merge-patch+json"}
    body = {"data": {"__permissions__": {"read": ["system.Everyone"]}}}
    tree("PATCH", RECORD, body, headers=merge)
    assert "__permissions__" not in tree.data(RECORD)


def test_a_change_of_permissions_counts_at_once(tree: Asking) -> None:
    statuses = [tree("GET", RECORD, user="bob").status_int]
    for readers in ([BOB], [], ["system.Authenticated"], [GROUP]):
        tree("PATCH", RECORD, {"permissions": {"read": readers}})
        statuses.append(tree("GET", RECORD, user="bob").status_int)
    for members in ([BOB], [], ["system.Authenticated"]):
        tree("PUT", GROUP, {"data": {"members": members}})
        statuses.append(tree("GET", RECORD, user="bob").status_int)
    assert statuses == [403, 200, 403, 200, 403, 200, 403, 200]


def test_a_refused_write_gives_nobody_the_number_of_another(tree: Asking) -> None:
    before = {user: tree("GET", RECORD, user=user).status_int for user in ("bob", "carol")}
    tree("PUT", RECORD, {"permissions": {"read": [BOB]}}, headers={"If-Match": '"1"'})
    tree("PUT", RECORD, {"data": {"id": "x"}, "permissions": {"read": [BOB]}}, user="dave")
    tree("PUT", RECORD, {"permissions": {"read": [user_id("erin")]}})
    users = ("bob", "carol", "dave", "erin")
    assert before == {"bob": 403, "carol": 403}
    assert [tree("GET", RECORD, user=user).status_int for user in users] == [403, 403, 403, 200]
