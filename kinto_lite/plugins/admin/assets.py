"""Reads the folder of the admin console, once, when the server starts.

What is in it is kept in memory under its name. A request looks a name up and never touches the
file system, so that no name leads out of the folder. Leaves the HTTP of it to `serving`.

Source: protocol, plugins chapter 8.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kinto_lite.errors import ConfigurationError
from kinto_lite.protocol.timestamps import http_date

#: More than any console has: the folder must be another one.
MAX_ENTRIES = 2000
MAX_BYTES = 32 * 1024 * 1024

_UTF8 = "; charset=UTF-8"
#: Not from the system's table: pages must not depend on what is installed.
_CONTENT_TYPES = {
    ".css": "text/css" + _UTF8,
    ".gif": "image/gif",
    ".html": "text/html" + _UTF8,
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript" + _UTF8,
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript" + _UTF8,
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain" + _UTF8,
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it was when the server started."""

    content: bytes
    content_type: str
    #: Quoted, from the content alone: the same in all workers.
    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True)
class Assets:
    """The files of a console by their path below its folder, such as `assets/logo.png`."""

    files: Mapping[str, Asset] = field(default_factory=dict)

    @property
    def has_console(self) -> bool:
        """Whether there is a page to show."""
        return "index.html" in self.files

    @property
    def version(self) -> str | None:
        """What the file `VERSION` says; None without a console, or without that file."""
        file = self.files.get("VERSION")
        if file is None or not self.has_console:
            return None
        return file.content[:100].decode("utf-8", "replace").strip()


NO_ASSETS = Assets()


def read_assets(path: str) -> Assets:
    """Return the files of a console; none when the folder has no `index.html` to read.

    Hidden files, and links that lead out of the folder, are left out.
    Errors: ConfigurationError for a folder that is too large, or cannot be read to its end.
    """
    try:
        folder = Path(os.path.realpath(path))
        if not os.access(folder / "index.html", os.R_OK):
            return NO_ASSETS
        return Assets(dict(_read_files(folder)))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"Setting 'admin_assets_path': {error}.") from None


def _read_files(folder: Path) -> Iterator[tuple[str, Asset]]:
    total_bytes = 0
    for path in _list_files(folder):
        total_bytes += path.stat().st_size
        if total_bytes > MAX_BYTES:
            raise _too_large(folder)
        yield path.relative_to(folder).as_posix(), _read_file(path)


def _list_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, and of those below it."""
    entries = 0
    for place, folders, names in os.walk(folder):
        entries += len(folders) + len(names)
        if entries > MAX_ENTRIES:
            raise _too_large(folder)
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(place, name) for name in names if not name.startswith("."))
        yield from (path for path in paths if _is_within(path, folder))


def _is_within(path: Path, folder: Path) -> bool:
    """Tell whether a path is a file whose content lies in the folder, links followed."""
    return path.is_file() and path.resolve().is_relative_to(folder)


def _read_file(path: Path) -> Asset:
    content = path.read_bytes()
    suffix = PurePosixPath(path.name).suffix.lower()
    return Asset(
        content=content,
        content_type=_CONTENT_TYPES.get(suffix, "application/octet-stream"),
        etag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        last_modified=http_date(path.stat().st_mtime_ns // 1_000_000),
    )


def _too_large(folder: Path) -> ConfigurationError:
    return ConfigurationError(
        f"Setting 'admin_assets_path': {folder} holds more than {MAX_ENTRIES} files or "
        f"{MAX_BYTES // 2**20} MiB. It must be the folder of an admin console and nothing else."
    )
