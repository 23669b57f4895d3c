"""`start --reload`: the server starts again when its files change."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from kinto_lite.commands.reloading import asks_to_reload, look
from tests.live import start_server


def test_a_change_of_the_ini_file_starts_the_server_again(tmp_path: Path) -> None:
    ini = tmp_path / "kinto.ini"
    ini.write_text("[app:main]\nincludes =\n")
    with start_server(tmp_path, "--ini", str(ini), "--reload") as server:
        assert server.lines[-1] == "Plugins: none"
        ini.write_text("[app:main]\nincludes = kinto.plugins.history\n")
        assert server.process.stdout is not None
        lines = [server.process.stdout.readline() for _ in range(3)]
        assert lines[-1] == "Plugins: history\n"
        assert server.stop() == 0


def test_a_file_that_cannot_be_read_is_waited_for(tmp_path: Path) -> None:
    ini = tmp_path / "kinto.ini"
    ini.write_text("[app:main]\nincludes =\n")
    with start_server(tmp_path, "start", "--ini", str(ini), "--reload") as server:
        ini.write_text("no ini file")
        while "is not a valid ini file" not in server.errors():
            assert server.process.poll() is None
        ini.write_text("[app:main]\nincludes =\n")
        assert server.process.stdout is not None
        assert " at http://" in server.process.stdout.readline()
        assert server.stop(signal.SIGINT) == 0


def test_the_option_is_not_handed_on(tmp_path: Path) -> None:
    words = ["--reload", "--rel", "--re", "--port", "reload", "-r"]
    assert [word for word in words if asks_to_reload(word)] == ["--reload", "--rel", "--re"]


def test_changes_are_seen_by_the_time_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "kinto.ini"
    absent = look([path])
    path.touch()
    seen = look([path])
    os.utime(path, ns=(1, 1))
    assert len({frozenset(times.items()) for times in (absent, seen, look([path]))}) == 3
    assert any(name.name == "cli.py" for name in seen)
