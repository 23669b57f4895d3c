"""Runs an app on a port: under Granian, else under waitress; in this process or in several."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kinto_lite.errors import ConfigurationError
from kinto_lite.server import fallback, runner
from kinto_lite.server.addresses import Address
from kinto_lite.server.bodies import BodyLimits
from kinto_lite.server.edge import Edge

WORKER_MODULE = "kinto_lite.worker"


def run_here(
    app: Any,
    address: Address,
    on_ready: Callable[[], None],
    *,
    stops_with_parent: bool = False,
) -> None:
    """Serve in this process until a signal, then close the app's storage.

    Errors: ConfigurationError when the server does not start.
    """
    settings = app.service.settings
    limits = BodyLimits(settings["max_body_bytes"], settings["body_timeout_seconds"])
    close = app.storage.close
    if runner.is_available():
        edge = Edge(app, address, limits, on_ready, is_multiprocess=stops_with_parent)
        runner.run(edge, address, close, stops_with_parent=stops_with_parent)
    elif fallback.is_available():
        fallback.run(app, address, limits.max_body_bytes, on_ready, close)
    else:
        close()
        raise ConfigurationError("There is no server: install granian, or waitress.")


def run_workers(
    settings: Mapping[str, Any], address: Address, count: int, on_ready: Callable[[], None]
) -> None:
    """Serve in `count` processes until a signal.

    Errors: ConfigurationError when they do not start, or Granian is missing.
    """
    from kinto_lite.server.workers import Crew

    if not runner.is_available():
        raise ConfigurationError("Several workers need Granian: install granian.")
    task = {"settings": dict(settings), "host": address.host, "port": address.port}
    command = [sys.executable, "-m", WORKER_MODULE]

    async def keep_crew() -> bool:
        return await Crew(command, build_environ(), task, count, on_ready).keep()

    if not asyncio.run(keep_crew()):
        raise ConfigurationError("The workers do not start: see above.")


def build_environ() -> dict[str, str]:
    """Return the environment of a worker: it finds this package wherever it was found here."""
    package_parent = str(Path(__file__).resolve().parents[2])
    paths = [package_parent, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
