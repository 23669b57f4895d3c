"""Whatever a stranger sends: never a 5xx, always a well-formed answer.

Requests are drawn from words that mean something here, mixed with noise, so that they get far.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from webtest import TestApp

from kinto_lite import make_app
from tests.conftest import PLAIN_SETTINGS
from tests.resources.asking import Asking, build_tree, credentials
from tests.web.calling import Reply, call, make_environ

MANY = settings(max_examples=150, suppress_health_check=list(HealthCheck))

WORDS = [
    "v1", "v2", "buckets", "groups", "collections", "records", "b", "g", "c", "r", "default",
    "batch", "permissions", "__heartbeat__", "__version__", "__flush__", "-bad", "é", "a b", "",
    "..", "%2F", "*", "null", "\x00", "\n", "history", "contribute.json",
]  # fmt: skip
KNOWN = [
    "/v1/", "/v1/batch", "/v1/buckets", "/v1/buckets/b", "/v1/buckets/b/groups",
    "/v1/buckets/b/groups/g", "/v1/buckets/b/collections", "/v1/buckets/b/collections/c",
    "/v1/buckets/b/collections/c/records", "/v1/buckets/b/collections/c/records/r",
    "/v1/buckets/default", "/v1/buckets/default/collections/x/records", "/v1/buckets/new",
    "/v1/buckets/default/collections/x/records/y",
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "BREW"]
PARAMETERS = [
    "_since", "_before", "_to", "_limit", "_sort", "_token", "_fields", "last_modified", "id",
    "deleted", "like_n", "in_n", "exclude_id", "has_n", "contains_l", "contains_any_l", "gt_n",
    "min_last_modified", "not_n", "eq_n", "lt_o.p", "max_", "in_last_modified", "contains_id",
    "..", "n.", "_x", "o.p.q", "", "like_l", "has_deleted", "gt_deleted",
]  # fmt: skip
VALUES = [
    "", "1", "-1", "0", "1.5", "1e400", "9" * 30, "9" * 5000, "true", "null", "abc", '"abc"',
    "[]", "[1,2]", '{"a":1}', "[" * 600, "*", "a*b", "n,-id", "-last_modified", "+n,,x", "\x00",
    "é", "😀", '"\\ud800"', "NaN", "1795281727053", '"1795281727053"', "o.p", ",", "%", "_", "\\",
]  # fmt: skip
HEADERS = {
    "HTTP_AUTHORIZATION": [credentials("alice"), credentials("bob"), "Basic", "Basic !", "x"],
    "HTTP_ACCEPT": ["*/*", "text/html", "", ";q=x", "application/json;q=0", "é", "," * 500],
    "HTTP_IF_MATCH": ["*", '"1"', "x", '"' + "9" * 5000 + '"', 'W/"1"', "\xff"],
    "HTTP_IF_NONE_MATCH": ["*", '"1"', "", '"0"', "**"],
    "HTTP_ORIGIN": ["http://x", "null", "", "\xff"],
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD": ["GET", "PUT", "x", ""],
    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": ["a,b", ",", "é"],
    "HTTP_RESPONSE_BEHAVIOR": ["light", "diff", "full", "x"],
    "HTTP_HOST": ["x", "", "\xff", "[::1]:80"],
    "CONTENT_TYPE": [
        "application/json", "text/plain", "application/merge-patch+json", ";", "\xff",
        "application/json-patch+json", "application/json; charset=utf-16", "multipart/form-data",
        "application/json; charset=zip", "application/json; charset=utf-7",
    ],
}  # fmt: skip

numbers = st.one_of(
    st.integers(), st.floats(allow_nan=False), st.sampled_from([2**63, 2**64, -(2**63), 1e308])
)
texts = st.one_of(
    st.text(max_size=10),
    st.sampled_from(["id", "n", "members", "schema", "system.Everyone", "/data", "add", "\x00"]),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    ["id", "last_modified", "n", "members", "schema", "cache_expires", "deleted", "record:schema",
     "__permissions__", "l", "o", ""]
)  # fmt: skip
names = st.sampled_from(["read", "write", "record:create", "group:create", "x", ""])
documents = st.fixed_dictionaries(
    {},
    optional={
        "data": st.one_of(values, st.dictionaries(keys, values, max_size=4)),
        "permissions": st.one_of(
            values, st.dictionaries(names, st.one_of(values, st.lists(texts, max_size=2)))
        ),
        "x": values,
    },
)
patches = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"])},
        optional={
            "path": st.sampled_from(
                ["/data/n", "/data/l/-", "/data/l/0", "/data", "", "/permissions/read/x", "/x",
                 "/data/id", "/permissions", "/data/o/p", "/data/~2", "/permissions/write", "/"]
            ),
            "from": st.sampled_from(["/data/n", "/data", "/permissions/write", "/data/none"]),
            "value": values,
        },
    ),
    max_size=4,
)  # fmt: skip
parts = st.fixed_dictionaries(
    {"path": st.one_of(st.sampled_from([path[3:] or "/" for path in KNOWN]), texts)},
    optional={"method": st.sampled_from([*METHODS[:6], None, 1]), "body": documents,
              "headers": st.one_of(values, st.dictionaries(texts, texts, max_size=2)), "x": values},
)  # fmt: skip
batches = st.fixed_dictionaries(
    {"requests": st.lists(st.one_of(parts, values), max_size=4)},
    optional={"defaults": st.one_of(parts, values)},
)
bodies = st.one_of(
    documents.map(lambda value: json.dumps(value).encode()),
    patches.map(lambda value: json.dumps(value).encode()),
    batches.map(lambda value: json.dumps(value).encode()),
    values.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=20),
    st.just(b""),
)
paths = st.one_of(
    st.sampled_from(KNOWN),
    st.lists(st.sampled_from(WORDS), max_size=8).map(lambda words: "/" + "/".join(words)),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda text: "/" + text),
    st.binary(max_size=10).map(lambda raw: "/v1/" + raw.decode("latin-1")),
)
queries = st.one_of(
    st.just(""),
    st.lists(st.tuples(st.sampled_from(PARAMETERS), st.sampled_from(VALUES)), max_size=4).map(
        lambda pairs: "&".join(f"{quote(key)}={quote(value)}" for key, value in pairs)
    ),
    st.text(st.characters(max_codepoint=255), max_size=20),
)
headers = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(choices) for name, choices in HEADERS.items()}
).map(lambda drawn: {"HTTP_AUTHORIZATION": credentials("alice")} | drawn)


@pytest.fixture(scope="module")
def app() -> Iterator[Any]:
    """An app with all that it can have, and a small tree."""
    given_settings = {
        "includes": "kinto.plugins.default_bucket",
        "experimental_collection_schema_validation": "true",
        "experimental_permissions_endpoint": "true",
    }
    made = make_app(PLAIN_SETTINGS | given_settings)
    build_tree(Asking(TestApp(made)))
    yield made
    made.storage.close()


def send(app: Any, method: str, path: str, query: str, given: dict[str, str], body: bytes) -> Reply:
    """Send a request and check what every answer must fulfil."""
    raw_path = path.encode("utf-8").decode("latin-1") if not path.isascii() else path
    environ = make_environ(method, raw_path, QUERY_STRING=query, **given)
    environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    reply = call(app, environ, is_validated=False)
    assert reply.code < 500, (reply, method, path, query, given, body)
    assert all(name.isascii() and value.isprintable() for name, value in reply.headers)
    if method != "HEAD" and reply.code not in (304, 307) and reply.body:
        document = json.loads(reply.body)
        assert reply.code < 400 or document["code"] == reply.code
        assert b'"status":5' not in reply.body
    return reply


@MANY
@given(st.sampled_from(METHODS), paths, queries, headers, bodies)
def test_anything_anywhere(
    app: Any, method: str, path: str, query: str, given: dict[str, str], body: bytes
) -> None:
    send(app, method, path, query, given, body)


@MANY
@given(st.sampled_from(["PUT", "POST", "PATCH"]), st.sampled_from(KNOWN), headers, documents)
def test_objects_of_all_shapes(
    app: Any, method: str, path: str, given: dict[str, str], body: Any
) -> None:
    send(app, method, path, "", given, json.dumps(body).encode())
    send(app, "GET", path, "", {"HTTP_AUTHORIZATION": credentials("alice")}, b"")


@MANY
@given(st.sampled_from(KNOWN), st.sampled_from(["light", "diff", ""]), patches)
def test_patches_of_all_shapes(app: Any, path: str, behavior: str, body: Any) -> None:
    given = {
        "HTTP_AUTHORIZATION": credentials("alice"),
        "HTTP_RESPONSE_BEHAVIOR": behavior,
        "CONTENT_TYPE": "application/json-patch+json",
    }
    send(app, "PATCH", path, "", given, json.dumps(body).encode())


@MANY
@given(st.sampled_from(["GET", "HEAD", "DELETE"]), st.sampled_from(KNOWN), queries)
def test_queries_of_all_shapes(app: Any, method: str, path: str, query: str) -> None:
    given = {"HTTP_AUTHORIZATION": credentials("bob" if method == "DELETE" else "alice")}
    send(app, method, path, query, given, b"")


@MANY
@given(batches)
def test_batches_of_all_shapes(app: Any, body: Any) -> None:
    given = {"HTTP_AUTHORIZATION": credentials("alice"), "CONTENT_TYPE": "application/json"}
    send(app, "POST", "/v1/batch", "", given, json.dumps(body).encode())


@MANY
@given(values, st.sampled_from(["n", "l", "o", "schema"]), st.lists(st.sampled_from(PARAMETERS)))
def test_what_was_stored_can_be_listed_in_any_order(
    app: Any, value: Any, name: str, fields: list[str]
) -> None:
    given = {"HTTP_AUTHORIZATION": credentials("alice")}
    path = "/v1/buckets/b/collections/c2/records"
    app.storage.flush()
    for kind in ("/v1/buckets/b", "/v1/buckets/b/collections/c2"):
        send(app, "PUT", kind, "", given, b"{}")
    for n in range(3):
        body = json.dumps({"data": {name: value, "m": n}}).encode()
        reply = send(app, "PUT", f"{path}/r{n}", "", given, body)
        assert reply.code in (201, 400)
    first = send(app, "GET", path, f"_sort=-{name},m&_limit=2", given, b"")
    for url in first.get("Next-Page"):
        rest = send(app, "GET", path, url.partition("?")[2], given, b"")
        assert len(json.loads(first.body)["data"]) + len(json.loads(rest.body)["data"]) == 3
