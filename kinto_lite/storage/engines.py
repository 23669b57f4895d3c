"""Picks the storage engine by the scheme of `storage_url`; an engine is imported only when it
is chosen, so that nobody needs the driver of another one."""

from __future__ import annotations

from importlib import import_module

from kinto_lite.errors import ConfigurationError
from kinto_lite.storage.base import Storage, StorageOptions

#: URL scheme: (module, function that opens it).
_ENGINES = {"sqlite": ("kinto_lite.storage.sqlite.engine", "open_sqlite")}


def open_storage(url: str, options: StorageOptions) -> Storage:
    """Open the database that a URL names.

    Errors: ConfigurationError for a scheme nobody serves; UnusableFile, Unavailable.
    """
    scheme = url.partition(":")[0]
    if scheme not in _ENGINES:
        raise ConfigurationError(
            f"Setting 'storage_url' begins with {scheme!r}: it must begin with "
            f"{' or '.join(_ENGINES)}, such as sqlite:///kinto-lite.db."
        )
    module, function = _ENGINES[scheme]
    storage: Storage = getattr(import_module(module), function)(url, options)
    return storage
