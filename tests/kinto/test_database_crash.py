"""PostgreSQL is killed while clients write through two nodes: they are told to come back, and
when it runs again nothing that was acknowledged is missing.

The server of these tests has `synchronous_commit = off`: without the engine's own setting, a
killed server would lose the last writes it has acknowledged.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kinto_lite.storage.engines import find_mover
from tests import postgres_server
from tests.kinto.plain_client import PlainClient
from tests.live import start_server
from tests.postgres_server import Server, url_of

RECORDS = "/v1/buckets/b/collections/c/records"
WRITERS = 6
#: Writes of each client before and after the crash.
WRITES = 10
PATIENCE_SECONDS = 60


@pytest.fixture
def database() -> Iterator[Server]:
    """A server of this test's own."""
    with postgres_server.start_own_server("crash") as own:
        yield own


class Writer:
    """A client that writes one record after the other, each until it is acknowledged."""

    def __init__(self, url: str, name: str) -> None:
        self._client = PlainClient(url, "alice", "password")
        self._name = name
        #: Timestamps by id; how many answers were 503.
        self.acknowledged: dict[str, int] = {}
        self.refused = 0

    def write(self, stopped: threading.Event) -> None:
        """Write until the end."""
        while not stopped.is_set():
            self._write_one(f"{self._name}-{len(self.acknowledged)}")

    def _write_one(self, name: str) -> None:
        reply = self._client.put(f"{RECORDS}/{name}", {"data": {"by": self._name}})
        if reply.status == 503:
            assert int(reply.headers["Retry-After"]) > 0
            self.refused += 1
            time.sleep(0.02)
            return
        assert reply.status in (200, 201), reply
        self.acknowledged[name] = reply.data["last_modified"]


def wait_for(is_true: object) -> None:
    """Return when a function returns something true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_true():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.01)


def write_through_a_crash(database: Server, writers: list[Writer]) -> None:
    """Let clients write, kill the database, start it when all have noticed, and go on."""
    stopped = threading.Event()
    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(writer.write, stopped) for writer in writers]
        try:
            wait_for(lambda: all(len(w.acknowledged) >= WRITES for w in writers))
            database.crash()
            wait_for(lambda: all(w.refused for w in writers))
            before = {w: len(w.acknowledged) for w in writers}
            database.start()
            wait_for(lambda: all(len(w.acknowledged) >= n + WRITES for w, n in before.items()))
        finally:
            stopped.set()
        for writer in running:
            writer.result()


def test_no_acknowledged_write_is_lost(database: Server, tmp_path: Path) -> None:
    url = url_of(database.folder)
    environ = {"KINTO_STORAGE_URL": url}
    with (
        start_server(tmp_path, environ=environ) as one,
        start_server(tmp_path, "--workers", "2", environ=environ) as two,
    ):
        clients = [PlainClient(server.url, "alice", "password") for server in (one, two)]
        clients[0].put("/v1/buckets/b", {})
        clients[0].put("/v1/buckets/b/collections/c", {})
        writers = [Writer((one, two)[n % 2].url, f"w{n}") for n in range(WRITERS)]
        write_through_a_crash(database, writers)
        acknowledged = {k: v for writer in writers for k, v in writer.acknowledged.items()}
        for client in clients:
            stored = {r["id"]: r["last_modified"] for r in client.get(RECORDS).data}
            assert acknowledged.items() <= stored.items()
    assert len(set(acknowledged.values())) == len(acknowledged)
    assert find_mover(url).find_faults(url, repair=False) == []
