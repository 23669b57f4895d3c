"""PocketBase's API: filling a server, and the requests that come closest to Kinto's.

What it does not have is asked for in the nearest way: changes by a filter on the date of the last
update (it keeps no tombstones), a poll without news as the date of the newest record (it has no
`ETag`, and a filter that finds nothing is answered up to half a second later, on purpose).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from scripts.benchmark.client import BenchmarkError, Client
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
    mix_calls,
)

ADMIN, ASKER, GUEST = "admin@example.com", "bob@example.com", "eve@example.com"
PASSWORD = "a-password-for-the-comparison"
SIGNED_IN = "@request.auth.id != ''"
SHARED_WITH = "@request.auth.id != '' && readers ~ @request.auth.id"
ITEMS = "/api/collections/items/records"
WRITTEN = "/api/collections/written/records"
SHARING = "/api/collections/sharing/records"
FIELDS = (
    {"name": "title", "type": "text"},
    {"name": "rank", "type": "number"},
    {"name": "number", "type": "number"},
    {"name": "done", "type": "bool"},
    {"name": "note", "type": "text"},
    {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
)


class PocketBaseApi:
    """PocketBase on a port of this machine, with its superuser made already."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._data = Data(0)
        self._ids: list[str] = []
        self._tokens: dict[str, str] = {}
        self._user_ids: dict[str, str] = {}

    def set_up(self, data: Data) -> None:
        """Make users and collections. Errors: BenchmarkError."""
        self._data = data
        admin = self._sign_in("_superusers", ADMIN)
        # Its log of requests would only cost it time; kinto-lite has none.
        settings = {"batch": {"enabled": True, "maxRequests": 50}, "logs": {"maxDays": 0}}
        admin.ask("PATCH", "/api/settings", settings)
        for user in (ASKER, GUEST):
            account = {"email": user, "password": PASSWORD, "passwordConfirm": PASSWORD}
            admin.ask("POST", "/api/collections/users/records", account)
            self._sign_in("users", user).close()
        self._make_collections(admin)
        admin.close()

    def load(self) -> int:
        """Store all records, in two collections; return how many. Errors: BenchmarkError."""
        admin = self._connect(ADMIN)
        for path in (ITEMS, SHARING):
            self._load_all(admin, path)
        admin.close()
        return self._data.count * 2

    def count_written(self) -> int:
        """Return how many records the collection `written` has."""
        client = self._connect(ASKER)
        count: int = client.ask("GET", f"{WRITTEN}?perPage=1&fields=id")["totalItems"]
        client.close()
        return count

    def make_plan(self, name: str) -> Plan | None:
        """Return what a measurement asks for; None when the server has no such thing."""
        makers: Mapping[str, Callable[[], Plan]] = {
            "get": lambda: self._plan(self._reads()),
            "list": lambda: self._plan([self._list(total=True)]),
            "list-no-total": lambda: self._plan([self._list(total=False)]),
            "post-1": lambda: self._plan(self._writes(), adds=1),
            "post-32": lambda: self._plan(self._writes(), adds=1),
            "post-64": lambda: self._plan(self._writes(), adds=1),
            "batch": lambda: self._plan(self._batches(), adds=BATCH_SIZE),
            "poll": lambda: self._plan([self._newest()]),
            "since": lambda: self._plan([self._changes()]),
            "filter": lambda: self._plan(self._filters("rank")),
            "filter-indexed": lambda: self._plan(self._filters("number")),
            "shared": lambda: self._plan([self._shared()], user=GUEST),
            "mixed": lambda: self._plan(mix_calls(self._reads(), self._writes(100)), adds=None),
        }
        return makers[name]() if name in makers else None

    def _sign_in(self, collection: str, user: str) -> Client:
        path = f"/api/collections/{collection}/auth-with-password"
        client = Client(self._port)
        answer = client.ask("POST", path, {"identity": user, "password": PASSWORD})
        client.close()
        self._tokens[user] = answer["token"]
        self._user_ids[user] = answer["record"]["id"]
        return self._connect(user)

    def _connect(self, user: str) -> Client:
        return Client(self._port, {"Authorization": self._tokens[user]})

    def _make_collections(self, admin: Client) -> None:
        """Make the collections, with the indexes that its users would make."""
        users = admin.ask("GET", "/api/collections/users")["id"]
        readers = {"name": "readers", "type": "relation", "collectionId": users, "maxSelect": 99}
        numbers = ["CREATE INDEX i_number ON items (number)"]
        updates = ["CREATE INDEX i_updated ON items (updated)"]
        make_collection(admin, "items", SIGNED_IN, FIELDS, numbers + updates)
        make_collection(admin, "written", SIGNED_IN, FIELDS, [])
        make_collection(admin, "sharing", SHARED_WITH, (*FIELDS, readers), [])

    def _load_all(self, admin: Client, path: str) -> None:
        split = self._data.count - CHANGES
        for start in range(0, split, BATCH_SIZE):
            self._load(admin, path, range(start, min(start + BATCH_SIZE, split)))
        # Dates have milliseconds: the changes to ask for have to be later than all else.
        time.sleep(0.05)
        self._load(admin, path, range(split, self._data.count))

    def _load(self, admin: Client, path: str, indexes: range) -> None:
        """Store records, in one batch. Errors: BenchmarkError."""
        requests = []
        for index in indexes:
            record = self._data.make_record(index)
            if path == SHARING and self._data.is_shared(index):
                record["readers"] = [self._user_ids[GUEST]]
            requests.append({"method": "POST", "url": path, "body": record})
        for response in admin.ask("POST", "/api/batch", {"requests": requests}):
            if response["status"] != 200:
                raise BenchmarkError(f"loading: {response}")
            if path == ITEMS:
                self._ids.append(response["body"]["id"])

    def _plan(self, calls: list[Call], adds: int | None = 0, user: str = ASKER) -> Plan:
        headers = {"Authorization": self._tokens[user], "Content-Type": "application/json"}
        return Plan(calls, headers, adds)

    def _read_dates(self, count: int) -> list[str]:
        client = self._connect(ASKER)
        newest = client.ask("GET", f"{ITEMS}?sort=-updated,-@rowid&perPage={count}")["items"]
        client.close()
        return [record["updated"] for record in newest]

    def _reads(self) -> list[Call]:
        return [
            Call("GET", f"{ITEMS}/{chosen}", expect_record(chosen))
            for chosen in choose_some(self._ids)
        ]

    def _writes(self, count: int = 500) -> list[Call]:
        def test(body: Any) -> bool:
            return str(body["title"]).startswith("Record ") and body["id"] != ""

        bodies = [self._data.make_record(self._data.count + index) for index in range(count)]
        check = expect_json(test, 200)
        return [Call("POST", WRITTEN, check, json.dumps(body)) for body in bodies]

    def _batches(self) -> list[Call]:
        def test(body: Any) -> bool:
            return [item["status"] for item in body] == [200] * BATCH_SIZE

        calls = []
        for start in range(0, BATCH_SIZE * 20, BATCH_SIZE):
            records = [self._data.make_record(start + index) for index in range(BATCH_SIZE)]
            requests = [{"method": "POST", "url": WRITTEN, "body": record} for record in records]
            body = json.dumps({"requests": requests})
            calls.append(Call("POST", "/api/batch", expect_json(test, 200), body))
        return calls

    def _list(self, *, total: bool) -> Call:
        wanted = self._data.count if total else -1

        def test(body: Any) -> bool:
            return len(body["items"]) == LIST_SIZE and body["totalItems"] == wanted

        path = f"{ITEMS}?sort=-@rowid&perPage={LIST_SIZE}{'' if total else '&skipTotal=1'}"
        return Call("GET", path, expect_json(test, 200))

    def _newest(self) -> Call:
        """Ask for the date of the last change, which is found in an index."""
        path = f"{ITEMS}?sort=-updated&perPage=1&skipTotal=1&fields=id,updated"
        return Call("GET", path, expect_records(1))

    def _changes(self) -> Call:
        """Ask for what changed after the date that leaves so many records."""
        date = self._read_dates(CHANGES + 1)[-1]
        filtered = quote(f"(updated > '{date}')")
        path = f"{ITEMS}?perPage=500&skipTotal=1&filter={filtered}"
        return Call("GET", path, expect_records(CHANGES))

    def _filters(self, name: str) -> list[Call]:
        size = f"perPage={LIST_SIZE}&skipTotal=1"
        return [
            Call(
                "GET",
                f"{ITEMS}?{size}&filter={quote(f'({name}={value})')}",
                expect_records(self._data.alike, **{name: value}),
            )
            for value in self._data.choose_values()
        ]

    def _shared(self) -> Call:
        return Call("GET", f"{SHARING}?perPage=500&skipTotal=1", expect_records(SHARED))


def make_collection(
    admin: Client, name: str, rule: str, fields: tuple[dict[str, Any], ...], indexes: list[str]
) -> None:
    """Make a collection where one rule says who may list and read; who signed in may create."""
    collection = {
        "name": name,
        "type": "base",
        "fields": fields,
        "indexes": indexes,
        "listRule": rule,
        "viewRule": rule,
        "createRule": SIGNED_IN,
    }
    admin.ask("POST", "/api/collections", collection)


def expect_record(wanted: str) -> Check:
    """Check for the record of this id."""
    return expect_json(lambda body: body["id"] == wanted and body["note"], 200)


def expect_records(count: int, **values: int) -> Check:
    """Check for a list of so many records, all with these values."""

    def test(body: Any) -> bool:
        records = body["items"]
        alike = all(record[name] == value for record in records for name, value in values.items())
        return len(records) == count and alike

    return expect_json(test, 200)
