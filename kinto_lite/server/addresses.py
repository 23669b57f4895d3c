"""Where the server listens: an address and port, or a unix socket, and how to write it down.

Leaves the taking of ports and paths to `listeners`.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple

from kinto_lite.errors import ConfigurationError

UNIX_PREFIX = "unix:"


class Address(NamedTuple):
    """An IP address, as text, and a port; or the path of a unix socket, and neither of them."""

    host: str
    port: int
    path: str = ""

    @property
    def url(self) -> str:
        """The URL of the API at this address."""
        return self.url_with("http")

    def url_with(self, scheme: str) -> str:
        """Return the URL of the API, `unix:PATH` for a unix socket."""
        if self.path:
            return f"{UNIX_PREFIX}{self.path}"
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{shown}:{self.port}/v1/"


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


def is_loopback(address: Address) -> bool:
    """Tell whether only programs of this machine get there, and no proxy is to be expected."""
    if address.path:
        return False
    return ipaddress.ip_address(address.host.partition("%")[0]).is_loopback


def address_of(bound: socket.socket) -> Address:
    """Return the address of a bound socket."""
    name = bound.getsockname()
    if bound.family == getattr(socket, "AF_UNIX", None):
        return Address("", 0, name)
    return Address(*name[:2])
