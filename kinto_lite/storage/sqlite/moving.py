"""SQLite's part in moving: the functions that `storage.moving.Mover` names."""

from kinto_lite.storage.sqlite.checks import find_faults
from kinto_lite.storage.sqlite.filling import fill_beside, fill_empty
from kinto_lite.storage.sqlite.snapshot import open_snapshot

__all__ = ["fill_beside", "fill_empty", "find_faults", "open_snapshot"]
