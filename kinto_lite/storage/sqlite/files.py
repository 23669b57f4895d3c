"""Database files as a whole: who uses one, replacing one at once, and what is synced when."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

import apsw

from kinto_lite.storage.base import UnusableFile
from kinto_lite.storage.moving import Refused
from kinto_lite.storage.parts import COMPANIONS, make_part, publish
from kinto_lite.storage.sqlite.connection import check_file
from kinto_lite.storage.sqlite.errors import translate
from kinto_lite.storage.sqlite.migrations import list_migrations

#: How long a server that is just closing may keep the file.
PATIENCE_SECONDS = 1.0

_FIND_ANY_OBJECT = "SELECT 1 FROM object LIMIT 1"
_HAS_OBJECTS = "SELECT count(*) FROM sqlite_schema WHERE name = 'object'"


@contextmanager
def replace_database(path: Path, force: bool) -> Iterator[Path]:
    """Yield the path of a new, empty file that takes the place of a database when the block
    ends without an error; else it is removed and the database stays as it was.

    Readable by its owner only; or as the file that it replaces. A database with objects is
    replaced with `force` only, one that somebody uses never.
    Errors: Refused, UnusableFile, OSError.
    """
    path = path.resolve()
    existed = path.exists() and path.stat().st_size > 0
    if not path.parent.is_dir():
        raise UnusableFile(f"The folder {path.parent} does not exist: create it first.")
    with make_part(path) as part:
        with hold_alone(path, force) if existed else nullcontext():
            yield part
            _take_rights(part, path)
        _refuse_newcomers(path, existed)
        # A log that the old database left would be taken for the new one's.
        for companion in COMPANIONS:
            Path(f"{path}{companion}").unlink(missing_ok=True)
        publish(part, path)


@contextmanager
def hold_alone(path: Path, force: bool) -> Iterator[None]:
    """Keep everybody else out of a database.

    Errors: Refused when somebody uses it, or when it has objects and `force` is off.
    """
    if not force:
        check_file(path, len(list_migrations()), PATIENCE_SECONDS)
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        try:
            # Whoever has the file open in WAL mode holds a lock on it all the time.
            connection.set_busy_timeout(int(PATIENCE_SECONDS * 1000))
            connection.pragma("locking_mode", "exclusive")
            connection.execute("BEGIN EXCLUSIVE")
            if not force:
                _refuse_objects(connection, path)
        except (apsw.BusyError, apsw.LockedError):
            raise Refused(f"The database {path} is in use: stop the server first.") from None
        except apsw.Error as error:
            # With `force`, what cannot be read is not worth keeping.
            if not force:
                raise translate(error) from error
        yield


def _refuse_objects(connection: apsw.Connection, path: Path) -> None:
    ((has_objects,),) = connection.execute(_HAS_OBJECTS)
    if has_objects and connection.execute(_FIND_ANY_OBJECT).fetchone():
        raise Refused(f"The database {path} is not empty.")


def _refuse_newcomers(path: Path, existed: bool) -> None:
    """Look again, in the moment before the file is replaced."""
    log = Path(f"{path}-wal")
    if (path.exists() and path.stat().st_size > 0) > existed or (existed and log.exists()):
        with hold_alone(path, force=True):
            # Nobody uses it: the log is what a crash, or a damaged database, left.
            if not existed:
                raise Refused(f"The database {path} was made by somebody else meanwhile.")


def _take_rights(part: Path, path: Path) -> None:
    """Give the new file the owner and the mode of the old one, as far as we may."""
    if not path.exists():
        return
    shutil.copymode(path, part)
    status = path.stat()
    with suppress(PermissionError):
        os.chown(part, status.st_uid, status.st_gid)
