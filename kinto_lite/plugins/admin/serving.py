"""Answers requests for the files of the admin console: types, caching, security headers.

Source: protocol, plugins chapter 8; RFC 9110, chapter 13, and RFC 9111.
"""

from __future__ import annotations

import re

from kinto_lite.errors import URL_NOT_FOUND, ApiError
from kinto_lite.hooks import Call, Detached
from kinto_lite.model import Answer, ApiRequest
from kinto_lite.pipeline.routing import PREFIX
from kinto_lite.plugins.admin.assets import Asset, Assets
from kinto_lite.plugins.admin.help_page import show_help
from kinto_lite.protocol.caching import cache_for

_Headers = list[tuple[str, str]]

#: Scripts of its own only, and calls to its own origin. Its form validator makes functions from
#: text; pictures are those that records link to.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: http: https:; font-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_PAGE_SECURITY = [
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
]

#: A page is asked for again each time, so that another console is seen at once.
_PAGE_CACHE = [("Cache-Control", "no-cache")]
#: A name with a hash in it never means another content.
_HASHED_CACHE = [("Cache-Control", "public, max-age=31536000, immutable")]
_OTHER_SECONDS = 3600
#: `assets/index-BnpThPtk.js`, `static/js/main.3f2a9c01.js`: a digit or a capital tells a hash
#: from a word.
_HASHED = re.compile(r"(?:assets|static)/.*[-.](?=[a-z_-]*[A-Z0-9])[A-Za-z0-9_-]{8,64}\.\w+")

#: An address within the page, which no file has: the page itself finds out what it means.
_ADDRESS_IN_PAGE = re.compile(r"[\w~@:-]+(?:/[\w~@:-]+)*")


class Console:
    """The console of one service. Without its files a page says how to get them."""

    def __init__(self, assets: Assets) -> None:
        self._files = assets.files
        self._page = assets.files.get("index.html")

    def show(self, call: Call) -> Answer:
        """Answer `/admin/`: the page."""
        _check_is_alone(call)
        if self._page is None:
            return show_help()
        return _show(call, "index.html", self._page)

    def show_file(self, call: Call) -> Answer:
        """Answer `/admin/<path>`: a file, or the page for an address within it."""
        _check_is_alone(call)
        path = call.params["path"]
        file = self._files.get(path)
        if file is None and _wants_page(call.request) and _ADDRESS_IN_PAGE.fullmatch(path):
            file = self._page
        if file is None:
            raise ApiError(URL_NOT_FOUND)
        return _show(call, path, file)


def redirect_to_console(call: Call) -> Answer:
    """Answer `/admin`: links in the page are relative to `/admin/`."""
    location = f"{call.service.origin_of(call.request)}{PREFIX}/admin/"
    headers = [("Location", location), ("Content-Type", "text/plain; charset=UTF-8")]
    return Answer(307, headers)


def _check_is_alone(call: Call) -> None:
    """Answer 404 within a batch, whose answers hold JSON only."""
    if not isinstance(call.tx, Detached):
        raise ApiError(URL_NOT_FOUND)


def _wants_page(request: ApiRequest) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _show(call: Call, path: str, file: Asset) -> Answer:
    headers = [
        ("ETag", file.etag),
        ("Last-Modified", file.last_modified),
        *_cache_headers(call, path, file),
    ]
    if _is_page(file):
        # With a 304 too: a browser may replace the headers it kept by these.
        headers += _PAGE_SECURITY
    if _is_known(call.request, file):
        return Answer(304, headers)
    headers.append(("Content-Type", file.content_type))
    return Answer(200, headers, file.content)


def _is_page(file: Asset) -> bool:
    return file.content_type.startswith("text/html")


def _cache_headers(call: Call, path: str, file: Asset) -> _Headers:
    if _is_page(file):
        return _PAGE_CACHE
    if _HASHED.fullmatch(path):
        return _HASHED_CACHE
    return cache_for(_OTHER_SECONDS, call.service.clock())


def _is_known(request: ApiRequest, file: Asset) -> bool:
    """Tell whether the browser has this content already."""
    known = request.headers.get("if-none-match")
    if known is None:
        return request.headers.get("if-modified-since") == file.last_modified
    tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
    return "*" in tags or file.etag in tags
