"""`fetch-admin`: what it takes, what it refuses, what it leaves behind."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from pathlib import Path
from unittest.mock import Mock

import pytest

from kinto_lite.cli import main
from kinto_lite.commands import console_package
from kinto_lite.commands.console_package import PREFIX, WHEEL_NAME, read_console
from kinto_lite.errors import ConfigurationError

CONSOLE = {"index.html": "<p>", "VERSION": "1.2.3", "assets/a.js": "a()"}


def pack(files: dict[str, str]) -> bytes:
    """Return a package with these files in the folder of the console, and one beside it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("kinto/plugins/admin/views.py", "x = 1")
        for name, content in files.items():
            archive.writestr(PREFIX + name, content)
    return packed.getvalue()


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package, taken for the known one; the test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    content = pack(CONSOLE)
    monkeypatch.setattr(console_package, "WHEEL_SHA256", hashlib.sha256(content).hexdigest())
    path = tmp_path / WHEEL_NAME
    path.write_bytes(content)
    return path


def list_files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def test_the_console_lands_beside_the_database(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch-admin", "--wheel", str(wheel), "--db", "data/my.db"]) == 0
    folder = tmp_path / "data" / "kinto-lite-admin"
    assert list_files(folder) == CONSOLE
    told = capsys.readouterr().out
    assert f"The admin console 1.2.3 is in {folder}" in told
    assert "it is found without that line" in told
    assert f"    kinto.admin_assets_path = {folder}" in told


def test_the_console_lands_in_a_named_folder(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch-admin", "--wheel", str(wheel), "--to", "a/b"]) == 0
    assert list_files(tmp_path / "a" / "b") == CONSOLE
    assert "it is found" not in capsys.readouterr().out


def test_another_console_replaces_the_whole_folder(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kinto-lite-admin"
    folder.mkdir()
    for name in ("index.html", "VERSION", "old.js"):
        (folder / name).write_text("old")
    assert main(["fetch-admin", "--wheel", str(wheel)]) == 0
    assert list_files(folder) == CONSOLE
    assert {path.name for path in tmp_path.iterdir()} == {"kinto-lite-admin", WHEEL_NAME}


def test_a_folder_with_something_else_is_left_alone(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("Dear")
    assert main(["fetch-admin", "--wheel", str(wheel), "--to", "letters"]) == 1
    assert list_files(tmp_path / "letters") == {"a.txt": "Dear"}
    assert "holds something else" in capsys.readouterr().err


def test_an_unknown_package_is_refused(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel.write_bytes(pack({**CONSOLE, "more.js": ""}))
    assert main(["fetch-admin", "--wheel", str(wheel)]) == 1
    assert "Nothing was stored" in capsys.readouterr().err
    assert not (tmp_path / "kinto-lite-admin").exists()


def test_a_package_that_is_not_there_is_one_line(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch-admin", "--wheel", "missing.whl"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    "name", ["../x", "a/../x", "/x", "a//x", "a\\x", "..", ".hidden", "a/.x", "a b", "c:x", "ä"]
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        list(read_console(pack({name: "x"})))


def test_too_much_content_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_package, "MAX_CONSOLE_BYTES", 10)
    with pytest.raises(ConfigurationError):
        list(read_console(pack(CONSOLE)))


def test_what_is_no_archive_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        list(read_console(b"PK nothing"))


@pytest.mark.parametrize(
    "outcome", [Mock(returncode=1), subprocess.TimeoutExpired("pip", 1)], ids=["fails", "hangs"]
)
def test_without_the_network_the_way_around_is_told(
    outcome: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(subprocess, "run", Mock(side_effect=[outcome]))
    assert main(["fetch-admin", "--to", "/nonexistent/console"]) == 1
    assert "kinto-lite fetch-admin --wheel" in capsys.readouterr().err
