"""Who may do what: the outcome tables of protocol, core chapter 8.4, cell by cell.

A cell is a status, then `{}` when the answer hides the permissions, `+` when it shows them, the
ids of a list in brackets, or the errno behind a slash.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.resources.asking import (
    ANONYMOUS,
    BUCKET,
    COLLECTION,
    GROUP,
    RECORD,
    Asking,
    user_id,
)

NEW, ANY = {"data": {"x": 1}}, {"If-None-Match": "*"}

#: What is sent, by the name of the row: method, path (one object, its list, a missing one),
#: body, headers.
REQUESTS: dict[str, tuple[str, str, Any, dict[str, str]]] = {
    "GET": ("GET", "{one}", None, {}),
    "HEAD": ("HEAD", "{one}", None, {}),
    "POST existing": ("POST", "{list}", {"data": {"id": "{id}"}}, {}),
    "PUT": ("PUT", "{one}", NEW, {}),
    "PATCH": ("PATCH", "{one}", NEW, {}),
    "DELETE": ("DELETE", "{one}", None, {}),
    "PUT, If-None-Match": ("PUT", "{one}", NEW, ANY),
    "GET list": ("GET", "{list}", None, {}),
    "DELETE list": ("DELETE", "{list}", None, {}),
    "POST new": ("POST", "{list}", NEW, {}),
    "POST new id": ("POST", "{list}", {"data": {"id": "free"}}, {}),
    "PUT missing": ("PUT", "{list}/free", NEW, {}),
    "PUT missing, If-Match": ("PUT", "{list}/free", NEW, {"If-Match": '"5"'}),
    "GET missing": ("GET", "{list}/free", None, {}),
    "PATCH missing": ("PATCH", "{list}/free", NEW, {}),
    "DELETE missing": ("DELETE", "{list}/free", None, {}),
}

#: For each kind: the object, the columns (what bob was granted on what), the rows.
TABLES: dict[str, tuple[str, str, str]] = {
    "bucket": (
        BUCKET,
        "none | b read | b write | b collection:create | b group:create",
        """
        GET                   | 403     | 200 {}  | 200 +   | 200 {}  | 200 {}
        HEAD                  | 403     | 200     | 200     | 200     | 200
        POST existing         | 403     | 200 {}  | 200 +   | 200 {}  | 200 {}
        PUT                   | 403     | 403     | 200 +   | 403     | 403
        PATCH                 | 403     | 403     | 200 +   | 403     | 403
        DELETE                | 403     | 403     | 200     | 403     | 403
        PUT, If-None-Match    | 412     | 412     | 412     | 412     | 412
        GET list              | 200 []  | 200 [b] | 200 [b] | 200 [b] | 200 [b]
        DELETE list           | 200 []  | 200 []  | 200 [b] | 200 []  | 200 []
        POST new              | 201 +   | 201 +   | 201 +   | 201 +   | 201 +
        POST new id           | 201 +   | 201 +   | 201 +   | 201 +   | 201 +
        PUT missing           | 201 +   | 201 +   | 201 +   | 201 +   | 201 +
        PUT missing, If-Match | 412     | 412     | 412     | 412     | 412
        GET missing           | 403     | 403     | 403     | 403     | 403
        PATCH missing         | 403     | 403     | 403     | 403     | 403
        DELETE missing        | 403     | 403     | 403     | 403     | 403
        """,
    ),
    "group": (
        GROUP,
        "none | b read | b write | b group:create | b collection:create | g read | g write",
        """
        GET                | 403 | 200 {}     | 200 {}     | 403    | 403 | 200 {}  | 200 +
        HEAD               | 403 | 200        | 200        | 403    | 403 | 200     | 200
        POST existing      | 403 | 200 {}     | 200 {}     | 403    | 403 | 200 {}  | 200 +
        PUT                | 403 | 403        | 200 +      | 403    | 403 | 403     | 200 +
        PATCH              | 403 | 403        | 200 +      | 403    | 403 | 403     | 200 +
        DELETE             | 403 | 403        | 200        | 403    | 403 | 403     | 200
        PUT, If-None-Match | 403 | 403        | 412        | 412    | 403 | 403     | 403
        GET list           | 403 | 200 [g,g2] | 200 [g,g2] | 200 [] | 403 | 200 [g] | 200 [g]
        DELETE list        | 403 | 403        | 200 [g,g2] | 200 [] | 403 | 403     | 200 [g]
        POST new           | 403 | 403        | 201 +      | 201 +  | 403 | 403     | 403
        POST new id        | 403 | 403        | 201 +      | 201 +  | 403 | 403     | 403
        PUT missing        | 403 | 403        | 201 +      | 201 +  | 403 | 403     | 403
        GET missing        | 403 | 404/110    | 404/110    | 403    | 403 | 403     | 403
        PATCH missing      | 403 | 404/110    | 404/110    | 403    | 403 | 403     | 403
        DELETE missing     | 403 | 404/110    | 404/110    | 403    | 403 | 403     | 403
        """,
    ),
    "collection": (
        COLLECTION,
        "none | b read | b write | b collection:create | c read | c write | c record:create",
        """
        GET                | 403 | 200 {}     | 200 {}     | 403    | 200 {}  | 200 +   | 200 {}
        HEAD               | 403 | 200        | 200        | 403    | 200     | 200     | 200
        POST existing      | 403 | 200 {}     | 200 {}     | 403    | 200 {}  | 200 +   | 200 {}
        PUT                | 403 | 403        | 200 +      | 403    | 403     | 200 +   | 403
        PATCH              | 403 | 403        | 200 +      | 403    | 403     | 200 +   | 403
        DELETE             | 403 | 403        | 200        | 403    | 403     | 200     | 403
        PUT, If-None-Match | 403 | 403        | 412        | 412    | 403     | 403     | 403
        GET list           | 403 | 200 [c,c2] | 200 [c,c2] | 200 [] | 200 [c] | 200 [c] | 200 [c]
        DELETE list        | 403 | 403        | 200 [c,c2] | 200 [] | 403     | 200 [c] | 403
        POST new           | 403 | 403        | 201 +      | 201 +  | 403     | 403     | 403
        POST new id        | 403 | 403        | 201 +      | 201 +  | 403     | 403     | 403
        PUT missing        | 403 | 403        | 201 +      | 201 +  | 403     | 403     | 403
        GET missing        | 403 | 404/110    | 404/110    | 403    | 403     | 403     | 403
        PATCH missing      | 403 | 404/110    | 404/110    | 403    | 403     | 403     | 403
        DELETE missing     | 403 | 404/110    | 404/110    | 403    | 403     | 403     | 403
        """,
    ),
    "record": (
        RECORD,
        "none|b read|b write|c read|c write|c record:create|r read|r write",
        """
        GET                  |403|200 {}    |200 {}    |200 {}    |200 {}    |403   |200 {} |200 +
        HEAD                 |403|200       |200       |200       |200       |403   |200    |200
        POST existing        |403|200 {}    |200 {}    |200 {}    |200 {}    |403   |200 {} |200 +
        PUT                  |403|403       |200 +     |403       |200 +     |403   |403    |200 +
        PATCH                |403|403       |200 +     |403       |200 +     |403   |403    |200 +
        DELETE               |403|403       |200       |403       |200       |403   |403    |200
        PUT, If-None-Match   |403|403       |412       |403       |412       |412   |403    |403
        GET list             |403|200 [r,r2]|200 [r,r2]|200 [r,r2]|200 [r,r2]|200 []|200 [r]|200 [r]
        DELETE list          |403|403       |200 [r,r2]|403       |200 [r,r2]|200 []|403    |200 [r]
        POST new             |403|403       |201 +     |403       |201 +     |201 + |403    |403
        POST new id          |403|403       |201 +     |403       |201 +     |201 + |403    |403
        PUT missing          |403|403       |201 +     |403       |201 +     |201 + |403    |403
        PUT missing, If-Match|403|403       |412       |403       |412       |412   |403    |403
        GET missing          |403|404/110   |404/110   |404/110   |404/110   |403   |403    |403
        PATCH missing        |403|404/110   |404/110   |404/110   |404/110   |403   |403    |403
        DELETE missing       |403|404/110   |404/110   |404/110   |404/110   |403   |403    |403
        """,
    ),
}
PLACES = {"b": BUCKET, "g": GROUP, "c": COLLECTION, "r": RECORD}


def list_rows() -> Iterator[tuple[str, str, list[str], list[str]]]:
    """The rows of all tables: path, name of the request, columns, expected outcomes."""
    for path, head, text in TABLES.values():
        columns = [column.strip() for column in head.split("|")]
        for line in text.strip().splitlines():
            name, *outcomes = (cell.strip() for cell in line.split("|"))
            yield path, name, columns, outcomes


CELLS = [
    pytest.param(path, name, grant, outcome, id=f"{path[-1]}: {name}: {grant}")
    for path, name, columns, outcomes in list_rows()
    for grant, outcome in zip(columns, outcomes, strict=True)
]
ROWS = [pytest.param(path, name, id=f"{path[-1]}: {name}") for path, name, _, _ in list_rows()]


def send(ask: Asking, path: str, name: str, user: str) -> Any:
    """Send the request of a row about an object."""
    method, template, body, headers = REQUESTS[name]
    names = {"one": path, "list": path.rpartition("/")[0], "id": path.rpartition("/")[2]}
    if body == {"data": {"id": "{id}"}}:
        body = {"data": {"id": names["id"]}}
    return ask(method, template.format(**names), body, user, headers)


def describe(reply: Any) -> str:
    """Say what a cell says."""
    if reply.status_int == 404:
        return f"404/{reply.json['errno']}"
    if reply.status_int >= 400 or not reply.body:
        return str(reply.status_int)
    data = reply.json["data"]
    if isinstance(data, list):
        return f"{reply.status_int} [{','.join(sorted(item['id'] for item in data))}]"
    if "permissions" not in reply.json:
        return str(reply.status_int)
    return f"{reply.status_int} {'+' if reply.json['permissions'] else '{}'}"


@pytest.mark.parametrize(("path", "name", "grant", "outcome"), CELLS)
def test_a_grant_allows_what_its_table_says(
    tree: Asking, path: str, name: str, grant: str, outcome: str
) -> None:
    if grant != "none":
        place, permission = grant.split()
        tree.share(PLACES[place], permission, user_id("bob"))
    assert describe(send(tree, path, name, "bob")) == outcome


@pytest.mark.parametrize(("path", "name"), ROWS)
def test_nobody_in_particular_may_do_nothing(tree: Asking, path: str, name: str) -> None:
    assert send(tree, path, name, ANONYMOUS).status_int == 401


@pytest.mark.parametrize(("path", "name"), ROWS)
def test_a_refusal_leaves_everything_as_it_was(tree: Asking, path: str, name: str) -> None:
    before = tree("GET", path).headers["ETag"], tree.ids(path.rpartition("/")[0])
    send(tree, path, name, ANONYMOUS)
    assert (tree("GET", path).headers["ETag"], tree.ids(path.rpartition("/")[0])) == before


#: Requests below parents that do not exist, and what readers and strangers of the bucket get.
BELOW_MISSING_BUCKETS = [
    ("GET", "/buckets/none/groups"),
    ("POST", "/buckets/none/groups"),
    ("DELETE", "/buckets/none/groups"),
    ("GET", "/buckets/none/groups/g"),
    ("PUT", "/buckets/none/groups/g"),
    ("PATCH", "/buckets/none/groups/g"),
    ("DELETE", "/buckets/none/groups/g"),
    ("GET", "/buckets/none/collections"),
    ("POST", "/buckets/none/collections"),
    ("DELETE", "/buckets/none/collections"),
    ("GET", "/buckets/none/collections/c"),
    ("PUT", "/buckets/none/collections/c"),
    ("PATCH", "/buckets/none/collections/c"),
    ("DELETE", "/buckets/none/collections/c"),
    ("GET", "/buckets/none/collections/c/records"),
    ("HEAD", "/buckets/none/collections/c/records"),
    ("GET", "/buckets/none/collections/c/records/r"),
    ("DELETE", "/buckets/none/collections/c/records"),
]


@pytest.mark.parametrize(("method", "path"), BELOW_MISSING_BUCKETS)
def test_what_is_below_a_missing_bucket_is_forbidden(ask: Asking, method: str, path: str) -> None:
    body: Any = {"data": {}} if method in ("POST", "PUT", "PATCH") else None
    statuses = [ask(method, path, body, user).status_int for user in ("alice", ANONYMOUS)]
    assert statuses == [403, 401]


#: Method, path below a missing collection, outcome for: nobody, stranger, reader, writer of it.
BELOW_MISSING_COLLECTIONS = [
    ("GET", "", "401 403 404/111 404/111"),
    ("GET", "/r", "401 403 404/111 404/111"),
    ("DELETE", "", "401 403 403 404/111"),
    ("POST", "", "404/111 404/111 404/111 404/111"),
    ("PUT", "/r", "404/111 404/111 404/111 404/111"),
    ("PATCH", "/r", "404/111 404/111 404/111 404/111"),
    ("DELETE", "/r", "404/111 404/111 404/111 404/111"),
]


@pytest.mark.parametrize(("method", "rest", "outcomes"), BELOW_MISSING_COLLECTIONS)
def test_what_is_below_a_missing_collection(
    tree: Asking, method: str, rest: str, outcomes: str
) -> None:
    tree.share(BUCKET, "read", user_id("bob"))
    body: Any = {"data": {}} if method in ("POST", "PUT", "PATCH") else None
    path = f"/buckets/b/collections/none/records{rest}"
    replies = [tree(method, path, body, user) for user in (ANONYMOUS, "carol", "bob", "alice")]
    assert " ".join(map(describe, replies)) == outcomes


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writes_below_a_missing_collection_of_a_missing_bucket(ask: Asking, method: str) -> None:
    path = "/buckets/none/collections/c/records" + ("" if method == "POST" else "/r")
    reply = ask(method, path, None if method == "DELETE" else {"data": {}}, ANONYMOUS)
    assert (describe(reply), reply.json["details"]) == (
        "404/111",
        {"id": "c", "resource_name": "collection"},
    )
