"""Keeps the first administrator from being grabbed over the network.

Where anybody may make accounts, anybody could make the one that the settings call an
administrator. Accounts that settings grant something to are made on the machine itself: with
`create-user`, or by a request that comes from it and that no web page has sent.

Source: protocol, plugins chapters 4.2 and 12.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from kinto_lite.errors import FORBIDDEN, UNAUTHORIZED, ApiError
from kinto_lite.hooks import Call
from kinto_lite.model import ApiRequest, ObjectRef
from kinto_lite.plugins.accounts.names import principal_of
from kinto_lite.settings import Settings

#: Say that a request comes from somewhere else than the address it has, or from a web page.
_FOREIGN_HEADERS = (
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
    "via",
    "origin",
)

_HOST = re.compile(r"https?://([a-z0-9.]+|\[[0-9a-f:.]+\])(?::[0-9]*)?")

_MESSAGE = (
    "Settings give rights to this account: it is created on the server itself, with "
    "`kinto-lite create-user`."
)


def refuse_privileged(call: Call, ref: ObjectRef) -> None:
    """Refuse a new account that settings grant something to, unless it is made on the spot.

    Errors: ApiError 401 or 403.
    """
    if principal_of(ref.id) not in list_privileged(call.service.settings):
        return
    if not call.service.settings["trusted_proxies"] and is_from_here(call.request):
        return
    raise ApiError(UNAUTHORIZED if call.asker.user_id is None else FORBIDDEN, _MESSAGE)


def list_privileged(settings: Settings) -> frozenset[str]:
    """Return all principals that settings grant something to."""
    lists = [value for name, value in settings.values.items() if name.endswith("_principals")]
    return frozenset(principal for value in lists for principal in value)


def is_from_here(request: ApiRequest) -> bool:
    """Tell whether a request was sent on this machine, and by no web page.

    What a proxy on this machine passes on comes from here, too: it is told by the headers that
    proxies add, and by the name that the client used for this server.
    """
    if any(name in request.headers for name in _FOREIGN_HEADERS):
        return False
    return _is_local(request.remote_address) and _names_here(request.origin)


@lru_cache(maxsize=1024)
def _names_here(origin: str) -> bool:
    """Tell whether the client used a name of this machine for itself."""
    found = _HOST.fullmatch(origin.lower())
    return found is not None and (found[1] == "localhost" or _is_local(found[1].strip("[]")))


@lru_cache(maxsize=1024)
def _is_local(address: str) -> bool:
    if not address:
        # A unix socket, or no network at all.
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
