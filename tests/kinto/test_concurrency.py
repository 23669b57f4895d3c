"""Many clients at once: every answer is right, no writer is turned away, counters stay exact.

Each test runs against a server with one worker, a server with two, threads that share one
application, two applications on one database file, and two servers on one PostgreSQL.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from kinto_lite import make_app
from tests import postgres_server
from tests.kinto.plain_client import PlainClient, Reply
from tests.kinto.wsgi_client import WsgiClient
from tests.live import start_server

Result = TypeVar("Result")
Connect = Callable[[], PlainClient]

WRITERS = 6
WRITES = 12
COLLECTION = "/v1/buckets/shared/collections/tasks"
RECORDS = f"{COLLECTION}/records"


def connect_to_server(folder: Path, workers: int, stack: ExitStack) -> Connect:
    """Start a server; returns what makes a client of it."""
    server = stack.enter_context(start_server(folder, "--workers", str(workers)))
    return lambda: PlainClient(server.url, "user", "password")


def connect_in_process(folder: Path, count: int, stack: ExitStack) -> Connect:
    """Make applications on one file; clients get one after the other."""
    settings = {
        "multiauth.policies": "basicauth",
        "userid_hmac_secret": "a secret of tests",
        "includes": "kinto.plugins.default_bucket",
        "storage_url": f"sqlite:///{folder / 'shared.db'}",
    }
    apps = [make_app(settings) for _ in range(count)]
    for app in apps:
        stack.callback(app.storage.close)
    turns = itertools.cycle(apps)
    return lambda: WsgiClient(next(turns), "user", "password")


def connect_to_nodes(folder: Path, count: int, stack: ExitStack) -> Connect:
    """Start servers on one PostgreSQL; clients get one after the other."""
    environ = {"KINTO_STORAGE_URL": postgres_server.make_url()}
    servers = [stack.enter_context(start_server(folder, environ=environ)) for _ in range(count)]
    turns = itertools.cycle(servers)
    return lambda: PlainClient(next(turns).url, "user", "password")


PLACES = {
    "server": (connect_to_server, 1),
    "two-workers": (connect_to_server, 2),
    "threads": (connect_in_process, 1),
    "two-apps": (connect_in_process, 2),
    "two-nodes": (connect_to_nodes, 2),
}


@pytest.fixture(scope="module", params=PLACES)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Connect]:
    """What makes a client of one of the places."""
    start, count = PLACES[request.param]
    with ExitStack() as stack:
        yield start(tmp_path_factory.mktemp(request.param), count, stack)


@pytest.fixture
def connect(place: Connect) -> Connect:
    """What makes a client, with an empty collection to use."""
    client = place()
    client.delete("/v1/buckets/shared")
    assert client.put("/v1/buckets/shared", {}).status == 201
    assert client.put(COLLECTION, {}).status == 201
    return place


def run_together(connect: Connect, job: Callable[[PlainClient, int], Result]) -> list[Result]:
    """Run the job in as many threads as there are writers, all at once; return the results."""
    barrier = Barrier(WRITERS)

    def run(number: int) -> Result:
        client = connect()
        barrier.wait()
        return job(client, number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(run, range(WRITERS)))


def write_many(client: PlainClient, number: int) -> list[Reply]:
    return [client.post(RECORDS, {"data": {"writer": number, "n": n}}) for n in range(WRITES)]


def get_time(reply: Reply) -> int:
    assert reply.status in (200, 201), reply.body
    value = reply.data["last_modified"]
    assert isinstance(value, int)
    return value


def count_statuses(replies: Sequence[Reply]) -> dict[int, int]:
    return dict(Counter(reply.status for reply in replies))


def test_no_writer_is_turned_away(connect: Connect) -> None:
    replies = itertools.chain(*run_together(connect, write_many))
    assert count_statuses(list(replies)) == {201: WRITERS * WRITES}


def test_all_timestamps_of_a_collection_differ(connect: Connect) -> None:
    replies = list(itertools.chain(*run_together(connect, write_many)))
    assert len({get_time(reply) for reply in replies}) == WRITERS * WRITES


def test_what_is_answered_later_has_a_later_timestamp(connect: Connect) -> None:
    for replies in run_together(connect, write_many):
        times = [get_time(reply) for reply in replies]
        assert times == sorted(times)


def test_the_list_has_every_write_and_the_latest_timestamp(connect: Connect) -> None:
    replies = list(itertools.chain(*run_together(connect, write_many)))
    records = connect().get(RECORDS)
    assert {record["id"] for record in records.data} == {reply.data["id"] for reply in replies}
    assert records.etag == f'"{max(get_time(reply) for reply in replies)}"'


def test_a_client_that_polls_misses_no_write(connect: Connect) -> None:
    seen: set[str] = set()

    def poll_or_write(client: PlainClient, number: int) -> list[Reply]:
        if number:
            return write_many(client, number)
        since = "0"
        for _ in range(WRITES):
            changes = client.get(f"{RECORDS}?_since={since}")
            seen.update(record["id"] for record in changes.data)
            since = changes.etag.strip('"')
        last = client.get(f"{RECORDS}?_since={since}")
        return [last]

    [[last], *written] = run_together(connect, poll_or_write)
    since = last.etag.strip('"')
    rest = connect().get(f"{RECORDS}?_since={since}")
    seen.update(record["id"] for record in [*last.data, *rest.data])
    assert {reply.data["id"] for replies in written for reply in replies} <= seen


def race(connect: Connect, method: str, path: str, **headers: str) -> list[Reply]:
    """Let every writer send the same request with its own number; return the answers in order."""

    def send(client: PlainClient, number: int) -> Reply:
        return client.send(method, path, {"data": {"winner": number}}, **headers)

    return run_together(connect, send)


def test_exactly_one_of_racing_updates_wins(connect: Connect) -> None:
    path = f"{RECORDS}/race"
    for _ in range(5):
        etag = connect().put(path, {"data": {}}).etag
        replies = race(connect, "PATCH", path, if_match=etag)
        assert count_statuses(replies) == {200: 1, 412: WRITERS - 1}
        winner = next(number for number, reply in enumerate(replies) if reply.status == 200)
        assert connect().get(path).data["winner"] == winner


def test_exactly_one_of_racing_creations_wins(connect: Connect) -> None:
    for n in range(5):
        replies = race(connect, "PUT", f"{RECORDS}/new-{n}", if_none_match="*")
        assert count_statuses(replies) == {201: 1, 412: WRITERS - 1}


def test_exactly_one_of_racing_deletions_wins(connect: Connect) -> None:
    connect().put(f"{RECORDS}/gone", {})
    replies = run_together(connect, lambda client, _: client.delete(f"{RECORDS}/gone"))
    assert count_statuses(replies) == {200: 1, 404: WRITERS - 1}


def add_one(client: PlainClient, path: str) -> None:
    """Add one to a number that others change, too: read, write if unchanged, else again."""
    while True:
        current = client.get(path)
        body = {"data": {"n": current.data["n"] + 1}}
        reply = client.patch(path, body, if_match=current.etag)
        if reply.status == 200:
            return
        assert reply.status == 412, reply.body


def test_no_addition_is_lost(connect: Connect) -> None:
    path = f"{RECORDS}/sum"
    connect().put(path, {"data": {"n": 0}})

    def add_some(client: PlainClient, _: int) -> None:
        for _ in range(4):
            add_one(client, path)

    run_together(connect, add_some)
    assert connect().get(path).data["n"] == 4 * WRITERS


def test_counters_stay_exact_while_objects_come_and_go(connect: Connect) -> None:
    def come_and_go(client: PlainClient, number: int) -> None:
        for n in range(WRITES):
            client.put(f"{RECORDS}/{number}-{n}", {})
            client.delete(f"{RECORDS}/{number}-{n // 2}")

    run_together(connect, come_and_go)
    client = connect()
    counted = client.send("HEAD", RECORDS).headers["Total-Records"]
    assert int(counted) == len(client.get(RECORDS).data) == WRITERS * (WRITES // 2)


def test_nobody_sees_half_a_batch(connect: Connect) -> None:
    def make_batch(n: int) -> dict[str, object]:
        paths = [f"{RECORDS}/left", f"{RECORDS}/right"]
        items = [{"method": "PUT", "path": path, "body": {"data": {"n": n}}} for path in paths]
        return {"requests": items}

    connect().post("/v1/batch", make_batch(0))

    def write_or_read(client: PlainClient, number: int) -> list[Reply]:
        if number == 0:
            return [client.post("/v1/batch", make_batch(n)) for n in range(WRITES)]
        return [client.get(RECORDS) for _ in range(WRITES)]

    for replies in run_together(connect, write_or_read)[1:]:
        for reply in replies:
            assert len({record["n"] for record in reply.data}) == 1


def test_a_bucket_deleted_under_its_writers_leaves_nothing_behind(connect: Connect) -> None:
    def delete_or_write(client: PlainClient, number: int) -> list[Reply]:
        if number == 0:
            return [client.delete("/v1/buckets/shared")]
        return write_many(client, number)

    replies = list(itertools.chain(*run_together(connect, delete_or_write)))
    assert set(count_statuses(replies)) <= {200, 201, 404}
    client = connect()
    client.put("/v1/buckets/shared", {})
    client.put(COLLECTION, {})
    assert client.get(f"{RECORDS}?_since=0").data == []


def test_a_personal_bucket_is_made_once(place: Connect) -> None:
    path = "/v1/buckets/default/collections/first/records"
    place().delete("/v1/buckets/default")
    replies = run_together(place, lambda client, number: client.post(path, {"data": {}}))
    assert count_statuses(replies) == {201: WRITERS}
    assert len(place().get(path).data) == WRITERS
