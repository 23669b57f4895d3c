"""Where a login may lead back to, with the tokens: the URLs that an operator trusts.

URLs are read by strict patterns, so that what is accepted means the same to every browser.

Source: protocol, plugins chapter 6.3.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

#: What looks like a URL at all; much of it is never trusted.
_LIKE_A_URL = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://(?:[^\s/@\\]+@)?(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"|localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*\.[a-z]{2,})"
    r"(?::[0-9]+)?(?:[/?#]\S*)?",
    re.IGNORECASE,
)
_CALLBACK = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?#].*)?",
    re.IGNORECASE,
)
_PATTERN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.*-]+)(?::(?P<port>[0-9*]{1,5}))?(?P<rest>[/?#].*)?",
    re.IGNORECASE,
)
_PORTS = {"http": "80", "https": "443"}


class CallbackPattern(NamedTuple):
    """A pattern in parts, each of which may hold `*`; also a URL in parts."""

    scheme: str
    host: str
    port: str
    rest: str


#: What is trusted unless the settings say something else: whatever runs on the user's machine.
DEFAULT_PATTERNS = (
    CallbackPattern("http", "localhost", "*", "/*"),
    CallbackPattern("http", "127.0.0.1", "*", "/*"),
)


def parse_pattern(text: str) -> CallbackPattern:
    """Return a pattern of the settings. Errors: ValueError for one that can match nothing."""
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no pattern of URLs, such as https://*.example.com/*")
    return _split(found)


def looks_like_url(text: str) -> bool:
    """Tell whether a text looks like a URL."""
    return _LIKE_A_URL.fullmatch(text.strip()) is not None


def is_trusted(url: str, patterns: tuple[CallbackPattern, ...]) -> bool:
    """Tell whether a URL fits one of the patterns, and has nothing in it that misleads."""
    found = _CALLBACK.fullmatch(url)
    if found is None or not url.isprintable() or re.search(r"\s", url):
        return False
    parts = _split(found)
    if _climbs(parts.rest):
        return False
    return any(_fits_all(parts, pattern) for pattern in patterns)


def _split(found: re.Match[str]) -> CallbackPattern:
    scheme = found["scheme"].lower()
    port = found["port"] or _PORTS[scheme]
    return CallbackPattern(scheme, found["host"].lower(), port, found["rest"] or "/")


def _climbs(rest: str) -> bool:
    """Tell whether the path has segments that lead upwards, however they are written."""
    path = re.split(r"[?#]", rest, maxsplit=1)[0]
    segments = unquote(path).replace("\\", "/").split("/")
    return "." in segments or ".." in segments


def _fits_all(parts: CallbackPattern, pattern: CallbackPattern) -> bool:
    if parts.scheme != pattern.scheme:
        return False
    return all(_fits(part, wanted) for part, wanted in zip(parts[1:], pattern[1:], strict=True))


def _fits(text: str, pattern: str) -> bool:
    """Compare with a pattern where `*` stands for anything, in linear time."""
    head, *others = pattern.split("*")
    if not others:
        return text == pattern
    *middle, tail = others
    if not text.startswith(head):
        return False
    position = len(head)
    for piece in middle:
        found = text.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return len(text) - len(tail) >= position and text.endswith(tail)
