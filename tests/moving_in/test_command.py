"""What the command is told: where, by whom, with which secrets. Nothing is read here."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinto_lite.commands.kinto_secrets import read_kinto_ini
from tests.moving_in.conftest import Runner

Output = pytest.CaptureFixture[str]


def write_ini(folder: Path, *lines: str) -> Path:
    path = folder / "old.ini"
    path.write_text("[app:main]\n" + "\n".join(lines), "utf-8")
    return path


def test_secrets_are_read_as_kinto_reads_them(tmp_path: Path) -> None:
    ini = write_ini(tmp_path, "kinto.userid_hmac_secret = a%%b", "default_bucket_hmac_secret = c")
    secrets = read_kinto_ini(ini).secrets
    assert secrets == {"userid_hmac_secret": "a%b", "default_bucket_hmac_secret": "c"}


def test_a_secret_of_buckets_that_is_not_set_is_empty(tmp_path: Path) -> None:
    ini = write_ini(tmp_path, "kinto.userid_hmac_secret = a")
    assert read_kinto_ini(ini).secrets["default_bucket_hmac_secret"] == ""


def test_the_source_has_to_be_named(run: Runner, tmp_path: Path, capsys: Output) -> None:
    assert run("migrate-from-kinto", "--db", tmp_path / "new.db") == 1
    assert "Where is Kinto?" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["sqlite:///old.db", "mysql://x", "kinto.example.com"])
def test_other_sources_are_refused(
    source: str, run: Runner, tmp_path: Path, capsys: Output
) -> None:
    assert run("migrate-from-kinto", source, "--db", tmp_path / "new.db") == 1
    assert "SOURCE is postgresql://" in capsys.readouterr().err


def test_the_source_is_no_target(run: Runner, tmp_path: Path, capsys: Output) -> None:
    ini = write_ini(tmp_path, "kinto.storage_url = postgresql://localhost/kinto")
    assert run("migrate-from-kinto", "--kinto-ini", ini, "--ini", ini) == 1
    assert "is Kinto's own database" in capsys.readouterr().err


def test_permissions_in_another_database_are_noticed(
    run: Runner, tmp_path: Path, capsys: Output
) -> None:
    lines = ("storage_url = postgresql://a/b", "permission_url = postgresql://c/d")
    ini = write_ini(tmp_path, *(f"kinto.{line}" for line in lines))
    assert run("migrate-from-kinto", "--kinto-ini", ini, "--db", tmp_path / "new.db") == 1
    assert "permissions are in another database" in capsys.readouterr().err


def test_a_database_that_cannot_be_reached_leaves_nothing(
    run: Runner, tmp_path: Path, capsys: Output
) -> None:
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    source = f"postgresql://nobody:secret@/kinto?host={tmp_path}"
    assert run("migrate-from-kinto", source, "--db", tmp_path / "new.db") == 1
    told = capsys.readouterr().err
    assert "the database kinto at" in told
    assert "secret" not in told
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_asked_for(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or "p")
    target = ("--auth", "alice", "--db", tmp_path / "new.db")
    assert run("migrate-from-kinto", "http:///v1", *target) == 1
    assert asked == ["Password of alice: "]
    assert "looks like https" in capsys.readouterr().err


def test_secrets_that_settings_have_otherwise_are_warned_of(tmp_path: Path) -> None:
    from kinto_lite.commands.kinto_secrets import describe_other_settings

    given = {"kinto.userid_hmac_secret": "other", "default_bucket_hmac_secret": "c"}
    secrets = {"userid_hmac_secret": "a", "default_bucket_hmac_secret": "c"}
    (told,) = describe_other_settings(secrets, given)
    assert told.startswith("The setting kinto.userid_hmac_secret of the target")
