"""What the setting `history.exclude_resources` leaves out: URIs of buckets, collections, groups
and records.

Source: protocol, plugins chapter 5.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kinto_lite.errors import ConfigurationError

_ID = r"[^/]+"
_URI = re.compile(
    rf"/buckets/(?P<bucket>{_ID})"
    rf"(?:/groups/(?P<group>{_ID})"
    rf"|/collections/(?P<collection>{_ID})(?:/records/(?P<record>{_ID}))?)?"
)


def describe_excluded(uris: Iterable[str]) -> list[dict[str, str]]:
    """Return the ids in each URI, by kind.

    Errors: ConfigurationError for what is no URI of an object.
    """
    described = []
    for uri in uris:
        match = _URI.fullmatch(uri)
        if match is None:
            raise ConfigurationError(
                f"Setting 'history.exclude_resources' has {uri!r}, which is not the URI of a "
                "bucket, collection, group or record: '/buckets/b/collections/c'."
            )
        described.append({kind: id_ for kind, id_ in match.groupdict().items() if id_})
    return described


def is_excluded(uri: str, excluded: Iterable[str]) -> bool:
    """Tell whether a URI is one of those that are left out, or lies below one."""
    return any(uri == one or uri.startswith(f"{one}/") for one in excluded)
