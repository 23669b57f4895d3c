"""What the commands that move data have in common: where, what they print, and how they fail."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout

from kinto_lite.commands.database import read_target
from kinto_lite.storage.base import StorageError, StorageOptions
from kinto_lite.storage.moving import MovedRow, ObjectRow, Tally

#: Exit code after Ctrl-C or SIGTERM.
INTERRUPTED = 130

Command = Callable[[argparse.Namespace, Mapping[str, str]], int]


def find_url(given: Mapping[str, str]) -> str:
    """Return the URL of the database that settings name. Errors: ConfigurationError."""
    return find_database(given)[0]


def find_database(given: Mapping[str, str]) -> tuple[str, StorageOptions]:
    """Return that URL, and what an engine is told that opens it. Errors: ConfigurationError."""
    target = read_target(given)
    return target.url, target.options


@contextmanager
def in_one_line() -> Iterator[None]:
    """Make one line of what the system says about files. Errors: StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{error.filename or 'A file'}: {error.strerror or error}.") from error


def finish(options: argparse.Namespace, work: Callable[[], int]) -> int:
    """Do the work, silently when that was asked for; an interruption leaves nothing behind and
    says so in the exit code. Errors: those of the work; for files, StorageError."""
    try:
        with in_one_line(), be_quiet() if options.quiet else nullcontext():
            return work()
    except KeyboardInterrupt:
        print("Interrupted: nothing was changed.", file=sys.stderr)
        return INTERRUPTED


@contextmanager
def be_quiet() -> Iterator[None]:
    """Print nothing; errors are printed by whoever catches them."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


def count_objects(rows: Iterable[MovedRow], advance: Callable[[int], None]) -> Iterator[MovedRow]:
    """Tell a progress bar about the objects that pass by, some at a time."""
    seen = 0
    for row in rows:
        yield row
        seen += isinstance(row, ObjectRow)
        if seen == 1000:
            advance(seen)
            seen = 0
    advance(seen)


def refuse_difference(wanted: Tally, found: Tally) -> None:
    """Compare what was sent with what arrived. Errors: StorageError."""
    if wanted != found:
        names = [
            name
            for name in sorted({*wanted.kinds, *found.kinds})
            if wanted.kinds.get(name) != found.kinds.get(name)
        ]
        raise StorageError(f"What arrived is not what was sent: {', '.join(names)}.")


def describe_tally(tally: Tally) -> list[str]:
    """Return a table of kinds: how many live, how many deleted, and the checksum."""
    lines = [f"{'kind':14} {'live':>10} {'deleted':>10}  checksum"]
    for name, kind in sorted(tally.kinds.items()):
        lines.append(f"{name:14} {kind.live:10} {kind.deleted:10}  {kind.checksum}")
    return lines
