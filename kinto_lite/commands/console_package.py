"""Kinto's package, as far as `fetch-admin` needs it: the folder of the admin console in it.

pip downloads the package from wherever this machine installs packages from; it is neither
installed nor run: its content is compared with the hash below, and files are copied out of it.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from kinto_lite.errors import ConfigurationError

REQUIREMENT = "kinto==25.0.0"
WHEEL_NAME = "kinto-25.0.0-py3-none-any.whl"
WHEEL_SHA256 = "2b046f8505595926d905da50ac742704df09fbe041ae2fab68de256cf0d3ee45"
#: The folder of the console in the package.
PREFIX = "kinto/plugins/admin/build/"

MAX_WHEEL_BYTES = 16 * 1024 * 1024
MAX_CONSOLE_BYTES = 32 * 1024 * 1024
PATIENCE_SECONDS = 600

_SAFE_NAME = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*", re.ASCII)
_DAMAGED = f"{WHEEL_NAME} does not hold an admin console that can be copied."


def read_wheel(path: Path | None) -> bytes:
    """Return the package: from a file, or downloaded. Errors: ConfigurationError, OSError."""
    if path is not None:
        return read_bounded(path)
    print(f"Fetching Kinto's admin console, with the package {REQUIREMENT}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        download(scratch)
        return read_bounded(Path(scratch, WHEEL_NAME))


def read_bounded(path: Path) -> bytes:
    """Return a file, or as much of it as no package of Kinto has."""
    with path.open("rb") as file:
        return file.read(MAX_WHEEL_BYTES)


def download(folder: str) -> None:
    """Let pip download the package; it shows its progress. Errors: ConfigurationError."""
    flags = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    command = [sys.executable, "-m", "pip", "download", *flags, "--dest", folder, REQUIREMENT]
    try:
        code = subprocess.run(command, timeout=PATIENCE_SECONDS, check=False).returncode
    except subprocess.TimeoutExpired:
        code = None
    if code != 0:
        raise ConfigurationError(
            f"pip could not download {REQUIREMENT}. On a machine that can, run "
            f"'pip download --no-deps {REQUIREMENT}', bring {WHEEL_NAME} here, and run "
            f"'kinto-lite fetch-admin --wheel {WHEEL_NAME}'."
        )


def check_wheel(content: bytes) -> bytes:
    """Return the package if it is the one that is known. Errors: ConfigurationError."""
    if hashlib.sha256(content).hexdigest() != WHEEL_SHA256:
        raise ConfigurationError(
            f"This is not the known {WHEEL_NAME}: its SHA-256 is not {WHEEL_SHA256}. "
            "Nothing was stored."
        )
    return content


def read_console(wheel: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of the console, names relative to its folder.

    Errors: ConfigurationError for names that lead elsewhere, too much content, or no archive.
    """
    left = MAX_CONSOLE_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            for entry in archive.infolist():
                name = entry.filename.removeprefix(PREFIX)
                if name == entry.filename or entry.is_dir():
                    continue
                left -= entry.file_size
                if left < 0 or not _SAFE_NAME.fullmatch(name):
                    raise ConfigurationError(_DAMAGED)
                yield name, archive.read(entry)
    except zipfile.BadZipFile:
        raise ConfigurationError(_DAMAGED) from None


def fill(folder: Path, files: list[tuple[str, bytes]]) -> None:
    """Put files into a folder, all at once: an earlier console is there until then."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        new = Path(scratch, "new")
        for name, content in files:
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if folder.exists():
            folder.rename(Path(scratch, "old"))
        new.rename(folder)
