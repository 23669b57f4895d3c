"""Random values: JSON, attributes, permissions, ids, users. Pure; all chance comes from `rng`."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, TypeVar

Item = TypeVar("Item")

SECRET = "secret-of-the-comparison"
USERS = ("alice", "bob", "carol")


def get_credentials(user: str) -> str:
    """Return the `Authorization` header of a user whose password is `pw`."""
    return "Basic " + base64.b64encode(f"{user}:pw".encode()).decode()


def get_user_id(user: str) -> str:
    """Return the id of a user (protocol, core chapter 7.2)."""
    digest = hmac.new(SECRET.encode(), f"{user}:pw".encode(), hashlib.sha256)
    return f"basicauth:{digest.hexdigest()}"


def pick(rng: Random, weights: Mapping[Item, int]) -> Item:
    """Return one key, each as often as its weight says."""
    return rng.choices(list(weights), list(weights.values()))[0]


GOOD_IDS = ("x", "a1", "A-_9", "0", "default-1", "batch", "groups", "z" * 70)
BAD_IDS = ("-a", "_a", "a%20b", "a.b", "%C3%A9", "a:b", "__x__", "a~", "a%2Cb", "a@b")
BAD_JSON_IDS: Sequence[Any] = ("", None, 1, True, "-a", "a b", "é", [], {}, "a/b", 1.5)

SCALARS: Sequence[Any] = (
    None, True, False, 0, 1, -1, 2, 7, 1.0, 1.5, -0.5, 1e2, 2**53 + 1, 2**63 - 1, "", "a", "b",
    "A", "1", "true", "null", "été", "ÉTÉ", "a b", "a*b", "a%b", "a_b", "\U0001f600", "z\n\"'\\",
)  # fmt: skip

COMPOSITES: Sequence[Any] = (
    [], [1], ["a", "b"], [1, "a", None], [[1]], {}, {"x": 1}, {"x": {"y": "a"}}, {"k": [1, 2]},
)  # fmt: skip

WORDS = ("alpha", "Beta", "gamma ray", "été", "a*b", "alphabet", "10", "")


def random_value(rng: Random) -> Any:
    """Return any JSON value, simple ones more often."""
    return rng.choice(SCALARS if rng.random() < 0.75 else COMPOSITES)


def random_attributes(rng: Random) -> dict[str, Any]:
    """Return attributes of an object: some with the same type everywhere, some of any type."""
    data: dict[str, Any] = {}
    if rng.random() < 0.8:
        data["title"] = rng.choice(WORDS)
    if rng.random() < 0.7:
        data["n"] = rng.randint(0, 5)
    if rng.random() < 0.6:
        data["v"] = random_value(rng)
    if rng.random() < 0.3:
        data["tags"] = rng.sample(["a", "b", "c", 1, 2], rng.randint(0, 3))
    if rng.random() < 0.3:
        data["o"] = {"x": rng.choice(SCALARS), "y": {"w": rng.randint(0, 2)}}
    if rng.random() < 0.05:
        data[rng.choice(["", "a.b", "é", "in_stock", "_x", "a b", "has_x"])] = 1
    return data


def random_principal(rng: Random) -> str:
    """Return somebody: a user, a group, a system principal, now and then nobody."""
    groups = ["/buckets/blog/groups/eds", "/buckets/blog/groups/fans", "/buckets/todo/groups/eds"]
    systems = ["system.Everyone", "system.Authenticated"]
    people = [get_user_id(user) for user in USERS]
    return rng.choice([*people, *people, *systems, *groups, "somebody"])


PERMISSION_NAMES = {
    "bucket": ("read", "write", "collection:create", "group:create"),
    "group": ("read", "write"),
    "collection": ("read", "write", "record:create"),
    "record": ("read", "write"),
}


def random_permissions(rng: Random, kind: str) -> dict[str, Any]:
    """Return valid permissions for an object of this kind."""
    names = rng.sample(PERMISSION_NAMES[kind], rng.randint(0, 2))
    return {name: [random_principal(rng) for _ in range(rng.randint(0, 2))] for name in names}


BAD_PERMISSIONS: Sequence[Any] = (
    None, 1, "x", [], ["read"], {"bogus": []}, {"read": "x"}, {"read": None}, {"read": [1]},
    {"read": [""]}, {"read": [None]}, {"read": [{}]}, {"bogus": None}, {"read": {}},
    {"write": [["a"]]}, {"read": [True]}, {"read": ["a", "a"]}, {"collection:create": ["a"]},
)  # fmt: skip

GOOD_SCHEMAS: Sequence[Any] = (
    {},
    {"type": "object", "properties": {"title": {"type": "string"}}},
    {"type": "object", "properties": {"n": {"type": "integer", "minimum": 2}}, "required": ["n"]},
    {"properties": {"title": {"enum": ["alpha", "Beta"]}}, "additionalProperties": True},
    {"properties": {"o": {"properties": {"x": {"type": "string"}}, "required": ["x"]}}},
    {"type": "object", "required": ["title", "n"], "properties": {"id": {"type": "string"}}},
    {"properties": {"tags": {"type": "array", "contains": {"const": "a"}}}},
    {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"n": {"maximum": 3}}},
    {"definitions": {"t": {"type": "string"}}, "properties": {"v": {"$ref": "#/definitions/t"}}},
    {"properties": {"title": {"pattern": "^a"}}, "required": ["id", "title"]},
    {"properties": {"title": {"minLength": 3}}, "unknown": [1]},
    {"minProperties": 2}, {"oneOf": [{"required": ["n"]}]}, {"not": {"required": ["n"]}},
    {"properties": {"tags": {"items": [{"type": "string"}]}}}, {"additionalProperties": False},
)  # fmt: skip

BAD_SCHEMAS: Sequence[Any] = (
    1, "x", [], None, True, {"type": "bogus"}, {"properties": 1}, {"required": "a"},
    {"minimum": "x"}, {"type": ["string", "string"]}, {"$schema": 1}, {"pattern": 1},
)  # fmt: skip

BAD_MEMBERS: Sequence[Any] = (
    None, "x", {}, 1, [1], [None], [""], ["/buckets/x"], ["/buckets/x/groups/g"],
    ["system.Everyone"], ["a", 1], [[]], [True],
)  # fmt: skip

CACHE_EXPIRES: Sequence[Any] = (0, 5, 60, "10", 10.5, True, None, "", [], "x", -1, {}, 1.0)

#: Values for `last_modified` in a body: past, equal, future, and what is not a timestamp.
TIMESTAMPS: Sequence[Any] = (
    0, 1, 1000, 12345, "1000", 12.0, None, "", "abc", {}, [], "«now+3600000»", "«now+7200000»",
    "«now-864000000»",
    True, -1, 253402300800000,
)  # fmt: skip
