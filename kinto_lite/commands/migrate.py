"""`migrate`: brings the database to the schema of this version, or tells what that would take.

A server does the same when it starts; this is for those who want to know before.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping

from kinto_lite.commands.database import Target, read_target
from kinto_lite.storage.engines import list_pending_steps, open_storage

log = logging.getLogger("kinto_lite")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `migrate`."""
    parser.add_argument(
        "--dry-run", action="store_true", help="list what would be done, and change nothing"
    )


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Migrate; return the exit code. Errors: ConfigurationError, StorageError."""
    target = read_target(given)
    if target.settings["readonly"]:
        log.error("Cannot migrate the storage backend while in readonly mode.")
        return 0
    steps = list_pending_steps(target.url, target.options)
    if not steps:
        log.info("The storage schema of %s is up-to-date.", target.name)
    if not options.dry_run:
        # Also without pending steps: plugins that are new need room of their own.
        open_storage(target.url, target.options).close()
    say_steps(target, steps, "would be" if options.dry_run else "was")
    return 0


def say_steps(target: Target, steps: list[str], verb: str) -> None:
    """Tell about each step."""
    for step in steps:
        log.info("%s %s applied to %s.", step, verb, target.name)
