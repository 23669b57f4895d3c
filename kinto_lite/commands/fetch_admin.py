"""`fetch-admin`: fetches Kinto's admin console, which is not part of kinto-lite, into a folder.

Kinto published the console inside its own package up to release 25.0.0. Leaves the package to
`console_package`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from kinto_lite.defaults import find_console_folder
from kinto_lite.errors import ConfigurationError


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
        help="do not download: the package of Kinto 25.0.0, brought from another machine",
    )


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Fetch the console, check it, fill the folder; return the exit code.

    Errors: ConfigurationError.
    """
    # Other commands need not wait for what only this one needs.
    from kinto_lite.commands.console_package import check_wheel, fill, read_console, read_wheel

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


def describe(folder: Path, files: Mapping[str, bytes], is_usual: bool) -> Iterator[str]:
    """Yield the lines that say what is there now, and what is left to do."""
    version = files["VERSION"].decode("ascii", "replace").strip()
    yield f"The admin console {version} is in {folder}"
    yield "With an ini file: see that kinto.includes names kinto.plugins.admin, and add the line"
    yield f"    kinto.admin_assets_path = {folder}"
    if is_usual:
        yield "(In this folder, beside the database, it is found without that line.)"
    yield "Then start the server again: the console is at /v1/admin/"
