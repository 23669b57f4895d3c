"""From what a parser found to an `ApiRequest`. Pure.

Source: RFC 9112 chapter 3.2 (forms of the target); protocol, core chapter 1.1 (paths that are
not UTF-8).
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from kinto_lite.model import ApiRequest
from kinto_lite.server.addresses import Address
from kinto_lite.server.refusals import bad_host, bad_target, unknown_method
from kinto_lite.web.request import name_origin

#: What no host has: it would end it, or come from two headers.
_NO_HOST = re.compile(r"[\x00-\x20\x7f/?#@,\\]")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]+)(.*)", re.DOTALL)


class Origin:
    """Scheme and host that requests of a server come to."""

    def __init__(self, address: Address, scheme: str) -> None:
        self.scheme = scheme
        host = f"[{address.host}]" if ":" in address.host else address.host
        self._fallback = f"{host or 'localhost'}:{address.port or 80}"
        #: Return the origin as the client sees it, from the header of the host, "" when there is
        #: none. Errors: Refusal.
        self.name = lru_cache(maxsize=256)(self._name)

    def _name(self, host: str) -> str:
        if _NO_HOST.search(host):
            raise bad_host()
        return name_origin(self.scheme, host or self._fallback)


def build_request(
    method: str, url: bytes, headers: dict[str, str], body: bytes, origin: Origin, client: str
) -> ApiRequest:
    """Return the request. `headers` has names in lower case; `client` is the address.

    Errors: Refusal of a target, or a host, that cannot be.
    """
    if not url.startswith(b"/"):
        url = cut_authority(method, url, headers)
    path, _, query = url.partition(b"?")
    return ApiRequest(
        method,
        decode_path(path) or "/",
        query.decode("latin-1"),
        headers,
        body,
        origin.name(headers.get("host", "")),
        client,
    )


def cut_authority(method: str, url: bytes, headers: dict[str, str]) -> bytes:
    """Return the target without scheme and host, which win over the header of the host."""
    if method == "CONNECT":
        raise unknown_method()
    if url == b"*":
        return url
    found = _ABSOLUTE.fullmatch(url)
    if found is None:
        raise bad_target()
    headers["host"] = found[1].decode("latin-1")
    return found[2] if found[2].startswith(b"/") else b"/" + found[2]


def decode_path(path: bytes) -> str:
    """Return the text of a path; bytes that are no UTF-8 stand in it as surrogates, so that the
    app refuses them."""
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.decode("utf-8", "surrogateescape")


@lru_cache(maxsize=512)
def header_name(name: bytes) -> str:
    """Return the name in lower case, "" for one that must not be passed on: with `_` it could
    pose as the one with `-` (protocol of the web servers in front, RFC 3875)."""
    return "" if b"_" in name else name.decode("latin-1").lower()
