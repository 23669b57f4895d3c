"""Requests that only say something together: walks through all pages, groups that come and go,
the history of a bucket, accounts; and odd times in any query.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from compare.generator import Generator
from compare.lists import SORTS, escape, make_filter, pick_listed
from compare.objects import ask_verb
from compare.values import get_user_id, pick, random_value

ODD_TIMES = (
    "0", "00", "-0", "+5", "1e3", "1.0", "0x10", "true", "false", "null", "''", '""', '"5"', '"5',
    "5\"", "'5'", " 5", "5 ", '" 5"', "[]", "[5]", "{}", "abc", "9" * 13, "9" * 19, "-1",
    "٣", "1_000", "5,6", "NaN", "",
)  # fmt: skip


def ask_times(g: Generator) -> None:
    """A list with `_since`, `_before` and `_to`, odd or at the edge of what was answered."""
    path, parts = pick_listed(g), []
    for name in g.rng.sample(["_since", "_before", "_to"], pick(g.rng, {1: 5, 2: 2, 3: 1})):
        time = f"«ts:{g.rng.randint(1, len(g.requests) or 1)}{g.rng.choice(['', '+1', '-1'])}»"
        text = g.rng.choice(ODD_TIMES) if g.chance(0.4) else time
        parts.append(f"{name}={text if '«' in text else escape(text)}")
    if g.chance(0.3):
        parts.append(f"_limit={g.rng.randint(1, 2)}")
    if g.chance(0.2):
        parts.append(make_filter(g))
    if not g.with_names:
        parts = [part for part in parts if "_id=" not in part]
    method = pick(g.rng, {"GET": 8, "HEAD": 2, "DELETE": 1})
    g.listed.append(g.add(method, f"{path}?{'&'.join(parts)}", user="alice"))


def ask_all_pages(g: Generator) -> None:
    """A list whose objects have any type where it is sorted, to its last page."""
    path = "/buckets/blog/collections/articles/records"
    for name in g.rng.sample(["r1", "r2", "r3", "r4", "r5", "r6", "x"], 5):
        data = {"v": random_value(g.rng), "o": {"x": random_value(g.rng)}}
        g.add("PUT", f"{path}/{name}", {"data": data}, user="alice")
    sort = g.rng.choice(["v", "-v", "o.x", "-o.x", "v,-o.x", "-v,n", "tags,v", "o,v", *SORTS])
    # Ties come in the order of their ids, so everybody sorts by what has no ties at the end.
    sort = ",".join(part for part in sort.split(",") if part != "id" and part != "-id")
    query = [f"_sort={sort}" if sort else "", f"_limit={g.rng.randint(1, 3)}"]
    if g.chance(0.3):
        query.append("_since=0")
    number = g.add("GET", f"{path}?{'&'.join(part for part in query if part)}", user="alice")
    for _ in range(8):
        number = g.add("GET", f"!«next:{number}»", user="alice")


def ask_membership(g: Generator) -> None:
    """A group may do something; its members change, it goes, and it comes back."""
    group = f"/buckets/blog/groups/{g.rng.choice(['eds', 'fans'])}"
    target = g.pick_object()
    name = g.rng.choice(["read", "write", "read"])
    body = {"permissions": {name: [group]}}
    g.add(g.rng.choice(["PUT", "PATCH"]), target, body, user="alice")
    bob = get_user_id("bob")
    for _ in range(g.rng.randint(1, 3)):
        change = pick(g.rng, {"in": 4, "out": 2, "gone": 1, "nested": 1, "grant": 2})
        if change == "gone":
            g.add("DELETE", group, user="alice")
        elif change == "grant":
            g.add("PATCH", group, {"permissions": {"write": [bob]}}, user="alice")
        else:
            members = {"in": [bob], "out": [], "nested": ["/buckets/blog/groups/fans", bob]}[change]
            g.add("PUT", group, {"data": {"members": members}}, user="alice")
        for _ in range(g.rng.randint(1, 2)):
            ask_as_member(g, target)


def ask_as_member(g: Generator, target: str) -> None:
    """What a member of a group may or may not do."""
    above = target.rpartition("/")[0]
    below = f"{target}/records" if "/collections/" in target else f"{target}/collections"
    path = g.rng.choice([target, target, above, below, "/", "/permissions?_sort=uri"])
    if path.startswith("/permissions") and not g.with_names:
        path = "/"
    g.add(g.rng.choice(["GET", "GET", "HEAD"]), path, user="bob")
    if g.chance(0.4):
        g.add("PATCH", target, {"data": {"n": g.rng.randint(0, 9)}}, user="bob")


# --- history (plugins, chapter 4) --------------------------------------------------------------

HISTORY_PARTS = (
    "action=create", "action=update", "action=delete", "in_action=create,delete",
    "not_action=update",
    "resource_name=record", "resource_name=bucket", "exclude_resource_name=record,group",
    "uri=/buckets/blog/collections/articles/records/r1", "uri=/buckets/blog", "record_id=r1",
    "collection_id=articles", "group_id=eds", "bucket_id=blog", "target.data.title=alpha",
    "gt_target.data.n=2", "has_target.data.title=true", "has_record_id=false", "_fields=action,uri",
    "_fields=target.data.title", "_sort=last_modified", "_sort=-last_modified", "_limit=2",
    "_limit=1", "_sort=action,last_modified", "min_target.data.n=1", "action=", "record_id=5",
)  # fmt: skip


def ask_history(g: Generator) -> None:
    """What has happened in a bucket, after something has."""
    for _ in range(g.rng.randint(0, 2)):
        ask_verb(g)
    path = f"{g.pick_bucket() if g.chance(0.2) else '/buckets/blog'}/history"
    parts = g.rng.sample(HISTORY_PARTS, pick(g.rng, {0: 2, 1: 4, 2: 3}))
    if g.chance(0.3):
        parts.append(f"{g.rng.choice(['_since', '_before'])}=«ts:{g.rng.randint(1, 40)}»")
    if len({part.partition("=")[0] for part in parts}) < len(parts):
        parts = parts[:1]
    method = pick(g.rng, {"GET": 20, "HEAD": 3, "DELETE": 1, "POST": 1, "PUT": 1})
    body = {"data": {}} if method == "PUT" else None
    user = pick(g.rng, {"alice": 5, "bob": 2, "": 1})
    number = g.add(method, f"{path}?{'&'.join(parts)}".rstrip("?"), body, user=user)
    if method == "GET" and any("_limit" in part for part in parts):
        g.add("GET", f"!«next:{number}»", user=user)


# --- accounts (plugins, chapter 2) -------------------------------------------------------------

ACCOUNT_BODIES: Sequence[object] = (
    {"data": {"password": "pw"}}, {"data": {"password": "other", "n": 1}}, {"data": {}}, {},
    {"data": {"password": ""}}, {"data": {"password": 5}}, {"data": {"password": None}},
    {"data": {"id": "jo", "password": "pw"}}, {"data": {"id": "mia", "password": "pw"}},
    {"data": {"password": "pw"}, "permissions": {"write": ["system.Everyone"]}},
    {"data": {"id": "a b", "password": "pw"}}, {"data": {"id": 5, "password": "pw"}},
)  # fmt: skip


def ask_account(g: Generator) -> None:
    """Somebody signs up, changes, signs in or goes."""
    name = g.rng.choice(["jo", "mia"])
    password = g.rng.choice(["pw", "pw", "other"])
    token = base64.b64encode(f"{name}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {token}"} if g.chance(0.7) else {}
    verbs = {"PUT": 5, "POST": 3, "GET": 4, "PATCH": 3, "DELETE": 1, "LIST": 2, "HELLO": 3}
    method = pick(g.rng, verbs)
    path = {"POST": "/accounts", "LIST": "/accounts", "HELLO": "/"}.get(method, f"/accounts/{name}")
    sent = g.rng.choice(ACCOUNT_BODIES) if method in ("PUT", "POST", "PATCH") else None
    if method == "POST" and isinstance(sent, dict):
        # Generated ids are in another order on each server.
        sent = {**sent, "data": {"id": name, **sent.get("data", {})}}
    g.add({"LIST": "GET", "HELLO": "GET"}.get(method, method), path, sent, headers, user="")


# --- permissions -------------------------------------------------------------------------------

PERMISSIONS_PARTS = (
    "resource_name=record", "in_resource_name=bucket,collection", "exclude_resource_name=record",
    "not_resource_name=bucket", "bucket_id=blog", "collection_id=articles", "record_id=r1",
    "has_record_id=false", "has_collection_id=true", "contains_permissions=[\"write\"]",
    "contains_any_permissions=[\"read\",\"write\"]", "permissions=write", "like_uri=articles",
    "uri=/buckets/blog", "gt_uri=/buckets/blog/g", "_sort=uri", "_sort=-uri", "_limit=1&_sort=uri",
    "_limit=3&_sort=-resource_name,uri", "_fields=uri,permissions", "_fields=id", "_before=5",
    "id=x", "group_id=eds", "_to=5", "last_modified=0", "in_bucket_id=blog,todo", "bucket_id=1",
)  # fmt: skip


def ask_permissions_filtered(g: Generator) -> None:
    """The list of all that one may do, with any filters."""
    if not g.with_names:
        return
    parts = g.rng.sample(PERMISSIONS_PARTS, pick(g.rng, {1: 3, 2: 3, 3: 1}))
    if len({part.partition("=")[0] for part in parts}) < len(parts):
        parts = parts[:1]
    user = g.rng.choice(["alice", "bob", "bob"])
    query = "&".join(escape(part).replace("%3D", "=").replace("%26", "&") for part in parts)
    number = g.add(g.rng.choice(["GET", "GET", "HEAD"]), f"/permissions?{query}", user=user)
    for _ in range(3 if "_limit" in query else 0):
        number = g.add("GET", f"!«next:{number}»", user=user)
