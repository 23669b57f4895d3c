"""How to start another process of this program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

WORKER_MODULE = "kinto_lite.worker"


def worker_command() -> list[str]:
    """Return the command of a worker, or of the lane of one."""
    return [sys.executable, "-m", WORKER_MODULE]


def build_environment() -> dict[str, str]:
    """Return the environment of a process: it finds this package wherever it was found here."""
    package_parent = str(Path(__file__).resolve().parents[2])
    paths = [package_parent, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
