"""A process that is killed in the middle leaves the target as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import ROOT, build_environ, run_command
from tests.moving.conftest import Runner, read_rows, sqlite_url

#: Runs the command line, and kills itself when the bar has moved so many times.
KILLER = """
import os, signal, sys
from kinto_lite.commands.progress import Progress
from kinto_lite import cli
left = int(sys.argv[1])
def advance(self, steps=1):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
Progress.advance = advance
sys.exit(cli.main(sys.argv[2:]))
"""


def run_and_kill(after: int, *arguments: object) -> int:
    """Run a command in a process that is killed; return how it ended."""
    words = [sys.executable, "-c", KILLER, str(after), *map(str, arguments)]
    done = subprocess.run(
        words, env=build_environ(None), cwd=ROOT, capture_output=True, check=False
    )
    return done.returncode


@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize("command", ["load", "copy"])
def test_a_killed_move_leaves_no_database(
    command: str, after: int, dump: Path, mixed: Path, tmp_path: Path, run: Runner
) -> None:
    target = tmp_path / "target.db"
    words = {
        "load": ("load", dump, "--db", target),
        "copy": ("copy", sqlite_url(mixed), sqlite_url(target)),
    }[command]
    # A bar shows itself at its beginning and its end, too.
    assert run_and_kill(after, *words) == -signal.SIGKILL
    assert not target.exists()
    assert run(*words) == 0
    assert read_rows(target) == read_rows(mixed)


def test_a_killed_load_of_a_bucket_leaves_nothing_of_it(
    mixed: Path, tmp_path: Path, run: Runner
) -> None:
    dump, target = tmp_path / "b1.jsonl", tmp_path / "target.db"
    run("dump", dump, "--bucket", "b1", "--db", mixed)
    run("dump", tmp_path / "b0.jsonl", "--bucket", "b0", "--db", mixed)
    run("load", tmp_path / "b0.jsonl", "--db", target)
    before = read_rows(target)
    assert run_and_kill(3, "load", dump, "--db", target) == -signal.SIGKILL
    assert read_rows(target) == before


def test_a_killed_dump_or_backup_leaves_the_older_one(mixed: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.write_text("older")
    assert run_and_kill(1, "dump", older, "--db", mixed) == -signal.SIGKILL
    assert run_and_kill(1, "backup", older, "--db", mixed) == -signal.SIGKILL
    assert older.read_text() == "older"


def test_ctrl_c_says_that_nothing_was_changed(
    mixed: Path, tmp_path: Path, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kinto_lite.commands.progress.Progress.advance", interrupt)
    assert run("copy", sqlite_url(mixed), sqlite_url(tmp_path / "new.db")) == 130
    assert {path.name for path in tmp_path.iterdir()} == {"mixed.db"}


def test_dumps_go_through_pipes(mixed: Path, tmp_path: Path) -> None:
    dumped = subprocess.run(
        [sys.executable, "-m", "kinto_lite", "dump", "-", "--db", str(mixed)],
        env=build_environ(None),
        capture_output=True,
        check=True,
    )
    loaded = subprocess.run(
        [sys.executable, "-m", "kinto_lite", "load", "-", "--db", str(tmp_path / "new.db")],
        env=build_environ(None),
        input=dumped.stdout,
        capture_output=True,
        check=True,
    )
    assert b"record" in loaded.stdout
    assert read_rows(tmp_path / "new.db") == read_rows(mixed)


def test_what_is_no_regular_file_is_written_to_and_not_replaced(mixed: Path, run: Runner) -> None:
    assert run("dump", os.devnull, "--db", mixed) == 0
    assert not Path(os.devnull).is_file()


def test_a_folder_that_is_not_there_is_one_line(mixed: Path, tmp_path: Path) -> None:
    done = run_command(tmp_path, "dump", "none/dump.jsonl", "--db", str(mixed))
    start, line = done.stderr.splitlines()
    assert (done.returncode, start.split()[1]) == (1, "Running")
    assert line.endswith("No such file or directory.")
