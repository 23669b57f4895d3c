"""`Content-Type` and `Accept`: which representations go in and out.

Source: protocol, part 1, chapter 1.8.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from kinto_lite.errors import Detail

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

#: What a body may be sent as; an absent type counts as `application/json`.
_ACCEPTED = {"POST": (JSON,), "PUT": (JSON,), "PATCH": (JSON, JSON_PATCH, MERGE_PATCH)}

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_VALUE = rf'(?:{_TOKEN}|"[^"\\]*")'
_PARAMETER = rf"[ \t]*;[ \t]*{_TOKEN}={_VALUE}"
_CHARSET = re.compile(rf"charset={_VALUE}", re.IGNORECASE)
_RANGE = re.compile(rf"[ \t]*({_TOKEN}/{_TOKEN})((?:{_PARAMETER})*)[ \t]*")
_QUALITY = re.compile(r";[ \t]*q=([^; \t]*)", re.IGNORECASE)
_LONGEST_ACCEPT = 4096


class MediaType(NamedTuple):
    """A media type in lower case, without parameters but for the charset of a text."""

    name: str
    charset: str = "utf-8"


@lru_cache(maxsize=128)
def read_media_type(content_type: str) -> MediaType:
    """Read a `Content-Type`; an empty one means JSON. Case and parameters do not matter."""
    name, _, parameters = content_type.partition(";")
    charset = _CHARSET.search(parameters)
    return MediaType(
        name.strip().lower() if content_type.strip() else JSON,
        charset.group().partition("=")[2].strip('"').lower() if charset else "utf-8",
    )


def check_media_type(method: str, content_type: str) -> list[Detail]:
    """Return the detail of a 415 when this method takes no such body.

    Clients have been told that types are written in lower case, so others are refused here.
    """
    accepted = _ACCEPTED.get(method)
    name = content_type.partition(";")[0].strip() or read_media_type(content_type).name
    if accepted is None or name in accepted:
        return []
    text = f"Content-Type header should be one of {list(accepted)}"
    return [Detail("Content-Type", "header", text)]


def check_accept(accept: str | None) -> list[Detail]:
    """Return the detail of a 406 when the client does not take JSON. None: no such header."""
    if accept is None or _takes_json(accept):
        return []
    return [Detail("Accept", "header", f"Accept header should be one of {[JSON]}")]


@lru_cache(maxsize=128)
def _takes_json(accept: str) -> bool:
    """Let the most specific range decide; a header that cannot be parsed accepts all."""
    if len(accept) > _LONGEST_ACCEPT:
        return True
    qualities: dict[str, float] = {}
    for item in filter(None, accept.split(",")):
        match = _RANGE.fullmatch(item)
        quality = _read_quality(match[2]) if match else None
        if match is None or quality is None:
            return True
        qualities[match[1].lower()] = quality
    for name in (JSON, "application/*", "*/*"):
        if name in qualities:
            return qualities[name] > 0
    return False


def _read_quality(parameters: str) -> float | None:
    match = _QUALITY.search(parameters)
    try:
        return float(match[1]) if match else 1.0
    except ValueError:
        return None
