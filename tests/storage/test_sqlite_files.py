"""SQLite database files: made once, refused untouched when they are not ours, left as one file."""

from __future__ import annotations

import ast
import gc
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import cast

import apsw
import pytest

from kinto_lite.errors import ConfigurationError
from kinto_lite.permissions.tree import KINDS, TREE
from kinto_lite.storage.base import StorageOptions, UnusableFile
from kinto_lite.storage.engines import open_storage
from kinto_lite.storage.named_queries import parse_queries
from kinto_lite.storage.sqlite import engine, migrations
from kinto_lite.storage.sqlite.connection import APPLICATION_ID
from kinto_lite.storage.sqlite.engine import SqliteStorage
from tests.storage.conftest import StorageOpener
from tests.storage.test_transactions import other_writer_process
from tests.storage.trees import RECORDS, Tree

OPTIONS = StorageOptions(KINDS, TREE, busy_timeout_seconds=5)
PACKAGE = resources.files("kinto_lite.storage.sqlite")
SQL_FILES = sorted(item.name for item in PACKAGE.iterdir() if item.name.endswith(".sql"))

#: Tries to open a database as a user whom the rights of files bind, and says how that ends.
OPENER = """
import os, sys
from tests.storage.test_sqlite_files import OPTIONS
from kinto_lite.storage.sqlite.engine import open_sqlite
from kinto_lite.storage.base import UnusableFile
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    open_sqlite(sys.argv[1], OPTIONS).close()
except UnusableFile as error:
    print(error)
"""


def url_of(path: Path) -> str:
    """The URL of a file."""
    return f"sqlite:///{path}"


def read_folder(folder: Path) -> dict[str, str]:
    """A digest of each file of a folder, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def refuse(path: Path) -> str:
    """Try to open a file that has to be refused untouched; return the message."""
    before = read_folder(path.parent)
    with pytest.raises(UnusableFile) as caught:
        open_storage(url_of(path), OPTIONS)
    assert read_folder(path.parent) == before
    assert apsw.connections() == []
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def make_foreign(path: Path, *statements: str) -> None:
    """Make a database of another program."""
    connection = apsw.Connection(str(path))
    for statement in ("CREATE TABLE notes (text)", *statements):
        connection.execute(statement)
    connection.close()


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A closed database of this program with some records."""
    path = tmp_path / "ours.db"
    storage = open_storage(url_of(path), OPTIONS)
    tree = Tree(storage)
    tree.put_parents()
    tree.put_records(50)
    storage.close()
    return path


@pytest.fixture
def connection(reopen: StorageOpener, tmp_path: Path) -> apsw.Connection:
    """The engine's own connection to a new file."""
    return cast(SqliteStorage, reopen(url_of(tmp_path / "test.db"))).connection()


# Opening


def test_new_file_is_marked_as_ours(connection: apsw.Connection) -> None:
    assert connection.pragma("application_id") == APPLICATION_ID
    assert connection.pragma("user_version") == len(migrations.list_migrations())


def test_migrations_are_numbered_without_gap() -> None:
    folder = resources.files(migrations)
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_migrations_run_once(ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ours.read_bytes()
    steps = ["SELECT no_such_function()"] * len(migrations.list_migrations())
    monkeypatch.setattr(migrations, "list_migrations", lambda: steps)
    open_storage(url_of(ours), OPTIONS).close()
    assert ours.read_bytes() == before


def test_new_migration_runs_on_an_old_file(ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [*migrations.list_migrations(), "CREATE TABLE later (x INTEGER) STRICT"]
    monkeypatch.setattr(migrations, "list_migrations", lambda: steps)
    monkeypatch.setattr(engine, "list_migrations", lambda: steps)
    storage = cast(SqliteStorage, open_storage(url_of(ours), OPTIONS))
    assert storage.connection().pragma("user_version") == len(steps)
    assert list(storage.connection().execute("SELECT * FROM later")) == []
    assert Tree(storage).find_list(RECORDS).live_count == 50
    storage.close()


def test_failed_migration_leaves_the_file_as_it_was(
    ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = migrations.list_migrations()
    steps = [*first, "CREATE TABLE later (x); DELETE FROM object", "SELECT no_such_function()"]
    monkeypatch.setattr(migrations, "list_migrations", lambda: steps)
    with pytest.raises(UnusableFile, match="no_such_function"):
        open_storage(url_of(ours), OPTIONS)
    monkeypatch.undo()
    storage = open_storage(url_of(ours), OPTIONS)
    assert Tree(storage).find_list(RECORDS).live_count == 50
    storage.close()


def test_empty_file_is_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    open_storage(url_of(path), OPTIONS).close()
    assert path.stat().st_size > 0


def test_path_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_storage("sqlite:///a b?c#d%20.db", OPTIONS).close()
    assert sorted(os.listdir(tmp_path)) == ["a b?c#d%20.db"]


def test_unknown_scheme_is_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match="sqlite"):
        open_storage("oracle://db", OPTIONS)


# Refusing


def test_newer_file_is_refused_untouched(ours: Path) -> None:
    connection = apsw.Connection(str(ours))
    connection.pragma("user_version", 900)
    connection.close()
    assert "newer" in refuse(ours)


def test_newer_file_whose_version_is_still_in_the_log_is_refused(
    ours: Path, tmp_path: Path
) -> None:
    connection = apsw.Connection(str(ours))
    connection.pragma("user_version", 900)
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{ours}{suffix}", crashed)
    connection.close()
    before = read_folder(crashed)
    with pytest.raises(UnusableFile, match="newer"):
        open_storage(url_of(crashed / "ours.db"), OPTIONS)
    after = read_folder(crashed)
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    "statements",
    [
        ["PRAGMA application_id = 1234"],
        [],
        ["PRAGMA user_version = 1"],
        ["PRAGMA user_version = 900"],
        ["PRAGMA journal_mode = wal"],
        ["DROP TABLE notes", "PRAGMA user_version = 3"],
    ],
)
def test_database_of_another_program_is_refused_untouched(
    tmp_path: Path, statements: list[str]
) -> None:
    path = tmp_path / "notes.db"
    make_foreign(path, *statements)
    assert "another program" in refuse(path)


@pytest.mark.parametrize("content", [b"{}", b"SQLite format 3\x00", b"\x00" * 5000])
def test_file_that_is_no_database_is_refused_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.db"
    path.write_bytes(content)
    assert "not a database" in refuse(path)


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.1, 0.5, 0.9])
def test_truncated_file_is_refused_untouched(ours: Path, share: float) -> None:
    os.truncate(ours, max(1, int(ours.stat().st_size * share)))
    assert "restore a backup" in refuse(ours)


def test_file_with_a_damaged_schema_is_refused_untouched(ours: Path) -> None:
    content = bytearray(ours.read_bytes())
    content[100:4000] = b"\xff" * 3900
    ours.write_bytes(content)
    assert "restore a backup" in refuse(ours)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="does not exist"):
        open_storage(url_of(tmp_path / "missing" / "test.db"), OPTIONS)


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="is a folder"):
        open_storage(url_of(tmp_path), OPTIONS)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach; that of pytest is closed to others than its owner."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o700)


def open_as_plain_user(path: Path, root: Path) -> str:
    """Open a database as a user whom rights bind; return the refusal, "" if there is none."""
    command = [sys.executable, "-c", OPENER, url_of(path)]
    finished = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return finished.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights of folders and files")
def test_read_only_folder_is_refused(open_folder: Path, root: Path) -> None:
    open_folder.chmod(0o555)
    assert "not writable" in open_as_plain_user(open_folder / "test.db", root)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights of folders and files")
def test_read_only_file_is_refused_untouched(ours: Path, open_folder: Path, root: Path) -> None:
    path = open_folder / "test.db"
    shutil.copy(ours, path)
    path.chmod(0o444)
    open_folder.chmod(0o777)
    before = read_folder(open_folder)
    assert "not writable" in open_as_plain_user(path, root)
    assert read_folder(open_folder) == before


# Closing


def test_one_file_remains_after_closing(ours: Path) -> None:
    assert os.listdir(ours.parent) == ["ours.db"]


def test_one_file_remains_after_many_threads_worked(tmp_path: Path) -> None:
    storage = open_storage(url_of(tmp_path / "test.db"), OPTIONS)
    tree = Tree(storage)
    tree.put_parents()
    threads = [threading.Thread(target=tree.find_list, args=(RECORDS,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    storage.close()
    assert os.listdir(tmp_path) == ["test.db"]
    assert apsw.connections() == []


def test_connection_of_a_thread_ends_with_it(reopen: StorageOpener, tmp_path: Path) -> None:
    tree = Tree(reopen(url_of(tmp_path / "test.db")))
    tree.put_parents()
    for _ in range(5):
        thread = threading.Thread(target=tree.find_list, args=(RECORDS,))
        thread.start()
        thread.join()
    # A connection and what it remembers refer to each other.
    gc.collect()
    assert len(apsw.connections()) == 1


# What is inside


def test_every_table_is_strict(connection: apsw.Connection) -> None:
    rows = list(connection.execute("PRAGMA table_list"))
    tables = {name: strict for _, name, kind, _, _, strict in rows if kind == "table"}
    ours = {name: strict for name, strict in tables.items() if not name.startswith("sqlite_")}
    assert "object" in ours
    assert [name for name, strict in ours.items() if not strict] == []


def test_every_foreign_key_can_be_followed_back_by_an_index(connection: apsw.Connection) -> None:
    """Else each deletion of a parent would look through the whole child table."""
    cascading = [
        (table, column)
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        for _, _, _, column, _, _, action, _ in connection.execute(
            f"PRAGMA foreign_key_list({table})"
        )
        if action == "CASCADE"
    ]
    assert len(cascading) >= 4
    for table, column in cascading:
        plan = f"EXPLAIN QUERY PLAN SELECT 1 FROM {table} WHERE {column} = 1"  # noqa: S608
        ((*_, detail),) = connection.execute(plan)
        assert detail.startswith("SEARCH"), (table, column, detail)


SETTINGS = {
    "foreign_keys": 1,
    "journal_mode": "wal",
    "synchronous": 2,
    "trusted_schema": 0,
    "cell_size_check": 1,
}


@pytest.mark.parametrize(("name", "value"), SETTINGS.items())
def test_every_connection_is_prepared(
    reopen: StorageOpener, tmp_path: Path, name: str, value: object
) -> None:
    storage = cast(SqliteStorage, reopen(url_of(tmp_path / "test.db")))
    found = [storage.connection().pragma(name)]
    thread = threading.Thread(target=lambda: found.append(storage.connection().pragma(name)))
    thread.start()
    thread.join()
    assert found == [value, value]


# The texts of the queries


def read_sql(name: str) -> str:
    """The text of one of the engine's .sql files."""
    return PACKAGE.joinpath(name).read_text("utf-8")


def find_literals() -> set[str]:
    """All texts that the code of the engine holds."""
    modules = [item for item in PACKAGE.iterdir() if item.name.endswith(".py")]
    return {
        node.value
        for module in modules
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("name", SQL_FILES)
def test_every_query_is_used_by_the_code(name: str) -> None:
    used = find_literals()
    assert [query for query, _ in parse_queries(read_sql(name)) if query not in used] == []


@pytest.mark.parametrize("name", SQL_FILES)
def test_every_query_is_described_by_a_sentence(name: str) -> None:
    descriptions = re.findall(r"^-- name: (\w+)\n((?:-- .*\n)*)", read_sql(name), re.MULTILINE)
    assert len(descriptions) == len(parse_queries(read_sql(name)))
    is_sentence = re.compile(r"-- [A-Z].*\.\n", re.DOTALL).match
    assert [query for query, text in descriptions if not is_sentence(text)] == []


def test_storage_that_cannot_be_written_to_in_time_is_not_healthy(
    reopen: StorageOpener, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    storage = reopen(url, busy_timeout_seconds=0.2)
    with other_writer_process(url):
        assert storage.is_healthy() is False
