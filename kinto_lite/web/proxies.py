"""What a proxy in front says about the client: believed when the proxy is a trusted one.

`X-Forwarded-For`, `-Proto`, `-Host` and `X-Request-Id` are what a client can write, too.
Of several values, those on the right were added by the nearest proxy.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from kinto_lite.errors import ConfigurationError
from kinto_lite.model import ApiRequest
from kinto_lite.web.request import name_origin

#: In the setting: who connects through a unix socket.
UNIX = "unix"
#: More proxies than that are not looked through.
MAX_HOPS = 20

_HOST = re.compile(r"[A-Za-z0-9._~-]{1,255}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:@=+/-]{1,128}")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class TrustedProxies:
    """The proxies whose word counts. False when there are none."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names`: addresses, networks such as 10.0.0.0/8, or `unix`.

        Errors: ConfigurationError for anything else.
        """
        words = list(names)
        self._trusts_unix = UNIX in words
        self._networks = [read_network(word) for word in words if word != UNIX]

    def __bool__(self) -> bool:
        return self._trusts_unix or bool(self._networks)

    def rewrite(self, request: ApiRequest) -> None:
        """Put client, scheme, host and id into a request as a trusted proxy tells them.

        Values that cannot be right are left out.
        """
        if not self._is_trusted(request.remote_address):
            return
        headers = request.headers
        client = self._find_client(headers.get("x-forwarded-for", ""))
        if client:
            request.remote_address = client
        scheme, _, host = request.origin.partition("://")
        said_scheme = last_word(headers.get("x-forwarded-proto", "")).lower()
        if said_scheme in ("http", "https"):
            # A proxy passes on the host without a port that its scheme implies.
            scheme = said_scheme
        said_host = last_word(headers.get("x-forwarded-host", ""))
        if _HOST.fullmatch(said_host):
            host = said_host
        request.origin = name_origin(scheme, host)
        request_id = headers.get("x-request-id", "")
        if _REQUEST_ID.fullmatch(request_id):
            request.request_id = request_id

    def _is_trusted(self, peer: str) -> bool:
        if not peer or peer.startswith("/"):
            return self._trusts_unix
        address = read_address(peer)
        return address is not None and any(address in network for network in self._networks)

    def _find_client(self, forwarded: str) -> str:
        """Return the nearest address that is not a trusted proxy's, "" when there is none."""
        found = ""
        for word in reversed(forwarded.split(",")[-MAX_HOPS:]):
            address = read_address(word)
            if address is None:
                break
            found = str(address)
            if not self._is_trusted(found):
                break
        return found


def read_network(word: str) -> _Network:
    """Return a network, or an address as one. Errors: ConfigurationError."""
    try:
        return ipaddress.ip_network(word, strict=False)
    except ValueError:
        raise ConfigurationError(
            f"Setting 'trusted_proxies' names {word!r}, which is neither an address, nor a "
            "network such as 10.0.0.0/8, nor 'unix'."
        ) from None


def read_address(word: str) -> _Ip | None:
    """Return the address in `1.2.3.4`, `1.2.3.4:5678`, `::1`, `[::1]` or `[::1]:5678`."""
    text = word.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def last_word(values: str) -> str:
    """Return the last of the values between commas."""
    return values.rpartition(",")[2].strip()
