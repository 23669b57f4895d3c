"""`init`: the file that it writes, and what a server makes of it."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from kinto_lite.commands.example_ini import write_ini
from kinto_lite.ini import read_ini
from kinto_lite.settings import find_row, read_settings
from kinto_lite.settings_table import TABLE
from tests.kinto.plain_client import PlainClient
from tests.live import run_command, start_server

COMMENTED = re.compile(r"^# ((?:kinto|multiauth)\.[\w.-]+) = ?(.*)$", re.MULTILINE)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A file that was just made."""
    done = run_command(tmp_path, "init")
    path = tmp_path / "config" / "kinto.ini"
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"INFO   Created config {path}\n"
    return path


def test_the_file_is_for_its_owner_only(written: Path) -> None:
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_each_file_has_secrets_of_its_own(written: Path, tmp_path: Path) -> None:
    run_command(tmp_path, "init", "--ini", "other.ini")
    names = ("kinto.userid_hmac_secret", "kinto.default_bucket_hmac_secret")
    files = [read_ini(path, 1).settings for path in (written, tmp_path / "other.ini")]
    secrets = {file[name] for file in files for name in names}
    assert len(secrets) == 4
    assert all(re.fullmatch("[0-9a-f]{64}", secret) for secret in secrets)


def test_the_file_holds_what_kinto_s_own_does(written: Path) -> None:
    ini = read_ini(written, 9000)
    lines: list[str] = []
    settings = read_settings(ini.settings, warn=lines.append)
    assert (ini.host, ini.port, lines) == ("127.0.0.1", 9000, [])
    assert settings["multiauth.policies"] == ("account",)
    assert settings.principals("account", "create") == {"system.Everyone"}
    assert settings.principals("account", "write") == {"account:admin"}
    assert settings.principals("bucket", "create") == {"account:admin"}


def test_every_setting_stands_in_the_file_and_can_be_uncommented() -> None:
    text = write_ini("kinto.ini", "::1", {})
    shown = {name.removeprefix("kinto."): value for name, value in COMMENTED.findall(text)}
    assert len(shown) > 50
    lines: list[str] = []
    read_settings(shown, warn=lines.append)
    assert lines == []
    rows = {id(find_row(name)) for name in [*shown, *re.findall(r"(?m)^kinto\.(\S+) =", text)]}
    plain = [row for row in TABLE if row.is_used and "*" not in row.name]
    missing = [row.name for row in plain if id(row) not in rows]
    assert [name for name in missing if not name.startswith("multiauth")] == []


def test_the_file_starts_a_server_that_stores_in_sqlite_and_warns_of_nothing(
    written: Path, tmp_path: Path
) -> None:
    with start_server(tmp_path) as server:
        assert f"Database: {written.parent}/kinto-lite.db" in server.lines
        assert server.errors() == ""
        anybody = PlainClient(server.url)
        assert anybody.send("PUT", "/v1/accounts/bob", {"data": {"password": "p"}}).status == 201
        bob = PlainClient(server.url, "bob", "p")
        assert bob.send("PUT", "/v1/buckets/b").status == 403
        assert bob.send("PUT", "/v1/buckets/default/collections/c").status == 201


def test_options_choose_the_place_and_the_host(tmp_path: Path) -> None:
    done = run_command(tmp_path, "init", "--ini", "a/b/my.ini", "--host", "0.0.0.0")
    assert done.returncode == 0
    assert read_ini(tmp_path / "a" / "b" / "my.ini", 1).host == "0.0.0.0"


def test_the_environment_chooses_the_place(tmp_path: Path) -> None:
    assert run_command(tmp_path, "init", environ={"KINTO_INI": "env.ini"}).returncode == 0
    assert (tmp_path / "env.ini").exists()


def test_a_file_that_is_there_is_left_alone(written: Path, tmp_path: Path) -> None:
    content = written.read_bytes()
    done = run_command(tmp_path, "init")
    assert (done.returncode, done.stderr) == (1, "config/kinto.ini already exists.\n")
    assert written.read_bytes() == content


@pytest.mark.parametrize("option", ["--force", "--overwrite"])
def test_what_is_replaced_on_demand_is_kept_beside_it(
    written: Path, tmp_path: Path, option: str
) -> None:
    contents = [written.read_bytes()]
    for _ in range(2):
        done = run_command(tmp_path, "init", option)
        assert "The old file is now " in done.stderr
        contents.append(written.read_bytes())
    names = ("kinto.ini.old", "kinto.ini.old1", "kinto.ini")
    assert [(written.parent / name).read_bytes() for name in names] == contents


@pytest.mark.parametrize("backend", ["sqlite", "memory"])
@pytest.mark.parametrize("cache", ["memory", "postgresql", "memcached", "redis"])
def test_backends_that_kinto_knows_are_understood(tmp_path: Path, backend: str, cache: str) -> None:
    done = run_command(tmp_path, "init", "--backend", backend, "--cache-backend", cache)
    assert done.returncode == 0
    settings = read_ini(tmp_path / "config" / "kinto.ini", 1).settings
    assert settings["kinto.storage_url"] == f"sqlite:///{tmp_path}/config/kinto-lite.db"
    assert not any("cache_" in name for name in settings)


@pytest.mark.parametrize("option", ["--backend", "--cache-backend"])
def test_an_unknown_backend_is_refused_in_one_line(tmp_path: Path, option: str) -> None:
    done = run_command(tmp_path, "init", option, "clay-tablets")
    assert done.returncode == 1
    assert done.stderr.startswith("There is no ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["", "a\nb", "a\tb"])
def test_a_host_that_fits_on_no_line_is_refused(tmp_path: Path, host: str) -> None:
    done = run_command(tmp_path, "init", "--host", host)
    assert done.returncode == 1
    assert "is not a host" in done.stderr


@pytest.mark.parametrize("name", ["file/kinto.ini", "x" * 300 + ".ini"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    done = run_command(tmp_path, "init", "--ini", name)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{name} cannot be written: ")
    assert done.stderr.count("\n") == 1


def test_a_folder_is_no_file_to_replace(tmp_path: Path) -> None:
    (tmp_path / "kinto.ini").mkdir()
    done = run_command(tmp_path, "init", "--force", "--ini", "kinto.ini")
    assert (done.returncode, done.stderr) == (1, "kinto.ini already exists.\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = run_command(tmp_path, "init")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
