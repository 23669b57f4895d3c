"""A database server that stops, is away, and comes back; one that refuses to be written to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from webtest import TestApp

from kinto_lite.permissions.tree import KINDS, TREE
from kinto_lite.storage.base import StorageOptions, Unavailable, UnusableFile
from kinto_lite.storage.engines import list_pending_steps, open_storage
from tests import postgres_server
from tests.conftest import AppMaker
from tests.postgres_server import Server, connect, url_of
from tests.storage.trees import RECORDS, Tree, record

OPTIONS = StorageOptions(KINDS, TREE, busy_timeout_seconds=5)
HEADERS = {"Authorization": "Basic YWxpY2U6cGFzc3dvcmQ="}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of this module's own, to stop and start."""
    with postgres_server.start_own_server("outage") as own:
        yield own


def test_requests_are_refused_while_the_database_is_away_and_work_when_it_is_back(
    server: Server, make_client: AppMaker
) -> None:
    client: TestApp = make_client({"storage_url": url_of(server.folder)})
    client.put_json("/v1/buckets/b", {}, headers=HEADERS, status=201)
    server.stop()
    for _ in range(2):
        refused = client.get("/v1/buckets/b", headers=HEADERS, status=503)
        assert int(refused.headers["Retry-After"]) > 0
        refused = client.put_json("/v1/buckets/c", {}, headers=HEADERS, status=503)
        assert refused.json["errno"] == 201
    client.get("/v1/__heartbeat__", status=503)
    client.get("/v1/__lbheartbeat__", status=200)
    server.start()
    client.get("/v1/buckets/b", headers=HEADERS, status=200)
    client.put_json("/v1/buckets/c", {}, headers=HEADERS, status=201)
    client.get("/v1/__heartbeat__", status=200)


def test_a_restart_between_two_requests_is_not_noticed(server: Server) -> None:
    tree = Tree(open_storage(url_of(server.folder), OPTIONS))
    tree.storage.flush()
    tree.put_parents()
    server.stop()
    server.start()
    tree.put(record(0))
    server.stop()
    server.start()
    assert tree.read_ids(RECORDS) == ["r0"]
    tree.storage.close()


def write_and_lose_the_connection(tree: Tree, server: Server) -> None:
    """Write two records; the server ends the connection between them."""
    with tree.storage.transaction(write=True) as tx:
        tree.put_in(tx, record(0))
        with connect(server.folder) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'kinto-lite%'"
            )
        tree.put_in(tx, record(1))


def test_a_write_that_loses_its_connection_stores_nothing(server: Server) -> None:
    tree = Tree(open_storage(url_of(server.folder), OPTIONS))
    tree.storage.flush()
    tree.put_parents()
    with pytest.raises(Unavailable):
        write_and_lose_the_connection(tree, server)
    assert tree.read_ids(RECORDS) == []
    tree.storage.close()


def test_a_database_that_cannot_be_reached_stops_the_start() -> None:
    with pytest.raises(Unavailable, match="connection") as raised:
        open_storage("postgresql://tests:secret@127.0.0.1:1/nowhere", OPTIONS)
    assert "secret" not in str(raised.value)


def test_a_newer_schema_stops_the_start() -> None:
    url = postgres_server.make_url()
    open_storage(url, OPTIONS).close()
    with postgres_server.connect_to(url) as connection:
        connection.execute("UPDATE kinto_lite_schema_version SET version = 1000")
    with pytest.raises(UnusableFile, match="newer kinto-lite"):
        open_storage(url, OPTIONS)


def test_pending_migrations_are_those_of_a_database_that_was_never_opened() -> None:
    url = postgres_server.make_url()
    assert list_pending_steps(url, OPTIONS) == ["0001_start.sql"]
    open_storage(url, OPTIONS).close()
    assert list_pending_steps(url, OPTIONS) == []


def test_tables_of_another_program_are_left_alone() -> None:
    url = postgres_server.make_url()
    with postgres_server.connect_to(url) as connection:
        connection.execute("CREATE TABLE object (mine text)")
    with pytest.raises(UnusableFile, match="database of its own"):
        open_storage(url, OPTIONS)
    with postgres_server.connect_to(url) as connection:
        found = connection.execute("SELECT to_regclass('kinto_lite_schema_version')").fetchone()
    assert found == (None,)


def test_a_role_that_may_only_read_serves_a_readonly_instance(make_client: AppMaker) -> None:
    url = postgres_server.make_url()
    make_client({"storage_url": url}).put_json("/v1/buckets/b", {}, headers=HEADERS)
    reader = postgres_server.make_reader(url)
    client: TestApp = make_client({"storage_url": reader, "readonly": "true"})
    client.get("/v1/buckets/b", headers=HEADERS, status=200)
    client.get("/v1/buckets/b/collections", headers=HEADERS, status=200)
    client.put_json("/v1/buckets/c", {}, headers=HEADERS, status=405)
    client.get("/v1/__heartbeat__", status=200)


def test_a_role_that_may_only_read_is_not_healthy_where_writing_is_asked_for() -> None:
    url = postgres_server.make_url()
    open_storage(url, OPTIONS).close()
    storage = open_storage(postgres_server.make_reader(url), OPTIONS)
    assert storage.is_healthy() is False
    storage.close()
