"""Three workers of one server, reached by connections that stay open: what one of them has
acknowledged counts at once on all connections, whatever the others are doing.

What races for one object is in `test_concurrency`, several servers are in `test_nodes`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests import postgres_server
from tests.kinto.plain_client import TIMEOUT_SECONDS, PlainClient, Reply
from tests.live import Server, start_server

WORKERS = 3
#: Enough that each worker has some.
CONNECTIONS = 9
ROUNDS = 100
POLLERS = 4
WRITERS = 3
WRITES = 60
BUCKET = "/v1/buckets/shared"
GROUP = f"{BUCKET}/groups/readers"
RECORDS = f"{BUCKET}/collections/c/records"
RECORD = f"{RECORDS}/r"


class OpenClient(PlainClient):
    """A client with one connection for all requests; `ask` and `hear` are the halves of one."""

    def __init__(self, url: str, user: str) -> None:
        super().__init__(url, user, "password")
        self._connection = HTTPConnection(self.address, timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def ask(self, method: str, path: str, body: Any = None) -> None:
        """Send a request."""
        sent = {**self.credentials, "Content-Type": "application/json"}
        self._connection.request(method, path, body and json.dumps(body), sent)

    def hear(self) -> Reply:
        """Read the response."""
        response = self._connection.getresponse()
        text = response.read()
        return Reply(response.status, response.headers, json.loads(text) if text else None)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send a request and read the response."""
        assert not headers
        self.ask(method, path, body)
        return self.hear()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The server, on each engine."""
    folder: Path = tmp_path_factory.mktemp("workers")
    is_sqlite = request.param == "sqlite"
    environ = {} if is_sqlite else {"KINTO_STORAGE_URL": postgres_server.make_url()}
    with start_server(folder, "--workers", str(WORKERS), environ=environ) as server:
        yield server


@contextmanager
def open_clients(server: Server, user: str, count: int = CONNECTIONS) -> Iterator[list[OpenClient]]:
    """Connections of one user."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(OpenClient(server.url, user))) for _ in range(count)]


@pytest.fixture
def alice(server: Server) -> Iterator[list[OpenClient]]:
    """Connections of the owner of an empty collection."""
    with open_clients(server, "alice") as clients:
        clients[0].delete(BUCKET)
        assert clients[1].put(BUCKET, {}).status == 201
        assert clients[2].put(f"{BUCKET}/collections/c", {}).status == 201
        yield clients


@pytest.fixture
def bob(server: Server) -> Iterator[list[OpenClient]]:
    """Connections of somebody else."""
    with open_clients(server, "bob") as clients:
        yield clients


def hear_all(clients: list[OpenClient], path: str) -> list[Reply]:
    """Read a path on all connections at once."""
    for client in clients:
        client.ask("GET", path)
    return [client.hear() for client in clients]


@contextmanager
def noise(server: Server) -> Iterator[None]:
    """Others read and write all the time."""
    is_over = Event()

    def chatter(number: int) -> None:
        with open_clients(server, f"noise-{number}", 3) as clients:
            while not is_over.is_set():
                for client in clients:
                    client.ask("PUT", f"/v1/buckets/noise-{number}", {})
                assert {client.hear().status for client in clients} <= {200, 201}
                hear_all(clients, f"/v1/buckets/noise-{number}")

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(chatter, number) for number in range(2)]
        try:
            yield
        finally:
            is_over.set()
        for one in running:
            one.result()


def test_what_is_written_through_one_connection_is_read_through_all(
    server: Server, alice: list[OpenClient]
) -> None:
    with noise(server):
        for n in range(ROUNDS):
            written = alice[n % CONNECTIONS].put(RECORD, {"data": {"n": n}})
            replies = hear_all(alice, RECORD)
            assert [reply.data for reply in replies] == [written.data] * CONNECTIONS
            lists = hear_all(alice, f"{RECORDS}?_since={int(written.etag.strip(chr(34))) - 1}")
            assert [reply.data for reply in lists] == [[written.data]] * CONNECTIONS


def test_a_member_of_a_group_may_on_all_connections_until_she_is_removed(
    server: Server, alice: list[OpenClient], bob: list[OpenClient]
) -> None:
    bob_id = bob[0].get("/v1/").body["user"]["id"]
    alice[0].put(GROUP, {"data": {"members": []}})
    alice[1].put(RECORD, {"permissions": {"read": [GROUP.removeprefix("/v1")]}})
    with noise(server):
        for n in range(ROUNDS // 2):
            members = [bob_id] if n % 2 == 0 else []
            alice[n % CONNECTIONS].put(GROUP, {"data": {"members": members}})
            statuses = {reply.status for reply in hear_all(bob, RECORD)}
            assert statuses == ({200} if members else {403})


def write_at_random(server: Server, number: int) -> list[int]:
    """Write, change and delete; return the timestamps that were answered."""
    rng, times = random.Random(number), []
    with open_clients(server, "alice", 2) as clients:
        for _ in range(WRITES):
            path = f"{RECORDS}/r{rng.randrange(20)}"
            method = rng.choice(["PUT", "PUT", "PATCH", "DELETE"])
            body = None if method == "DELETE" else {"data": {"n": rng.random()}}
            reply = rng.choice(clients).send(method, path, body)
            assert reply.status in (200, 201, 404)
            if reply.status != 404:
                times.append(reply.data["last_modified"])
    return times


def follow(server: Server, written: list[Future[list[int]]]) -> dict[str, Any]:
    """Keep a copy of the collection by asking for what has changed; return it in the end."""
    copy: dict[str, Any] = {}
    since, is_last = "0", False
    with open_clients(server, "alice", 3) as clients:
        while True:
            for client in clients:
                reply = client.get(f"{RECORDS}?_since={since}&_sort=last_modified")
                for one in reply.data:
                    copy[one["id"]] = one
                since = reply.etag.strip('"')
            if is_last:
                return {name: one for name, one in copy.items() if "deleted" not in one}
            is_last = all(one.done() for one in written)


@pytest.mark.usefixtures("alice")
def test_who_asks_for_changes_ends_up_with_what_the_server_has(server: Server) -> None:
    with ThreadPoolExecutor(WRITERS + POLLERS) as pool:
        written = [pool.submit(write_at_random, server, n) for n in range(WRITERS)]
        copies = [pool.submit(follow, server, written) for _ in range(POLLERS)]
        times = [time for one in written for time in one.result()]
        followed = [copy.result() for copy in copies]
    assert len(set(times)) == len(times)
    # The connections of the beginning may have been idle for too long.
    with open_clients(server, "alice") as clients:
        here = clients[0].get(RECORDS)
        counts = [one.send("HEAD", RECORDS).headers["Total-Objects"] for one in clients]
    assert followed == [{one["id"]: one for one in here.data}] * POLLERS
    assert counts == [str(len(here.data))] * CONNECTIONS
