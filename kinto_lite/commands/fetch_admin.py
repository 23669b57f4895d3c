"""`fetch-admin`: fetches Kinto's admin console, which is not part of kinto-lite, into a folder.

Kinto published the console inside its own package up to release 25.0.0. pip downloads that
package from wherever this machine installs packages from; it is neither installed nor run: its
content is compared with the hash below, and the folder of the console is copied out of it.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from kinto_lite.defaults import find_console_folder
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


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fetch-admin`."""
    parser.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="folder to fill (default: kinto-lite-admin beside the database)",
    )
    parser.add_argument(
        "--wheel",
        type=Path,
        metavar="FILE",
        help=f"do not download: {WHEEL_NAME}, brought from another machine",
    )


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Fetch the console, check it, fill the folder; return the exit code.

    Errors: ConfigurationError.
    """
    usual = find_console_folder(given)
    folder = Path(options.to or usual).resolve()
    try:
        refuse_other_folder(folder)
        files = list(read_console(check_wheel(read_wheel(options.wheel))))
        fill(folder, files)
    except OSError as error:
        raise ConfigurationError(f"The admin console could not be stored: {error}") from None
    print(*describe(folder, dict(files), folder == usual.resolve()), sep="\n")
    return 0


def refuse_other_folder(folder: Path) -> None:
    """Stop before a folder is replaced that this command has not filled."""
    is_console = all((folder / name).is_file() for name in ("index.html", "VERSION"))
    if folder.exists() and not is_console and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} holds something else: name another folder with --to.")


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


def describe(folder: Path, files: Mapping[str, bytes], is_usual: bool) -> Iterator[str]:
    """Yield the lines that say what is there now, and what is left to do."""
    version = files["VERSION"].decode("ascii", "replace").strip()
    yield f"The admin console {version} is in {folder}"
    if is_usual:
        yield "Without an ini file: start the server again, it is at /v1/admin/"
    yield "With an ini file: add these settings, then start the server again"
    yield "    kinto.includes = kinto.plugins.admin (and those that are there)"
    yield f"    kinto.admin_assets_path = {folder}"
