"""A real Kinto on a real PostgreSQL, both started for these tests only.

Kinto and psycopg2 live in an environment of their own beside ours, made the first time. Where
PostgreSQL or the package cannot be had, the tests that need them are skipped, or fail when `CI`
is set.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.benchmark.client import BenchmarkError
from scripts.benchmark.installation import find_postgresql
from scripts.benchmark.postgresql import Cluster

REFERENCE = "kinto[postgresql]==26.5.0"
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-kinto-postgresql"
#: A folder with the program `kinto` to use instead of an environment of our own.
VARIABLE = "KINTO_LITE_TEST_KINTO"
PATIENCE_SECONDS = 60

USER_SECRET = "some secret of 100% user ids"
BUCKET_SECRET = "another secret, of bucket ids"

INI = """\
[server:main]
use = egg:waitress
host = 127.0.0.1
port = %(http_port)s

[app:main]
use = egg:kinto
kinto.includes = kinto.plugins.default_bucket kinto.plugins.accounts kinto.plugins.history
kinto.storage_backend = kinto.core.storage.postgresql
kinto.storage_url = {url}
kinto.permission_backend = kinto.core.permission.postgresql
kinto.permission_url = {url}
kinto.cache_backend = kinto.core.cache.memory
kinto.userid_hmac_secret = {user_secret}
kinto.default_bucket_hmac_secret = {bucket_secret}
multiauth.policies = account basicauth
multiauth.policy.account.use = kinto.plugins.accounts.AccountsPolicy
kinto.account_create_principals = system.Everyone
kinto.account_write_principals = account:admin
kinto.account_read_principals = account:admin
kinto.experimental_permissions_endpoint = true
kinto.experimental_collection_schema_validation = true
{more}

[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARNING
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic
[formatter_generic]
format = %(message)s
"""


@dataclass(frozen=True)
class Kinto:
    """A running Kinto: its address with version, its ini file and the URL of its database."""

    url: str
    ini: Path
    database: str


def skip(reason: str) -> None:
    """End the test; where everything has to be there, as a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and CI is set")
    pytest.skip(reason)


def find_kinto() -> Path:
    """Return the folder of the program `kinto`; installs it the first time."""
    if given := os.environ.get(VARIABLE):
        return Path(given)
    (ROOT / ".cache").mkdir(exist_ok=True)
    with (ROOT / ".cache" / "kinto-postgresql.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = ENVIRONMENT / "installed"
        if not mark.exists() or mark.read_text() != REFERENCE:
            venv.create(ENVIRONMENT, with_pip=True, clear=True)
            python = str(ENVIRONMENT / "bin/python")
            command = [python, "-I", "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
            finished = subprocess.run([*command, REFERENCE], check=False, capture_output=True)
            if finished.returncode:
                skip(f"{REFERENCE}, which kinto-lite is compared with, cannot be installed")
            mark.write_text(REFERENCE)
    return ENVIRONMENT / "bin"


@contextmanager
def start_kinto(more: str = "") -> Iterator[Kinto]:
    """Start PostgreSQL and Kinto with these lines more in its ini file; stop both in the end."""
    try:
        programs = find_postgresql()
    except BenchmarkError:
        skip("the programs of PostgreSQL (initdb, postgres) are not installed")
    kinto = find_kinto()
    # PostgreSQL may run as another user, who has to reach its folder.
    folder = Path(tempfile.mkdtemp(prefix="kinto-lite-"))
    folder.chmod(0o711)
    cluster = Cluster(programs, folder / "pg")
    try:
        cluster.start()
        ini = folder / "kinto.ini"
        secrets = {"user_secret": USER_SECRET.replace("%", "%%"), "bucket_secret": BUCKET_SECRET}
        ini.write_text(INI.format(url=cluster.url, more=more, **secrets))
        with run_kinto(kinto, ini, cluster.url) as running:
            yield running
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def run_kinto(programs: Path, ini: Path, database: str) -> Iterator[Kinto]:
    """Prepare the database and start the server; it is killed in the end."""
    environ = {name: text for name, text in os.environ.items() if "KINTO" not in name}
    environ = {name: text for name, text in environ.items() if not name.startswith("PYTHON")}
    command = [str(programs / "kinto")]
    subprocess.run(
        [*command, "migrate", "--ini", str(ini)], env=environ, check=True, capture_output=True
    )
    port = find_port()
    with (ini.parent / "kinto.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "start", "--ini", str(ini), "--port", str(port)],
            env=environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}/v1"
        wait_for(url, process)
        yield Kinto(url, ini, database)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_SECONDS)


def find_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as wire:
        wire.bind(("127.0.0.1", 0))
        return int(wire.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return when a server answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "Kinto has ended by itself"
        try:
            urllib.request.urlopen(f"{url}/", timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError("Kinto does not start")


@contextmanager
def change_database(kinto: Kinto, change: str, undo: str) -> Iterator[None]:
    """Change rows of a Kinto, past its server and its triggers, and back in the end."""
    import psycopg

    with psycopg.connect(kinto.database, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(change.encode())
        try:
            yield
        finally:
            connection.execute(undo.encode())
