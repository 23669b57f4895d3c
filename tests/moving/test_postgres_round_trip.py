"""Everything arrives: from SQLite to PostgreSQL and back, row by row and answer by answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import postgres_server
from tests.moving.conftest import AppOpener, Runner, at, check, read_rows, sqlite_url
from tests.moving.mixed import read_answers, repeat_questions, sign_in

RECORDS = "/v1/buckets/b1/collections/one/records"
#: Tables that move or are made anew, as in SQLite; and the number of the schema.
TABLES = {"secret", "nonce", "list", "object", "permission", "membership", "principal"}
TABLES |= {"permission_name", "inheritance", "permission_entry", "kind"}
TABLES |= {"field_index", "field_value", "kinto_lite_schema_version"}


@pytest.fixture
def travelled(stored: str, tmp_path: Path, run: Runner, empty: str) -> str:
    """The database after SQLite, PostgreSQL, SQLite, a dump, and PostgreSQL again."""
    back, dump = tmp_path / "back.db", tmp_path / "all.jsonl.gz"
    assert run("copy", stored, sqlite_url(back)) == 0
    assert run("dump", dump, "--db", back) == 0
    assert run("load", dump, *at(empty)) == 0
    return empty


def test_every_row_arrives(mixed: Path, stored: str, travelled: str, tmp_path: Path) -> None:
    rows = read_rows(mixed)
    assert read_rows(stored) == rows
    assert read_rows(tmp_path / "back.db") == rows
    assert read_rows(travelled) == rows


def test_nothing_is_wrong_afterwards(travelled: str, tmp_path: Path) -> None:
    assert check(travelled) == []
    assert check(tmp_path / "back.db") == []


def test_a_dump_is_the_same_from_both_engines(
    mixed: Path, stored: str, tmp_path: Path, run: Runner
) -> None:
    bodies = []
    for database in (mixed, stored):
        run("dump", tmp_path / "dump", *at(database))
        bodies.append(sorted((tmp_path / "dump").read_bytes().splitlines()[1:-1]))
    assert bodies[0] == bodies[1]


def test_every_user_gets_the_same_answers(mixed: Path, travelled: str, open_app: AppOpener) -> None:
    before = read_answers(open_app(mixed))
    after = repeat_questions(open_app(travelled), before)
    assert {key for key in before if before[key] != after[key]} == set()
    assert len(before) > 200


def test_clients_go_on_from_where_they_were(
    mixed: Path, travelled: str, open_app: AppOpener
) -> None:
    old, new = sign_in(open_app(mixed), "alice"), sign_in(open_app(travelled), "alice")
    tag = old.get(RECORDS).headers["ETag"]
    assert new.get(RECORDS, headers={"If-None-Match": tag}, status="*").status_int == 304
    new.put_json(f"{RECORDS}/new", {}, headers={"If-None-Match": "*"})
    new.put_json(f"{RECORDS}/r1", {}, headers={"If-Match": '"1"'}, status=412)
    since = new.get(f"{RECORDS}?_since={tag}").json["data"]
    assert [item["id"] for item in since] == ["new"]
    assert since[0]["last_modified"] > int(tag.strip('"'))


def test_accounts_can_still_sign_in(travelled: str, open_app: AppOpener) -> None:
    client = sign_in(open_app(travelled), "dora")
    assert client.get("/v1/").json["user"]["id"] == "account:dora"


def test_a_page_token_of_a_deletion_can_be_used_once_in_the_new_place(
    mixed: Path, empty: str, open_app: AppOpener, run: Runner
) -> None:
    first = sign_in(open_app(mixed), "alice").delete(f"{RECORDS}?_limit=3")
    following = first.headers["Next-Page"].removeprefix("http://localhost")
    run("copy", sqlite_url(mixed), empty)
    client = sign_in(open_app(empty), "alice")
    assert [client.delete(following, status="*").status_int for _ in range(2)] == [200, 400]


def test_new_objects_get_keys_after_those_that_moved(stored: str, open_app: AppOpener) -> None:
    greatest = max(row.key for row in read_rows(stored) if hasattr(row, "key"))
    sign_in(open_app(stored), "alice").put_json("/v1/buckets/new", {})
    keys = {row.id: row.key for row in read_rows(stored) if hasattr(row, "key")}
    assert keys["new"] > greatest


def test_indexes_on_fields_are_complete_afterwards(stored: str) -> None:
    with postgres_server.connect_to(stored) as connection:
        query = "SELECT count(*), count(built_to) FROM field_index"
        assert connection.execute(query).fetchall() == [(5, 0)]
        assert connection.execute("SELECT count(*) FROM field_value").fetchall() > [(50,)]


def test_a_table_that_is_new_in_the_schema_has_to_be_thought_of(stored: str) -> None:
    with postgres_server.connect_to(stored) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = current_schema()::regnamespace"
        )
        assert {name for (name,) in found} == TABLES


def test_a_copy_reads_one_moment_of_a_database_that_is_written_to(
    stored: str, tmp_path: Path, run: Runner, open_app: AppOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, before = sign_in(open_app(stored), "alice"), read_rows(stored)
    advance = "kinto_lite.commands.progress.Progress.advance"
    monkeypatch.setattr(advance, lambda *_: client.post_json("/v1/buckets", {}))
    assert run("copy", stored, sqlite_url(tmp_path / "copy.db")) == 0
    assert read_rows(tmp_path / "copy.db") == before != read_rows(stored)
