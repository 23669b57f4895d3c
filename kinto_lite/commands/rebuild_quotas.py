"""`rebuild-quotas`: counts what buckets and collections hold, and corrects the counters.

May run beside a server, which waits while a bucket is counted. Needed after something wrote to
the database past the server, and useful before quotas are first switched on: what was not
counted before is counted by the first write to a bucket.

Source: protocol, plugins chapters 7.7 and 12.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kinto_lite.commands.progress import Progress
from kinto_lite.storage.base import Storage

if TYPE_CHECKING:
    from kinto_lite.plugins.quotas.counting import Recount

#: Exit codes.
IS_READONLY = 51
HAS_NO_QUOTAS = 52


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `rebuild-quotas`."""
    parser.add_argument(
        "--dry-run", action="store_true", help="tell what is wrong, and change nothing"
    )


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Recompute all counters; return the exit code.

    Errors: ConfigurationError, StorageError.
    """
    # Other commands need not wait for all that a server needs.
    from kinto_lite.assembly import choose_storage_url, read_setup, storage_options
    from kinto_lite.storage.engines import open_storage

    settings, plugins = read_setup(given)
    if settings["readonly"] and not options.dry_run:
        return _refuse("Cannot rebuild quotas with a readonly server.", IS_READONLY)
    if all(plugin.name != "quotas" for plugin in plugins):
        return _refuse(
            "Cannot rebuild quotas when the quotas plugin is not installed.", HAS_NO_QUOTAS
        )
    told = storage_options(settings, plugins)._replace(read_timeout_seconds=0)
    storage = open_storage(choose_storage_url(settings), told)
    try:
        report_rebuild(storage, options.dry_run)
    finally:
        storage.close()
    return 0


def report_rebuild(storage: Storage, is_dry_run: bool) -> None:
    """Recompute all counters, and print which were wrong."""
    from kinto_lite.plugins.quotas.counting import count_buckets, rebuild

    wrong = 0
    with Progress("Counting buckets", count_buckets(storage)) as bar:
        for recount in rebuild(storage, is_dry_run):
            if not recount.is_right:
                wrong += 1
                bar.clear()
                print(describe(recount))
            bar.advance()
    said = "would be corrected" if is_dry_run else "corrected"
    print(f"{bar.count} buckets counted, {wrong} {said}.")


def describe(recount: Recount) -> str:
    """Return the line about a bucket whose counters were wrong."""
    from kinto_lite.plugins.quotas.usage import NOTHING

    counted, stored = recount.counted[None], recount.stored.get(None, NOTHING)
    was = f"{stored.records} records, {stored.bytes} bytes" if recount.stored else "not counted"
    return (
        f"Bucket {recount.bucket_id}: {counted.records} records, {counted.bytes} bytes (was {was})"
    )


def _refuse(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code
