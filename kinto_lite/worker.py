"""`python -m kinto_lite.worker`: one of several workers. Started by `server.workers` only."""

from __future__ import annotations

import json
import os
import sys

from kinto_lite.errors import ConfigurationError
from kinto_lite.server.addresses import Address
from kinto_lite.server.running import run_worker
from kinto_lite.server.workers import READY
from kinto_lite.storage.base import StorageError


def main() -> int:
    """Serve as the line of JSON on standard input says; return the exit code of a failed start."""
    from kinto_lite import make_app

    task = json.loads(read_line(sys.stdin.fileno()))
    try:
        app = make_app(task["settings"])
        run_worker(app, Address(task["host"], task["port"]), say_ready)
    except (ConfigurationError, StorageError) as error:
        print(error, file=sys.stderr)
        return 1


def read_line(descriptor: int) -> bytes:
    """Read one line, and nothing after it."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(descriptor, 65536)
        if not piece:
            break
        line += piece
    return line


def say_ready() -> None:
    """Tell the parent that this worker accepts connections."""
    print(READY, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
