"""Which URLs the server may call, or send a browser to: those of a provider.

They come from the settings (the issuer) and from what the issuer's own server says. They are read
by one strict pattern, so that no two programs can understand them differently.
"""

from __future__ import annotations

import ipaddress
import re

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>[/?][!-~]*)?"
)
MAX_URL_CHARACTERS = 2048


def check_url(url: str, *, may_be_plain: bool) -> None:
    """Refuse URLs that are not https; http is good enough on this machine, where it `may_be_plain`.

    Errors: ValueError, with what is wrong.
    """
    found = _URL.fullmatch(url)
    if found is None or len(url) > MAX_URL_CHARACTERS or "#" in url:
        raise ValueError(f"{url[:80]!r} is no plain URL")
    if int(found["port"] or 1) not in range(1, 65536):
        raise ValueError(f"{url[:80]!r} has no such port")
    if found["scheme"] == "http" and not (may_be_plain and is_loopback(found["host"])):
        raise ValueError(f"{url[:80]!r} must begin with https://")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
