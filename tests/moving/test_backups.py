"""Backups of a database that is written to, and the way back."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from kinto_lite.storage.moving import ObjectRow
from kinto_lite.storage.sqlite import backups
from tests.moving.conftest import AppOpener, Runner, check, read_rows
from tests.moving.mixed import sign_in

RECORDS = "/v1/buckets/default/collections/pairs/records"


@contextmanager
def writers(app: Any) -> Iterator[None]:
    """Threads that write pairs, each in one batch, until the block ends."""
    stopped, started = threading.Event(), threading.Barrier(3)

    def write(name: str) -> None:
        client, number = sign_in(app, "alice"), 0
        while not stopped.is_set():
            put = [{"method": "PUT", "path": f"{RECORDS}/{name}{number}{side}"} for side in "ab"]
            client.post_json("/v1/batch", {"requests": put})
            number += 1
            if number == 2:
                started.wait()

    threads = [threading.Thread(target=write, args=(name,)) for name in ("x", "y")]
    for thread in threads:
        thread.start()
    started.wait()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def backup(mixed: Path, tmp_path: Path, run: Runner) -> Path:
    """A backup."""
    path = tmp_path / "mixed.bak"
    assert run("backup", path, "--db", mixed) == 0
    return path


def test_a_backup_under_writers_is_one_moment(
    mixed: Path, tmp_path: Path, run: Runner, open_app: AppOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "STEP_PAGES", 1)
    with writers(open_app(mixed)):
        for number in range(5):
            assert run("backup", tmp_path / f"{number}.bak", "--db", mixed) == 0
    for number in range(5):
        path = tmp_path / f"{number}.bak"
        rows = [row for row in read_rows(path) if isinstance(row, ObjectRow)]
        names = {row.id for row in rows if row.parent_uri.endswith("/pairs")}
        assert {name[:-1] + "a" for name in names} | {name[:-1] + "b" for name in names} == names
        assert len(names) > 0
        assert check(path) == []


def test_a_backup_is_one_file_for_its_owner_with_everything(mixed: Path, backup: Path) -> None:
    assert read_rows(backup) == read_rows(mixed)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert {path.name for path in backup.parent.iterdir()} == {"mixed.db", "mixed.bak"}


def test_a_restored_backup_is_served(
    mixed: Path, backup: Path, tmp_path: Path, run: Runner, open_app: AppOpener
) -> None:
    target = tmp_path / "restored.db"
    assert run("restore", backup, "--db", target) == 0
    assert read_rows(target) == read_rows(mixed)
    assert sign_in(open_app(target), "alice").get("/v1/buckets/b0").json["data"]["number"] == 0


def test_a_database_with_objects_is_replaced_by_force_only(
    mixed: Path, backup: Path, run: Runner, open_app: AppOpener
) -> None:
    wanted, app = read_rows(mixed), open_app(mixed)
    sign_in(app, "alice").delete("/v1/buckets/b0")
    app.storage.close()
    assert run("restore", backup, "--db", mixed) == 1
    assert read_rows(mixed) != wanted
    assert run("restore", backup, "--db", mixed, "--force") == 0
    assert read_rows(mixed) == wanted


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_database_in_use_is_never_replaced(
    force: tuple[str, ...],
    mixed: Path,
    backup: Path,
    run: Runner,
    open_app: AppOpener,
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = sign_in(open_app(mixed), "alice")
    assert run("restore", backup, "--db", mixed, *force) == 1
    assert "is in use: stop the server first" in capsys.readouterr().err
    client.put_json("/v1/buckets/still-there", {}, status=201)


def test_a_damaged_database_is_replaced_by_force(mixed: Path, backup: Path, run: Runner) -> None:
    wanted = read_rows(backup)
    mixed.write_bytes(b"nothing that SQLite could read" * 1000)
    Path(f"{mixed}-wal").write_bytes(b"left over")
    assert run("restore", backup, "--db", mixed) == 1
    assert run("restore", backup, "--db", mixed, "--force") == 0
    assert read_rows(mixed) == wanted


def test_what_a_crash_left_in_the_log_does_not_get_into_the_restored_database(
    mixed: Path, backup: Path, run: Runner, open_app: AppOpener
) -> None:
    app, wanted = open_app(mixed), read_rows(mixed)
    sign_in(app, "alice").put_json("/v1/buckets/late", {})
    log, file = Path(f"{mixed}-wal").read_bytes(), mixed.read_bytes()
    app.storage.close()
    mixed.write_bytes(file)
    Path(f"{mixed}-wal").write_bytes(log)
    assert run("restore", backup, "--db", mixed, "--force") == 0
    assert read_rows(mixed) == wanted


def test_a_damaged_backup_changes_nothing(
    mixed: Path, backup: Path, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    content, before = bytearray(backup.read_bytes()), mixed.read_bytes()
    content[8192:40960] = bytes(32768)
    backup.write_bytes(content)
    assert run("restore", backup, "--db", mixed, "--force") == 1
    assert mixed.read_bytes() == before
    assert "Traceback" not in capsys.readouterr().err
    assert run("restore", backup, "--db", tmp_path / "new.db") == 1
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00", b"text" * 100])
def test_what_is_no_backup_is_refused(
    content: bytes, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.bak").write_bytes(content)
    assert run("restore", tmp_path / "x.bak", "--db", tmp_path / "new.db") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_database_of_another_program_is_no_backup(tmp_path: Path, run: Runner) -> None:
    with apsw.Connection(str(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE other (x)")
    assert run("restore", tmp_path / "other.db", "--db", tmp_path / "new.db") == 1


def test_a_backup_never_replaces_its_own_database(mixed: Path, run: Runner) -> None:
    before = mixed.read_bytes()
    assert run("backup", mixed, "--db", mixed) == 1
    assert mixed.read_bytes() == before


def test_a_restored_database_keeps_the_mode_of_the_old_one(
    mixed: Path, backup: Path, run: Runner
) -> None:
    mixed.chmod(0o640)
    run("restore", backup, "--db", mixed, "--force")
    assert stat.S_IMODE(mixed.stat().st_mode) == 0o640
