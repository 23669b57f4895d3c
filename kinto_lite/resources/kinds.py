"""Ids of the kinds of objects: their pattern, and how new ones are made.

Source: protocol, core chapter 2.3 and plugins chapter 13.
"""

from __future__ import annotations

import re
import secrets
import string

from kinto_lite.hooks import Identifiers

_PATTERN = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_FIRST = string.ascii_letters + string.digits
_OTHERS = _FIRST + "-_"


def generate_name() -> str:
    """Return 8 random characters, the first alphanumeric."""
    return secrets.choice(_FIRST) + "".join(secrets.choice(_OTHERS) for _ in range(7))


def generate_uuid() -> str:
    """Return a random UUID 4."""
    # Not at the top: whoever starts a server has nothing to create yet.
    from uuid import uuid4

    return str(uuid4())


NAMES = Identifiers(_PATTERN, generate_name)
RELAXED_UUIDS = Identifiers(_PATTERN, generate_uuid)
UUIDS = Identifiers(_UUID, generate_uuid)

DEFAULT_IDENTIFIERS = {
    "bucket": NAMES,
    "group": NAMES,
    "collection": NAMES,
    "record": RELAXED_UUIDS,
}
