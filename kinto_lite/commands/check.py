"""`check`: looks for what is wrong in a database, beside a running server."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from kinto_lite.commands.moved import find_url, finish
from kinto_lite.storage.engines import find_mover

#: Exit code when something is wrong, and was not repaired.
HAS_FAULTS = 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `check`."""
    parser.add_argument(
        "--repair",
        action="store_true",
        help="compute anew what can be: counters, and timestamps of lists",
    )


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Check a database; return 1 when something is wrong.

    Errors: ConfigurationError, StorageError.
    """
    url = find_url(given)
    return finish(options, lambda: check(url, options.repair))


def check(url: str, repair: bool) -> int:
    """Print what is wrong, one line each, and after a repair count what is left."""
    mover = find_mover(url)
    faults = mover.find_faults(url, repair)
    for fault in faults:
        hint = " (--repair can mend it)" if fault.can_repair and not repair else ""
        print(f"{fault.text}{hint}")
    if repair and faults:
        faults = mover.find_faults(url, False)
        print(f"After the repair, {len(faults)} of them are left.")
    if not faults:
        print("Nothing is wrong.")
    return HAS_FAULTS if faults else 0
