"""A private PostgreSQL: one cluster in a temporary folder, reached by a socket in it only.

It runs with its own defaults, so a commit is on disk before it is acknowledged.
"""

from __future__ import annotations

import os
import pwd
import signal
import time
from pathlib import Path

from scripts.benchmark.client import BenchmarkError
from scripts.benchmark.installation import run_program
from scripts.benchmark.processes import Process, measure_folder

DATABASE = "bench"
#: PostgreSQL refuses to run as root; the first of these that exists runs it instead.
ACCOUNTS = ("postgres", "nobody")


class Cluster:
    """A cluster; it exists from `start` to `stop`."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._account = choose_account()
        self._user = self._account or pwd.getpwuid(os.geteuid()).pw_name
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """How the database is reached."""
        return self._make_url(DATABASE)

    @property
    def pid(self) -> int:
        """The id of its first process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Make the cluster, start it, make the database. Errors: BenchmarkError."""
        self._folder.mkdir(mode=0o700)
        log = self._folder.with_suffix(".log")
        if self._account is not None:
            entry = pwd.getpwnam(self._account)
            os.chown(self._folder, entry.pw_uid, entry.pw_gid)
        data = self._folder / "data"
        initdb = [f"{self._programs}/initdb", "-D", str(data), "-U", self._user]
        self._run([*initdb, "-E", "UTF8", "--locale", "C", "-A", "trust"])
        postgres = [f"{self._programs}/postgres", "-D", str(data), "-k", str(self._folder)]
        options = ["-c", "listen_addresses=", "-c", "timezone=UTC"]
        self._process = Process([*postgres, *options], self._folder, log, account=self._account)
        self._wait()
        self._run_client("createdb", DATABASE)

    def make_database(self, name: str) -> str:
        """Make another database; return its URL. Errors: BenchmarkError."""
        self._run_client("createdb", name)
        return self._make_url(name)

    def _make_url(self, name: str) -> str:
        return f"postgresql://{self._user}@/{name}?host={self._folder}"

    def measure_disk(self) -> int:
        """Return the bytes of the tables, after a checkpoint; without the write-ahead log."""
        self._run_client("psql", "-c", "CHECKPOINT", DATABASE)
        return measure_folder(self._folder / "data" / "base")

    def stop(self) -> None:
        """End it at once: SIGINT is PostgreSQL's fast shutdown."""
        if self._process is not None:
            self._process.stop(signal.SIGINT)

    def _wait(self) -> None:
        """Return when it accepts connections. Errors: BenchmarkError."""
        assert self._process is not None
        for _attempt in range(300):
            self._process.raise_if_ended()
            try:
                self._run_client("pg_isready", "-d", "postgres")
            except BenchmarkError:
                time.sleep(0.1)
            else:
                return
        raise BenchmarkError("PostgreSQL does not start")

    def _run_client(self, program: str, *arguments: str) -> None:
        place = ["-h", str(self._folder), "-U", self._user]
        run_program([f"{self._programs}/{program}", *place, *arguments], self._folder)

    def _run(self, command: list[str]) -> None:
        if self._account is not None:
            command = ["setpriv", "--reuid", self._account, "--clear-groups", "--", *command]
            command[3:3] = ["--regid", str(pwd.getpwnam(self._account).pw_gid)]
        run_program(command, self._folder)


def choose_account() -> str | None:
    """Return the system user that PostgreSQL runs as; None is the one that runs this.

    Errors: BenchmarkError.
    """
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ACCOUNTS:
        if name in known:
            return name
    raise BenchmarkError("PostgreSQL does not run as root, and there is no user for it")
