"""Runs the app under waitress, in pure Python, for machines that Granian has no wheel for.

Slower, and without deadlines for bodies; the protocol is the same. Waitress gathers bodies
before it calls the app, so slow clients do not stop it either.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from typing import Any

from kinto_lite.server.edge import WsgiApp

#: Waitress refuses larger bodies in its own words; up to here, the app does it in the protocol's.
GATHERED_FACTOR = 8
#: More threads answer slower, not faster; these are for answers that wait.
THREADS = 4


def is_available() -> bool:
    """Tell whether waitress is there."""
    try:
        import waitress  # noqa: F401
    except ImportError:
        return False
    return True


def run(
    app: WsgiApp,
    reserved: socket.socket,
    max_body_bytes: int,
    on_ready: Callable[[], None],
    on_stop: Callable[[], None],
) -> None:
    """Serve on a bound socket until SIGTERM, SIGINT or SIGHUP; let requests in flight finish;
    call `on_stop`."""
    from waitress.server import create_server

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    server = create_server(
        app,
        sockets=[reserved],
        threads=THREADS,
        max_request_body_size=max_body_bytes * GATHERED_FACTOR,
        clear_untrusted_proxy_headers=False,
        ident=None,
    )
    on_ready()
    try:
        # Returns after a KeyboardInterrupt, when the requests in flight have ended.
        server.run()
    finally:
        server.close()
        on_stop()


def interrupt(_number: int, _frame: Any) -> None:
    """Treat a signal like Ctrl-C."""
    raise KeyboardInterrupt
