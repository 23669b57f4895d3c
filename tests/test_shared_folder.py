"""The folder that the processes of one server share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kinto_lite import shared_folder


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let folders lie where the test can see them."""
    monkeypatch.setattr(shared_folder, "_MEMORY", tmp_path)
    monkeypatch.setenv("KINTO_LITE_SHARED_FOLDER", "")


def test_it_is_made_when_somebody_needs_it(tmp_path: Path) -> None:
    shared_folder.name_folder()
    assert list(tmp_path.iterdir()) == []
    folder = shared_folder.find_folder()
    assert list(tmp_path.iterdir()) == [folder]
    assert folder is not None
    assert folder.stat().st_mode & 0o777 == 0o700


def test_it_keeps_its_name_until_it_is_removed(tmp_path: Path) -> None:
    shared_folder.name_folder()
    folder = shared_folder.find_folder()
    shared_folder.name_folder()
    assert shared_folder.find_folder() == folder
    shared_folder.remove_folder()
    assert list(tmp_path.iterdir()) == []


def test_other_processes_do_not_remove_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / f"kinto-lite-{os.getppid()}-x"
    folder.mkdir()
    monkeypatch.setenv("KINTO_LITE_SHARED_FOLDER", str(folder))
    shared_folder.remove_folder()
    assert folder.exists()


def test_outside_of_a_server_there_is_none() -> None:
    assert shared_folder.find_folder() is None


def test_what_a_killed_server_left_behind_is_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (f"kinto-lite-{dead.pid}-x", f"kinto-lite-{os.getppid()}-x", "other-1-x"):
        (tmp_path / name).mkdir()
    shared_folder.name_folder()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"kinto-lite-{os.getppid()}-x", "other-1-x"}
