"""A disk that can lose power: an SQLite VFS between the database and the real files.

Programs see the real files, as they see the cache of an operating system. The disk itself holds
only what was synced. When the power goes, each write that was not synced has arrived or not, by
chance, sector by sector and in any order; so have deletions and changes of size. That is the
worst a disk may do whose syncs tell the truth and whose writes leave neighbouring sectors
alone.

All databases opened while a `Disk` is plugged in use it, since it is the default VFS.
"""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import apsw

SECTOR_BYTES = 512
_ENDLESS = 10**9
_JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL


class _Write(NamedTuple):
    offset: int
    data: bytes


class _Resize(NamedTuple):
    size: int


class _Delete(NamedTuple):
    pass


_Operation = _Write | _Resize | _Delete


class _Platter:
    """What the disk holds of one file (`content` is None: no file), and what it does not yet."""

    def __init__(self) -> None:
        self.content: bytearray | None = None
        self.pending: list[_Operation] = []

    def apply(self, operation: _Operation) -> None:
        """Let one operation reach the disk."""
        if isinstance(operation, _Delete):
            self.content = None
            return
        content = bytearray() if self.content is None else self.content
        if isinstance(operation, _Resize):
            del content[operation.size :]
            content.extend(bytes(operation.size - len(content)))
        else:
            content.extend(bytes(max(0, operation.offset - len(content))))
            content[operation.offset : operation.offset + len(operation.data)] = operation.data
        self.content = content

    def sync(self) -> None:
        """Let all operations reach the disk."""
        for operation in self.pending:
            self.apply(operation)
        self.pending.clear()

    def sync_deletion(self) -> None:
        """Let the last deletion reach the disk, and what was before it."""
        while any(isinstance(operation, _Delete) for operation in self.pending):
            self.apply(self.pending.pop(0))

    def lose_power(self, chance: random.Random) -> None:
        """Let some of the operations reach the disk, and parts of others."""
        share = chance.choice((0.0, 0.5, 0.9, 1.0))
        for operation in self.pending:
            for part in _split(operation):
                if chance.random() < share:
                    self.apply(part)
        self.pending.clear()


def _split(operation: _Operation) -> list[_Operation]:
    if not isinstance(operation, _Write):
        return [operation]
    start, end = operation.offset, operation.offset + len(operation.data)
    first = start - start % SECTOR_BYTES + SECTOR_BYTES
    edges = [start, *range(first, end, SECTOR_BYTES), end]
    return [
        _Write(left, operation.data[left - start : right - start])
        for left, right in pairwise(edges)
    ]


class Disk(apsw.VFS):
    """The disk. Use it as a context manager: databases are on it inside of the block."""

    def __init__(self) -> None:
        self.base = apsw.vfs_names()[0]
        super().__init__("disk that can lose power", self.base, makedefault=True)
        self._platters: dict[str, _Platter] = {}
        self._operations_left = _ENDLESS
        #: An error that the next syncs or writes answer with, for a test of such errors.
        self.sync_error: apsw.Error | None = None
        self.write_error: apsw.Error | None = None
        #: How often the power went while the log, and while the database itself was written.
        self.cuts = {"wal": 0, "database": 0}

    def __enter__(self) -> Disk:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        apsw.set_default_vfs(self.base)
        self.unregister()

    def cut_power_after(self, operations: int) -> None:
        """Let the disk do this many more writes, syncs, changes of size and deletions."""
        self._operations_left = operations

    def restore_power(self, chance: random.Random) -> None:
        """Make the real files what the disk holds. No database may be open."""
        for name, platter in self._platters.items():
            platter.lose_power(chance)
            if platter.content is None:
                Path(name).unlink(missing_ok=True)
            else:
                Path(name).write_bytes(platter.content)
            Path(f"{name}-shm").unlink(missing_ok=True)
        self._operations_left = _ENDLESS

    def perform(self, name: str, operation: _Operation) -> None:
        """Note what is done to a file. That during which the power goes may have some effect."""
        if self._operations_left >= 0:
            self.platter(name).pending.append(operation)
        self.spend(name)

    def spend(self, name: str) -> None:
        """Count an operation on a file; without power there is none."""
        if self._operations_left == 0:
            self.cuts["wal" if name.endswith("-wal") else "database"] += 1
        self._operations_left -= 1
        if self._operations_left < 0:
            raise apsw.IOError("the disk has no power")

    def platter(self, name: str) -> _Platter:
        """What the disk holds of a file."""
        return self._platters.setdefault(name, _Platter())

    def sync_deletions(self) -> None:
        """Let all deletions reach the disk, as syncing their folder does."""
        for platter in self._platters.values():
            platter.sync_deletion()

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        """Open a file of a database; temporary files (no name) are not on this disk."""
        if name is None:
            return apsw.VFSFile(self.base, name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        is_new = not Path(path).exists() and bool(flags[0] & _JOURNALS)
        return _File(self, name, flags, path, is_new)

    def xDelete(self, name: str, sync_folder: bool) -> None:
        """Delete a file, on the disk too if the folder is synced."""
        self.perform(name, _Delete())
        if sync_folder:
            self.platter(name).sync()
        super().xDelete(name, sync_folder)


class _File(apsw.VFSFile):
    def __init__(
        self,
        disk: Disk,
        name: str | apsw.URIFilename,
        flags: list[int],
        path: str,
        is_new: bool,
    ) -> None:
        super().__init__(disk.base, name, flags)
        self._disk = disk
        self._name = path
        #: The VFS for Unix syncs the folder with the first sync of a new journal or log.
        self._syncs_folder = is_new

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._disk.write_error is not None:
            raise self._disk.write_error
        self._disk.perform(self._name, _Write(offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._disk.perform(self._name, _Resize(size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        if self._disk.sync_error is not None:
            raise self._disk.sync_error
        self._disk.spend(self._name)
        self._disk.platter(self._name).sync()
        if self._syncs_folder:
            self._disk.sync_deletions()
            self._syncs_folder = False

    def xLock(self, level: int) -> None:
        """Say "busy" where the real one cannot lock: a file open for reading, at its closing.

        SQLite takes both for "not the last one to close"; APSW would raise the other one.
        """
        try:
            super().xLock(level)
        except apsw.IOError as error:
            raise apsw.BusyError from error

    def xFileControl(self, operation: int, pointer: Any) -> bool:
        """Refuse hints that would change a file behind this disk's back."""
        if operation in (apsw.SQLITE_FCNTL_SIZE_HINT, apsw.SQLITE_FCNTL_CHUNK_SIZE):
            return True
        return super().xFileControl(operation, pointer)
