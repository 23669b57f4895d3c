"""`restore`: puts a backup in the place of a database that no server uses."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from kinto_lite.commands.backup import find_sqlite_url, watch_pages
from kinto_lite.commands.moved import finish
from kinto_lite.commands.progress import Progress


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `restore`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a backup")
    parser.add_argument(
        "--force",
        action="store_true",
        help="also when the database has objects, which are lost, or is damaged; never while a "
        "server uses it",
    )


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Restore a backup; return the exit code. The database is the checked backup, or as it was.

    Errors: ConfigurationError, StorageError.
    """
    url = find_sqlite_url(given)
    return finish(options, lambda: restore(options.file, url, options.force))


def restore(path: Path, url: str, force: bool) -> int:
    """Restore a backup and say so."""
    from kinto_lite.storage.sqlite.backups import restore_database

    with Progress("Copying pages") as bar:
        restore_database(path, url, force, watch_pages(bar))
    print(f"The database is what the backup {path} holds.")
    return 0
