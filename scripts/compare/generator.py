"""Makes the requests of a session: who asks, where, with what; all chance comes from a seed.

Keeps no model of what the servers hold: it only remembers which requests touched which URL,
so that later ones can refer to the timestamps, ids and pages of their answers. What is asked
is in `topics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from compare.exchanges import Request
from compare.values import (
    BAD_IDS,
    GOOD_IDS,
    USERS,
    get_credentials,
    get_user_id,
    pick,
    random_attributes,
    random_permissions,
)

Headers = dict[str, str]

BUCKETS = {"blog": 20, "todo": 2, "nope": 1}
COLLECTIONS = {"articles": 12, "typed": 4, "nope": 1}
GROUPS = {"eds": 5, "fans": 3, "nope": 1}
RECORDS = {"r1": 4, "r2": 4, "r3": 4, "r4": 3, "r5": 3, "r6": 3, "nope": 1}
KINDS = {"bucket": 2, "group": 2, "collection": 3, "record": 9}


def get_kind(path: str) -> str:
    """Return the kind of the objects that a URL without version is about."""
    segments = path.partition("?")[0].strip("/").split("/")
    return segments[0::2][-1].removesuffix("s")


def name_object(body: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the body of a POST with an id, unless it has one or is no envelope."""
    data = body.get("data", {})
    if not isinstance(data, dict) or "requests" in body:
        return body
    return {**body, "data": {"id": f"made-{number}", **data}}


class Generator:
    """Collects the requests of one session."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.requests: list[Request] = []
        #: Numbers of the requests that were sent to a URL, latest last.
        self.touched: dict[str, list[int]] = {}
        #: Whether every object gets its id from the client: generated ids are in another order
        #: on each server, so nothing may be sorted by them.
        self.with_names = rng.random() < 0.5
        #: Numbers of the requests whose answer may have a next page.
        self.listed: list[int] = []

    def add(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Headers | None = None,
        user: str | None = None,
    ) -> int:
        """Append a request to a path without version prefix; returns its number."""
        number = len(self.requests) + 1
        sent = dict(headers or {})
        asking = self.pick_user() if user is None else user
        if asking:
            sent.setdefault("Authorization", get_credentials(asking))
        full = path if path.startswith("!") else f"/v1{path}"
        if method == "POST" and self.with_names and isinstance(body, dict):
            body = name_object(body, number)
        request = Request(number, method, full.lstrip("!"), tuple(sent.items()), body)
        self.requests.append(request)
        self.touched.setdefault(path.partition("?")[0], []).append(number)
        return number

    def capture(self, ask: Callable[[Generator], None]) -> list[Request]:
        """Return the requests that `ask` makes, without appending them."""
        before = len(self.requests)
        ask(self)
        captured = self.requests[before:]
        del self.requests[before:]
        gone = {request.number for request in captured}
        self.listed = [number for number in self.listed if number not in gone]
        for numbers in self.touched.values():
            numbers[:] = [number for number in numbers if number not in gone]
        return captured

    def chance(self, probability: float) -> bool:
        """Return True this often."""
        return self.rng.random() < probability

    def pick_user(self) -> str:
        """Return who asks; "" for nobody."""
        return pick(self.rng, {"alice": 15, "bob": 3, "carol": 1, "": 1})

    def pick_bucket(self) -> str:
        """Return the path of a bucket, nearly always one that was made."""
        return f"/buckets/{self.pick_id(BUCKETS)}"

    def pick_id(self, usual: Mapping[str, int]) -> str:
        """Return an id: a usual one, seldom a new or a malformed one."""
        if self.chance(0.96):
            return pick(self.rng, usual)
        return self.rng.choice(GOOD_IDS if self.chance(0.6) else BAD_IDS)

    def pick_list(self, kind: str | None = None) -> str:
        """Return the path of a plural endpoint."""
        kind = kind or pick(self.rng, KINDS)
        if kind == "bucket":
            return "/buckets"
        bucket = self.pick_bucket()
        if kind != "record":
            return f"{bucket}/{kind}s"
        return f"{bucket}/collections/{self.pick_id(COLLECTIONS)}/records"

    def pick_object(self, kind: str | None = None) -> str:
        """Return the path of an object, which may or may not exist."""
        kind = kind or pick(self.rng, KINDS)
        usual = {"bucket": BUCKETS, "group": GROUPS, "collection": COLLECTIONS, "record": RECORDS}
        path = f"{self.pick_list(kind)}/{self.pick_id(usual[kind])}"
        made = [number for number in self.touched.get(self.pick_list(kind), []) if number]
        if made and self.chance(0.1):
            return f"{path.rpartition('/')[0]}/«id:{self.rng.choice(made)}»"
        return path

    def pick_time(self, path: str) -> str:
        """Return a reference to a timestamp: of this URL mostly, or of any answer."""
        here = self.touched.get(path.partition("?")[0])
        if here and self.chance(0.8):
            number = here[-1] if self.chance(0.6) else self.rng.choice(here)
        else:
            number = self.rng.randint(1, len(self.requests) or 1)
        return f"«ts:{number}»"

    def make_data(self, path: str) -> dict[str, Any]:
        """Return valid attributes for an object at this URL."""
        data = random_attributes(self.rng)
        if get_kind(path) == "group" and self.chance(0.8):
            people = [*map(get_user_id, USERS), "system.Authenticated", "x"]
            data["members"] = self.rng.sample(people, self.rng.randint(0, 2))
        return data

    def make_body(self, path: str) -> dict[str, Any]:
        """Return a valid envelope: data, permissions, both, or neither."""
        body: dict[str, Any] = {}
        if self.chance(0.85):
            body["data"] = self.make_data(path)
        if self.chance(0.3):
            body["permissions"] = random_permissions(self.rng, get_kind(path))
        return body


def prepare(generator: Generator) -> None:
    """Begin the session with objects that later requests find."""
    add = generator.add
    add("PUT", "/buckets/blog", generator.make_body("/buckets/blog"), user="alice")
    for name in ("articles", "typed"):
        path = f"/buckets/blog/collections/{name}"
        add("PUT", path, generator.make_body(path), user="alice")
        add("GET", f"{path}/records", user="alice")
    if generator.chance(0.5):
        add("PUT", "/buckets/todo", generator.make_body("/buckets/todo"), user="alice")
    for name in ("eds", "fans"):
        path = f"/buckets/blog/groups/{name}"
        add("PUT", path, generator.make_body(path), user="alice")
    for name in list(RECORDS)[: generator.rng.randint(2, 6)]:
        path = f"/buckets/blog/collections/articles/records/{name}"
        add("PUT", path, generator.make_body(path), user="alice")
