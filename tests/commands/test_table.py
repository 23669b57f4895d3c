"""The table of commands: what help shows, and what is imported for it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kinto_lite.cli import main
from kinto_lite.commands.table import COMMANDS, Command
from tests.live import build_environ, run_command

each_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)


def test_help_lists_each_command_on_one_line(tmp_path: Path) -> None:
    shown = run_command(tmp_path, "--help", environ={"COLUMNS": "80"}).stdout
    for command in COMMANDS:
        assert re.search(rf"^ +{command.name} +{re.escape(command.help)}$", shown, re.MULTILINE)


@each_command
def test_each_command_has_help_with_an_example(tmp_path: Path, command: Command) -> None:
    done = run_command(tmp_path, command.name, "--help", environ={"COLUMNS": "200"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"example: {command.example}\n")
    assert all(option in done.stdout for option in ("--ini", "--quiet", "--debug"))


@each_command
def test_each_example_is_understood(command: Command) -> None:
    from kinto_lite.commands.table import build_parser

    words = command.example.split()[1:]
    assert build_parser(words).parse_args(words).command == command.name


@pytest.mark.parametrize("arguments", [("fly",), ("migrate", "--fly"), ("purge-deleted",)])
def test_what_is_not_understood_is_a_usage_error(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = run_command(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")
    assert list(tmp_path.iterdir()) == []


def test_only_the_module_of_the_command_is_imported(tmp_path: Path) -> None:
    program = (
        "import sys; from kinto_lite.cli import main; main(['version']);"
        "print(sorted(name for name in sys.modules if name.startswith(('apsw', 'granian',"
        " 'kinto_lite.plugins', 'kinto_lite.storage.sqlite', 'kinto_lite.web'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=build_environ(None),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[1:] == ["[]"]


def test_the_version_needs_no_file(tmp_path: Path) -> None:
    done = run_command(tmp_path, "version", "--ini", "nowhere.ini")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_word_that_no_setting_has_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "paginatte"]) == 1
    assert "'paginatte'" in capsys.readouterr().err
