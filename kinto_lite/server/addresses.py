"""Where the server listens: resolving a host, taking a port, saying why that failed."""

from __future__ import annotations

import errno
import ipaddress
import socket
import time
from typing import NamedTuple

from kinto_lite.errors import ConfigurationError

#: How long a server that is just stopping may keep its port.
PATIENCE_SECONDS = 1.0


class Address(NamedTuple):
    """An IP address, as text, and a port."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The URL of the API at this address."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.port}/v1/"


def resolve_host(host: str) -> str:
    """Return the IP address of a host name, IPv4 if it has one.

    Errors: ConfigurationError when the name is not known.
    """
    try:
        found = socket.getaddrinfo(host or "0.0.0.0", None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ConfigurationError(
            f"The host '{host}' is not known: choose another one with --host."
        ) from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return str(found[0][4][0])


def is_loopback(host: str) -> bool:
    """Tell whether an IP address can be reached from this machine only."""
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def reserve_port(address: Address) -> socket.socket:
    """Take the port, so that nobody else gets it; port 0 takes a free one.

    The socket does not listen. While it is open, a socket with SO_REUSEPORT, such as those of
    Granian, can be bound to the same port.

    Errors: ConfigurationError, with a text that says what to do.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return bind_socket(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise ConfigurationError(describe_refusal(address, error)) from None
        time.sleep(0.05)


def address_of(bound: socket.socket) -> Address:
    """Return the address of a bound socket."""
    return Address(*bound.getsockname()[:2])


def bind_socket(address: Address) -> socket.socket:
    """Return a bound socket. Errors: OSError."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if address.port:
            # A port whose last connections are still fading away counts as free.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(tuple(address))
        if hasattr(socket, "SO_REUSEPORT"):
            # Only after binding: set before, it would share the port of a running server.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError:
        bound.close()
        raise
    return bound


def describe_refusal(address: Address, error: OSError) -> str:
    """Return one line about a port that cannot be had, and what to do about it."""
    host, port = address
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
