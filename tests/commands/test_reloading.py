"""`start --reload`: the server starts again when its files change."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kinto_lite.commands.reloading import asks_to_reload, look
from tests.live import Server, start_server


@contextmanager
def start_reloading(folder: Path) -> Iterator[Server]:
    """Start a server without plugins that watches its file; none of its processes is left."""
    ini = folder / "kinto.ini"
    ini.write_text("[app:main]\nincludes =\n")
    with start_server(folder, "start", "--ini", str(ini), "--reload") as server:
        try:
            yield server
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.process.pid, signal.SIGKILL)


def read_plugins(server: Server) -> str:
    """The line about plugins that the server prints next."""
    assert server.process.stdout is not None
    return next(line for line in server.process.stdout if line.startswith("Plugins:"))


def test_a_change_of_the_ini_file_starts_the_server_again(tmp_path: Path) -> None:
    with start_reloading(tmp_path) as server:
        assert server.lines[-1] == "Plugins: none"
        (tmp_path / "kinto.ini").write_text("[app:main]\nincludes = kinto.plugins.history\n")
        assert read_plugins(server) == "Plugins: history\n"
        assert server.stop() == 0


def test_a_file_that_cannot_be_read_is_waited_for(tmp_path: Path) -> None:
    with start_reloading(tmp_path) as server:
        (tmp_path / "kinto.ini").write_text("no ini file")
        while "is not a valid ini file" not in server.errors():
            assert server.process.poll() is None
        (tmp_path / "kinto.ini").write_text("[app:main]\nincludes = kinto.plugins.flush\n")
        assert read_plugins(server) == "Plugins: flush\n"
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
