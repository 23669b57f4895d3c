"""`flush-cache`: forgets what the database only remembers for a while, the page tokens of plural
DELETE. What workers remember in memory is checked against the database anyway.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping

from kinto_lite.commands.database import open_existing, read_target


def add_options(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: there are no options of its own."""


def run(_options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Flush; return the exit code. Errors: ConfigurationError, StorageError."""
    with open_existing(read_target(given)) as storage, storage.transaction(write=True) as tx:
        tx.forget_nonces()
    logging.getLogger("kinto_lite").info("Cache has been cleared.")
    return 0
