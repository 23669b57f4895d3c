"""The sockets that the server listens on: taking a port or a path, saying why that failed,
sharing one among workers, handing one to the next process.

The process that was started owns them; workers inherit them. So connections that nobody has
accepted yet survive a worker, and wait for the next one.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from kinto_lite.errors import ConfigurationError
from kinto_lite.server.addresses import Address, address_of

#: How long a server that is just stopping may keep its port.
PATIENCE_SECONDS = 1.0
#: Connections waiting to be accepted.
BACKLOG = 1024
#: How long a client may leave an answer unread before its connection is given up.
UNREAD_MS = 60_000
#: Names the process and the descriptor of a socket that a restart left open.
HANDED_OVER = "KINTO_LITE_LISTENER"
#: What the system lets a path of a unix socket have, on every system.
MAX_PATH_BYTES = 103


def reserve_port(address: Address) -> socket.socket:
    """Take the port or the path, so that nobody else gets it; port 0 takes a free one.

    The socket does not listen yet.

    Errors: ConfigurationError, with a text that says what to do.
    """
    if address.path:
        return bind_path(Path(address.path).absolute())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return bind_socket(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise ConfigurationError(describe_refusal(address, error)) from None
        time.sleep(0.05)


def bind_socket(address: Address) -> socket.socket:
    """Return a bound TCP socket. Errors: OSError."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        prepare_socket(bound)
        if address.port:
            # A port whose last connections are still fading away counts as free.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address.host, address.port))
    except OSError:
        bound.close()
        raise
    return bound


def prepare_socket(made: socket.socket) -> None:
    """Connections inherit from the listening socket that answers go out at once, and that those
    end whose client does not read them."""
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)


def bind_path(path: Path) -> socket.socket:
    """Return a socket bound to a path. One that a dead server left there is replaced; who may
    connect is what the umask says.

    Errors: ConfigurationError.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise ConfigurationError("This system has no unix sockets: use --host and --port.")
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise ConfigurationError(
            f"The path of the unix socket is too long: {MAX_PATH_BYTES} bytes are possible."
        )
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        remove_dead_socket(path)
        bound.bind(str(path))
    except OSError as error:
        bound.close()
        raise ConfigurationError(describe_path_refusal(path, error)) from None
    return bound


def remove_dead_socket(path: Path) -> None:
    """Remove a socket that nobody listens on. Errors: OSError when it, or what it is, is used."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(errno.EEXIST, "it is not a socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise OSError(errno.EADDRINUSE, "a server listens there")


def remove_path(address: Address) -> None:
    """Remove the path of a unix socket that nobody listens on any more."""
    if address.path:
        with suppress(OSError):
            os.unlink(address.path)


def share_port(bound: socket.socket, count: int) -> list[socket.socket]:
    """Return a listening socket for each of several workers; all have the same address.

    Where the system spreads connections evenly over sockets of one port, each worker gets its
    own; otherwise all of them have the same one.
    """
    if count == 1 or address_of(bound).path or sys.platform != "linux":
        bound.listen(BACKLOG)
        return [bound] * count
    # Only after binding: set before, it would share the port of a running server.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    shared = [bound]
    for _ in range(count - 1):
        another = socket.socket(bound.family, socket.SOCK_STREAM)
        prepare_socket(another)
        another.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        another.bind(bound.getsockname())
        shared.append(another)
    for listening in shared:
        listening.listen(BACKLOG)
    return shared


def hand_over(bound: socket.socket) -> None:
    """Leave the socket to the program that this process becomes next."""
    os.set_inheritable(bound.fileno(), True)
    os.environ[HANDED_OVER] = f"{os.getpid()}:{bound.fileno()}"


def take_over() -> socket.socket | None:
    """Return the socket that this process had before a restart, if there was one."""
    process, _, descriptor = os.environ.pop(HANDED_OVER, "").partition(":")
    if process != str(os.getpid()) or not descriptor.isdecimal():
        return None
    taken = socket.socket(fileno=int(descriptor))
    os.set_inheritable(taken.fileno(), False)
    return taken


def describe_refusal(address: Address, error: OSError) -> str:
    """Return one line about a port that cannot be had, and what to do about it."""
    host, port, _ = address
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use: "
            "stop the other program or choose another port with --port."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} is reserved by the system: choose one above 1023 with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: choose another one with --host."
    return f"Port {port} on {host} cannot be used ({error.strerror}): choose another with --port."


def describe_path_refusal(path: Path, error: OSError) -> str:
    """Return one line about a path that cannot be had, and what to do about it."""
    if error.errno == errno.EADDRINUSE:
        return f"A server listens on {path}: stop it or choose another path with --unix."
    return f"{path} cannot be a unix socket ({error.strerror}): choose another path with --unix."
