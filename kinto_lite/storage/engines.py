"""Picks the storage engine by the scheme of `storage_url`; an engine is imported only when it
is chosen, so that nobody needs the driver of another one."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import cast

from kinto_lite.errors import ConfigurationError
from kinto_lite.storage.base import Storage, StorageOptions
from kinto_lite.storage.moving import Mover

#: URL scheme: (module, function that opens it).
_POSTGRES = ("kinto_lite.storage.postgres.engine", "open_postgres")
_ENGINES = {
    "sqlite": ("kinto_lite.storage.sqlite.engine", "open_sqlite"),
    "postgresql": _POSTGRES,
    "postgres": _POSTGRES,
}
#: Libraries that are extras, and what to install for them.
_EXTRAS = {"psycopg": "postgresql"}

#: URL scheme: module with the functions of `storage.moving.Mover`.
_MOVERS = {
    "sqlite": "kinto_lite.storage.sqlite.moving",
    "postgresql": "kinto_lite.storage.postgres.moving",
    "postgres": "kinto_lite.storage.postgres.moving",
}


def open_storage(url: str, options: StorageOptions) -> Storage:
    """Open the database that a URL names.

    Errors: ConfigurationError for a scheme nobody serves, or whose library is not installed;
    UnusableFile, Unavailable.
    """
    module, function = find_engine(url)
    storage: Storage = getattr(_import(module), function)(url, options)
    return storage


def list_pending_steps(url: str, options: StorageOptions) -> list[str]:
    """Return the names of the migrations that opening a database would run; nothing is changed.

    Errors: as `open_storage`.
    """
    module, _ = find_engine(url)
    steps: list[str] = _import(module).list_pending_steps(url, options)
    return steps


def list_schemes() -> list[str]:
    """Return how a `storage_url` may begin."""
    return list(_ENGINES)


def find_engine(url: str) -> tuple[str, str]:
    """Return the module of an engine and its opening function. Errors: ConfigurationError."""
    scheme = url.partition(":")[0]
    if scheme not in _ENGINES:
        raise ConfigurationError(
            f"Setting 'storage_url' begins with {scheme!r}: it must begin with "
            "sqlite or postgresql, such as sqlite:///kinto-lite.db."
        )
    return _ENGINES[scheme]


def find_mover(url: str) -> Mover:
    """Return what moves everything in and out of databases with URLs like this.

    Errors: ConfigurationError for a scheme nobody serves, or whose library is not installed.
    """
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _MOVERS:
        raise ConfigurationError(
            f"{url.rpartition('@')[2][:200]!r} is not the URL of a database: it must begin with "
            "sqlite:// or postgresql://, as sqlite:///kinto-lite.db does."
        )
    # A module has functions where the protocol has methods.
    return cast(Mover, _import(_MOVERS[scheme]))


def _import(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "")
        if extra is None:
            raise
        raise ConfigurationError(
            f"{error.name} is not installed: pip install 'kinto-lite[{extra}]'."
        ) from error
