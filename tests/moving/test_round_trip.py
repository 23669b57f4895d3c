"""Everything arrives: from file to dump to file to file, row by row and answer by answer."""

from __future__ import annotations

import stat
from pathlib import Path

import apsw
import pytest

from tests.moving.conftest import AppOpener, Runner, check, read_rows, sqlite_url
from tests.moving.mixed import TOO_BIG, read_answers, repeat_questions, sign_in

#: Tables that move, and tables that are made anew: by opening, or from what moved.
MOVED = {"secret", "nonce", "list", "object", "permission", "membership", "principal"}
MADE_ANEW = {"permission_name", "inheritance", "permission_entry", "kind"}
INDEXES = {"field_index", "field_value"}


@pytest.fixture
def moved(mixed: Path, tmp_path: Path, run: Runner) -> Path:
    """The database after dump, load and copy."""
    dump, loaded, copied = (tmp_path / name for name in ("all.jsonl.gz", "loaded.db", "copied.db"))
    assert run("dump", dump, "--db", mixed) == 0
    assert run("load", dump, "--db", loaded) == 0
    assert run("copy", sqlite_url(loaded), sqlite_url(copied)) == 0
    return copied


def test_every_row_arrives(mixed: Path, moved: Path) -> None:
    rows = read_rows(mixed)
    assert len(rows) > 200
    assert read_rows(moved) == rows


def test_a_table_that_is_new_in_the_schema_has_to_be_thought_of(mixed: Path) -> None:
    with apsw.Connection(str(mixed)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        names = {name for (name,) in tables if not name.startswith("sqlite_")}
    assert names == MOVED | MADE_ANEW | INDEXES


def test_nothing_is_wrong_afterwards(moved: Path) -> None:
    assert check(moved) == []


def test_every_user_gets_the_same_answers(mixed: Path, moved: Path, open_app: AppOpener) -> None:
    before = read_answers(open_app(mixed))
    after = repeat_questions(open_app(moved), before)
    assert {key for key in before if before[key] != after[key]} == set()
    assert len(before) > 200
    assert {answer[0] for answer in before.values()} >= {200, 403}


def test_a_page_token_leads_on_in_the_new_place(
    mixed: Path, moved: Path, open_app: AppOpener
) -> None:
    path = "/v1/buckets/b0/collections/one/records?_sort=n&_limit=3"
    old, new = sign_in(open_app(mixed), "alice"), sign_in(open_app(moved), "alice")
    following = old.get(path).headers["Next-Page"].removeprefix("http://localhost")
    assert new.get(following).json == old.get(following).json


def test_a_page_token_of_a_deletion_can_be_used_once_in_the_new_place(
    mixed: Path, tmp_path: Path, open_app: AppOpener, run: Runner
) -> None:
    path = "/v1/buckets/b0/collections/one/records?_limit=3"
    first = sign_in(open_app(mixed), "alice").delete(path)
    following = first.headers["Next-Page"].removeprefix("http://localhost")
    run("copy", sqlite_url(mixed), sqlite_url(tmp_path / "new.db"))
    client = sign_in(open_app(tmp_path / "new.db"), "alice")
    assert [client.delete(following, status="*").status_int for _ in range(2)] == [200, 400]


def test_timestamps_go_on_from_where_they_were(
    mixed: Path, moved: Path, open_app: AppOpener
) -> None:
    path = "/v1/buckets/b1/collections/one/records"
    old, new = sign_in(open_app(mixed), "alice"), sign_in(open_app(moved), "alice")
    tag = old.get(path).headers["ETag"]
    new.put_json(f"{path}/new", {}, headers={"If-None-Match": "*"})
    since = f"{path}?_since={tag}"
    assert [item["id"] for item in new.get(since).json["data"]] == ["new"]


def test_accounts_can_still_sign_in(moved: Path, open_app: AppOpener) -> None:
    client = sign_in(open_app(moved), "dora")
    assert client.get("/v1/").json["user"]["id"] == "account:dora"


def test_indexes_on_fields_are_complete_afterwards(moved: Path) -> None:
    with apsw.Connection(str(moved)) as connection:
        query = "SELECT count(*), count(built_to) FROM field_index"
        assert connection.execute(query).fetchall() == [(5, 0)]
        assert connection.execute("SELECT count(*) FROM field_value").fetchall() > [(50,)]


def test_numbers_keep_the_text_they_have(moved: Path) -> None:
    with apsw.Connection(str(moved)) as connection:
        found = " ".join(data for (data,) in connection.execute("SELECT data FROM object"))
    assert all(f'"n":{number}' in found for number in ("1.0", "-0.0", "1e+22", "5e-324"))


def test_numbers_beyond_doubles_are_never_stored(mixed: Path, open_app: AppOpener) -> None:
    client = sign_in(open_app(mixed), "alice")
    body = f'{{"data":{{"n":{TOO_BIG}}}}}'
    path = "/v1/buckets/b0/collections/one/records/big"
    assert client.put(path, body, content_type="application/json", status="*").status_int == 400


def test_a_dump_is_the_same_each_time_but_for_its_date(
    mixed: Path, tmp_path: Path, run: Runner
) -> None:
    bodies = []
    for name in ("a", "b"):
        run("dump", tmp_path / name, "--db", mixed)
        bodies.append((tmp_path / name).read_bytes().splitlines()[1:-1])
    assert bodies[0] == bodies[1]


def test_dumps_and_new_databases_are_for_their_owner_only(dump: Path, moved: Path) -> None:
    assert [stat.S_IMODE(path.stat().st_mode) for path in (dump, moved)] == [0o600, 0o600]


def test_a_target_that_is_not_empty_is_refused(
    mixed: Path, dump: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    before = mixed.read_bytes()
    assert run("load", dump, "--db", mixed) == 1
    assert "is not empty" in capsys.readouterr().err
    assert mixed.read_bytes() == before


def test_an_empty_database_takes_what_is_loaded_with_the_secrets(
    dump: Path, mixed: Path, tmp_path: Path, run: Runner, open_app: AppOpener
) -> None:
    target = tmp_path / "empty.db"
    open_app(target).storage.close()
    assert run("load", dump, "--db", target) == 0
    assert read_rows(target) == read_rows(mixed)


def test_a_target_that_a_server_has_open_is_refused(
    dump: Path, tmp_path: Path, run: Runner, open_app: AppOpener, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "live.db"
    open_app(target)
    assert run("load", dump, "--db", target) == 1
    assert "is in use" in capsys.readouterr().err


def test_a_copy_reads_one_moment_of_a_database_that_is_written_to(
    mixed: Path, tmp_path: Path, run: Runner, open_app: AppOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, before = sign_in(open_app(mixed), "alice"), read_rows(mixed)
    advance = "kinto_lite.commands.progress.Progress.advance"
    monkeypatch.setattr(advance, lambda *_: client.post_json("/v1/buckets", {}))
    assert run("copy", sqlite_url(mixed), sqlite_url(tmp_path / "copy.db")) == 0
    assert read_rows(tmp_path / "copy.db") == before != read_rows(mixed)


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name", "sqlite://", "sqlite:///none.db"])
def test_urls_that_name_no_database_are_refused_in_one_line(
    url: str, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("copy", url, sqlite_url(tmp_path / "new.db")) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_quiet_commands_print_nothing_but_what_went_wrong(
    mixed: Path, tmp_path: Path, run: Runner, capfd: pytest.CaptureFixture[str]
) -> None:
    target = sqlite_url(tmp_path / "new.db")
    assert run("--quiet", "copy", sqlite_url(mixed), target) == 0
    assert capfd.readouterr() == ("", "")
    assert run("copy", "--quiet", sqlite_url(mixed), target) == 1
    assert "is not empty" in capfd.readouterr().err
