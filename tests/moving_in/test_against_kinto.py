"""Moves in from a real Kinto 26.5 on PostgreSQL and compares what both servers tell."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinto_lite.cli import main
from kinto_lite.storage.kinto_objects import make_rows
from kinto_lite.storage.moving import ObjectRow
from tests.moving_in.conftest import Moved, Runner
from tests.moving_in.old_data import (
    ACCOUNTS,
    PASSWORD,
    USERS,
    ask_app,
    ask_server,
    compare,
    list_questions,
    must,
)
from tests.moving_in.reference import BUCKET_SECRET, USER_SECRET, Kinto, change_database

AppOpener = Callable[[Path], Any]

#: Kinto leaves members in groups of deleted buckets.
LEFT_BEHIND = "/buckets/b2/groups/"


#: One Kinto for all of them: each worker of pytest would start one of its own.
pytestmark = pytest.mark.xdist_group("kinto")


@pytest.fixture(scope="module")
def original(kinto: Kinto, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What came out of Kinto's database; nobody changes it."""
    path = tmp_path_factory.mktemp("moved") / "new.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("signal.signal", lambda *_: None)
        command = ("migrate-from-kinto", "--kinto-ini", str(kinto.ini), "--db", str(path))
        assert main(command) == 0
    return path


@pytest.fixture
def moved(kinto: Kinto, original: Path, tmp_path: Path) -> Moved:
    """A Kinto, and a copy of what came out of its database."""
    return Moved(kinto, Path(shutil.copy(original, tmp_path / "new.db")))


@pytest.mark.parametrize("user", USERS)
def test_every_answer_is_the_same(user: str | None, moved: Moved, open_app: AppOpener) -> None:
    differences = list(compare(moved.ask_old(user), ask_app(open_app(moved.database), user)))
    assert differences == []


@pytest.mark.parametrize("user", [user for user in USERS if user])
def test_users_keep_ids_groups_and_personal_buckets(
    user: str, moved: Moved, open_app: AppOpener
) -> None:
    was = moved.ask_old(user)("GET", "/").json["user"]
    now = ask_app(open_app(moved.database), user)("GET", "/").json["user"]
    kept = [name for name in was["principals"] if not name.startswith(LEFT_BEHIND)]
    assert sorted(now["principals"]) == sorted(kept)
    assert (now["id"], now["bucket"]) == (was["id"], was["bucket"])


@pytest.mark.parametrize("name", ACCOUNTS)
def test_accounts_keep_their_passwords(name: str, moved: Moved, open_app: AppOpener) -> None:
    ask = ask_app(open_app(moved.database), name)
    assert ask("GET", "/").json["user"]["id"] == f"account:{name}"


def test_another_password_does_not_fit(moved: Moved, open_app: AppOpener) -> None:
    ask = ask_app(open_app(moved.database), None)
    told = ask("GET", "/", Authorization="Basic ZXJpbjp3cm9uZw==")
    assert told.json["user"]["id"].startswith("basicauth:")


def test_a_client_goes_on_syncing(moved: Moved, open_app: AppOpener) -> None:
    records = "/buckets/b0/collections/shared/records"
    known = moved.ask_old("alice")("GET", records).headers["etag"]
    ask = ask_app(open_app(moved.database), "alice")
    must(ask("PUT", f"{records}/new", {"data": {"n": 1}}))
    must(ask("DELETE", f"{records}/r0"))
    must(ask("PUT", f"{records}/r1", {"data": {"n": 1}}))
    told = ask("GET", f"{records}?_since={known}".replace('"', "%22"))
    assert sorted(item["id"] for item in told.json["data"]) == ["new", "r0", "r1"]


def test_what_is_older_than_the_old_answer_is_not_replaced(
    moved: Moved, open_app: AppOpener
) -> None:
    record = "/buckets/b0/collections/shared/records/r1"
    known = moved.ask_old("alice")("GET", record).headers["etag"]
    ask = ask_app(open_app(moved.database), "alice")
    must(ask("PUT", record, {"data": {"n": 1}}, If_Match=known))
    assert ask("PUT", record, {"data": {"n": 2}}, If_Match=known).status == 412


def test_nothing_is_wrong_in_the_new_database(moved: Moved, run: Runner) -> None:
    assert run("check", "--db", moved.database) == 0


def test_a_dump_of_the_new_database_can_be_loaded(
    moved: Moved, run: Runner, tmp_path: Path
) -> None:
    assert run("dump", "--db", moved.database, tmp_path / "all.jsonl") == 0
    assert run("load", "--db", tmp_path / "again.db", tmp_path / "all.jsonl") == 0


def test_a_database_that_has_something_is_refused(
    moved: Moved, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    before = moved.database.read_bytes()
    code = run("migrate-from-kinto", "--kinto-ini", moved.old.ini, "--db", moved.database)
    assert (code, moved.database.read_bytes()) == (1, before)
    assert "is not empty" in capsys.readouterr().err


def test_secrets_can_be_given_as_options(
    kinto: Kinto, tmp_path: Path, run: Runner, open_app: AppOpener
) -> None:
    secrets = ("--userid-hmac-secret", USER_SECRET, "--default-bucket-hmac-secret", BUCKET_SECRET)
    path = tmp_path / "new.db"
    assert run("migrate-from-kinto", kinto.database, f"sqlite:///{path}", *secrets) == 0
    was = ask_server(kinto.url, "bob")("GET", "/").json["user"]
    now = ask_app(open_app(path), "bob")("GET", "/").json["user"]
    assert (now["id"], now["bucket"]) == (was["id"], was["bucket"])


def test_without_secrets_it_is_said_what_breaks(
    kinto: Kinto, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("migrate-from-kinto", kinto.database, "--db", tmp_path / "new.db") == 0
    assert "Without userid_hmac_secret, users of basic" in capsys.readouterr().out


def test_it_is_one_moment_that_is_read(kinto: Kinto) -> None:
    from kinto_lite.storage.postgres.kinto_tables import open_kinto_tables

    ask = ask_server(kinto.url, "alice")
    with open_kinto_tables(kinto.database) as tables:
        rows = make_rows(tables, {})
        next(rows)
        must(ask("PUT", "/buckets/made-meanwhile", {}))
        ids = {row.id for row in rows if isinstance(row, ObjectRow)}
    must(ask("DELETE", "/buckets/made-meanwhile"))
    assert "b0" in ids
    assert "made-meanwhile" not in ids


STRANGE_ROWS = """
    INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted) VALUES
    ('lost', '/buckets/never', 'collection', now(), '{}', false),
    ('lost', '/buckets/b0/collections/never', 'record', now(), '{}', false),
    ('thing', '/buckets/b0', 'thing', now(), '{}', false)
"""


def test_what_nobody_could_reach_is_left_out_and_said(
    kinto: Kinto, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    with change_database(kinto, STRANGE_ROWS, "DELETE FROM objects WHERE id IN ('lost', 'thing')"):
        assert run("migrate-from-kinto", kinto.database, "--db", tmp_path / "new.db") == 0
    told = capsys.readouterr().out
    assert "1 of the kind 'collection' below something that does not exist" in told
    assert "1 of the kind 'record' below something that does not exist" in told
    assert "1 of the kind 'thing', which kinto-lite does not have" in told


def test_members_of_groups_that_are_gone_are_left_out_and_said(
    kinto: Kinto, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("migrate-from-kinto", kinto.database, "--db", tmp_path / "new.db") == 0
    assert "4 memberships in groups that do not exist any more" in capsys.readouterr().out


DEEP_ROW = """
    UPDATE objects SET data = ('{"deep": ' || repeat('[', 600) || repeat(']', 600) || '}')::jsonb
    WHERE id = 'one' AND resource_name = 'record'
"""


def test_what_cannot_be_stored_stops_everything(
    kinto: Kinto, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    undo = "UPDATE objects SET data = '{\"a\": 1}' WHERE id = 'one' AND resource_name = 'record'"
    with change_database(kinto, DEEP_ROW, undo):
        assert run("migrate-from-kinto", kinto.database, "--db", tmp_path / "new.db") == 1
    told = capsys.readouterr().err
    assert "/buckets/erins/collections/public/records/one cannot be stored" in told
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_something_else_is_refused(
    kinto: Kinto, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    other = kinto.database.replace("/bench", "/postgres")
    assert run("migrate-from-kinto", other, "--db", tmp_path / "new.db") == 1
    assert "has not the tables of Kinto" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_user_moves_from_the_running_server(
    kinto: Kinto, tmp_path: Path, run: Runner, open_app: AppOpener
) -> None:
    path, auth = tmp_path / "new.db", ("--auth", f"alice:{PASSWORD}")
    assert run("migrate-from-kinto", kinto.url, "--kinto-ini", kinto.ini, *auth, "--db", path) == 0
    old, new = ask_server(kinto.url, "alice"), ask_app(open_app(path), "alice")
    paths = [path for path in list_questions() if path.startswith("/buckets/")]
    own = [path for path in paths if "/erins" not in path]
    assert list(compare(old, new, own)) == []


def test_an_administrator_moves_accounts_from_the_running_server(
    kinto: Kinto, tmp_path: Path, run: Runner, open_app: AppOpener
) -> None:
    path, auth = tmp_path / "new.db", ("--auth", f"admin:{PASSWORD}")
    assert run("migrate-from-kinto", kinto.url, "--kinto-ini", kinto.ini, *auth, "--db", path) == 0
    user = ask_app(open_app(path), "erin")("GET", "/").json["user"]
    assert user["id"] == "account:erin"
