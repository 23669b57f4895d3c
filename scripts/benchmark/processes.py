"""Processes of the compared servers: starting and stopping them, their CPU time and memory.

Reads /proc, so Linux only. A server may be a tree of processes; all of it counts.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scripts.benchmark.client import BenchmarkError

STOP_SECONDS = 20.0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Process:
    """A server in a session of its own, so that all of it can be ended."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        log: Path,
        environ: Mapping[str, str] | None = None,
        account: str | None = None,
    ) -> None:
        """Start it. `account` is the system user to run as, when it is not ours."""
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=clean_environ(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account,
                group=find_group(account),
                extra_groups=None if account is None else (),
            )

    @property
    def pid(self) -> int:
        """The id of its first process."""
        return self._process.pid

    def raise_if_ended(self) -> None:
        """Errors: BenchmarkError with the end of its log when it does not run any more."""
        if self._process.poll() is not None:
            tail = self.log.read_text("utf-8", "replace").strip()[-600:]
            raise BenchmarkError(f"the server ended by itself: {tail or 'it printed nothing'}")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ask it to end, wait, and kill what is left of it."""
        if self._process.poll() is None:
            self._process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)


def find_group(account: str | None) -> int | None:
    """Return the first group of a system user."""
    if account is None:
        return None
    import pwd

    return pwd.getpwnam(account).pw_gid


def clean_environ(extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return this environment without settings of Kinto or PostgreSQL, and with `extra`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KINTO", "PG", "PYTHON"))
    }
    return kept | dict(extra or {})


def find_free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for_port(process: Process, port: int, patience_seconds: float) -> None:
    """Return when somebody listens on the port. Errors: BenchmarkError."""
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        process.raise_if_ended()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.002)
    raise BenchmarkError(f"the server does not listen after {patience_seconds:.0f} s")


def find_tree(roots: Iterable[int]) -> set[int]:
    """Return the ids of these processes and of all below them."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, IndexError, ValueError):
                parent = int(read_stat(int(entry.name))[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(parents.get(pid, ()))
    return found


def read_stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name, beginning with the state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def read_cpu_seconds(roots: Iterable[int]) -> float:
    """Return the CPU time, user and system, of trees of processes, ended children included."""
    ticks = 0
    for pid in find_tree(roots):
        with contextlib.suppress(OSError):
            ticks += sum(int(field) for field in read_stat(pid)[11:15])
    return ticks / TICKS_PER_SECOND


def read_memory_bytes(roots: Iterable[int]) -> int:
    """Return the memory of trees of processes; shared pages count once (PSS)."""
    total = 0
    for pid in find_tree(roots):
        with contextlib.suppress(OSError):
            total += read_pss_bytes(Path(f"/proc/{pid}/smaps_rollup").read_text())
    return total


def read_pss_bytes(rollup: str) -> int:
    """Return the proportional set size that a smaps_rollup says."""
    for line in rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def measure_folder(folder: Path) -> int:
    """Return the bytes that the files of a folder occupy on the disk."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                total += path.stat().st_blocks * 512
    return total
