"""The two compared servers, as the rest of the comparison sees them.

Makes the virtual environment of the reference when it is not there, starts the workers and
talks to them in pairs. Leaves the requests to `generator`, the answers to `comparison`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from compare.exchanges import Response

REFERENCE = "kinto==26.5.0"
#: The names of the packages.
THEIRS, OURS = "kinto", "kinto-lite"
WORKER = Path(__file__).with_name("worker.py")
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-kinto"


def install_reference() -> Path:
    """Return the Python that has the reference server; installs it the first time."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = ENVIRONMENT / "installed"
    if mark.exists() and mark.read_text() == REFERENCE:
        return python
    print(f"installing {REFERENCE} in {ENVIRONMENT.name} ...", file=sys.stderr)
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    (ENVIRONMENT / ".gitignore").write_text("*\n")
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, REFERENCE], check=True)
    mark.write_text(REFERENCE)
    return python


class PairOptions(Protocol):
    """What the command line says about the servers. `storage` is the URL of the database of
    kinto-lite's; none: in memory."""

    storage: str | None
    itself: bool


class Worker:
    """One server in a process of its own (see `worker.py` for the lines it speaks)."""

    def __init__(self, python: str, server: str, *storage: str) -> None:
        clean = {name: value for name, value in os.environ.items() if "KINTO" not in name}
        self.name = server
        self.process = subprocess.Popen(
            [python, str(WORKER), server, *storage],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**clean, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=ROOT,
        )

    def send(self, message: Mapping[str, Any]) -> None:
        """Hand over one message; the answer waits in the pipe."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """Return the next answer; ends the program when the server is gone."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} stopped with exit code {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=20)


def start_pair(options: PairOptions, python: str | None) -> Pair:
    """Start the servers that are compared; `python` has the reference, unless that is not asked."""
    place = () if options.storage is None else (options.storage,)
    if python is None:
        return Pair(Worker(sys.executable, OURS), Worker(sys.executable, OURS, *place))
    if options.itself:
        return Pair(Worker(python, THEIRS), Worker(python, THEIRS))
    return Pair(Worker(python, THEIRS), Worker(sys.executable, OURS, *place))


class Pair:
    """Both servers; each message goes to both before either answer is read."""

    def __init__(self, first: Worker, second: Worker) -> None:
        self.workers = (first, second)

    def open(self, settings: Mapping[str, str]) -> None:
        """Begin anew: both servers empty, with these settings."""
        for worker in self.workers:
            worker.send({"open": dict(settings)})
        for worker in self.workers:
            worker.receive()

    def ask(self, messages: tuple[dict[str, Any], dict[str, Any]]) -> tuple[Response, Response]:
        """Send each server its message; returns the answers in the same order."""
        for worker, message in zip(self.workers, messages, strict=True):
            worker.send(message)
        first, second = (worker.receive() for worker in self.workers)
        return Response.from_message(first), Response.from_message(second)

    def close(self) -> None:
        """End both processes."""
        for worker in self.workers:
            worker.close()
