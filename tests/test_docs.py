"""The documents say what the code does: settings, rooms, libraries, version, first screen."""

from __future__ import annotations

import importlib
import re
import runpy
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock, patch

import pytest

from kinto_lite.version import VERSION


@pytest.fixture
def requirements(root: Path) -> set[str]:
    """The libraries that setup.py asks for."""
    setuptools = MagicMock()
    with patch.dict(sys.modules, {"setuptools": setuptools}):
        runpy.run_path(str(root / "setup.py"))
    wanted = setuptools.setup.call_args.kwargs["install_requires"]
    return {re.split(r"[<>=;\s]", line)[0] for line in wanted}


def test_page_of_settings_is_what_the_table_says(root: Path) -> None:
    command = [sys.executable, "scripts/write-settings-docs", "--check"]
    finished = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_code_map_names_every_room(root: Path) -> None:
    text = (root / "docs" / "architecture.md").read_text("utf-8")
    places = [
        path.name
        for path in (root / "kinto_lite").iterdir()
        if path.name[0] != "_" and (path.suffix == ".py" or path.is_dir())
    ]
    assert [name for name in places if f"`{name}" not in text] == []


def test_every_library_has_its_line(root: Path, requirements: set[str]) -> None:
    text = (root / "docs" / "dependencies.md").read_text("utf-8")
    described = set(re.findall(r"^\| `([\w-]+)`", text, re.MULTILINE))
    assert described == requirements


def test_changelog_has_this_version(root: Path) -> None:
    text = (root / "CHANGELOG.md").read_text("utf-8")
    assert f"## [{VERSION}]" in text


def test_first_screen_runs_the_server_and_stores_a_record(root: Path) -> None:
    first_screen = (root / "README.md").read_text("utf-8").splitlines()[:25]
    text = "\n".join(first_screen)
    for needed in ("scripts/serve", "scripts/test", "curl", '"last_modified":'):
        assert needed in text


def test_links_between_documents_lead_somewhere(root: Path) -> None:
    pages = [root / "README.md", root / "scripts" / "README.md", *(root / "docs").glob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_page_of_differences_has_every_row_of_the_comparison(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(root / "scripts"))
    table = importlib.import_module("compare.differences").DIFFERENCES
    page = (root / "docs" / "differences.md").read_text("utf-8")
    assert [row.title for row in table if f"| {row.title} |" not in page] == []


def test_page_of_differences_names_no_row_twice(root: Path) -> None:
    page = (root / "docs" / "differences.md").read_text("utf-8")
    titles = re.findall(r"^\| (.+?) \|", page, re.MULTILINE)
    rows = [title for title in titles if title not in ("Difference", "---")]
    assert len(rows) == len(set(rows)) > 30
