"""`python -m kinto_lite.worker`: one of several workers, or the lane of one. Started by
`server.workers` and `server.lane` only."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

from kinto_lite.errors import ConfigurationError
from kinto_lite.server.certificates import TlsFiles
from kinto_lite.server.lane import give_way, serve_lane
from kinto_lite.server.running import run_worker
from kinto_lite.server.workers import READY
from kinto_lite.storage.base import StorageError


def main() -> int:
    """Serve as the line of JSON on standard input says; return the exit code."""
    from kinto_lite import make_app
    from kinto_lite.assembly import set_up_logs

    task = json.loads(sys.stdin.buffer.readline())
    try:
        set_up_logs(task["settings"])
        app = make_app(task["settings"])
        if task.get("is_lane"):
            give_way()
            serve_lane(app.answer, sys.stdin.buffer, sys.stdout.buffer)
            return 0
        listener = socket.socket(fileno=task["listener"])
        tls = task["tls"] and TlsFiles(*map(Path, task["tls"]))
        run_worker(app, listener, tls, task["settings"], say_ready)
        return 0
    except (ConfigurationError, StorageError) as error:
        print(error, file=sys.stderr)
        return 1


def say_ready() -> None:
    """Tell the parent that this worker accepts connections."""
    print(READY, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
