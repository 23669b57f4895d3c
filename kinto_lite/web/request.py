"""Reads a WSGI environment into an `ApiRequest`: text decoded, sizes bounded, no judgement.

Source: protocol, core chapter 1.2 (what cannot be decoded), and RFC 3875.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import IO, Any

from kinto_lite.errors import BAD_REQUEST, TOO_LARGE, URI_TOO_LONG, ApiError
from kinto_lite.model import ApiRequest

#: Longer URLs are refused; ids of 2,000 characters at each level still fit.
MAX_URL_CHARACTERS = 65_536

#: What could break out of a header (`Location`) that shows the query string or the host.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")

#: Ports that a URL leaves out.
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def read_request(environ: Mapping[str, Any], max_body_bytes: int) -> ApiRequest:
    """Return the request.

    Errors: ApiError 400 for a path that is not UTF-8, for control characters in the query or
    the host and for a body of another length than announced, 413 for a body over
    `max_body_bytes`, 414 for an endless URL.
    """
    request = read_envelope(environ)
    check_url(request)
    request.body = _read_body(environ, max_body_bytes)
    return request


def check_url(request: ApiRequest) -> None:
    """Raise ApiError for a URL that holds control characters, 400, or has no end, 414."""
    if _CONTROLS.search(request.query) or _CONTROLS.search(request.origin):
        raise ApiError(BAD_REQUEST, "The URL holds control characters.")
    if len(request.query) + len(request.path) > MAX_URL_CHARACTERS:
        raise ApiError(URI_TOO_LONG, "The URL is too long.")


def read_envelope(environ: Mapping[str, Any]) -> ApiRequest:
    """Return the request without its body.

    Errors: ApiError 400 when the path is not UTF-8.
    """
    try:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise ApiError(BAD_REQUEST, "Invalid URL path.") from None
    return ApiRequest(
        method=environ["REQUEST_METHOD"],
        path=path or "/",
        query=environ.get("QUERY_STRING", ""),
        headers=_read_headers(environ),
        origin=_read_origin(environ),
        remote_address=environ.get("REMOTE_ADDR", ""),
    )


def _read_headers(environ: Mapping[str, Any]) -> dict[str, str]:
    headers = {name: environ[key] for key in environ if (name := _header_name(key))}
    for key, name in (("CONTENT_TYPE", "content-type"), ("CONTENT_LENGTH", "content-length")):
        if environ.get(key):
            headers[name] = environ[key]
    return headers


@lru_cache(maxsize=1024)
def _header_name(key: str) -> str:
    """Return the name of the header that a key of the environment holds, "" for other keys."""
    return key[5:].replace("_", "-").lower() if key.startswith("HTTP_") else ""


def _read_origin(environ: Mapping[str, Any]) -> str:
    host = environ.get("HTTP_HOST")
    if not host:
        host = f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    return name_origin(environ["wsgi.url_scheme"], host)


def name_origin(scheme: str, host: str) -> str:
    """Return scheme and host, without a port that the scheme implies."""
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, ''))}"


def _read_body(environ: Mapping[str, Any], max_body_bytes: int) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    stream: IO[bytes] = environ["wsgi.input"]
    if length:
        wanted = _read_length(length)
    else:
        wanted = max_body_bytes + 1 if environ.get("wsgi.input_terminated") else 0
    if wanted > max_body_bytes and length:
        _refuse_body(max_body_bytes)
    body = stream.read(wanted) if wanted else b""
    if len(body) > max_body_bytes:
        _refuse_body(max_body_bytes)
    if length and len(body) < wanted:
        raise ApiError(BAD_REQUEST, "The body ends before its Content-Length.")
    return body


def _read_length(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ApiError(BAD_REQUEST, "Content-Length is not a number.")
    # More digits than any limit has are as good as all of them.
    return int(text.lstrip("0")[:18] or "0")


def _refuse_body(max_body_bytes: int) -> None:
    raise ApiError(TOO_LARGE, f"The body is larger than {max_body_bytes} bytes.")
