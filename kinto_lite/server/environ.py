"""From Granian's request to a WSGI environ. Pure; the body is already read.

Source: PEP 3333; protocol, core chapter 1.1 (paths that are not UTF-8).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from kinto_lite.server.addresses import Address
from kinto_lite.server.rsgi import Headers, Scope

#: What a header or a piece of a path becomes that cannot be read as text: a byte that is in
#: no UTF-8 text, so that the app refuses it where it matters.
UNREADABLE = "\xff"


def read_headers(headers: Headers) -> dict[str, str]:
    """Return the headers by their names in lower case, repeated ones joined by a comma.

    Granian leaves out values with bytes beyond ASCII. Dropping, say, an `If-Match` could
    overwrite data, so they are `UNREADABLE` instead.
    """
    found: dict[str, str] = {}
    for name, value in headers.items():
        found[name] = f"{found[name]},{value}" if name in found else value
    names = headers.keys()
    if len(names) != len(found):
        for name in names:
            found.setdefault(name, UNREADABLE)
    return found


def build_base(address: Address, scheme: str, is_multiprocess: bool) -> dict[str, Any]:
    """Return what all environs of a server have in common. `scheme`: http or https."""
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": address.host or "localhost",
        "SERVER_PORT": str(address.port or 80),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": is_multiprocess,
        "wsgi.run_once": False,
    }


def build_environ(
    base: Mapping[str, Any], scope: Scope, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """Return the WSGI environ of a request."""
    environ = dict(base)
    environ["REQUEST_METHOD"] = scope.method
    environ["PATH_INFO"] = encode_path(scope.path)
    environ["QUERY_STRING"] = encode_latin(scope.query_string)
    environ["SERVER_PROTOCOL"] = "HTTP/1.0" if scope.http_version == "1" else "HTTP/1.1"
    environ["REMOTE_ADDR"] = scope.client.rpartition(":")[0].strip("[]")
    environ["wsgi.input"] = io.BytesIO(body)
    for name, value in headers.items():
        key = header_key(name)
        if key is not None:
            environ[key] = value
    if body or "content-length" in headers:
        environ["CONTENT_LENGTH"] = str(len(body))
    if scope.authority:
        environ["HTTP_HOST"] = scope.authority
    return environ


@lru_cache(maxsize=512)
def header_key(name: str) -> str | None:
    """Return the environ's name for a header; None for one that must not be passed on.

    A name with `_` could pose as the one with `-`. The length is known from the body, which is
    no longer chunked.
    """
    if "_" in name or name in ("content-length", "transfer-encoding"):
        return None
    if name == "content-type":
        return "CONTENT_TYPE"
    return "HTTP_" + name.upper().replace("-", "_")


def encode_path(path: str) -> str:
    """Return a decoded path the way WSGI wants it: its UTF-8 bytes, as latin-1 text.

    Granian puts U+FFFD where the path is no UTF-8. No id of the protocol has that character,
    so a path that really holds it may be refused as well.
    """
    if path.isascii():
        return path
    return encode_latin(path).replace("\xef\xbf\xbd", UNREADABLE)


def encode_latin(text: str) -> str:
    """Return the UTF-8 bytes of a text, as latin-1 text."""
    return text if text.isascii() else text.encode("utf-8").decode("latin-1")


def decode_latin(value: str) -> str:
    """Return the text whose UTF-8 bytes a WSGI value holds; Granian sends text as UTF-8."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
