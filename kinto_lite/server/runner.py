"""Runs one worker in this process, until a signal comes: accepts connections, one Python thread
for all of them. Leaves several workers to `workers`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from kinto_lite.server.addresses import address_of
from kinto_lite.server.certificates import TlsFiles, build_context
from kinto_lite.server.connections import FIRST_SECONDS, Connection
from kinto_lite.server.edge import Edge
from kinto_lite.server.listeners import BACKLOG, hand_over, remove_path
from kinto_lite.server.parsers import MAX_HEAD_BYTES
from kinto_lite.server.signals import watch_input, watch_signals
from kinto_lite.server.sizing import count_memory
from kinto_lite.shared_folder import remove_folder

#: How long requests in flight may take to end after a signal. Clients that are still sending
#: are then left alone; what was answered is on disk.
STOP_SECONDS = 5.0
#: Connections open at once, if memory and files allow. More wait to be accepted.
MAX_CONNECTIONS = 4000
#: Files that are no connections: the database, its log, libraries, the log of the server.
OTHER_FILES = 96
#: How long a client may take to agree on the keys of TLS.
HANDSHAKE_SECONDS = 10.0
#: How long to wait when the system has no more files, or too many connections are open.
PAUSE_SECONDS = 0.05

log = logging.getLogger("kinto_lite")


@dataclass(frozen=True, slots=True)
class Run:
    """How one worker runs."""

    #: A bound socket; it belongs to this process, or to its parent.
    listener: socket.socket
    tls: TlsFiles | None
    #: Called once, when connections are accepted.
    on_ready: Callable[[], None]
    #: Asked at a hang-up: True to end and start again. None: one of several workers, which ends
    #: at a hang-up, and when its standard input ends.
    may_restart: Callable[[], bool] | None = None


def run(edge: Edge, plan: Run) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP, let requests in flight finish, and close the edge;
    or become a new process, which goes on with the same socket."""
    # What is there now stays: a collection that looks through it all would hold requests up.
    gc.freeze()
    limit = limit_connections(raise_file_limit(), count_memory())
    restarts = False
    try:
        restarts = run_loop(serve_until_stopped(edge, plan, limit))
    finally:
        edge.close()
        if not restarts and plan.may_restart is not None:
            remove_path(address_of(plan.listener))
            remove_folder()
    if restarts:
        sys.stdout.flush()
        sys.stderr.flush()
        hand_over(plan.listener)
        os.execv(sys.executable, sys.orig_argv)


def run_loop(main: Coroutine[Any, Any, bool]) -> bool:
    """Run the event loop: the faster one where it is installed."""
    run_main: Callable[[Coroutine[Any, Any, bool]], bool] = asyncio.run
    with contextlib.suppress(ImportError):
        import uvloop

        run_main = uvloop.run
    return run_main(main)


async def serve_until_stopped(edge: Edge, plan: Run, max_connections: int) -> bool:
    """Serve until a signal, and then as long as requests in flight need, within bounds; return
    whether to start again."""
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
    greetings: set[asyncio.Task[None]] = set()
    serving = asyncio.ensure_future(accept(edge, plan, max_connections, greetings))
    sweeping = asyncio.ensure_future(edge.sweep())
    asyncio.get_running_loop().call_soon(plan.on_ready)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({stopping, serving, sweeping}, return_when=asyncio.FIRST_COMPLETED)
    failures = [task.exception() for task in (serving, sweeping) if task.done()]
    serving.cancel()
    await end_connections(edge, greetings)
    sweeping.cancel()
    await edge.close_lane()
    if failures and failures[0] is not None:
        raise failures[0]
    return restart.is_set()


async def accept(
    edge: Edge, plan: Run, max_connections: int, greetings: set[asyncio.Task[None]]
) -> None:
    """Accept connections, for ever. While there are too many, more of them wait. `greetings` are
    those that have just been accepted."""
    loop = asyncio.get_running_loop()
    listener = plan.listener
    listener.listen(BACKLOG)
    listener.setblocking(False)
    context = plan.tls and build_context(plan.tls)
    while True:
        if len(edge.connections) + len(greetings) >= max_connections:
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        try:
            accepted, _ = await loop.sock_accept(listener)
        except OSError:
            # The client has gone already, or the system has no file left for it.
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        greeting = asyncio.ensure_future(greet(edge, accepted, context))
        greetings.add(greeting)
        greeting.add_done_callback(greetings.discard)


async def greet(edge: Edge, accepted: socket.socket, context: Any) -> None:
    """Begin a connection, after a handshake where there is TLS."""
    loop = asyncio.get_running_loop()
    timeout_seconds = HANDSHAKE_SECONDS if context else None
    try:
        await loop.connect_accepted_socket(
            lambda: Connection(edge, loop),
            accepted,
            ssl=context,
            ssl_handshake_timeout=timeout_seconds,
        )
    except OSError:
        # No handshake: the client is no friend of ours, or has gone.
        accepted.close()
    except Exception:
        log.exception("a connection could not begin")
        accepted.close()


async def end_connections(edge: Edge, greetings: set[asyncio.Task[None]]) -> None:
    """Wait until all requests in flight are answered, within bounds; also those of connections
    that were accepted a moment ago."""
    loop = asyncio.get_running_loop()
    begin = now = loop.time()
    while (edge.connections and now < begin + STOP_SECONDS) or (
        greetings and now < begin + FIRST_SECONDS
    ):
        edge.stop()
        await asyncio.sleep(0.01)
        now = loop.time()


def limit_connections(possible: int, memory_bytes: int | None) -> int:
    """Return how many connections may be open: all their headers fit into a quarter of the
    memory."""
    if memory_bytes is None:
        return possible
    return max(1, min(possible, memory_bytes // 4 // MAX_HEAD_BYTES))


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
