"""A database with some of everything, and what several users are told about it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from webtest import TestApp

SETTINGS = {
    "includes": "kinto.plugins.accounts kinto.plugins.default_bucket kinto.plugins.history "
    "kinto.plugins.quotas",
    "quotas.bucket_max_items": "1000",
    "multiauth.policies": "account basicauth",
    "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
    "account_create_principals": "system.Everyone",
    "experimental_permissions_endpoint": "true",
    "paginate_by": "7",
}

USERS = ("alice", "bob", "carol")
TEXTS = ("plain", "é ß", "日本語", "\U0001f600", "\u2028 \u0000 \x7f", '"\\/', "", "a" * 3000)
NUMBERS = ("1", "1.0", "-0.0", "0", "-7", "1e22", "1E-7", "18446744073709551615", "5e-324")
#: Lists that have the time of the start where others have a time of their own.
TIMED_BY_THE_START = ("/v1/permissions", "/v1/accounts")
#: What the server refuses, and so can never be in a dump.
TOO_BIG = "1e400"


def sign_in(app: Any, user: str) -> TestApp:
    """A client of an app for one user of basic authentication."""
    client = TestApp(app)
    client.authorization = ("Basic", (user, "password of tests"))
    return client


def nest(depth: int) -> Any:
    """A value in that many arrays."""
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


def make_mixed(app: Any, seed: int = 7) -> None:
    """Store some of everything through the API: all kinds, permissions, tombstones."""
    chance = random.Random(seed)
    alice, bob = sign_in(app, "alice"), sign_in(app, "bob")
    me = {user: sign_in(app, user).get("/v1/").json["user"]["id"] for user in USERS}
    TestApp(app).put_json("/v1/accounts/dora", {"data": {"password": "password of tests"}})
    for number in range(3):
        bucket = f"/v1/buckets/b{number}"
        readers = {"read": [me["bob"]], "collection:create": ["system.Authenticated"]}
        alice.put_json(bucket, {"data": {"number": number}, "permissions": readers})
        members = {"members": [me["bob"], "account:dora", "basicauth:é"]}
        alice.put_json(f"{bucket}/groups/friends", {"data": members})
        for name in ("one", "two"):
            collection = f"{bucket}/collections/{name}"
            shared = {"write": [f"/buckets/b{number}/groups/friends"]} if name == "two" else {}
            alice.put_json(collection, {"data": {"indexes": ["n"]}, "permissions": shared})
            for index in range(16):
                put_record(alice, f"{collection}/records/r{index}", me["carol"], chance)
            bob.delete(f"{collection}/records/r3", status="*")
            alice.delete(f"{collection}/records/r4")
    alice.delete("/v1/buckets/b2/collections/two")
    alice.delete("/v1/buckets/b2/groups/friends")
    alice.put_json("/v1/buckets/gone", {})
    alice.delete("/v1/buckets/gone")
    deep = {"data": {"deep": nest(440)}}
    for user in USERS:
        path = "/v1/buckets/default/collections/mine/records/deep"
        sign_in(app, user).put_json(path, deep)


def put_record(client: TestApp, path: str, reader: str, chance: random.Random) -> None:
    """Store a record with a number and a text by chance, which one other user may read or not."""
    number, text = chance.choice(NUMBERS), json.dumps(chance.choice(TEXTS))
    permissions = {"read": [reader]} if chance.random() < 0.5 else {}
    body = f'{{"data":{{"n":{number},"t":{text}}},"permissions":{json.dumps(permissions)}}}'
    client.put(path, body, content_type="application/json")


def list_paths() -> Iterator[str]:
    """Yield what every user is asked for."""
    yield from ("/v1/buckets", "/v1/permissions?_limit=200", "/v1/accounts")
    yield "/v1/buckets/default/collections/mine/records"
    for bucket in ("b0", "b1", "b2", "gone"):
        base = f"/v1/buckets/{bucket}"
        yield from (base, f"{base}/groups", f"{base}/collections?_since=0", f"{base}/history")
        for name in ("one", "two"):
            records = f"{base}/collections/{name}/records"
            yield from (records, f"{records}/r1", f"{records}/r4", f"{records}?_since=0")
            yield from (f"{records}?n=1", f"{records}?_sort=n", f"{records}?_sort=-t,n&min_n=0")


def read_answers(app: Any) -> dict[tuple[str, str], Any]:
    """What each user is told, page by page, by user and path."""
    answers: dict[tuple[str, str], Any] = {}
    for user in USERS:
        client = sign_in(app, user)
        waiting = list(list_paths())
        while waiting:
            path = waiting.pop()
            answers[user, path], following = ask(client, path)
            waiting += following
    return answers


def repeat_questions(app: Any, answers: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
    """What each user is told who asks the same again, with the page tokens of then."""
    clients = {user: sign_in(app, user) for user in USERS}
    return {(user, path): ask(clients[user], path)[0] for user, path in answers}


def ask(client: TestApp, path: str) -> tuple[Any, list[str]]:
    """Status, headers that clients sync by, and body; and the path of the next page."""
    answer = client.get(path, status="*")
    following = [url.removeprefix("http://localhost") for url in answer.headers.getall("Next-Page")]
    told = [answer.headers.get(name) for name in ("ETag", "Total-Records", "Last-Modified")]
    if path.startswith(TIMED_BY_THE_START):
        told = []
    return (answer.status_int, *told, len(following), in_order(answer.json)), following


def in_order(body: Any) -> str:
    """An answer whose lists of principals and of permissions are sorted: they are sets."""
    if isinstance(body.get("permissions"), dict):
        lists = body["permissions"].items()
        body["permissions"] = {name: sorted(principals) for name, principals in lists}
    for item in body["data"] if isinstance(body.get("data"), list) else []:
        if isinstance(item.get("permissions"), list):
            item["permissions"].sort()
    return json.dumps(body, sort_keys=True)
