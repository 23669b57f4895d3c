"""Databases that are moved: one with some of everything, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinto_lite import make_app
from kinto_lite.cli import main
from kinto_lite.storage.engines import find_mover
from kinto_lite.storage.moving import MovedRow
from tests import postgres_server
from tests.moving.mixed import SETTINGS, make_mixed

Runner = Callable[..., int]
#: A file of SQLite, or the URL of a database.
Database = Path | str
AppOpener = Callable[[Database], Any]


def sqlite_url(path: Database) -> str:
    """The URL of a file; a URL stays what it is."""
    return f"sqlite:///{path}" if isinstance(path, Path) else path


def at(database: Database) -> tuple[str, str]:
    """How the command line is told which database."""
    return "--set", f"storage_url={sqlite_url(database)}"


def read_rows(path: Database, bucket: str | None = None) -> list[MovedRow]:
    """Everything in a database, in a fixed order."""
    url = sqlite_url(path)
    with find_mover(url).open_snapshot(url) as snapshot:
        return sorted(snapshot.rows(bucket), key=repr)


def check(path: Database) -> list[str]:
    """What is wrong in a database."""
    url = sqlite_url(path)
    return [fault.text for fault in find_mover(url).find_faults(url, repair=False)]


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database with some of everything; nobody changes it."""
    path = tmp_path_factory.mktemp("mixed") / "original.db"
    app = make_app(SETTINGS | {"storage_url": sqlite_url(path)})
    make_mixed(app)
    app.storage.close()
    return path


@pytest.fixture
def mixed(original: Path, tmp_path: Path) -> Path:
    """A database with some of everything."""
    return Path(shutil.copy(original, tmp_path / "mixed.db"))


@pytest.fixture
def stored(mixed: Path, run: Runner) -> str:
    """The URL of the same in PostgreSQL."""
    url = postgres_server.make_url()
    assert run("copy", sqlite_url(mixed), url) == 0
    return url


@pytest.fixture
def empty() -> str:
    """The URL of a schema in PostgreSQL where nothing is."""
    return postgres_server.make_url()


@pytest.fixture
def dump(mixed: Path, tmp_path: Path, run: Runner) -> Path:
    """A dump of it."""
    path = tmp_path / "mixed.jsonl"
    assert run("dump", path, "--db", mixed) == 0
    return path


@pytest.fixture
def open_app(make_wsgi: Callable[[dict[str, Any]], Any]) -> AppOpener:
    """A function that opens an app on a database; it is closed after the test."""
    return lambda path: make_wsgi(SETTINGS | {"storage_url": sqlite_url(path)})


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A function that runs a command within this process and returns its exit code."""
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return lambda *arguments: main([str(argument) for argument in arguments])
