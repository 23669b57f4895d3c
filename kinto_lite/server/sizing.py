"""How many workers suit a machine: from its cores and its memory, or those of its container.

Measured: a worker takes some 60 MB; each one after the first lets reads run side by side, while
writes still take turns at the database.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

#: Memory of the machine for each worker, which leaves room for the disk cache and all else.
#: A Raspberry Pi with 512 MB, or 1 GB, gets one.
BYTES_PER_WORKER = 512 * 1024 * 1024
#: Beyond that, workers wait for each other at the database.
MAX_WORKERS = 8
_GROUP = Path("/sys/fs/cgroup")


def suggest_workers() -> int:
    """Return how many workers suit this machine."""
    return choose_workers(count_cores(), count_memory())


def choose_workers(cores: int, memory_bytes: int | None) -> int:
    """Return a number of workers; None: the memory is not known."""
    if memory_bytes is None:
        return 1
    return max(1, min(cores, memory_bytes // BYTES_PER_WORKER, MAX_WORKERS))


def count_cores(group: Path = _GROUP) -> int:
    """Return how many cores this process may use at once."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota, _, period = read_limit(group / "cpu.max").partition(" ")
    if quota.isdecimal() and period.isdecimal() and int(period):
        cores = min(cores, max(1, int(quota) // int(period)))
    return cores


def count_memory(group: Path = _GROUP) -> int | None:
    """Return how many bytes of memory there are, None when the system does not tell."""
    found = []
    with suppress(ValueError, OSError, AttributeError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    limit = read_limit(group / "memory.max")
    if limit.isdecimal():
        found.append(int(limit))
    return min(found, default=None)


def read_limit(path: Path) -> str:
    """Return the text of a limit of the container, "" when there is none."""
    try:
        return path.read_text("ascii").strip()[:40]
    except (OSError, ValueError):
        return ""
