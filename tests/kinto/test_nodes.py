"""Several servers on one PostgreSQL, each a process of its own: what one node is told counts at
once on the others, and neither deadlocks nor a node that dies are any client's problem.

What many clients do at once is in `test_concurrency`, for nodes too.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import postgres_server
from tests.conftest import AppMaker
from tests.kinto.plain_client import PlainClient, Reply
from tests.live import Server, start_server

NODES = 3
BUCKET = "/v1/buckets/shared"
RECORD = f"{BUCKET}/collections/c/records/r"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Nodes of one database."""
    folder = tmp_path_factory.mktemp("nodes")
    environ = {"KINTO_STORAGE_URL": postgres_server.make_url()}
    with ExitStack() as stack:
        yield [stack.enter_context(start_server(folder, environ=environ)) for _ in range(NODES)]


@pytest.fixture
def alice(servers: list[Server]) -> list[PlainClient]:
    """Who owns the bucket, on each node; it is empty."""
    clients = [PlainClient(server.url, "alice", "password") for server in servers]
    clients[0].delete(BUCKET)
    assert clients[0].put(BUCKET, {}).status == 201
    assert clients[1].put(f"{BUCKET}/collections/c", {}).status == 201
    assert clients[2].put(RECORD, {"data": {"n": 1}}).status == 201
    return clients


@pytest.fixture
def bob(servers: list[Server]) -> list[PlainClient]:
    """Somebody else, on each node."""
    return [PlainClient(server.url, "bob", "password") for server in servers]


def statuses(clients: list[PlainClient]) -> list[int]:
    """What reading the record is answered, node by node."""
    return [client.get(RECORD).status for client in clients]


def test_a_permission_counts_on_every_node_until_it_is_revoked(
    alice: list[PlainClient], bob: list[PlainClient]
) -> None:
    assert statuses(bob) == [403] * NODES
    alice[0].patch(BUCKET, {"permissions": {"read": [bob[0].user_id]}})
    assert statuses(bob) == [200] * NODES
    alice[1].put(BUCKET, {"permissions": {"read": []}})
    assert statuses(bob) == [403] * NODES


def test_who_enters_or_leaves_a_group_does_so_on_every_node(
    alice: list[PlainClient], bob: list[PlainClient]
) -> None:
    group = f"{BUCKET}/groups/readers"
    alice[0].put(group, {"data": {"members": []}})
    alice[0].patch(BUCKET, {"permissions": {"read": [group.removeprefix("/v1")]}})
    assert statuses(bob) == [403] * NODES
    alice[1].put(group, {"data": {"members": [bob[0].user_id]}})
    assert statuses(bob) == [200] * NODES
    alice[2].delete(group)
    assert statuses(bob) == [403] * NODES


def test_batches_in_opposite_orders_all_succeed(alice: list[PlainClient]) -> None:
    names = ["a", "b", "c", "d"]
    for name in names:
        alice[0].put(f"{BUCKET}/collections/{name}", {})

    def send(number: int) -> list[Reply]:
        order = names[number % 4 :] + names[: number % 4]
        order = order[::-1] if number % 2 else order
        paths = [f"{BUCKET}/collections/{name}/records/{number}" for name in order]
        items = [{"method": "PUT", "path": path, "body": {"data": {}}} for path in paths]
        client = alice[number % NODES]
        return [client.post("/v1/batch", {"requests": items}) for _ in range(4)]

    with ThreadPoolExecutor(6) as pool:
        replies = list(itertools.chain(*pool.map(send, range(6))))
    assert {reply.status for reply in replies} == {200}
    inner = {item["status"] for reply in replies for item in reply.body["responses"]}
    assert inner <= {200, 201}


def test_groups_with_the_same_new_members_are_made_at_the_same_time(
    alice: list[PlainClient],
) -> None:
    members = [f"user-{number}" for number in range(30)]

    def put(number: int) -> int:
        shuffled = members[number * 5 :] + members[: number * 5]
        body = {"data": {"members": shuffled}}
        return alice[number % NODES].put(f"{BUCKET}/groups/g{number}", body).status

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(put, range(6))) == [201] * 6


def test_a_node_that_is_killed_holds_nobody_up(tmp_path: Path) -> None:
    environ = {"KINTO_STORAGE_URL": postgres_server.make_url()}
    with (
        start_server(tmp_path, environ=environ) as first,
        start_server(tmp_path, environ=environ) as second,
        ThreadPoolExecutor(2) as pool,
    ):
        here, there = (PlainClient(s.url, "alice", "password") for s in (first, second))
        here.put("/v1/buckets/b", {})
        here.put("/v1/buckets/b/collections/c", {})
        records = "/v1/buckets/b/collections/c/records"
        writing = pool.submit(lambda: [there.post(records, {}).status for _ in range(40)])
        while not here.get(records).data:
            assert not writing.done()
        first.process.send_signal(signal.SIGKILL)
        assert set(writing.result()) == {201}
        assert len(there.get(records).data) == 40


def test_a_quota_is_not_exceeded_through_several_nodes(make_client: AppMaker) -> None:
    given = {
        "storage_url": postgres_server.make_url(),
        "includes": "kinto.plugins.quotas",
        "quotas.bucket_max_items": "20",
    }
    nodes = [make_client(given) for _ in range(NODES)]
    headers = {"Authorization": "Basic YWxpY2U6cGFzc3dvcmQ="}
    nodes[0].put_json(BUCKET, {}, headers=headers)

    def fill(number: int) -> list[int]:
        node = nodes[number % NODES]
        path = f"{BUCKET}/collections/c{number}"
        node.put_json(path, {}, headers=headers)
        records = f"{path}/records"
        replies = [node.post_json(records, {}, headers=headers, status="*") for _ in range(6)]
        return [reply.status_int for reply in replies]

    with ThreadPoolExecutor(6) as pool:
        answers = list(itertools.chain(*pool.map(fill, range(6))))
    assert sorted(answers) == [201] * 20 + [507] * 16
