"""Exit codes and messages of the commands that work on a database, row by row of the protocol
(plugins chapter 12), and that none of them harms what it should leave alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from kinto_lite.version import VERSION
from tests.live import run_command

RUNNING = f"INFO   Running kinto-lite {VERSION}."


def run(folder: Path, *arguments: str, code: int = 0, **environ: str) -> list[str]:
    """Run a command; return the lines it says on standard error."""
    done = run_command(folder, *arguments, environ=environ)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    return done.stderr.splitlines()


def steps_of(folder: Path) -> int:
    """The schema version of the default database."""
    with sqlite3.connect(folder / "kinto-lite.db") as connection:
        ((version,),) = connection.execute("PRAGMA user_version")
    connection.close()
    return int(version)


# --- migrate -------------------------------------------------------------------------------


def test_migrate_makes_the_database_and_says_each_step(tmp_path: Path) -> None:
    first, *steps = run(tmp_path, "migrate")
    assert first == RUNNING
    assert steps[0] == f"INFO   0001_start.sql was applied to {tmp_path}/kinto-lite.db."
    assert steps_of(tmp_path) == len(steps)


def test_migrate_again_finds_nothing_to_do(tmp_path: Path) -> None:
    run(tmp_path, "migrate")
    line = f"INFO   The storage schema of {tmp_path}/kinto-lite.db is up-to-date."
    assert run(tmp_path, "migrate") == [RUNNING, line]
    assert run(tmp_path, "migrate", "--dry-run") == [RUNNING, line]


def test_a_dry_run_makes_nothing(tmp_path: Path) -> None:
    lines = run(tmp_path, "migrate", "--dry-run")
    assert lines[1] == f"INFO   0001_start.sql would be applied to {tmp_path}/kinto-lite.db."
    assert list(tmp_path.iterdir()) == []


def test_a_readonly_server_is_not_migrated(tmp_path: Path) -> None:
    lines = run(tmp_path, "migrate", "--set", "readonly=true")
    assert lines[1] == "ERROR  Cannot migrate the storage backend while in readonly mode."
    assert list(tmp_path.iterdir()) == []


# --- flush-cache ---------------------------------------------------------------------------


def test_flush_cache_says_that_it_has(tmp_path: Path) -> None:
    run(tmp_path, "migrate")
    assert run(tmp_path, "flush-cache") == [RUNNING, "INFO   Cache has been cleared."]


# --- purge-deleted -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["record", "10"], "Keep only 10 tombstones per parent and resource."),
        (["record", "--older-than", "30"], "Delete tombstones older than 30 days."),
        (
            ["bucket", "group", "5", "--older-than=30"],
            "Delete tombstones older than 30 days, but keep 5 per parent and resource.",
        ),
    ],
)
def test_purge_deleted_says_what_it_does(tmp_path: Path, words: list[str], line: str) -> None:
    run(tmp_path, "migrate")
    lines = run(tmp_path, "purge-deleted", *words)
    assert lines == [RUNNING, f"INFO   {line}", "INFO   0 tombstone(s) deleted."]


def test_purge_deleted_warns_of_words_that_are_no_resources(tmp_path: Path) -> None:
    run(tmp_path, "migrate")
    lines = run(tmp_path, "purge-deleted", "recrod", "10")
    assert lines[1].startswith("WARNING  'recrod' is no resource, and has no tombstones.")


@pytest.mark.parametrize(
    "words", [["record"], ["10"], ["record", "ten"], ["record", "-5"], ["record", "9" * 30], []]
)
def test_purge_deleted_without_a_number_or_a_resource_is_a_usage_error(
    tmp_path: Path, words: list[str]
) -> None:
    run(tmp_path, "migrate")
    lines = run(tmp_path, "purge-deleted", *words, code=2)
    assert lines[-1].startswith("kinto-lite purge-deleted: error: ")


# --- options of all ------------------------------------------------------------------------


def test_quiet_says_nothing(tmp_path: Path) -> None:
    for arguments in (["init", "-q"], ["migrate", "-q"], ["purge-deleted", "--quiet", "x", "1"]):
        assert run(tmp_path, *arguments) == []


def test_debug_says_more_about_the_start(tmp_path: Path) -> None:
    lines = run(tmp_path, "start", "-v", "--port", "0", "--set", "storage_url=x:y", code=1)
    assert json.loads(lines[0])["Fields"]["msg"].startswith("Starting server in PID ")


def test_settings_lists_what_has_a_word_in_it(tmp_path: Path) -> None:
    done = run_command(tmp_path, "settings", "Paginate")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("paginate_by  (default: none; KINTO_PAGINATE_BY)\n    Page size")
    assert run_command(tmp_path, "settings", "xyzzy").returncode == 1


# --- bad input: one line, never a traceback --------------------------------------------------

WITH_DATABASE: Sequence[Sequence[str]] = (
    ["start", "--port", "0"],
    ["migrate"],
    ["migrate", "--dry-run"],
    ["flush-cache"],
    ["purge-deleted", "record", "5"],
    ["create-user", "-u", "admin", "-p", "pw"],
)
each_command = pytest.mark.parametrize("command", WITH_DATABASE, ids=" ".join)


def refuse(folder: Path, *arguments: str) -> str:
    """Run a command that is refused; return the one line that says why."""
    done = run_command(folder, *arguments, environ={"KINTO_STORAGE_BUSY_TIMEOUT_SECONDS": "0.1"})
    lines = [line for line in done.stderr.splitlines() if line != RUNNING]
    assert (done.returncode, len(lines)) == (1, 1), done.stderr
    return lines[0]


@each_command
def test_ini_files_that_cannot_be_read_are_named(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "folder.ini").mkdir()
    (tmp_path / "binary.ini").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "words.ini").write_text("just words")
    for name in ("none.ini", "folder.ini", "binary.ini", "words.ini", "x" * 300):
        assert refuse(tmp_path, *command, "--ini", name).startswith(name)


@each_command
def test_the_usual_ini_file_must_be_readable_when_it_is_there(
    tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "kinto.ini").write_text("[app:main]\npaginate_by = many\n")
    assert "'paginate_by'" in refuse(tmp_path, *command)


@each_command
def test_what_is_no_database_of_ours_is_named_and_left_alone(
    tmp_path: Path, command: list[str]
) -> None:
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE recipes (name)")
    connection.commit()
    connection.close()
    (tmp_path / "text.db").write_text("no database at all")
    (tmp_path / "folder.db").mkdir()
    content = other.read_bytes()
    for name in ("other.db", "text.db", "folder.db", "nowhere/x.db"):
        assert name.split("/")[0] in refuse(tmp_path, *command, "--db", name)
    assert other.read_bytes() == content


@each_command
def test_a_path_that_is_too_long_is_refused(tmp_path: Path, command: list[str]) -> None:
    assert "name too long" in refuse(tmp_path, *command, "--db", "x" * 300)


@pytest.mark.parametrize("command", WITH_DATABASE[1:], ids=" ".join)
def test_a_locked_database_is_waited_for_and_then_refused(
    tmp_path: Path, command: list[str]
) -> None:
    run(tmp_path, "migrate")
    connection = sqlite3.connect(tmp_path / "kinto-lite.db", isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("CREATE TABLE x (y)")
    try:
        assert "lock" in refuse(tmp_path, *command)
    finally:
        connection.close()


@pytest.mark.parametrize("command", [["flush-cache"], ["purge-deleted", "record", "5"]])
def test_what_works_on_a_database_does_not_make_one(tmp_path: Path, command: list[str]) -> None:
    line = refuse(tmp_path, *command)
    assert line.startswith(f"There is no database {tmp_path}/kinto-lite.db: ")
    assert list(tmp_path.iterdir()) == []


@each_command
def test_an_unknown_engine_is_refused(tmp_path: Path, command: list[str]) -> None:
    assert "'storage_url'" in refuse(tmp_path, *command, "--set", "storage_url=oracle://x")


def test_settings_on_the_command_line_have_a_name_and_a_value(tmp_path: Path) -> None:
    done = run_command(tmp_path, "migrate", "--set", "readonly")
    assert done.returncode == 2
    assert "'readonly' is not NAME=VALUE" in done.stderr
