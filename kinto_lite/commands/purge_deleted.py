"""`purge-deleted`: deletes old tombstones for good, beside a running server.

Clients that were away for longer than the tombstones live miss deletions; snapshots of the
history miss the records whose tombstones are gone. Live objects are never touched.

Source: protocol, part 2, chapter 12 and chapter 18, rule D-20.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kinto_lite.commands.database import open_existing, read_target
from kinto_lite.commands.options import read_number
from kinto_lite.commands.progress import Progress
from kinto_lite.storage.base import OldTombstones, Storage, Transaction

#: Tombstones and lists in one transaction: a server beside waits for a few milliseconds.
BATCH = 500
#: Between two transactions, as long as the last one took but at least this: so writers come in.
PAUSE_SECONDS = 0.005
MAX_KEPT = 10**11
MAX_DAYS = 100_000
DAY_MS = 24 * 60 * 60 * 1000

log = logging.getLogger("kinto_lite")


class Wanted(NamedTuple):
    """What was asked for; `days` is None when age does not matter."""

    kinds: tuple[str, ...]
    keep: int
    days: int | None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `purge-deleted`."""
    parser.usage = "%(prog)s [options] RESOURCE [RESOURCE ...] [MAX] [--older-than DAYS]"
    parser.add_argument(
        "words",
        nargs="+",
        metavar="RESOURCE",
        help="bucket, collection, group, record, account, history; and in the end MAX: how many "
        "tombstones, the newest ones, each list keeps",
    )
    parser.add_argument(
        "--older-than",
        type=read_days,
        default=None,
        metavar="DAYS",
        help="delete only what was deleted before so many days; then MAX may be left out",
    )
    parser.set_defaults(refuse=parser.error)


def read_days(text: str) -> int:
    """Return a number of days. Errors: ArgumentTypeError."""
    return read_number(text, 0, MAX_DAYS)


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Purge; return the exit code. Errors: ConfigurationError, StorageError."""
    wanted = read_wanted(options)
    warn_about_unknown(wanted.kinds)
    with open_existing(read_target(given)) as storage:
        log.info("%s", describe(wanted))
        log.info("%d tombstone(s) deleted.", purge(storage, wanted))
    return 0


def read_wanted(options: argparse.Namespace) -> Wanted:
    """Return what the words mean; ends with a usage error when they mean nothing."""
    words, days = options.words, options.older_than
    if not words[-1].isdecimal():
        if days is None:
            options.refuse(f"MAX must be a number, not '{words[-1][:20]}'")
        return Wanted(tuple(words), 0, days)
    if len(words) == 1:
        options.refuse("which RESOURCE?")
    try:
        return Wanted(tuple(words[:-1]), read_number(words[-1], 0, MAX_KEPT), days)
    except argparse.ArgumentTypeError as error:
        return options.refuse(str(error))  # type: ignore[no-any-return]


def describe(wanted: Wanted) -> str:
    """Return what is going to happen, in a sentence."""
    if wanted.days is None:
        return f"Keep only {wanted.keep} tombstones per parent and resource."
    age = f"tombstones older than {wanted.days} days"
    if not wanted.keep:
        return f"Delete {age}."
    return f"Delete {age}, but keep {wanted.keep} per parent and resource."


def warn_about_unknown(kinds: Sequence[str]) -> None:
    """Say which of these words are no kinds of objects: nothing is deleted for them."""
    from kinto_lite.assembly import list_kinds
    from kinto_lite.extensions.plugins import BUILT_IN, load_plugin

    plugins = [load_plugin(f"kinto.plugins.{name}") for name in BUILT_IN]
    known = {kind.name for kind in list_kinds(plugins)}
    for kind in kinds:
        if kind not in known:
            names = ", ".join(sorted(known))
            log.warning("'%s' is no resource, and has no tombstones. There are: %s.", kind, names)


def purge(storage: Storage, wanted: Wanted) -> int:
    """Delete what is wanted, batch by batch; return how many tombstones that were."""
    before = None if wanted.days is None else time.time_ns() // 1_000_000 - wanted.days * DAY_MS
    with storage.transaction(write=False) as tx:
        found = tx.find_old_tombstones(wanted.kinds, wanted.keep, before)
    with Progress("Deleting tombstones", sum(old.total for old in found)) as bar:
        for deleted in delete_in_batches(storage, deque(found)):
            bar.advance(deleted)
        return bar.count


def delete_in_batches(storage: Storage, waiting: deque[OldTombstones]) -> Iterator[int]:
    """Delete these tombstones, and yield how many each transaction deleted."""
    while waiting:
        began = time.monotonic()
        with storage.transaction(write=True) as tx:
            deleted = delete_some(tx, waiting)
        yield deleted
        if waiting:
            time.sleep(max(PAUSE_SECONDS, time.monotonic() - began))


def delete_some(tx: Transaction, waiting: deque[OldTombstones]) -> int:
    """Delete a batch from the front of what waits; return how many tombstones."""
    total = room = 0
    while waiting and room < BATCH:
        limit = BATCH - room
        deleted = tx.delete_tombstones(waiting[0], limit)
        total += deleted
        room += max(1, deleted)
        if deleted < limit:
            waiting.popleft()
    return total
