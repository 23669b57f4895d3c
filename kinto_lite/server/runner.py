"""Runs one worker under Granian, in this process, until a signal comes.

Granian's embedded server shares the process and its event loop: one Python thread, one thread
for the network. Nothing is left running when the process is killed. Leaves several workers to
`workers`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from kinto_lite.errors import ConfigurationError
from kinto_lite.server.addresses import Address
from kinto_lite.server.edge import Edge

if TYPE_CHECKING:
    from granian.server.embed import Server

#: How long requests in flight may take to end after a signal. Clients that are still sending
#: are then left alone; what was answered is on disk.
STOP_SECONDS = 5.0
#: Connections waiting to be accepted, and connections open at once.
BACKLOG = 1024
#: Open files to ask the system for: the connections and the database.
WANTED_FILES = 4096


def is_available() -> bool:
    """Tell whether Granian is there (it has no wheel for some machines)."""
    try:
        import granian  # noqa: F401
    except ImportError:
        return False
    return True


def run(
    edge: Edge, address: Address, on_stop: Callable[[], None], *, stops_with_parent: bool = False
) -> NoReturn:
    """Serve until SIGTERM, SIGINT or SIGHUP, let requests in flight finish, call `on_stop`, and
    end the process, exit code 0.

    `stops_with_parent`: the end of standard input is such a signal, too.

    Errors: ConfigurationError when the server does not start.
    """
    raise_file_limit()
    try:
        asyncio.run(serve_until_stopped(edge, address, stops_with_parent))
    finally:
        on_stop()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not `sys.exit`: threads of Granian may still be on their way out (or wait for a client that
    # never ends its request), and they crash when the interpreter goes away under them.
    os._exit(0)


async def serve_until_stopped(edge: Edge, address: Address, stops_with_parent: bool) -> None:
    """Serve until a signal, and then as long as requests in flight need, within bounds.

    Errors: ConfigurationError when Granian stops by itself.
    """
    server = build_server(edge, address)
    stop = asyncio.Event()
    watch_signals(stop.set)
    if stops_with_parent:
        watch_input(stop.set)
    serving = asyncio.ensure_future(server.serve())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        stopping.cancel()
        raise ConfigurationError(f"The server stopped: {serving.exception() or 'no reason given'}.")
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait({serving}, timeout=STOP_SECONDS)


def build_server(edge: Edge, address: Address) -> Server:
    """Return Granian's server: one Python thread, HTTP/1.1, silent."""
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    return Server(
        edge,
        address=address.host,
        port=address.port,
        interface=Interfaces.RSGI,
        blocking_threads=1,
        runtime_threads=1,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=BACKLOG,
        log_enabled=False,
    )


def watch_signals(on_signal: Callable[[], object]) -> None:
    """Call `on_signal` in the running loop when the process is asked to end."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # `nohup` has the hang-up ignored, and it must stay so.
        if number is None or signal.getsignal(number) is signal.SIG_IGN:
            continue
        try:
            loop.add_signal_handler(number, on_signal)
        except NotImplementedError:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal))


def watch_input(on_end: Callable[[], object]) -> None:
    """Call `on_end` in the running loop when standard input ends: the parent is gone."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def end() -> None:
        loop.remove_reader(descriptor)
        on_end()

    loop.add_reader(descriptor, end)


def raise_file_limit() -> None:
    """Allow this process as many open files as its connections may need, if the system does."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
