"""`copy`: everything from one database into another, empty one, beside a running server."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from kinto_lite.commands.moved import count_objects, describe_tally, finish, refuse_difference
from kinto_lite.commands.progress import Progress
from kinto_lite.storage.engines import find_mover
from kinto_lite.storage.moving import Tally


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `copy`."""
    parser.add_argument("source", metavar="SOURCE", help="URL of a database: sqlite:///old.db")
    parser.add_argument("target", metavar="TARGET", help="URL of an empty database, or of none yet")


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Copy everything; return the exit code. The target has all of it, or is as it was.

    Errors: ConfigurationError, StorageError.
    """
    return finish(options, lambda: copy(options.source, options.target))


def copy(source: str, target: str) -> int:
    """Copy, compare what arrived with what was sent, and say what it was."""
    reader, writer = find_mover(source), find_mover(target)
    sent, arrived = Tally(), Tally()
    with reader.open_snapshot(source) as snapshot, writer.fill_empty(target) as filling:
        total = snapshot.count_objects()
        with Progress("Copying", total) as bar:
            filling.write(count_objects(sent.watch(snapshot.rows()), bar.advance))
        with Progress("Comparing", total) as bar:
            for _ in count_objects(arrived.watch(filling.rows()), bar.advance):
                pass
        refuse_difference(sent, arrived)
    print(*describe_tally(arrived), sep="\n")
    print("The target has everything, and it is the same.")
    return 0
