"""`backup`: a copy of an SQLite database, page by page, beside a running server."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from kinto_lite.commands.moved import find_url, finish
from kinto_lite.commands.progress import Progress
from kinto_lite.storage.moving import Refused


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `backup`."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="where to; an older one is replaced"
    )


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Make a backup; return the exit code. The file is there, checked and on disk, or as it was.

    Errors: ConfigurationError, StorageError.
    """
    url = find_sqlite_url(given)
    return finish(options, lambda: backup(url, options.file))


def find_sqlite_url(given: Mapping[str, str]) -> str:
    """Return the URL of the database. Errors: Refused when its engine keeps no file."""
    url = find_url(given)
    if not url.startswith("sqlite:"):
        raise Refused("This database is no file: use pg_dump and pg_restore, or dump and load.")
    return url


def backup(url: str, path: Path) -> int:
    """Make a backup and say where it is."""
    from kinto_lite.storage.sqlite.backups import backup_database

    with Progress("Copying pages") as bar:
        backup_database(url, path, watch_pages(bar))
    print(f"The backup {path} is complete, checked and on disk.")
    return 0


def watch_pages(bar: Progress) -> Callable[[int, int], None]:
    """Return what tells a bar how many pages are done."""

    def watch(done: int, total: int) -> None:
        bar.total = total
        bar.advance(done - bar.count)

    return watch
