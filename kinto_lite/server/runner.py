"""Runs one worker under Granian, in this process, until a signal comes.

Granian's embedded server shares the process and its event loop: one Python thread, one thread
for the network. Nothing is left running when the process is killed. Leaves several workers to
`workers`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from kinto_lite.errors import ConfigurationError
from kinto_lite.server.addresses import address_of
from kinto_lite.server.certificates import TlsFiles
from kinto_lite.server.edge import Edge
from kinto_lite.server.listeners import BACKLOG, hand_over, remove_path
from kinto_lite.server.signals import watch_input, watch_signals
from kinto_lite.server.sizing import count_memory

if TYPE_CHECKING:
    from granian.server.embed import Server

#: How long requests in flight may take to end after a signal. Clients that are still sending
#: are then left alone; what was answered is on disk.
STOP_SECONDS = 5.0
#: Connections open at once, if memory and files allow. More wait to be accepted.
MAX_CONNECTIONS = 4000
#: Files that are no connections: the database, its log, libraries, the log of the server.
OTHER_FILES = 96
#: How long the headers of a request may take to arrive, and a connection may be idle.
HEADER_TIMEOUT_MS = 30_000
#: The most memory that one connection takes for headers: a URL of the greatest length fits.
BUFFER_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class Run:
    """How one worker runs."""

    #: A bound socket; it belongs to this process, or to its parent.
    listener: socket.socket
    tls: TlsFiles | None
    #: Called when everything is answered.
    on_stop: Callable[[], None]
    #: Asked at a hang-up: True to end and start again. None: one of several workers, which ends
    #: at a hang-up, and when its standard input ends.
    may_restart: Callable[[], bool] | None = None


def is_available() -> bool:
    """Tell whether Granian is there (it has no wheel for some machines)."""
    try:
        import granian  # noqa: F401
    except ImportError:
        return False
    return True


def run(edge: Edge, plan: Run) -> NoReturn:
    """Serve until SIGTERM, SIGINT or SIGHUP, let requests in flight finish, and end the process,
    exit code 0; or become a new one, which goes on with the same socket.

    Errors: ConfigurationError when the server does not start.
    """
    limit = limit_connections(raise_file_limit(), count_memory())
    restarts = False
    try:
        restarts = run_loop(serve_until_stopped(edge, plan, limit))
    finally:
        plan.on_stop()
        if not restarts and plan.may_restart is not None:
            remove_path(address_of(plan.listener))
    sys.stdout.flush()
    sys.stderr.flush()
    if restarts:
        hand_over(plan.listener)
        os.execv(sys.executable, sys.orig_argv)
    # Not `sys.exit`: threads of Granian may still be on their way out (or wait for a client that
    # never ends its request), and they crash when the interpreter goes away under them.
    os._exit(0)


def run_loop(main: Coroutine[Any, Any, bool]) -> bool:
    """Run the event loop: the faster one where it is installed (a tenth less work a request)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


async def serve_until_stopped(edge: Edge, plan: Run, max_connections: int) -> bool:
    """Serve until a signal, and then as long as requests in flight need, within bounds; return
    whether to start again.

    Errors: ConfigurationError when Granian stops by itself.
    """
    server = build_server(edge, plan, max_connections)
    stop, restart = asyncio.Event(), asyncio.Event()
    may_restart = plan.may_restart

    def consider_restart() -> None:
        if may_restart is not None and may_restart():
            restart.set()
            stop.set()

    if may_restart is None:
        watch_signals(stop.set)
        watch_input(stop.set)
    else:
        watch_signals(stop.set, consider_restart)
    await serve_until(stop, server)
    await edge.close_lane()
    return restart.is_set()


async def serve_until(stop: asyncio.Event, server: Server) -> None:
    """Serve until an event. Errors: ConfigurationError when Granian stops by itself."""
    serving = asyncio.ensure_future(server.serve())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        stopping.cancel()
        raise ConfigurationError(f"The server stopped: {serving.exception() or 'no reason given'}.")
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait({serving}, timeout=STOP_SECONDS)


def build_server(edge: Edge, plan: Run, max_connections: int) -> Server:
    """Return Granian's server: one Python thread, HTTP/1.1, silent, on our socket."""
    from granian._granian import SocketHolder
    from granian.constants import HTTPModes, Interfaces, SSLProtocols
    from granian.http import HTTP1Settings
    from granian.server.embed import Server

    server = Server(
        edge,
        interface=Interfaces.RSGI,
        blocking_threads=1,
        runtime_threads=1,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(HEADER_TIMEOUT_MS, max_buffer_size=BUFFER_BYTES),
        websockets=False,
        backlog=BACKLOG,
        backpressure=max_connections,
        log_enabled=False,
        ssl_cert=plan.tls and plan.tls.certificate,
        ssl_key=plan.tls and plan.tls.key,
        ssl_protocol_min=SSLProtocols.tls12,
    )

    def take_listener() -> None:
        # Granian closes what it listens on; the original stays open for the next worker.
        descriptor = os.dup(plan.listener.fileno())
        is_unix = bool(address_of(plan.listener).path)
        holder = SocketHolder(descriptor, is_unix, BACKLOG)  # type: ignore[call-arg]
        server._shd = holder  # type: ignore[assignment]

    # Granian has no public way to listen on a socket that is already there.
    server._init_shared_socket = take_listener  # type: ignore[method-assign]
    return server


def limit_connections(possible: int, memory_bytes: int | None) -> int:
    """Return how many connections may be open: all their headers fit into a quarter of the
    memory."""
    if memory_bytes is None:
        return possible
    return max(1, min(possible, memory_bytes // 4 // BUFFER_BYTES))


def raise_file_limit() -> int:
    """Allow this process as many open files as its connections may need, if the system does;
    return the number of connections that fit."""
    try:
        import resource
    except ImportError:
        return MAX_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
            soft = possible
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(wanted, soft) - OTHER_FILES)
