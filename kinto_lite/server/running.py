"""Runs an app on a socket: in this process or in several."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kinto_lite.errors import ConfigurationError
from kinto_lite.server import runner
from kinto_lite.server.addresses import address_of
from kinto_lite.server.certificates import TlsFiles
from kinto_lite.server.edge import Edge
from kinto_lite.server.lane import SlowLane
from kinto_lite.server.limits import Limits
from kinto_lite.server.listeners import remove_path, share_port
from kinto_lite.server.processes import build_environment, worker_command
from kinto_lite.server.requests import Origin
from kinto_lite.server.sizing import count_memory
from kinto_lite.shared_folder import remove_folder

log = logging.getLogger("kinto_lite")


@dataclass(frozen=True, slots=True)
class Plan:
    """What the server is asked for."""

    #: A socket bound to the address, see `listeners.reserve_port`.
    reserved: socket.socket
    on_ready: Callable[[], None]
    #: Returns the settings, read again at a restart. Errors: ConfigurationError.
    read_settings: Callable[[], Mapping[str, Any]]
    tls: TlsFiles | None = None


def run_here(app: Any, plan: Plan) -> None:
    """Serve in this process until a signal, then close the app's storage.

    At a restart this process becomes a new one.
    """
    edge = build_edge(app, plan.reserved, plan.tls, plan.read_settings())
    own = runner.Run(plan.reserved, plan.tls, plan.on_ready, plan_restart(plan))
    runner.run(edge, own)


def plan_restart(plan: Plan) -> Callable[[], bool]:
    """Return what is asked at a hang-up: True when the settings can still be read."""

    def may_restart() -> bool:
        try:
            plan.read_settings()
        except ConfigurationError as error:
            log.error("The server goes on as it is: %s", error)
            return False
        return True

    return may_restart


def run_worker(
    app: Any,
    listener: socket.socket,
    tls: TlsFiles | None,
    given: Mapping[str, Any],
    on_ready: Callable[[], None],
) -> None:
    """Serve in this process, one of several, until a signal or until the parent ends. `given` are
    the settings that the app was made from."""
    edge = build_edge(app, listener, tls, given)
    runner.run(edge, runner.Run(listener, tls, on_ready))


def build_edge(
    app: Any, listener: socket.socket, tls: TlsFiles | None, given: Mapping[str, Any]
) -> Edge:
    """Return the edge around an app, with the limits of its settings."""
    settings = app.service.settings
    limits = Limits(
        settings["max_body_bytes"],
        settings["body_timeout_seconds"],
        settings["body_min_bytes_per_second"],
        settings["body_grace_seconds"],
    )
    memory_bytes = count_memory()
    if memory_bytes is not None:
        limits = replace(limits, held_bytes=memory_bytes // 4)
    origin = Origin(address_of(listener), "http" if tls is None else "https")
    lane = SlowLane(app.storage, {"settings": dict(given)})
    return Edge(app, origin, limits, lane)


def run_workers(plan: Plan, count: int) -> None:
    """Serve in `count` processes until a signal.

    Errors: ConfigurationError when they do not start.
    """
    from kinto_lite.server.workers import Crew

    listeners = share_port(plan.reserved, count)
    tls = plan.tls and [str(path) for path in plan.tls]

    def read_task() -> dict[str, Any]:
        return {"settings": dict(plan.read_settings()), "tls": tls}

    async def keep_crew() -> bool:
        command, environ = worker_command(), build_environment()
        return await Crew(command, environ, read_task, listeners, plan.on_ready).keep()

    try:
        if not asyncio.run(keep_crew()):
            raise ConfigurationError("The workers do not start: see above.")
    finally:
        remove_path(address_of(plan.reserved))
        remove_folder()
