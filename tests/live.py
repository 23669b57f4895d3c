"""Starts real servers for tests: a process of its own, a free port, a folder to store in.

with start_server(tmp_path, "--workers", "2") as server:
    requests.get(server.url + "/v1/")
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
#: A server that is not ready, or does not end, by then fails the test instead of stopping it.
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running server. `url` has neither path nor slash: `http://127.0.0.1:49152`."""

    url: str
    process: subprocess.Popen[str]
    #: What it printed up to the moment it was ready.
    lines: Sequence[str]
    folder: Path
    _errors: IO[str]

    @property
    def port(self) -> int:
        """The port it listens on."""
        return urlsplit(self.url).port or 0

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def errors(self) -> str:
        """What it has written to standard error."""
        self._errors.seek(0)
        return self._errors.read()


@contextmanager
def start_server(
    folder: Path,
    *arguments: str,
    command: Sequence[str] = ("-m", "kinto_lite"),
    environ: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start `python -m kinto_lite --port 0` in a folder; yield it when it is ready.

    It is killed at the end, unless it has ended before. AssertionError when it does not start.
    """
    if not {"--port", "--unix"}.intersection(arguments):
        arguments = ("--port", "0", *arguments)
    with tempfile.TemporaryFile("w+") as errors:
        process = launch(folder, [*command, *arguments], errors, environ)
        try:
            lines = read_start(process)
            errors.seek(0)
            assert lines, f"the server did not start: {errors.read()}"
            yield Server(find_url(lines[0]), process, lines, folder, errors)
        finally:
            process.kill()
            process.communicate()


def run_command(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `python -m kinto_lite ARGUMENTS` to its end."""
    command = [sys.executable, "-m", "kinto_lite", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=build_environ(environ),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def launch(
    folder: Path, arguments: Sequence[str], errors: IO[str], environ: Mapping[str, str] | None
) -> subprocess.Popen[str]:
    """Start Python in a folder."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=build_environ(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        # A server that belongs to a terminal takes a hang-up for its closing.
        start_new_session=True,
    )


def build_environ(extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return this environment without settings of its own, with the project to import from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KINTO")}
    return kept | {"PYTHONPATH": str(ROOT)} | dict(extra or {})


def read_start(process: subprocess.Popen[str]) -> list[str]:
    """Return the lines of the start; none when the server ended, or was not ready in time."""
    assert process.stdout is not None
    watchdog = threading.Timer(PATIENCE_SECONDS, process.kill)
    watchdog.start()
    try:
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("Plugins:"):
                return lines
        return []
    finally:
        watchdog.cancel()
        watchdog.join()


def find_url(line: str) -> str:
    """Return the origin in "kinto-lite 1.0 at http://127.0.0.1:8888/v1/"; "unix:" and a path
    stay as they are."""
    shown = line.rpartition(" at ")[2]
    if shown.startswith("unix:"):
        return shown
    parts = urlsplit(shown)
    return f"{parts.scheme}://{parts.netloc}"
