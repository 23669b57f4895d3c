"""Opens the database that the settings of a command name, beside a running server or without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from kinto_lite.errors import ConfigurationError
from kinto_lite.settings import Settings
from kinto_lite.storage.base import Storage, StorageOptions


class Target(NamedTuple):
    """A database, not opened yet."""

    settings: Settings
    url: str
    options: StorageOptions

    @property
    def file(self) -> Path | None:
        """The file, if it is one."""
        if not self.url.startswith("sqlite:"):
            return None
        from kinto_lite.storage.sqlite.engine import find_file

        return find_file(self.url)

    @property
    def name(self) -> str:
        """What to call it: the file, or the engine."""
        return str(self.file or self.url.partition(":")[0])


def read_target(given: Mapping[str, str]) -> Target:
    """Return the database that settings name. Commands may search it as long as it takes.

    Errors: ConfigurationError.
    """
    from kinto_lite.assembly import choose_storage_url, read_setup, storage_options

    settings, plugins = read_setup(given)
    options = storage_options(settings, plugins)
    return Target(settings, choose_storage_url(settings), options._replace(read_timeout_seconds=0))


@contextmanager
def open_existing(target: Target) -> Iterator[Storage]:
    """Open a database that has to be there already, and close it in the end.

    Errors: ConfigurationError when it is not there; StorageError.
    """
    from kinto_lite.storage.engines import open_storage

    if target.file is not None and not target.file.exists():
        raise ConfigurationError(
            f"There is no database {target.file}: name it with --db or in the file of --ini."
        )
    storage = open_storage(target.url, target.options)
    try:
        yield storage
    finally:
        storage.close()
