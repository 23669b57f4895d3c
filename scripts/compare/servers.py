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
from typing import Any

from compare.exchanges import Response

REFERENCE = "kinto==26.5.0"
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


class Pair:
    """Both servers; each message goes to both before either answer is read. `storage` is the URL
    of the database that kinto-lite uses; none: in memory."""

    def __init__(
        self, reference_python: str, ours: str = "kinto-lite", storage: str | None = None
    ) -> None:
        python = reference_python if ours == "kinto" else sys.executable
        place = () if storage is None or ours == "kinto" else (storage,)
        self.workers = (Worker(reference_python, "kinto"), Worker(python, ours, *place))

    def open(self, settings: Mapping[str, str]) -> None:
        """Begin anew: both servers empty, with these settings."""
        for worker in self.workers:
            worker.send({"open": dict(settings)})
        for worker in self.workers:
            worker.receive()

    def ask(self, messages: tuple[dict[str, Any], dict[str, Any]]) -> tuple[Response, Response]:
        """Send each server its message; returns the answers, the reference's first."""
        for worker, message in zip(self.workers, messages, strict=True):
            worker.send(message)
        first, second = (worker.receive() for worker in self.workers)
        return Response.from_message(first), Response.from_message(second)

    def close(self) -> None:
        """End both processes."""
        for worker in self.workers:
            worker.close()
