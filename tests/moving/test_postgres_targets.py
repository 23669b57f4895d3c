"""What can be filled in PostgreSQL, what is refused, and that it is all or nothing."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from kinto_lite.storage.engines import find_mover
from kinto_lite.storage.moving import ListRow, MovedRow, ObjectRow, Refused
from tests import postgres_server
from tests.moving.conftest import AppOpener, Runner, at, check, read_rows, sqlite_url
from tests.moving.mixed import sign_in
from tests.moving.test_interruptions import run_and_kill

BUCKETS = ListRow("bucket", "", 5)
BUCKET = ObjectRow(1, "bucket", "", "b", 5, False, "{}", (("write", "me"),))
#: Rows that contradict each other, and what is said of them.
UNFIT: dict[str, list[MovedRow]] = {
    "comes before its list": [BUCKET],
    "comes before the object": [ListRow("collection", "/buckets/b", 5)],
    "before the object it": [
        BUCKETS,
        BUCKET._replace(is_deleted=True, data='{"deleted":true}', permissions=()),
        ListRow("collection", "/buckets/b", 5),
    ],
    "object_pkey": [BUCKETS, BUCKET, BUCKET._replace(id="c")],
    "object_by_id": [BUCKETS, BUCKET, BUCKET._replace(key=2)],
    "list_by_place": [BUCKETS, BUCKET, *[ListRow("collection", "/buckets/b", 5)] * 2],
    "permission_pkey": [BUCKETS, BUCKET._replace(permissions=(("write", "me"),) * 2)],
}


def count_tables(url: str) -> int:
    """How many tables a schema has."""
    with postgres_server.connect_to(url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = current_schema()::regnamespace"
        )
        return int(found.fetchone()[0])


@pytest.mark.parametrize("saying", UNFIT)
def test_rows_that_do_not_fit_together_leave_nothing(saying: str, empty: str) -> None:
    with pytest.raises(Refused, match=saying), find_mover(empty).fill_empty(empty) as filling:
        filling.write(UNFIT[saying])
    assert count_tables(empty) == 0


def test_a_target_that_is_not_empty_is_refused(
    mixed: Path, stored: str, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_rows(stored)
    assert run("copy", sqlite_url(mixed), stored) == 1
    assert "is not empty" in capsys.readouterr().err
    assert read_rows(stored) == before


def test_a_target_that_a_server_has_open_is_refused(
    mixed: Path,
    empty: str,
    run: Runner,
    open_app: AppOpener,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kinto_lite.storage.postgres.filling.PATIENCE_SECONDS", 0.1)
    client = sign_in(open_app(empty), "alice")
    assert run("copy", sqlite_url(mixed), empty) == 1
    assert "is in use" in capsys.readouterr().err
    client.put_json("/v1/buckets/b", {}, status=201)


def test_a_database_that_was_opened_before_takes_everything_with_the_secrets(
    mixed: Path, empty: str, run: Runner, open_app: AppOpener
) -> None:
    open_app(empty).storage.close()
    assert run("copy", sqlite_url(mixed), empty) == 0
    assert read_rows(empty) == read_rows(mixed)


def test_lists_of_kinds_that_the_source_did_not_know_are_made_at_the_next_start(
    empty: str, open_app: AppOpener
) -> None:
    open_app(empty).storage.close()
    owned = BUCKET._replace(permissions=(("write", "system.Everyone"),))
    with find_mover(empty).fill_empty(empty) as filling:
        filling.write([BUCKETS, owned])
    client = sign_in(open_app(empty), "alice")
    client.put_json("/v1/buckets/b/collections/c", {}, status=201)
    assert len(client.get("/v1/buckets/b/history").json["data"]) == 1


@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize("command", ["load", "copy"])
def test_a_killed_move_leaves_nothing(
    command: str, after: int, dump: Path, mixed: Path, empty: str, run: Runner
) -> None:
    words = {
        "load": ("load", dump, *at(empty)),
        "copy": ("copy", sqlite_url(mixed), empty),
    }[command]
    assert run_and_kill(after, *words) == -signal.SIGKILL
    assert count_tables(empty) == 0
    assert run(*words) == 0
    assert read_rows(empty) == read_rows(mixed)


def test_a_database_without_our_tables_is_no_source(
    empty: str, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (("copy", empty, sqlite_url(tmp_path / "x.db")), ("check", *at(empty))):
        assert run(*words) == 1
        assert "There is nothing of kinto-lite" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_be_reached_is_one_line_without_the_password(
    mixed: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("copy", sqlite_url(mixed), "postgresql://me:secret@127.0.0.1:1/none") == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "secret" not in told


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_backups_of_pages_name_what_to_use_instead(
    command: str, stored: str, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command, tmp_path / "x", *at(stored)) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "pg_dump" in told


# One bucket beside others


@pytest.fixture
def bucket_dump(stored: str, tmp_path: Path, run: Runner) -> Path:
    """A dump of one bucket."""
    path = tmp_path / "b1.jsonl"
    assert run("dump", path, "--bucket", "b1", *at(stored)) == 0
    return path


def without_keys(database: Path | str) -> list[ObjectRow]:
    """The objects of the bucket, but for what is new about them in each database."""
    rows = [row for row in read_rows(database, "b1") if isinstance(row, ObjectRow)]
    moved = [row._replace(key=0) for row in rows]
    return sorted(row._replace(last_modified=0) if row.kind == "bucket" else row for row in moved)


def test_a_bucket_is_the_same_in_dumps_of_both_engines(
    bucket_dump: Path, mixed: Path, tmp_path: Path, run: Runner
) -> None:
    run("dump", tmp_path / "other", "--bucket", "b1", "--db", mixed)
    ours, others = (path.read_bytes().splitlines() for path in (bucket_dump, tmp_path / "other"))
    assert sorted(ours[1:-1]) == sorted(others[1:-1])


def test_a_bucket_arrives_beside_others_while_servers_run(
    bucket_dump: Path, mixed: Path, empty: str, run: Runner, open_app: AppOpener
) -> None:
    client = sign_in(open_app(empty), "alice")
    client.put_json("/v1/buckets/own", {})
    tag = client.get("/v1/buckets").headers["ETag"]
    assert run("load", bucket_dump, *at(empty)) == 0
    assert without_keys(empty) == without_keys(mixed)
    assert client.get("/v1/buckets").headers["ETag"] > tag
    client.put_json("/v1/buckets/later", {}, status=201)
    assert check(empty) == []


def test_a_bucket_that_is_there_is_refused_and_a_deleted_one_comes_back(
    bucket_dump: Path, mixed: Path, stored: str, run: Runner, open_app: AppOpener
) -> None:
    before = read_rows(stored)
    assert run("load", bucket_dump, *at(stored)) == 1
    assert read_rows(stored) == before
    sign_in(open_app(stored), "alice").delete("/v1/buckets/b1")
    assert run("load", bucket_dump, *at(stored)) == 0
    assert without_keys(stored) == without_keys(mixed)
    assert check(stored) == []


def test_a_bucket_makes_a_database_where_there_is_none(
    bucket_dump: Path, mixed: Path, empty: str, run: Runner
) -> None:
    assert run("load", bucket_dump, *at(empty)) == 0
    assert without_keys(empty) == without_keys(mixed)


def test_a_killed_load_of_a_bucket_leaves_nothing_of_it(
    bucket_dump: Path, empty: str, run: Runner, open_app: AppOpener
) -> None:
    open_app(empty).storage.close()
    before = read_rows(empty)
    assert run_and_kill(3, "load", bucket_dump, *at(empty)) == -signal.SIGKILL
    assert read_rows(empty) == before
