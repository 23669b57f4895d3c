"""New files that get their name when they are complete, so that nobody ever sees half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What SQLite puts beside a database file.
COMPANIONS = ("-wal", "-shm", "-journal")


@contextmanager
def make_part(path: Path) -> Iterator[Path]:
    """Yield a new file beside a path, for its owner only; remove it in the end if it is still
    there.

    Errors: OSError.
    """
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        for companion in ("", *COMPANIONS):
            Path(f"{name}{companion}").unlink(missing_ok=True)


def publish(part: Path, path: Path) -> None:
    """Give a part its name, in place of what has it now, on disk when this returns.

    Errors: OSError.
    """
    sync(part)
    part.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file, or what a folder lists, is on disk. Errors: OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
