"""Numbered steps that bring a file to the schema of this program, run at start in one
transaction. `PRAGMA user_version` holds the number of the last one."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw

from kinto_lite.storage.base import UnusableFile
from kinto_lite.storage.named_queries import find_folder
from kinto_lite.storage.sqlite.connection import APPLICATION_ID, check_version


def list_migrations() -> list[str]:
    """Return the texts of all steps, in order; step n brings a file to version n + 1."""
    folder = find_folder(__package__)
    return [folder.joinpath(name).read_text("utf-8") for name in list_names()]


def list_names() -> list[str]:
    """Return the names of the files of all steps, in order."""
    return sorted(file.name for file in find_folder(__package__).glob("*.sql"))


def list_pending(file: Path) -> list[str]:
    """Return the names of the steps that a file has not seen, which may not be there yet.

    Errors: apsw.Error, untranslated.
    """
    if not file.exists() or not file.stat().st_size:
        return list_names()
    # Read only: closing the last writable connection would move the log into the file.
    with closing(apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return list_names()[_version(connection) :]


def migrate(connection: apsw.Connection, path: str) -> None:
    """Run the steps that this file has not seen, all or none.

    Errors: UnusableFile when the file is newer than this program.
    """
    steps = list_migrations()
    if _version(connection) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        check_version(path, version, len(steps))
        _check_is_ours(connection, path, version)
        for step in steps[version:]:
            connection.execute(step)
        connection.pragma("user_version", len(steps))
        connection.pragma("application_id", APPLICATION_ID)
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check_is_ours(connection: apsw.Connection, path: str, version: int) -> None:
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema")
    if version == 0 and tables:
        raise UnusableFile(f"{path} is a database of another program: use another path.")


def _version(connection: apsw.Connection) -> int:
    return int(connection.pragma("user_version"))
