"""Opens and prepares connections: one function for each setting, with its reason, and the
checks that a file has to pass before anything is written to it."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw

from kinto_lite.storage.base import UnusableFile
from kinto_lite.storage.sqlite.askers import Askers
from kinto_lite.storage.sqlite.clock import ReadClock
from kinto_lite.storage.sqlite.functions import register_functions

#: "KLIT": marks the file as ours, so that another program's database is not taken for one.
APPLICATION_ID = 0x4B4C4954
#: Between two tries of a writer that waits for one of another process.
WAITING_PAUSE_SECONDS = 0.001
_SWITCHING_TRIES = 200
_SWITCHING_PAUSE_SECONDS = 0.01
_MAGIC = b"SQLite format 3\x00"


def set_busy_timeout(connection: apsw.Connection, seconds: float) -> None:
    """Wait for another process's writer instead of failing at once.

    SQLite's own waiting sleeps for up to a tenth of a second between two tries, in which writers
    that never sleep come and go: some would write at once and others after a second.
    """
    end = 0.0

    def wait(tries: int) -> bool:
        nonlocal end
        now = time.monotonic()
        end = end if tries else now + seconds
        time.sleep(WAITING_PAUSE_SECONDS)
        return now < end

    connection.set_busy_handler(wait)


def set_write_ahead_log(connection: apsw.Connection) -> None:
    """Readers never wait for the writer, nor the writer for readers.

    While another process switches a new file over, SQLite says at once that it is locked, for
    fear of waiting in a circle; so this is where it is tried again.
    """
    for _ in range(_SWITCHING_TRIES):
        try:
            connection.pragma("journal_mode", "wal")
        except apsw.BusyError:
            time.sleep(_SWITCHING_PAUSE_SECONDS)
        else:
            return
    connection.pragma("journal_mode", "wal")


def set_synchronous(connection: apsw.Connection) -> None:
    """FULL: each commit is synced before it returns, so acknowledged means on disk.

    In WAL mode, NORMAL keeps the file consistent but may lose the last commits at a power cut.
    """
    connection.pragma("synchronous", "full")


def set_foreign_keys(connection: apsw.Connection) -> None:
    """Deleting a parent deletes what lies below it; SQLite has this off unless asked."""
    connection.pragma("foreign_keys", True)


def set_trusted_schema(connection: apsw.Connection) -> None:
    """A file from elsewhere must not run functions through its schema."""
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)


def set_cell_size_check(connection: apsw.Connection) -> None:
    """Damaged pages are noticed when they are read, not when they have done harm."""
    connection.pragma("cell_size_check", True)


def set_stable_plans(connection: apsw.Connection) -> None:
    """A statement keeps its plan whatever is bound to it.

    Without this, SQLite plans joins anew whenever a bound value changes, in case another plan
    suits it better: that took four fifths of the time of finding an object.
    """
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


_PREPARATIONS: tuple[Callable[[apsw.Connection], None], ...] = (
    set_write_ahead_log,
    set_synchronous,
    set_foreign_keys,
    set_trusted_schema,
    set_cell_size_check,
    set_stable_plans,
)


class PreparedConnection(apsw.Connection):
    """A connection of ours, the askers it remembers, and the clock of its reads."""

    askers: Askers
    #: Has indexes built that were asked for.
    wake_builder: Callable[[], None]
    clock: ReadClock


def connect(path: str, busy_timeout_seconds: float) -> PreparedConnection:
    """Open a prepared connection. `path` is a file or ":memory:".

    Errors: apsw.Error, untranslated.
    """
    connection = PreparedConnection(path, statementcachesize=500)
    connection.askers = Askers()
    set_busy_timeout(connection, busy_timeout_seconds)
    for prepare in _PREPARATIONS:
        prepare(connection)
    register_functions(connection)
    return connection


def check_file(path: Path, newest_version: int, busy_timeout_seconds: float) -> None:
    """Refuse a file that is not ours, damaged, newer or not writable, without touching it.

    Errors: UnusableFile, with one line that says what to do; apsw.Error, untranslated.
    """
    folder = path.parent
    if not folder.is_dir():
        raise UnusableFile(f"The folder {folder} does not exist: create it, or use another path.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UnusableFile(f"The folder {folder} is not writable: change its rights or the path.")
    if path.is_dir():
        raise UnusableFile(f"{path} is a folder: name a file.")
    if not path.exists() or path.stat().st_size == 0:
        return
    if not os.access(path, os.R_OK | os.W_OK):
        raise UnusableFile(f"The database {path} is not writable: change its rights or the path.")
    has_journal = Path(f"{path}-journal").exists()
    if not has_journal:
        _check_header(path, newest_version)
    _check_content(path, has_journal, newest_version, busy_timeout_seconds)


def _check_header(path: Path, newest_version: int) -> None:
    with path.open("rb") as file:
        header = file.read(100)
    if not header.startswith(_MAGIC) or len(header) < 100:
        raise UnusableFile(
            f"{path} is not a database, or it is damaged: restore a backup or use another path."
        )
    version, application = struct.unpack(">I4xI", header[60:72])
    if application not in (0, APPLICATION_ID):
        raise _foreign(path)
    if application:
        check_version(path, version, newest_version)


def _check_content(
    path: Path, has_journal: bool, newest_version: int, busy_timeout_seconds: float
) -> None:
    """Ask SQLite the same, since what a crash left in the log is newer than the header.

    A log is looked at read only: closing a writable connection would move it into the file. A
    rollback journal, as a crash leaves it while the file is made, has to be undone first.
    """
    log = Path(f"{path}-wal")
    has_log = log.exists() and log.stat().st_size > 0 and not has_journal
    flags = apsw.SQLITE_OPEN_READONLY if has_log else apsw.SQLITE_OPEN_READWRITE
    with closing(apsw.Connection(str(path), flags=flags)) as connection:
        set_busy_timeout(connection, busy_timeout_seconds)
        set_trusted_schema(connection)
        version = int(connection.pragma("user_version"))
        application = int(connection.pragma("application_id"))
        ((relations,),) = connection.execute("SELECT count(*) FROM sqlite_schema")
    # Of a new file, a crash may leave a header and nothing else.
    is_blank = not (application or version or relations)
    if application != APPLICATION_ID and not is_blank:
        raise _foreign(path)
    check_version(path, version, newest_version)


def _foreign(path: Path) -> UnusableFile:
    return UnusableFile(f"{path} is a database of another program: use another path.")


def check_version(path: Path | str, version: int, newest_version: int) -> None:
    """Refuse a file that a newer program wrote.

    Errors: UnusableFile.
    """
    if version > newest_version:
        raise UnusableFile(
            f"The database {path} was written by a newer kinto-lite (schema {version}, this "
            f"one knows {newest_version}): install the newer one. The file was not changed."
        )
