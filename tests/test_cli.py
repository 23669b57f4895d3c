"""The command line: what it prints, what it refuses, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kinto.plain_client import PlainClient
from tests.live import ROOT, Server, run_command, start_server

RECORDS = "/v1/buckets/default/collections/tasks/records"


def put_record(server: Server, name: str) -> int:
    """Store a record in the personal bucket; return the status."""
    client = PlainClient(server.url, "user", "password")
    return client.send("PUT", f"{RECORDS}/{name}", {"data": {"x": 1}}).status


def get_record(server: Server, name: str) -> int:
    """Ask for that record; return the status."""
    return PlainClient(server.url, "user", "password").send("GET", f"{RECORDS}/{name}").status


# --- the start -----------------------------------------------------------------------------


def test_the_start_prints_url_database_and_plugins_and_nothing_else(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        first, *others = server.lines
        assert first.endswith(f" at {server.url}/v1/")
        assert others == [
            f"Database: {tmp_path}/kinto-lite.db",
            "Plugins: accounts, default_bucket, history",
        ]
        assert put_record(server, "a") == 201
        server.stop()
        assert server.process.stdout is not None
        assert (server.process.stdout.read(), server.errors()) == ("", "")


def test_the_launcher_finds_the_package_beside_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "kinto_lite.py"), "version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == run_command(tmp_path, "version").stdout


def test_on_another_address_nobody_can_sign_in_and_the_start_says_how_to_go_on(
    tmp_path: Path,
) -> None:
    with start_server(tmp_path, "--host", "0.0.0.0") as server:
        assert put_record(server, "a") == 401
        assert server.process.stdout is not None
        assert "create-user" in server.process.stdout.readline()


def test_an_ini_file_without_storage_stores_beside_itself(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    ini = folder / "kinto.ini"
    ini.write_text("[app:main]\nkinto.storage_backend = kinto.core.storage.memory\n")
    with start_server(tmp_path, "--ini", str(ini)) as server:
        assert f"Database: {folder}/kinto-lite.db" in server.lines


def test_the_environment_may_name_the_ini_file(tmp_path: Path) -> None:
    ini = tmp_path / "kinto.ini"
    ini.write_text("[app:main]\nstorage_url = sqlite:///%(here)s/mine.db\n")
    with start_server(tmp_path, environ={"KINTO_INI": str(ini)}) as server:
        assert f"Database: {tmp_path}/mine.db" in server.lines


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    ini = tmp_path / "kinto.ini"
    ini.write_text("[app:main]\nstorage_url = sqlite:///mine.db\n")
    environ = {"KINTO_STORAGE_URL": "sqlite:///yours.db"}
    with start_server(tmp_path, "--ini", str(ini), environ=environ) as server:
        assert f"Database: {tmp_path}/yours.db" in server.lines


def test_a_flag_wins_over_the_environment(tmp_path: Path) -> None:
    environ = {"KINTO_STORAGE_URL": "sqlite:///yours.db"}
    with start_server(tmp_path, "--db", "flag.db", environ=environ) as server:
        assert f"Database: {tmp_path}/flag.db" in server.lines
        assert not (tmp_path / "yours.db").exists()


@pytest.mark.parametrize("missing", ["httptools", "uvloop"])
def test_without_what_has_no_wheel_it_runs_all_the_same(tmp_path: Path, missing: str) -> None:
    hiding = tmp_path / "hiding" / missing
    hiding.mkdir(parents=True)
    (hiding / "__init__.py").write_text("raise ImportError('no wheel')")
    environ = {"PYTHONPATH": os.pathsep.join([str(hiding.parent), str(ROOT)])}
    with start_server(tmp_path, environ=environ) as server:
        assert put_record(server, "a") == 201
        assert server.stop() == 0
    assert sorted(path.name for path in tmp_path.glob("*.db*")) == ["kinto-lite.db"]


# --- the end -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_leaves_one_file(tmp_path: Path, workers: str, number: int) -> None:
    with start_server(tmp_path, "--workers", workers) as server:
        assert put_record(server, "a") == 201
        assert server.stop(number) == 0
        assert server.errors() == ""
    assert [path.name for path in tmp_path.iterdir()] == ["kinto-lite.db"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_all_that_was_answered_survives_being_killed(tmp_path: Path, workers: str) -> None:
    names = [f"r{number}" for number in range(10)]
    with start_server(tmp_path, "--workers", workers) as server:
        assert [put_record(server, name) for name in names] == [201] * 10
        server.process.kill()
        server.process.wait()
        port = str(server.port)
    with start_server(tmp_path, "--workers", workers, "--port", port) as again:
        assert [get_record(again, name) for name in names] == [200] * 10


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with start_server(tmp_path, "--workers", "2") as server:
        assert put_record(server, "a") == 201
        for worker in children(server.process.pid):
            os.kill(worker, signal.SIGKILL)
        while "starting another" not in server.errors():
            assert server.process.poll() is None
        assert answers_at_last(server, "a")


def children(pid: int) -> list[int]:
    """The processes that this process started."""
    source = Path(f"/proc/{pid}/task/{pid}/children")
    if not source.exists():
        pytest.skip("this system does not list the children of a process")
    return [int(word) for word in source.read_text().split()]


def answers_at_last(server: Server, name: str) -> bool:
    """Ask until somebody answers; the runner's time limit bounds it."""
    while server.process.poll() is None:
        try:
            return get_record(server, name) == 200
        except OSError:
            continue
    return False


# --- refusals: one line, exit code 1, nothing harmed -----------------------------------------


def refused(folder: Path, *arguments: str) -> str:
    """Run a start that must fail; return the one line that it says."""
    done = run_command(folder, "--port", "0", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    return done.stderr.rstrip("\n")


def test_a_port_in_use_is_named_and_nothing_is_created(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refused(tmp_path, "--port", str(port))
    assert line == (
        f"Port {port} on 127.0.0.1 is in use: "
        "stop the other program or choose another port with --port."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_second_server_does_not_share_the_port_of_the_first(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        assert "is in use" in refused(tmp_path, "--port", str(server.port))


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    line = refused(tmp_path, "--db", "nowhere/kinto.db")
    assert f"{tmp_path}/nowhere" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert f"{tmp_path} is not writable" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_file_is_refused_and_not_changed(tmp_path: Path, content: bytes) -> None:
    database = tmp_path / "kinto-lite.db"
    database.write_bytes(content)
    assert str(database) in refused(tmp_path)
    assert database.read_bytes() == content
    assert list(tmp_path.iterdir()) == [database]


def test_a_file_of_a_newer_version_is_refused_and_not_changed(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        server.stop()
    database = tmp_path / "kinto-lite.db"
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    content = database.read_bytes()
    assert "newer" in refused(tmp_path)
    assert database.read_bytes() == content


def test_a_missing_ini_file_is_named(tmp_path: Path) -> None:
    assert "none.ini cannot be read" in refused(tmp_path, "--ini", "none.ini")


def test_a_setting_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "kinto.ini").write_text("[app:main]\npaginate_by = many\n")
    assert "'paginate_by'" in refused(tmp_path, "--ini", "kinto.ini")


@pytest.mark.parametrize("arguments", [("--port", "70000"), ("--workers", "0"), ("fly",)])
def test_what_is_no_option_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run_command(tmp_path, *arguments).returncode == 2


def test_help_names_every_option(tmp_path: Path) -> None:
    shown = run_command(tmp_path, "--help").stdout
    for option in ("--ini", "--host", "--port", "--db", "--workers", "--version"):
        assert option in shown


@pytest.mark.parametrize("arguments", [("version",), ("--version",)])
def test_the_version_is_printed(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    from kinto_lite.version import VERSION

    assert run_command(tmp_path, *arguments).stdout == f"{VERSION}\n"
