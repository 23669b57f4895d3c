"""Data of many kinds in an old server, and what several users are told about them.

Both servers are asked the same way: a `Client` is a user of a server, a function from method,
path, headers and body to an answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from webtest import TestApp

USERS = ("alice", "bob", "carol", "erin", "fred", None)
#: Of them, those who have accounts; `admin` administers accounts.
ACCOUNTS = ("admin", "erin", "fred")
PASSWORD = "password: of tests é"

#: As they go over the wire: what becomes of them is the old server's affair.
VALUES = (
    *("1", "1.0", "-0.0", "0", "-7", "1e22", "1E-7", "123456789012345678901234567890"),
    *("18446744073709551615", "5e-324", "1.7976931348623157e308", "0.1", "100.00", "2E3"),
    *('"plain"', '"é ß"', '"日本語"', '"\\ud83d\\ude00"', '"\\u2028 \\u007f"', '"\\"\\\\/"', '""'),
    *("null", "true", "false", "[]", "{}", '[1,[2.50,{"b":1,"a":2,"aa":3}]]', '"2026-01-01"'),
)


class Told(NamedTuple):
    """An answer. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says."""
        return json.loads(self.body)


Ask = Callable[..., Told]


def authorize(user: str | None) -> dict[str, str]:
    """The header that says who asks."""
    if user is None:
        return {}
    pair = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def ask_server(url: str, user: str | None) -> Ask:
    """A client of a server."""
    host = urlsplit(url).netloc

    def ask(method: str, path: str, body: Any = None, **headers: str) -> Told:
        given = {**authorize(user), **{n.replace("_", "-"): v for n, v in headers.items()}}
        if body is not None:
            given["Content-Type"] = "application/json"
            body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        with closing(HTTPConnection(host, timeout=60)) as connection:
            connection.request(method, f"/v1{path}", body, given)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Told(answer.status, found, answer.read())

    return ask


def ask_app(app: Any, user: str | None) -> Ask:
    """A client of a WSGI app."""
    client = TestApp(app)

    def ask(method: str, path: str, body: Any = None, **headers: str) -> Told:
        given = {**authorize(user), **{n.replace("_", "-"): v for n, v in headers.items()}}
        if body is not None:
            given["Content-Type"] = "application/json"
            body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        answer = client.request(
            f"/v1{path}", method=method, headers=given, body=body or b"", status="*"
        )
        found = {name.lower(): value for name, value in answer.headers.items()}
        return Told(answer.status_int, found, answer.body)

    return ask


def must(told: Told) -> Told:
    """An answer that is no refusal."""
    assert told.status < 400, told
    return told


def fill_old_server(connect: Callable[[str | None], Ask]) -> None:
    """Store some of everything, so that all users have to do with it."""
    nobody = connect(None)
    for name in ACCOUNTS:
        data = {"data": {"password": PASSWORD, "likes": [1.0]}}
        must(nobody("PUT", f"/accounts/{name}", data))
    asks = {user: connect(user) for user in USERS}
    ids = {user: must(ask("GET", "/")).json["user"]["id"] for user, ask in asks.items() if user}
    alice = asks["alice"]
    for number in range(3):
        fill_bucket(alice, f"/buckets/b{number}", ids)
    must(asks["bob"]("PUT", "/buckets/b0/collections/open/records/of-bob", {"data": {"n": 1}}))
    must(asks["erin"]("PUT", "/buckets/erins", {"permissions": {"read": ["system.Everyone"]}}))
    must(asks["erin"]("PUT", "/buckets/erins/collections/public", {}))
    must(asks["erin"]("PUT", "/buckets/erins/collections/public/records/one", {"data": {"a": 1}}))
    for user in ids:
        path = "/buckets/default/collections/mine/records/private"
        must(asks[user]("PUT", path, {"data": {"of": user}}))
    delete_things(alice)


def fill_bucket(alice: Ask, bucket: str, ids: Mapping[str, str]) -> None:
    """Store a bucket with groups, collections and records, and the permissions of others."""
    readers = {"read": [ids["bob"]], "collection:create": ["system.Authenticated"]}
    must(alice("PUT", bucket, {"data": {"size": 1.0}, "permissions": readers}))
    members = [ids["carol"], "account:erin", "basicauth:é"]
    must(alice("PUT", f"{bucket}/groups/friends", {"data": {"members": members}}))
    everybody = {"data": {"members": ["system.Authenticated"]}}
    must(alice("PUT", f"{bucket}/groups/everybody", everybody))
    must(alice("PUT", f"{bucket}/groups/nobody", {"data": {"members": [], "note": "x"}}))
    writers = {"write": [f"{bucket}/groups/friends"], "record:create": [ids["bob"]]}
    must(alice("PUT", f"{bucket}/collections/shared", {"permissions": writers}))
    schema = {"type": "object", "properties": {"n": {"type": "number"}}}
    anybody = {"record:create": ["system.Authenticated"], "read": [f"{bucket}/groups/everybody"]}
    collection = {"data": {"schema": schema}, "permissions": anybody}
    must(alice("PUT", f"{bucket}/collections/open", collection))
    must(alice("PUT", f"{bucket}/collections/unused", {}))
    for number, value in enumerate(VALUES if bucket == "/buckets/b0" else VALUES[:4]):
        lists = {"read": ["account:fred"]} if number % 3 == 0 else {}
        body = f'{{"data":{{"v":{value},"n":{number}}},"permissions":{json.dumps(lists)}}}'
        must(alice("PUT", f"{bucket}/collections/shared/records/r{number}", body))
    old = {"data": {"last_modified": 1_400_000_000_123, "n": -1}}
    must(alice("PUT", f"{bucket}/collections/shared/records/of-2014", old))


def delete_things(alice: Ask) -> None:
    """Delete objects of all kinds, and bring some of them back."""
    records = "/buckets/b0/collections/shared/records"
    for name in ("r3", "r4", "r5"):
        must(alice("DELETE", f"{records}/{name}"))
    must(alice("PUT", f"{records}/r5", {"data": {"again": True}}))
    must(alice("PATCH", f"{records}/r6", {"data": {"more": "é"}}))
    must(alice("DELETE", "/buckets/b1/collections/shared"))
    must(alice("DELETE", "/buckets/b1/groups/friends"))
    must(alice("DELETE", "/buckets/b2"))
    must(alice("PUT", "/buckets/b2", {"data": {"back": 1}}))
    must(alice("DELETE", "/buckets/b0/collections/open/records?_limit=1"))
    must(alice("DELETE", "/buckets/b1/history?resource_name=group"))


def list_questions() -> Iterator[str]:
    """Yield the paths that every user asks for."""
    yield from ("/buckets", "/buckets?_since=0", "/permissions?_sort=uri", "/accounts/erin")
    yield from ("/buckets/default", "/buckets/default/collections/mine/records")
    for bucket in ("b0", "b1", "b2", "erins", "never"):
        base = f"/buckets/{bucket}"
        yield from (base, f"{base}/groups?_since=0", f"{base}/groups/friends")
        yield from (f"{base}/collections", f"{base}/collections?_since=0")
        yield from (f"{base}/history", f"{base}/history?_limit=5&_sort=last_modified")
        yield from (f"{base}/history?resource_name=record&action=create&_limit=4",)
        for name in ("shared", "open", "unused", "public"):
            yield from list_record_questions(f"{base}/collections/{name}")


def list_record_questions(collection: str) -> Iterator[str]:
    """Yield what is asked about a collection."""
    records = f"{collection}/records"
    yield from (collection, records, f"{records}?_since=0", f"{records}?_limit=7")
    yield from (f"{records}?_sort=n&_limit=4", f"{records}?min_n=3&v=1", f"{records}?has_v=false")
    yield from (f"{records}/{name}" for name in ("r0", "r3", "r5", "of-2014", "of-bob", "one"))


def visit(ask: Ask) -> None:
    """Ask everything once: lists get their timestamps when they are first asked for."""
    for path in list_questions():
        ask("GET", path)


def compare(old: Ask, new: Ask, paths: Iterable[str] | None = None) -> Iterator[str]:
    """Ask both servers everything, page by page; yield where they differ."""
    for path in list_questions() if paths is None else paths:
        old_path: str | None = path
        new_path: str | None = path
        while old_path and new_path:
            was, now = old("GET", old_path), new("GET", new_path)
            if describe(path, was) != describe(path, now):
                yield f"{path}: {describe(path, was)} became {describe(path, now)}"
            if "etag" in was.headers:
                yield from compare_unchanged(old_path, was, new)
            old_path, new_path = find_next(was), find_next(now)


def compare_unchanged(path: str, was: Told, new: Ask) -> Iterator[str]:
    """Ask the new server for what is newer than what the old one has told."""
    again = new("GET", path, If_None_Match=was.headers["etag"])
    if "/permissions" not in path and "_token" not in path and again.status != 304:
        yield f"{path}: {again.status} instead of 304"


def find_next(told: Told) -> str | None:
    """The path of the next page; each server has tokens of its own."""
    url = urlsplit(told.headers.get("next-page", ""))
    return f"{url.path.removeprefix('/v1')}?{url.query}" if url.query else None


def describe(path: str, told: Told) -> tuple[Any, ...]:
    """What clients see of an answer: numbers to the letter, sets in order."""
    names = ("etag", "last-modified", "total-records", "total-objects")
    headers = [told.headers.get(name) for name in names[:2]]
    # The list of permissions has the time of the start.
    shown = [] if path.startswith("/permissions") else headers
    return (told.status, *shown, "next-page" in told.headers, put_in_order(told.body))


def put_in_order(body: bytes) -> str:
    """The text of a body, with lists of principals and permissions sorted: they are sets."""
    document = json.loads(
        body, parse_int=lambda text: f"int {text}", parse_float=lambda t: f"float {t}"
    )
    if not isinstance(document, dict):
        return str(document)
    data = document.get("data")
    for item in [document, *(data if isinstance(data, list) else [])]:
        sort_permissions(item)
        target = item.get("target")
        if isinstance(target, dict):
            sort_permissions(target)
    return json.dumps(document, sort_keys=True)


def sort_permissions(item: dict[str, Any]) -> None:
    """Sort what is a set in an object."""
    found = item.get("permissions")
    if isinstance(found, dict):
        item["permissions"] = {name: sorted(names) for name, names in found.items()}
    elif isinstance(found, list):
        found.sort()
