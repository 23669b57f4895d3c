"""Runs the app under waitress, in pure Python, for machines that Granian has no wheel for.

Slower, and without deadlines for bodies; the protocol is the same. Waitress gathers bodies
before it calls the app, so slow clients do not stop it either.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from kinto_lite.errors import ConfigurationError
from kinto_lite.server.addresses import Address
from kinto_lite.server.edge import WsgiApp

#: Waitress refuses larger bodies in its own words; up to here, the app does it in the protocol's.
GATHERED_FACTOR = 8


def is_available() -> bool:
    """Tell whether waitress is there."""
    try:
        import waitress  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        return False
    return True


def run(
    app: WsgiApp,
    address: Address,
    max_body_bytes: int,
    on_ready: Callable[[], None],
    on_stop: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT; let requests in flight finish; call `on_stop`.

    Errors: ConfigurationError when the port cannot be had.
    """
    from waitress.server import create_server  # type: ignore[import-untyped]

    signal.signal(signal.SIGTERM, interrupt)
    try:
        server = create_server(
            app,
            host=address.host,
            port=address.port,
            threads=4,
            max_request_body_size=max_body_bytes * GATHERED_FACTOR,
            clear_untrusted_proxy_headers=False,
            ident=None,
        )
    except OSError as error:
        raise ConfigurationError(f"The server does not start: {error.strerror}.") from None
    on_ready()
    try:
        # Returns after a KeyboardInterrupt, when the requests in flight have ended.
        server.run()
    finally:
        server.close()
        on_stop()


def interrupt(_number: int, _frame: Any) -> None:
    """Treat SIGTERM like Ctrl-C."""
    raise KeyboardInterrupt
