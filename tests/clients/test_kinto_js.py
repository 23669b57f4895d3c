"""The npm package `kinto`, offline-first client of the protocol: two devices sync and disagree.

`kinto_sync.cjs` plays one session in Node.js and prints what each step gave; the tests look at
one step each. Without Node.js they are skipped. The packages are installed once, below
`.cache/` of the project.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Any, NoReturn

import pytest

PACKAGES = ("kinto@17.1.1", "fake-indexeddb@6.2.8")
CACHE = Path(__file__).resolve().parents[2] / ".cache"
SCRIPT = Path(__file__).with_name("kinto_sync.cjs")
PATIENCE_SECONDS = 300

NOTHING: dict[str, Any] = {
    "ok": True,
    "created": 0,
    "updated": 0,
    "deleted": 0,
    "published": 0,
    "conflicts": 0,
    "resolved": 0,
    "skipped": 0,
    "errors": [],
}

Steps = dict[str, Any]


def give_up(reason: str) -> NoReturn:
    """Skip the tests; where nobody would notice (continuous integration), fail them."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def install_packages(npm: str) -> Path:
    """Return a folder with the packages; several test processes may do this at once."""
    folder = CACHE / ("npm-" + "-".join(PACKAGES).replace("@", "-"))
    if folder.exists():
        return folder
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]
        install = subprocess.run(
            [*command, scratch, *PACKAGES],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        if install.returncode:
            give_up(f"npm could not install {' '.join(PACKAGES)}: {install.stderr[-300:]}")
        rename_unless_there(Path(scratch), folder)
    return folder


def rename_unless_there(scratch: Path, folder: Path) -> None:
    """Put a finished installation in its place, unless another process was first."""
    finished = scratch.with_name(f"{folder.name}-{os.getpid()}")
    shutil.copytree(scratch, finished, symlinks=True)
    try:
        finished.rename(folder)
    except OSError:
        shutil.rmtree(finished)


@pytest.fixture(scope="module")
def steps(url: str) -> Steps:
    """What each step of the session gave."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        give_up("node and npm are not installed, so kinto.js cannot run")
    session = subprocess.run(
        [node, str(SCRIPT), str(install_packages(npm)), url, f"user:{uuid.uuid4()}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert session.returncode == 0, session.stderr
    gave: Steps = json.loads(session.stdout)
    return gave


def test_offline_tasks_are_published(steps: Steps) -> None:
    assert steps["publish"] == {**NOTHING, "published": 3}


def test_the_other_device_fetches_them(steps: Steps) -> None:
    assert steps["fetch"] == {**NOTHING, "created": 3}
    assert steps["copies"][0] == steps["copies"][1]
    assert [task["_status"] for task in steps["copies"][1]] == ["synced"] * 3


def test_a_second_sync_does_nothing(steps: Steps) -> None:
    assert steps["nothing"] == NOTHING


def test_the_first_of_two_changes_is_published(steps: Steps) -> None:
    assert steps["winner"] == {**NOTHING, "published": 1}


def test_the_second_change_is_a_conflict(steps: Steps) -> None:
    assert steps["conflict"] == {**NOTHING, "ok": False, "conflicts": 1}
    assert steps["sides"] == [["incoming", "done", "doing"]]


def test_a_conflict_resolved_by_hand_is_published(steps: Steps) -> None:
    assert steps["resolved"] == {**NOTHING, "published": 1}
    assert steps["told"] == {**NOTHING, "updated": 1}
    assert steps["agreed"][0] == steps["agreed"][1]
    assert steps["agreed"][0][0]["status"] == "both"


def test_the_server_wins_when_asked(steps: Steps) -> None:
    assert steps["server_wins"] == {**NOTHING, "resolved": 1}
    assert steps["server_status"] == ["laptop server"] * 2


def test_the_client_wins_when_asked(steps: Steps) -> None:
    assert steps["client_wins"] == {**NOTHING, "resolved": 1, "published": 1}
    assert steps["client_status"] == ["phone client"] * 2


def test_a_deletion_reaches_the_other_device(steps: Steps) -> None:
    assert steps["remove"] == {**NOTHING, "published": 1}
    assert steps["removed"] == {**NOTHING, "deleted": 1}
    assert steps["left"][0] == steps["left"][1]
    assert [task["title"] for task in steps["left"][0]] == ["a", "c"]


def test_deleting_what_another_device_changed_is_a_conflict(steps: Steps) -> None:
    assert steps["remove_changed"] == {**NOTHING, "ok": False, "conflicts": 1, "skipped": 1}
    assert steps["remove_sides"] == [["outgoing", "changed"]]


def test_more_tasks_than_a_batch_holds_are_published(steps: Steps) -> None:
    assert steps["many"] == {**NOTHING, "published": 60}


def test_a_new_device_fetches_all_that_is_left(steps: Steps) -> None:
    assert steps["many_fetched"] == {**NOTHING, "created": 62}
    assert steps["same_time"][0] == steps["same_time"][1]
