"""Runs an app on a port: under Granian, else under waitress; in this process or in several."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from kinto_lite.errors import ConfigurationError
from kinto_lite.server import fallback, runner
from kinto_lite.server.addresses import Address, address_of
from kinto_lite.server.bodies import BodyLimits
from kinto_lite.server.edge import Edge

WORKER_MODULE = "kinto_lite.worker"


def run_here(app: Any, reserved: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve in this process until a signal, then close the app's storage.

    `reserved` is a socket bound to the port, see `addresses.reserve_port`. Under Granian, the
    process ends here.

    Errors: ConfigurationError when the server does not start.
    """
    close = app.storage.close
    if runner.is_available():
        edge = build_edge(app, address_of(reserved), on_ready, is_multiprocess=False)
        runner.run(edge, address_of(reserved), close)
    if fallback.is_available():
        max_body_bytes = app.service.settings["max_body_bytes"]
        fallback.run(app, reserved, max_body_bytes, on_ready, close)
        return
    close()
    raise ConfigurationError("There is no server: install granian, or waitress.")


def run_worker(app: Any, address: Address, on_ready: Callable[[], None]) -> NoReturn:
    """Serve in this process, one of several, until a signal or until the parent ends."""
    edge = build_edge(app, address, on_ready, is_multiprocess=True)
    runner.run(edge, address, app.storage.close, stops_with_parent=True)


def build_edge(
    app: Any, address: Address, on_ready: Callable[[], None], *, is_multiprocess: bool
) -> Edge:
    """Return the edge around an app, with the limits of its settings."""
    settings = app.service.settings
    limits = BodyLimits(settings["max_body_bytes"], settings["body_timeout_seconds"])
    return Edge(app, address, limits, on_ready, is_multiprocess=is_multiprocess)


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
