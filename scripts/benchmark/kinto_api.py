"""Kinto's API, for kinto-lite and for Kinto: filling a server, and what it is asked.

One user owns the bucket; another one, who may read `items` and create in `written`, is the one who
asks; a third may read some single records only.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from scripts.benchmark.client import BenchmarkError, Client, Reply
from scripts.benchmark.plans import (
    BATCH_SIZE,
    CHANGES,
    LIST_SIZE,
    SHARED,
    Call,
    Check,
    Data,
    Plan,
    choose_some,
    expect_json,
    expect_status,
    mix_calls,
)

OWNER, ASKER, GUEST = "ada", "bob", "eve"
PASSWORD = "a-password-for-the-comparison"
PREFIX = "/v1"
BUCKET = "/buckets/bench"
ITEMS = f"{BUCKET}/collections/items/records"
WRITTEN = f"{BUCKET}/collections/written/records"


class KintoApi:
    """A server with Kinto's API on a port of this machine."""

    def __init__(self, port: int, *, has_accounts: bool, is_ours: bool) -> None:
        """`is_ours`: GET of a list gives the total, and a collection may have fields indexed."""
        self._port = port
        self._has_accounts = has_accounts
        self._is_ours = is_ours
        self._data = Data(0)
        self._ids: list[str] = []
        self._user_ids: dict[str, str] = {}

    def set_up(self, data: Data) -> None:
        """Make users, bucket and collections. Errors: BenchmarkError."""
        self._data = data
        for name in (OWNER, ASKER, GUEST):
            self._user_ids[name] = self._make_user(name)
        asker = self._user_ids[ASKER]
        owner = self._connect(OWNER)
        owner.ask("PUT", PREFIX + BUCKET, {"data": {}})
        self._put_collection(owner, "items", {"read": [asker]})
        self._put_collection(owner, "written", {"read": [asker], "record:create": [asker]})
        owner.close()

    def load(self) -> int:
        """Store all records; return how many. Errors: BenchmarkError."""
        owner = self._connect(OWNER)
        split = self._data.count - CHANGES
        for start in range(0, split, BATCH_SIZE):
            self._load(owner, range(start, min(start + BATCH_SIZE, split)))
        self._load(owner, range(split, self._data.count))
        owner.close()
        return self._data.count

    def count_written(self) -> int:
        """Return how many records the collection `written` has."""
        client = self._connect(ASKER)
        reply = client.send("HEAD", PREFIX + WRITTEN)
        client.close()
        found = reply.headers.get("total-objects", reply.headers.get("total-records", ""))
        if not found.isdecimal():
            raise BenchmarkError(f"HEAD {WRITTEN}: {reply.status}, no total")
        return int(found)

    def make_plan(self, name: str) -> Plan | None:
        """Return what a measurement asks for; None when the server has no such thing."""
        makers: Mapping[str, Callable[[], Plan]] = {
            "get": lambda: self._plan(self._reads()),
            "list-no-total": lambda: self._plan([self._list(total=False)]),
            "post-1": lambda: self._plan(self._writes(), adds=1),
            "post-32": lambda: self._plan(self._writes(), adds=1),
            "post-64": lambda: self._plan(self._writes(), adds=1),
            "batch": lambda: self._plan(self._batches(), adds=BATCH_SIZE),
            "poll": self._plan_poll,
            "since": self._plan_since,
            "filter": lambda: self._plan(self._filters("rank")),
            "shared": self._plan_shared,
            "mixed": lambda: self._plan(mix_calls(self._reads(), self._writes(100)), adds=None),
        }
        if self._is_ours:
            ours = {
                "list": lambda: self._plan([self._list(total=True)]),
                "filter-indexed": lambda: self._plan(self._filters("number")),
            }
            makers = {**makers, **ours}
        return makers[name]() if name in makers else None

    def _make_user(self, name: str) -> str:
        client = self._connect(name)
        if self._has_accounts:
            account = {"data": {"password": PASSWORD}}
            Client(self._port).ask("PUT", f"{PREFIX}/accounts/{name}", account)
        hello = client.ask("GET", f"{PREFIX}/")
        client.close()
        user_id: str = hello["user"]["id"]
        return user_id

    def _connect(self, name: str) -> Client:
        return Client(self._port, sign(name))

    def _put_collection(self, owner: Client, name: str, permissions: Mapping[str, Any]) -> None:
        path = f"{PREFIX}{BUCKET}/collections/{name}"
        data = {"indexes": ["number"]} if self._is_ours and name == "items" else {}
        owner.ask("PUT", path, {"data": data, "permissions": permissions})

    def _load(self, owner: Client, indexes: range) -> None:
        """Store records, in one batch. Errors: BenchmarkError."""
        requests: list[dict[str, Any]] = []
        for index in indexes:
            body: dict[str, Any] = {"data": self._data.make_record(index)}
            if self._data.is_shared(index):
                body["permissions"] = {"read": [self._user_ids[GUEST]]}
            requests.append({"body": body})
        batch = {"defaults": {"method": "POST", "path": ITEMS}, "requests": requests}
        for response in owner.ask("POST", f"{PREFIX}/batch", batch)["responses"]:
            if response["status"] != 201:
                raise BenchmarkError(f"loading: {response}")
            self._ids.append(response["body"]["data"]["id"])

    def _plan(self, calls: list[Call], adds: int | None = 0) -> Plan:
        return Plan(calls, {**sign(ASKER), "Content-Type": "application/json"}, adds)

    def _plan_poll(self) -> Plan:
        newest = self._read_timestamps(1)[0]
        path = f"{PREFIX}{ITEMS}?_since=%22{newest}%22"
        headers = {**sign(ASKER), "If-None-Match": f'"{newest}"'}
        return Plan([Call("GET", path, expect_status(304))], headers)

    def _plan_since(self) -> Plan:
        before = self._read_timestamps(CHANGES + 1)[-1]
        path = f"{PREFIX}{ITEMS}?_since=%22{before}%22"
        return self._plan([Call("GET", path, expect_records(CHANGES))])

    def _plan_shared(self) -> Plan:
        call = Call("GET", PREFIX + ITEMS, expect_records(SHARED))
        return Plan([call], sign(GUEST))

    def _read_timestamps(self, count: int) -> list[int]:
        client = self._connect(ASKER)
        newest = client.ask("GET", f"{PREFIX}{ITEMS}?_limit={count}")["data"]
        client.close()
        return [record["last_modified"] for record in newest]

    def _reads(self) -> list[Call]:
        return [
            Call("GET", f"{PREFIX}{ITEMS}/{chosen}", expect_record(chosen))
            for chosen in choose_some(self._ids)
        ]

    def _writes(self, count: int = 500) -> list[Call]:
        def test(body: Any) -> bool:
            return str(body["data"]["title"]).startswith("Record ") and body["data"]["id"] != ""

        bodies = [self._data.make_record(self._data.count + index) for index in range(count)]
        check = expect_json(test, 201)
        path = PREFIX + WRITTEN
        return [Call("POST", path, check, json.dumps({"data": body})) for body in bodies]

    def _batches(self) -> list[Call]:
        def test(body: Any) -> bool:
            return [item["status"] for item in body["responses"]] == [201] * BATCH_SIZE

        calls = []
        for start in range(0, BATCH_SIZE * 20, BATCH_SIZE):
            records = [self._data.make_record(start + index) for index in range(BATCH_SIZE)]
            requests = [{"body": {"data": record}} for record in records]
            batch = {"defaults": {"method": "POST", "path": WRITTEN}, "requests": requests}
            calls.append(Call("POST", f"{PREFIX}/batch", expect_json(test, 200), json.dumps(batch)))
        return calls

    def _list(self, *, total: bool) -> Call:
        check_items = expect_records(LIST_SIZE)
        wanted = str(self._data.count)

        def check(reply: Reply) -> str:
            headers = reply.headers
            given = headers.get("total-objects", headers.get("total-records"))
            if total and given != wanted:
                return f"the total is {given} instead of {wanted}"
            return check_items(reply)

        return Call("GET", f"{PREFIX}{ITEMS}?_limit={LIST_SIZE}", check)

    def _filters(self, name: str) -> list[Call]:
        return [
            Call(
                "GET",
                f"{PREFIX}{ITEMS}?{name}={value}&_limit={LIST_SIZE}",
                expect_records(self._data.alike, **{name: value}),
            )
            for value in self._data.choose_values()
        ]


def sign(name: str) -> dict[str, str]:
    """Return the headers of a user."""
    token = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def expect_record(wanted: str) -> Check:
    """Check for the record of this id."""
    return expect_json(lambda body: body["data"]["id"] == wanted and body["data"]["note"], 200)


def expect_records(count: int, **values: int) -> Check:
    """Check for a list of so many records, all with these values."""

    def test(body: Any) -> bool:
        records = body["data"]
        alike = all(record[name] == value for record in records for name, value in values.items())
        return len(records) == count and alike

    return expect_json(test, 200)
