"""Numbered steps that bring a database to the schema of this program, run at start in one
transaction, by one node at a time. `kinto_lite_schema_version` holds the number of the last one.
"""

from __future__ import annotations

from kinto_lite.storage.base import StorageOptions, UnusableFile
from kinto_lite.storage.moving import Refused
from kinto_lite.storage.named_queries import find_folder
from kinto_lite.storage.postgres.driver import Connection, describe_place
from kinto_lite.storage.postgres.names import is_current, write_names

#: Of an advisory lock: nodes that start together wait for each other.
_LOCK = 0x4B4C4954
#: Asks the catalogue itself: `to_regclass` may remember what was true before the lock.
_FIND_TABLE = (
    "SELECT 1 FROM pg_catalog.pg_class"
    " WHERE relname = 'kinto_lite_schema_version' AND pg_catalog.pg_table_is_visible(oid)"
)
#: Functions of the schema are newer than what came before.
_OLDEST_SERVER = 140000


def list_migrations() -> list[str]:
    """Return the texts of all steps, in order; step n brings a database to version n + 1."""
    folder = find_folder(__package__)
    return [folder.joinpath(name).read_text("utf-8") for name in _list_names()]


def list_pending(connection: Connection, url: str) -> list[str]:
    """Return the names of the files of the steps that a database has not seen.

    Errors: UnusableFile, as `migrate`; DriverError, untranslated.
    """
    _check_server(connection, url)
    names, version = _list_names(), _find_version(connection)
    _check_version(url, version, len(names))
    return names[version:]


def _list_names() -> list[str]:
    return sorted(file.name for file in find_folder(__package__).glob("*.sql"))


def migrate(connection: Connection, url: str, options: StorageOptions) -> None:
    """Run the steps that this database has not seen, and store the names; all or nothing. What
    is up to date is only read.

    Errors: UnusableFile, with one line for the operator; DriverError, untranslated.
    """
    _check_server(connection, url)
    steps = list_migrations()
    if _find_version(connection) == len(steps) and is_current(connection, options):
        return
    with connection.transaction():
        run_steps(connection, url)
        write_names(connection, options)


def run_steps(connection: Connection, url: str) -> None:
    """Run the steps that this database has not seen, in the open transaction; other nodes that
    start wait for its end.

    Errors: as `migrate`.
    """
    _check_server(connection, url)
    steps = list_migrations()
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    version = _find_version(connection)
    _check_version(url, version, len(steps))
    for step in steps[version:]:
        connection.execute(step.encode())
    if version != len(steps):
        connection.execute("UPDATE kinto_lite_schema_version SET version = %s", (len(steps),))


def is_made(connection: Connection) -> bool:
    """Tell whether there is a schema of ours, of whatever version. Errors: DriverError."""
    return _find_version(connection) > 0


def refuse_other_version(connection: Connection, url: str) -> None:
    """Refuse a schema that this program's queries do not fit.

    Errors: Refused, UnusableFile; DriverError, untranslated.
    """
    _check_server(connection, url)
    version, newest_version = _find_version(connection), len(_list_names())
    _check_version(url, version, newest_version)
    if version < newest_version:
        raise Refused(
            f"The schema of {describe_place(url)} is of an older version: start the server on it"
            " once."
        )


def _check_server(connection: Connection, url: str) -> None:
    version = connection.info.server_version
    if version < _OLDEST_SERVER:
        raise UnusableFile(
            f"PostgreSQL {version // 10000} at {describe_place(url)} is too old:"
            f" it must be {_OLDEST_SERVER // 10000} or newer."
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise UnusableFile(
            f"The encoding of {describe_place(url)} is {encoding}: create it with UTF8."
        )


def _find_version(connection: Connection) -> int:
    """Return the version of the schema, 0 when there is none."""
    if connection.execute(_FIND_TABLE).fetchone() is None:
        return 0
    ((version,),) = connection.execute("SELECT version FROM kinto_lite_schema_version").fetchall()
    return int(version)


def _check_version(url: str, version: int, newest_version: int) -> None:
    if version > newest_version:
        raise UnusableFile(
            f"A newer kinto-lite wrote to {describe_place(url)} (schema {version}, this one"
            f" knows {newest_version}): install the newer one. The database was not changed."
        )
