"""PostgreSQL's part in moving: the functions that `storage.moving.Mover` names."""

from kinto_lite.storage.postgres.checks import find_faults
from kinto_lite.storage.postgres.filling import fill_beside, fill_empty
from kinto_lite.storage.postgres.snapshot import open_snapshot

__all__ = ["fill_beside", "fill_empty", "find_faults", "open_snapshot"]
