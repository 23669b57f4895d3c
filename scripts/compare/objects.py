"""Requests about single objects: verbs, preconditions, times, patches, permissions, schemas."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from compare.generator import Generator, Headers, get_kind
from compare.values import (
    BAD_JSON_IDS,
    BAD_MEMBERS,
    BAD_PERMISSIONS,
    BAD_SCHEMAS,
    CACHE_EXPIRES,
    GOOD_IDS,
    GOOD_SCHEMAS,
    PERMISSION_NAMES,
    TIMESTAMPS,
    get_user_id,
    pick,
    random_permissions,
    random_principal,
    random_value,
)

VERBS = {"GET": 6, "PUT": 7, "PATCH": 6, "DELETE": 2, "POST": 5, "HEAD": 1}


def ask_verb(g: Generator, headers: Headers | None = None) -> None:
    """Any verb on an object, POST on its list, with a valid body."""
    method = pick(g.rng, VERBS)
    path = g.pick_object()
    if method == "POST":
        path, _, name = path.rpartition("/")
        body = g.make_body(path)
        if g.chance(0.5):
            body.setdefault("data", {})["id"] = name
        g.add(method, path, body, headers)
        return
    g.add(method, path, g.make_body(path) if method in ("PUT", "PATCH") else None, headers)


BAD_CONDITIONS = (
    "12345", 'W/"12345"', '"1", "2"', '"-1"', '"*"', '""', "abc", '"abc"', "'1'", '"1.5"', '"1',
    '"99999999999999999999999"', "", " ", "*x", '"0"',
)  # fmt: skip


def make_precondition(g: Generator, path: str) -> Headers:
    """Return If-Match and If-None-Match: current, stale, star, or malformed."""
    names = pick(g.rng, {("If-Match",): 5, ("If-None-Match",): 5, ("If-Match", "If-None-Match"): 1})
    headers = {}
    for name in names:
        form = pick(g.rng, {"time": 10, "star": 4, "stale": 3, "bad": 3})
        headers[name] = {
            "time": f'"{g.pick_time(path)}"',
            "star": "*",
            "stale": '"12345"',
            "bad": g.rng.choice(BAD_CONDITIONS),
        }[form]
    return headers


def ask_precondition(g: Generator) -> None:
    """Any verb on an object or a list, under a precondition."""
    path = g.pick_object()
    method = pick(g.rng, {**VERBS, "LIST": 4, "DELETE LIST": 1})
    if method in ("LIST", "DELETE LIST"):
        path = g.pick_list()
        headers = make_precondition(g, path)
        g.add("GET" if method == "LIST" else "DELETE", path, headers=headers)
    elif method == "POST":
        body = g.make_body(path)
        if g.chance(0.7):
            body.setdefault("data", {})["id"] = path.rpartition("/")[2]
        g.add("POST", path.rpartition("/")[0], body, make_precondition(g, path))
    else:
        sent = g.make_body(path) if method in ("PUT", "PATCH") else None
        g.add(method, path, sent, make_precondition(g, path))


def ask_timestamp(g: Generator) -> None:
    """Writes with `last_modified` from the client, deletions with it in the query."""
    path = g.pick_object(pick(g.rng, {"record": 5, "collection": 1, "group": 1, "bucket": 1}))
    value = g.pick_time(path) if g.chance(0.4) else g.rng.choice(TIMESTAMPS)
    method = pick(g.rng, {"PUT": 4, "PATCH": 3, "POST": 3, "DELETE": 2})
    if method == "DELETE":
        is_number = (isinstance(value, int) and value is not True) or str(value).startswith("«")
        g.add(
            "DELETE",
            f"{path}?last_modified={value if is_number else g.rng.choice(['null', 'abc'])}",
        )
    elif method == "POST":
        parent, _, name = path.rpartition("/")
        data = {"last_modified": value, **({"id": name} if g.chance(0.5) else {})}
        g.add("POST", parent, {"data": data})
    else:
        g.add(method, path, {"data": {**g.make_data(path), "last_modified": value}})
    if g.chance(0.5):
        g.add("GET", f"{path.rpartition('/')[0]}?_since=0", user="alice")


def ask_id(g: Generator) -> None:
    """Writes whose `data.id` is odd, or is not the id of the URL."""
    path = g.pick_object()
    value = g.rng.choice(BAD_JSON_IDS if g.chance(0.6) else GOOD_IDS)
    method = pick(g.rng, {"POST": 4, "PUT": 3, "PATCH": 2})
    target = path.rpartition("/")[0] if method == "POST" else path
    g.add(method, target, {"data": {"id": value, **g.make_data(path)}})


# --- patches ---------------------------------------------------------------------------------

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"

POINTERS = (
    "/data/title", "/data/n", "/data/v", "/data/o/x", "/data/o/y/w", "/data/tags/0", "/data/tags/-",
    "/data/tags/9", "/data/new", "/data/o", "/data/tags", "/data/a~1b", "/data/a~2", "/other",
    "/data/id", "/data/last_modified", "/permissions/read/x", "/permissions/write/x",
    "/permissions/read/system.Everyone", "/data/o/x/y", "/data/", "/data",
)  # fmt: skip


def make_operation(g: Generator) -> dict[str, Any]:
    """Return one operation of a JSON patch, well formed."""
    operation: dict[str, Any] = {
        "op": pick(g.rng, {"add": 5, "replace": 4, "remove": 3, "test": 2, "move": 1, "copy": 1}),
        "path": g.rng.choice(POINTERS),
    }
    if operation["op"] in ("add", "replace", "test") and g.chance(0.95):
        operation["value"] = random_value(g.rng)
    if operation["op"] in ("move", "copy") and g.chance(0.95):
        operation["from"] = g.rng.choice(POINTERS)
    return operation


BAD_PATCHES: Sequence[Any] = (
    {}, 1, "x", [1], [None], [[]], [{"op": "add"}], [{"path": "/data/a"}], [{"op": "bogus",
    "path": "/x"}],
    [{"op": "add", "path": ""}], [{"op": "add", "path": "data"}], [{"op": "add", "path": 1}],
    [{"op": "add", "path": "/data/a", "value": 1, "extra": 1}],
    [{"op": "move", "path": "/data/a", "from": "x"}], [{"op": None, "path": "/data/a"}], None,
    [{"op": "add", "path": "/data/a", "value": 1}, {"op": "test", "path": "/data/a", "value": 2}],
    [{"op": "move", "path": "/data/a", "from": 1}], [{"op": "ADD", "path": "/data/a", "value": 1}],
)  # fmt: skip

BEHAVIORS = {"light": 4, "diff": 4, "full": 1, "Light": 1, "": 1, "other": 1}


def with_nulls(rng: random.Random, value: Any) -> Any:
    """Return a merge patch made of these attributes: some of them null."""
    if isinstance(value, dict):
        return {name: with_nulls(rng, item) for name, item in value.items()}
    return None if rng.random() < 0.3 else value


def ask_patch(g: Generator) -> None:
    """A PATCH in any of the three formats, with or without Response-Behavior."""
    path = g.pick_object()
    form = pick(g.rng, {"plain": 3, "merge": 3, "json": 4})
    headers = {"Response-Behavior": pick(g.rng, BEHAVIORS)} if g.chance(0.35) else {}
    body: Any = {}
    if form == "json":
        headers["Content-Type"] = JSON_PATCH
        operations = [make_operation(g) for _ in range(g.rng.randint(0, 3))]
        body = operations if g.chance(0.8) else g.rng.choice(BAD_PATCHES)
    else:
        body = g.make_body(path)
        if form == "merge":
            headers["Content-Type"] = MERGE
            body = with_nulls(g.rng, body) if g.chance(0.7) else body
    g.add("PATCH", path, body, headers)


def ask_permission_patch(g: Generator) -> None:
    """A JSON patch of the permissions of an object."""
    path = g.pick_object()
    names = (*PERMISSION_NAMES[get_kind(path)], "read", "write")
    operations = []
    for _ in range(g.rng.randint(1, 2)):
        principal = random_principal(g.rng).replace("/", "~1")
        target = f"/permissions/{g.rng.choice(names)}"
        if g.chance(0.8):
            target += f"/{principal}"
        operation: dict[str, Any] = {"op": g.rng.choice(["add", "remove", "test"]), "path": target}
        if g.chance(0.3):
            operation["value"] = {principal: principal} if target.count("/") == 2 else principal
        operations.append(operation)
    g.add("PATCH", path, operations, {"Content-Type": JSON_PATCH})


# --- permissions -----------------------------------------------------------------------------


def ask_permission(g: Generator) -> None:
    """Somebody changes who may do what, then somebody tries."""
    path = g.pick_object()
    kind = get_kind(path)
    permissions: Any = random_permissions(g.rng, kind)
    if g.chance(0.15):
        permissions = g.rng.choice(BAD_PERMISSIONS)
    body = {"permissions": permissions, **({"data": g.make_data(path)} if g.chance(0.3) else {})}
    g.add(g.rng.choice(["PUT", "PATCH", "PATCH"]), path, body)
    for _ in range(g.rng.randint(1, 3)):
        method = pick(g.rng, VERBS)
        target = path if g.chance(0.5) else g.pick_object()
        if method == "POST" or g.chance(0.3):
            target = target.rpartition("/")[0]
            method = g.rng.choice(["GET", "POST", "HEAD", "DELETE" if g.chance(0.3) else "GET"])
        sent = g.make_body(target) if method in ("PUT", "PATCH", "POST") else None
        g.add(method, target, sent, user=g.rng.choice(["bob", "bob", "carol", ""]))


def ask_group(g: Generator) -> None:
    """Members come and go; whoever they are asks who she is."""
    path = g.pick_object("group")
    members: Any = g.rng.sample(
        [*map(get_user_id, ("alice", "bob", "carol")), "system.Authenticated"], 2
    )
    if g.chance(0.3):
        members = g.rng.choice(BAD_MEMBERS)
    method = pick(g.rng, {"PUT": 4, "PATCH": 3, "POST": 1})
    target = path.rpartition("/")[0] if method == "POST" else path
    g.add(method, target, {"data": {"members": members}}, user="alice")
    g.add("GET", "/")


# --- schemas and typed fields ----------------------------------------------------------------


def ask_schema(g: Generator) -> None:
    """A collection or bucket gets a schema, or an object is written below one."""
    choice = pick(g.rng, {"set": 3, "bucket": 1, "write": 7, "typed": 1})
    schema = g.rng.choice(GOOD_SCHEMAS if g.chance(0.8) else BAD_SCHEMAS)
    method = g.rng.choice(["PUT", "PATCH"])
    typed = "/buckets/blog/collections/typed"
    if choice == "set":
        g.add(method, typed, {"data": {"schema": schema}}, user="alice")
    elif choice == "bucket":
        name = g.rng.choice(["record:schema", "collection:schema", "group:schema"])
        g.add(method, "/buckets/blog", {"data": {name: schema}}, user="alice")
    elif choice == "typed":
        g.add(method, typed, {"data": {"cache_expires": g.rng.choice(CACHE_EXPIRES)}}, user="alice")
    else:
        ask_typed_write(g, f"{typed}/records/{g.rng.choice(['t1', 't2', 't3'])}")


def ask_typed_write(g: Generator, path: str) -> None:
    """A write below a collection that may have a schema, in any way a record is written."""
    method = pick(g.rng, {"PUT": 5, "PATCH": 3, "POST": 2, "MERGE": 1})
    body = g.make_body(path)
    if g.chance(0.15):
        body.setdefault("data", {})["schema"] = g.rng.choice([1, "x", None, g.pick_time(path)])
    if method == "POST":
        g.add("POST", path.rpartition("/")[0], body, user="alice")
    elif method == "MERGE":
        g.add("PATCH", path, with_nulls(g.rng, body), {"Content-Type": MERGE}, user="alice")
    else:
        g.add(method, path, body, user="alice")
