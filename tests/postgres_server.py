"""A private PostgreSQL for the tests: one server for all processes of a test run, in a temporary
folder, reached by a socket in it. Each test gets a schema of its own.

Every process of the run holds a lock on one file; a keeper, which is no part of the run, waits
for that lock, and ends the server when nobody holds it any more. So it ends with the run, however
that ends. Without PostgreSQL's programs these tests are skipped, or fail when `CI` is set.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

import pytest

DATABASE = "postgres"
USER = "tests"
#: PostgreSQL refuses to run as root; the first of these that exists runs it instead.
ACCOUNTS = ("postgres", "nobody")
PATIENCE_SECONDS = 60
#: Nothing of this outlives the run: no need to wait for the disk.
SETTINGS = (
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "deadlock_timeout=100ms",
)

_numbers = itertools.count()


def make_url() -> str:
    """Return the URL of a new, empty schema. Without PostgreSQL the test ends here."""
    folder = start_shared_server()
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with connect(folder) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return url_of(folder, name)


def url_of(folder: Path, schema: str = "public") -> str:
    """Return how a schema is reached."""
    place = f"host={folder}&options=-csearch_path%3D{schema}"
    return f"postgresql://{USER}@/{DATABASE}?{place}"


def next_number() -> int:
    """Return a number that this process has not used before."""
    return next(_numbers)


def make_reader(url: str) -> str:
    """Return the same URL for a role that may only read what is in its schema by now."""
    schema = url.rpartition("%3D")[2]
    role = f"reader_of_{schema}"
    with connect_to(url) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}")
        connection.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    return url.replace(f"//{USER}@", f"//{role}@")


@contextmanager
def connect(folder: Path) -> Iterator[Any]:
    """A connection of the tests themselves, that commits by itself."""
    with connect_to(url_of(folder)) as connection:
        yield connection


@contextmanager
def connect_to(url: str) -> Iterator[Any]:
    """The same to what a URL names."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@cache
def start_shared_server() -> Path:
    """Start the server of this test run, unless it runs; return its folder."""
    programs = find_programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("the programs of PostgreSQL are missing, and CI is set")
        pytest.skip("the programs of PostgreSQL (initdb, postgres) are not installed")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
    folder = Path(tempfile.gettempdir()) / f"kinto-lite-tests-{run[:12]}"
    with open(f"{folder}.start", "w") as start:
        fcntl.flock(start, fcntl.LOCK_EX)
        Server.shared = Server(programs, folder)
        if not (folder / "is_ready").exists():
            Server.shared.start(remove=True)
        else:
            Server.shared.hold()
    return folder


def find_programs() -> Path | None:
    """Return the folder of initdb and postgres, of the newest version there is."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_of, reverse=True)
    asked = shutil.which("pg_config")
    if asked is not None:
        output = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=False)
        folders.append(Path(output.stdout.strip()))
    on_path = shutil.which("initdb")
    folders += [Path(on_path).parent] if on_path else []
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


def _version_of(folder: Path) -> float:
    name = folder.parent.name
    return float(name) if name.replace(".", "", 1).isdigit() else 0


class Server:
    """A server and its folder. `hold` keeps it running for as long as this process lives."""

    shared: Server

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self.folder = folder
        self._lock: IO[str] | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    def hold(self) -> None:
        """Let the keeper wait for this process, too."""
        self._lock = open(f"{self.folder}.lock", "w")  # noqa: SIM115 - held until the process ends
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def start(self, remove: bool = False) -> None:
        """Start it and wait until it answers; `remove`: the folder goes when it ends."""
        self.hold()
        command = [sys.executable, __file__, str(self._programs), str(self.folder)]
        self._keeper = subprocess.Popen(
            [*command, "remove" if remove else "keep"], start_new_session=True
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (self.folder / "is_ready").exists():
            assert self._keeper.poll() is None, "PostgreSQL does not start"
            assert time.monotonic() < deadline, "PostgreSQL does not start in time"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it and wait for its end; connections break."""
        assert self._lock is not None
        assert self._keeper is not None
        self._lock.close()
        self._keeper.wait(PATIENCE_SECONDS)

    def crash(self) -> None:
        """Kill all its processes at once; connections break."""
        first = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        others = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for process in (first, *map(int, others)):
            os.kill(process, signal.SIGKILL)
        self.stop()


@contextmanager
def start_own_server(name: str) -> Iterator[Server]:
    """Start a server for one test or module, to stop and start; it and its folder go in the end.
    `name`: tells it from others of this process."""
    shared = start_shared_server()
    programs = find_programs()
    assert programs is not None
    own = Server(programs, Path(f"{shared}-{name}-{os.getpid()}"))
    own.start()
    yield own
    own.stop()
    for path in own.folder.parent.glob(f"{own.folder.name}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


# The keeper, a process of its own


def keep(programs: Path, folder: Path, remove: bool) -> None:
    """Run a server until nobody holds the lock of its folder."""
    account = choose_account()
    if not folder.exists():
        make_cluster(programs, folder, account)
    command = [f"{programs}/postgres", "-D", f"{folder}/data", "-k", str(folder)]
    for setting in SETTINGS:
        command += ["-c", setting]
    with open(f"{folder}/log", "ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, **account)
    try:
        wait_until_ready(programs, folder, server)
        (folder / "is_ready").touch()
        with open(f"{folder}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
    finally:
        (folder / "is_ready").unlink(missing_ok=True)
        server.send_signal(signal.SIGQUIT if remove else signal.SIGINT)
        server.wait()
        if remove:
            shutil.rmtree(folder)
            for ending in ("lock", "start"):
                Path(f"{folder}.{ending}").unlink(missing_ok=True)


def choose_account() -> dict[str, object]:
    """Return who runs the server, in words of Popen: nobody else, unless this is root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in ACCOUNTS if name in known)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def make_cluster(programs: Path, folder: Path, account: dict[str, object]) -> None:
    """Make the files of a server."""
    folder.mkdir(mode=0o700)
    if account:
        os.chown(folder, account["user"], account["group"])  # type: ignore[arg-type]
    command = [f"{programs}/initdb", "-D", f"{folder}/data", "-U", USER, "--no-sync"]
    command += ["-E", "UTF8", "--locale", "C", "-A", "trust"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **account)  # type: ignore[call-overload]


def wait_until_ready(programs: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    """Return when it accepts connections."""
    command = [f"{programs}/pg_isready", "-q", "-h", str(folder), "-d", DATABASE]
    while subprocess.run(command, check=False).returncode != 0:
        if server.poll() is not None:
            raise SystemExit(f"PostgreSQL ended: {Path(f'{folder}/log').read_text()}")
        time.sleep(0.02)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "remove")
