"""From what a parser found to an `ApiRequest`. Pure.

Source: RFC 9112 chapter 3.2 (forms of the target); protocol, core chapter 1.1 (paths that are
not UTF-8).
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote_to_bytes

from kinto_lite.model import ApiRequest
from kinto_lite.server.addresses import Address

#: Ports that a URL leaves out.
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Origin:
    """Scheme and host that requests of a server come to."""

    def __init__(self, address: Address, scheme: str) -> None:
        self.scheme = scheme
        self._default_port = _DEFAULT_PORTS[scheme]
        self._fallback = f"{address.host or 'localhost'}:{address.port or 80}"

    def name(self, host: str) -> str:
        """Return the origin as the client sees it. `host`: the header, "" when there is none."""
        host = host or self._fallback
        return f"{self.scheme}://{host.removesuffix(self._default_port)}"


def build_request(
    method: str, url: bytes, headers: dict[str, str], body: bytes, origin: Origin, client: str
) -> ApiRequest:
    """Return the request. `headers` has names in lower case; `client` is the address."""
    if not url.startswith(b"/"):
        url = cut_authority(url, headers)
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


def cut_authority(url: bytes, headers: dict[str, str]) -> bytes:
    """Return the target without scheme and host, which win over the header of the host."""
    _, separator, rest = url.partition(b"://")
    if not separator:
        return url
    authority, slash, path = rest.partition(b"/")
    headers["host"] = authority.decode("latin-1")
    return slash + path


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
