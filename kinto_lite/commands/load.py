"""`load`: puts a dump into an empty database, or a dump of one bucket beside what is there.

The dump is read twice: first to see that it is sound, before anything is written.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kinto_lite.commands.dump_format import DumpReader
from kinto_lite.commands.moved import describe_tally, find_database, finish, refuse_difference
from kinto_lite.commands.progress import Progress
from kinto_lite.storage.base import StorageOptions
from kinto_lite.storage.engines import find_mover
from kinto_lite.storage.moving import MovedRow, ObjectRow, Refused, Tally

STANDARD_STREAM = "-"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `load`."""
    parser.add_argument("file", metavar="FILE", help="a dump, packed or not; - for standard input")


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Load a dump; return the exit code. The database has all of it, or is as it was.

    Errors: ConfigurationError, StorageError.
    """
    url, engine = find_database(given)
    return finish(options, lambda: load(options.file, url, engine))


def load(name: str, url: str, options: StorageOptions) -> int:
    """Check a dump, load it, compare what arrived, and say what it was."""
    with open_input(name) as stream:
        dump = DumpReader(stream)
        with Progress("Checking", dump.size) as bar:
            for _ in dump.rows(bar.advance):
                pass
        if dump.header.bucket is None:
            arrived = load_everything(dump, url)
        else:
            arrived = load_bucket(dump, dump.header.bucket, url, options)
    print(*describe_tally(arrived), sep="\n")
    return 0


def load_everything(dump: DumpReader, url: str) -> Tally:
    """Fill an empty database; return what arrived."""
    arrived = Tally()
    with find_mover(url).fill_empty(url) as filling:
        with Progress("Loading", dump.size) as bar:
            filling.write(dump.rows(bar.advance))
        for _ in arrived.watch(filling.rows()):
            pass
        refuse_difference(dump.tally, arrived)
    return arrived


def load_bucket(dump: DumpReader, bucket: str, url: str, options: StorageOptions) -> Tally:
    """Add a bucket to a database; return what arrived."""
    sent, arrived = Tally(), Tally()
    with find_mover(url).fill_beside(url, options) as filling:
        if filling.has_bucket(bucket):
            raise Refused(f"The bucket {bucket!r} is there already: delete it first.")
        now = max(time.time_ns() // 1_000_000, filling.newest + 1)
        with Progress("Loading", dump.size) as bar:
            rows = fit_in(dump.rows(bar.advance), bucket, filling.free_key, now)
            filling.write(sent.watch(rows))
        for _ in arrived.watch(filling.rows(bucket)):
            pass
        # Lists of kinds that the source did not have may have been added.
        for tally in (sent, arrived):
            tally.kinds.pop("(lists)", None)
        refuse_difference(sent, arrived)
    return arrived


def fit_in(rows: Iterable[MovedRow], bucket: str, free_key: int, now: int) -> Iterator[MovedRow]:
    """Give the objects of a bucket keys that are free, and the bucket itself the time of its
    arrival, so that clients that follow the list of buckets hear of it.

    Errors: Refused for rows that lie elsewhere.
    """
    uri = f"/buckets/{bucket}"
    for row in rows:
        if isinstance(row, ObjectRow):
            is_bucket = (row.kind, row.parent_uri, row.id) == ("bucket", "", bucket)
            row = row._replace(key=row.key + free_key)
            if is_bucket:
                row = row._replace(last_modified=now)
        else:
            is_bucket = False
        place = getattr(row, "parent_uri", "")
        if not (is_bucket or place == uri or place.startswith(f"{uri}/")):
            raise Refused(f"The dump says that it is of bucket {bucket!r}, but has more.")
        yield row


@contextmanager
def open_input(name: str) -> Iterator[IO[bytes]]:
    """Open a dump that can be read twice; a pipe is kept in a temporary file (in $TMPDIR) that
    has no name. Errors: OSError."""
    if name != STANDARD_STREAM and Path(name).is_file():
        with Path(name).open("rb") as stream:
            yield stream
        return
    with tempfile.TemporaryFile() as kept:
        if name == STANDARD_STREAM:
            shutil.copyfileobj(sys.stdin.buffer, kept)
        else:
            with Path(name).open("rb") as pipe:
                shutil.copyfileobj(pipe, kept)
        yield kept
