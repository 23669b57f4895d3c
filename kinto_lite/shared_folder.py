"""A folder that the processes of one server share while it runs, made when somebody needs it.

The process that was started names it, the others learn the name from their environment. It lies
in memory where the system has a place for that, so that a full disk cannot stop what is mapped
from it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path

_VARIABLE = "KINTO_LITE_SHARED_FOLDER"
_MEMORY = Path("/dev/shm")


def name_folder() -> None:
    """Choose a name that nobody can guess, for this process and those it starts. A process that
    has replaced itself keeps the one it had."""
    if is_owner():
        return
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    _remove_left_behind(place)
    name = f"kinto-lite-{os.getpid()}-{secrets.token_hex(16)}"
    os.environ[_VARIABLE] = str(place / name)


def _remove_left_behind(place: Path) -> None:
    """Remove the folders of servers of this user that were killed."""
    for folder in place.glob("kinto-lite-*-*"):
        pid = folder.name.split("-")[2]
        if pid.isdecimal() and not _may_run(int(pid)):
            # Another user's cannot be removed, and another server may be doing the same.
            shutil.rmtree(folder, ignore_errors=True)


def _may_run(pid: int) -> bool:
    """Tell whether a process may still be there."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def find_folder() -> Path | None:
    """Return the folder, made when it is not there; None outside of a server.

    Errors: OSError when it cannot be made.
    """
    path = os.environ.get(_VARIABLE)
    if not path:
        return None
    os.makedirs(path, mode=0o700, exist_ok=True)
    return Path(path)


def is_owner() -> bool:
    """Tell whether this is the process that named it."""
    name = Path(os.environ.get(_VARIABLE, "")).name
    return name.startswith(f"kinto-lite-{os.getpid()}-")


def remove_folder() -> None:
    """Remove the folder, if this process named it."""
    if is_owner():
        shutil.rmtree(os.environ[_VARIABLE], ignore_errors=True)
