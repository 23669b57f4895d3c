"""Backups of a database file: a copy page by page while others write, and the way back.

The pages are read within one read transaction, so that the copy is one moment of the database
and never has to begin again; the log of the database grows until the copy is done.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw

from kinto_lite.storage.base import UnusableFile
from kinto_lite.storage.moving import Refused
from kinto_lite.storage.parts import make_part, publish
from kinto_lite.storage.sqlite.checks import list_faults
from kinto_lite.storage.sqlite.errors import translate
from kinto_lite.storage.sqlite.files import replace_database
from kinto_lite.storage.sqlite.snapshot import find_path, open_existing

#: Pages that are copied between two looks at the progress.
STEP_PAGES = 1000

#: Is told how many pages were copied, of how many.
Watcher = Callable[[int, int], None]


def backup_database(url: str, path: Path, watch: Watcher) -> None:
    """Copy a database, beside a running server, to a file that is checked, synced, and gets its
    name in the end. An older backup of this name is replaced.

    Errors: Refused, StorageError, OSError; then there is no new file.
    """
    source = find_path(url)
    path = path.resolve()
    if path == source.resolve() or (path.exists() and not path.is_file()):
        raise Refused(f"{path} cannot be replaced by a backup: use another path.")
    with make_part(path) as part:
        with open_existing(source) as connection:
            _copy_pages(connection, part, watch)
        _verify(part, source)
        publish(part, path)


def restore_database(path: Path, url: str, force: bool, watch: Watcher) -> None:
    """Put a backup in the place of a database that nobody uses.

    Errors: Refused, StorageError, OSError; then the database is as it was.
    """
    target = find_path(url)
    if path.resolve() == target.resolve():
        raise Refused(f"{path} is the database itself.")
    with open_existing(path.absolute()) as connection, replace_database(target, force) as part:
        _copy_pages(connection, part, watch)
        _verify(part, path)


def _copy_pages(connection: apsw.Connection, part: Path, watch: Watcher) -> None:
    with closing(apsw.Connection(str(part))) as copy:
        # Nothing of the copy counts before it is complete.
        copy.pragma("journal_mode", "off")
        copy.pragma("synchronous", "off")
        connection.execute("BEGIN")
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
        with copy.backup("main", connection, "main") as backup:
            while not backup.done:
                backup.step(STEP_PAGES)
                watch(backup.page_count - backup.remaining, backup.page_count)
        # One file that needs no log beside it, wherever it is taken.
        copy.pragma("journal_mode", "delete")


def _verify(part: Path, source: Path) -> None:
    """Refuse a copy that is not sound. Errors: UnusableFile."""
    try:
        with closing(apsw.Connection(str(part), flags=apsw.SQLITE_OPEN_READONLY)) as copy:
            faults = [fault.text for fault in list_faults(copy) if not fault.can_repair]
    except apsw.Error as error:
        raise translate(error) from error
    if faults:
        raise UnusableFile(f"The copy of {source} is not sound: {'; '.join(faults)[:1000]}.")
