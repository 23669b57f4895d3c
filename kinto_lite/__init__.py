"""kinto-lite: a JSON storage, sync and sharing server in one file, with Kinto's protocol.

`make_app(settings)` builds a WSGI application; `python -m kinto_lite` serves one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kinto_lite.version import VERSION as __version__

if TYPE_CHECKING:
    from kinto_lite.web.app import App

__all__ = ["__version__", "make_app"]


def make_app(settings: Mapping[str, Any]) -> App:
    """Build a WSGI application from flat settings with Kinto's names.

    With no `storage_url` (or with Kinto's memory backend) it has a private in-memory database.
    Errors: errors.ConfigurationError for settings it cannot start with; storage.base.UnusableFile
    for a database it cannot open.
    """
    from kinto_lite.assembly import assemble

    return assemble(settings)
