"""What the command line adds to the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinto_lite.defaults import collect_settings
from kinto_lite.ini import Ini


def test_on_loopback_anybody_may_sign_in() -> None:
    assert collect_settings(None, None, is_loopback=True)["multiauth.policies"] == (
        "account basicauth"
    )


def test_on_other_addresses_only_accounts_sign_in_which_nobody_can_make() -> None:
    settings = collect_settings(None, None, is_loopback=False)
    assert settings["multiauth.policies"] == "account"
    assert "account_create_principals" not in settings


def test_without_arguments_the_database_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = collect_settings(None, None, is_loopback=True)
    assert settings["storage_url"] == f"sqlite:///{tmp_path}/kinto-lite.db"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"storage_url": ""},
        {"storage_backend": "kinto.core.storage.memory"},
        {"kinto.storage_backend": "kinto.core.storage.memory", "kinto.storage_url": "x"},
    ],
)
def test_a_file_without_a_lasting_storage_gets_a_database_beside_it(
    given: dict[str, str], tmp_path: Path
) -> None:
    settings = collect_settings(Ini(tmp_path / "kinto.ini", given), None, is_loopback=True)
    assert settings == {
        "storage_url": f"sqlite:///{tmp_path}/kinto-lite.db",
        "here": str(tmp_path),
    }


def test_the_storage_of_a_file_stays(tmp_path: Path) -> None:
    given = {"kinto.storage_url": "sqlite:///mine.db"}
    settings = collect_settings(Ini(tmp_path / "kinto.ini", given), None, is_loopback=True)
    assert settings == given | {"here": str(tmp_path)}


def test_a_database_on_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    ini = Ini(tmp_path / "kinto.ini", {"kinto.storage_url": "sqlite:///mine.db"})
    settings = collect_settings(ini, tmp_path / "yours.db", is_loopback=True)
    assert settings["storage_url"] == f"sqlite:///{tmp_path}/yours.db"
    assert "kinto.storage_url" not in settings


def test_a_file_is_taken_as_it_is_on_every_address(tmp_path: Path) -> None:
    ini = Ini(tmp_path / "kinto.ini", {"storage_url": "sqlite:///mine.db"})
    assert "multiauth.policies" not in collect_settings(ini, None, is_loopback=True)


def test_a_console_beside_the_database_is_on_without_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "kinto-lite-admin"
    folder.mkdir()
    before = collect_settings(None, tmp_path / "my.db", is_loopback=False)
    (folder / "index.html").touch()
    settings = collect_settings(None, tmp_path / "my.db", is_loopback=False)
    assert "kinto.plugins.admin" not in before["includes"].split()
    assert "kinto.plugins.admin" in settings["includes"].split()
    assert settings["admin_assets_path"] == str(folder)


def test_a_console_beside_the_database_is_off_unless_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "kinto-lite-admin").mkdir()
    (tmp_path / "kinto-lite-admin" / "index.html").touch()
    settings = collect_settings(Ini(tmp_path / "kinto.ini", {}), None, is_loopback=True)
    assert "admin_assets_path" not in settings
