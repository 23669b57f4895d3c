"""What a client is told when the end of a transaction is not as it should be: a connection that
is lost while it commits, statements that take too long, no connection left."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from webtest import TestApp

from kinto_lite.permissions.tree import KINDS, TREE
from kinto_lite.storage.base import Busy, StorageOptions, TooLong
from kinto_lite.storage.engines import open_storage
from kinto_lite.storage.postgres import statements
from kinto_lite.storage.postgres.driver import DriverError
from tests import postgres_server
from tests.conftest import AppMaker
from tests.storage.trees import select

OPTIONS = StorageOptions(KINDS, TREE, busy_timeout_seconds=5)
HEADERS = {"Authorization": "Basic YWxpY2U6cGFzc3dvcmQ="}
#: Counts the attempts, which no rollback undoes, and ends its own connection within COMMIT.
LOSE_THE_CONNECTION = """
CREATE SEQUENCE attempts;
CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval('attempts'), pg_terminate_backend(pg_backend_pid());
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON object
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lose();
"""


def test_a_connection_that_is_lost_before_the_commit_is_done_is_503_and_nothing_is_stored(
    make_client: AppMaker,
) -> None:
    url = postgres_server.make_url()
    client: TestApp = make_client({"storage_url": url})
    with postgres_server.connect_to(url) as connection:
        connection.execute(LOSE_THE_CONNECTION)
        refused = client.put_json("/v1/buckets/b", {}, headers=HEADERS, status=503)
        assert int(refused.headers["Retry-After"]) > 0
        assert connection.execute("SELECT last_value FROM attempts").fetchone() == (1,)
        connection.execute("DROP TRIGGER lose ON object")
    client.get("/v1/buckets/b", headers=HEADERS, status=403)
    client.put_json("/v1/buckets/b", {}, headers=HEADERS, status=201)


def test_a_commit_whose_answer_is_lost_is_503_and_not_run_again(
    make_client: AppMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: TestApp = make_client({"storage_url": postgres_server.make_url()})
    client.put_json("/v1/buckets/b", {}, headers=HEADERS)
    run, commits = statements.run_statements, []

    def lose_the_answer(connection: Any, given: Sequence[Any]) -> Any:
        results = run(connection, given)
        if given[-1][0] == "COMMIT":
            commits.append(connection)
            connection.close()
            raise DriverError("server closed the connection unexpectedly")
        return results

    monkeypatch.setattr(statements, "run_statements", lose_the_answer)
    client.post_json("/v1/buckets/b/collections", {}, headers=HEADERS, status=503)
    assert len(commits) == 1
    monkeypatch.undo()
    stored = client.get("/v1/buckets/b/collections", headers=HEADERS).json["data"]
    assert len(stored) == 1
    path = f"/v1/buckets/b/collections/{stored[0]['id']}"
    client.put_json(path, {}, headers=HEADERS | {"If-None-Match": "*"}, status=412)


@pytest.mark.parametrize(("given", "used"), [("off", "on"), ("local", "local"), ("on", "on")])
def test_a_commit_waits_for_the_disk_whatever_the_role_has_as_its_default(
    given: str, used: str
) -> None:
    url = postgres_server.make_url()
    storage = open_storage(f"{url}%20-csynchronous_commit%3D{given}", OPTIONS)
    with storage.transaction(write=True) as tx:
        found = tx.statements.run("SHOW synchronous_commit")  # type: ignore[attr-defined]
    storage.close()
    assert found == [(used,)]


def test_a_server_that_does_not_wait_for_the_disk_is_warned_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    log = "kinto_lite.storage.postgres.engine._log"
    monkeypatch.setattr(f"{log}.warning", lambda text, *words: told.append(text % words))
    open_storage(postgres_server.make_url(), OPTIONS).close()
    assert any("fsync = off" in line for line in told)


def test_a_search_that_takes_too_long_is_ended() -> None:
    options = OPTIONS._replace(read_timeout_seconds=0.05)
    storage = open_storage(postgres_server.make_url(), options)
    with pytest.raises(TooLong):
        select(storage, "SELECT pg_sleep(60)")
    assert storage.was_cut
    assert select(storage, "SELECT 1") == [(1,)]
    assert not storage.was_cut
    storage.close()


def test_a_write_that_takes_too_long_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinto_lite.storage.postgres.engine.WRITE_SECONDS", 0.05)
    storage = open_storage(postgres_server.make_url(), OPTIONS)
    with pytest.raises(Busy), storage.transaction(write=True) as tx:
        tx.statements.run("SELECT pg_sleep(60)")  # type: ignore[attr-defined]
    storage.close()


def test_threads_share_the_connections_of_a_process_and_no_more_are_opened() -> None:
    url = postgres_server.make_url()
    storage = open_storage(url, OPTIONS._replace(pool_size=2, max_overflow=1))
    query = (
        "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.01)"
        " WHERE application_name = 'kinto-lite in ' || current_schema()"
    )
    with ThreadPoolExecutor(12) as pool:
        counts = list(pool.map(lambda _: select(storage, query), range(48)))
    assert {count for ((count,),) in counts} <= {1, 2, 3}
    storage.close()


def test_who_waits_too_long_for_a_connection_is_told_that_the_database_is_busy() -> None:
    url = postgres_server.make_url()
    options = OPTIONS._replace(pool_size=1, max_overflow=0, pool_timeout_seconds=0.05)
    storage = open_storage(url, options)
    refused = threading.Event()

    def read() -> None:
        with pytest.raises(Busy, match="storage_pool_size"):
            select(storage, "SELECT 1")
        refused.set()

    with storage.transaction(write=False), ThreadPoolExecutor(1) as pool:
        pool.submit(read).result()
    assert refused.is_set()
    assert select(storage, "SELECT 1") == [(1,)]
    storage.close()
