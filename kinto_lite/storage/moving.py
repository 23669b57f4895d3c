"""Moving a whole database, or one bucket, from engine to engine: the rows, and what engines offer.

What moves is a stream of four kinds of rows that know nothing of any engine. Whatever a row
refers to comes before it: first secrets and tokens, then lists of kinds without a parent, then
objects, each followed at once by the lists below it. Counters, interned names and entries of
field indexes are not moved but made anew. Everything a client may hold on to stays as it was:
timestamps, tombstones, and the storage's keys of objects, which page tokens contain.

An engine takes part by a module that has the functions of `Mover`; `engines.find_mover` picks it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, Protocol

from kinto_lite.storage.base import StorageError, StorageOptions


class Refused(StorageError):
    """What was asked for would lose or damage data; nothing was changed."""


class SecretRow(NamedTuple):
    """A secret of the server, such as the one that user ids depend on."""

    name: str
    value: str


class NonceRow(NamedTuple):
    """A page token of a plural DELETE that may be used once until `expires` (milliseconds)."""

    value: str
    expires: int


class ListRow(NamedTuple):
    """A plural endpoint; `last_modified` is 0 when it was never used. `indexes` are the fields
    that its parent asked to have indexed."""

    kind: str
    parent_uri: str
    last_modified: int
    indexes: tuple[str, ...] = ()


class ObjectRow(NamedTuple):
    """An object or a tombstone.

    `key` is the storage's own number: among objects of a list it grows with their age, and page
    tokens contain it. `data` is the stored JSON text, to the letter. `permissions` are the pairs
    (name, principal), and `members` the principals that are in the group, both sorted as Python
    sorts text.
    """

    key: int
    kind: str
    parent_uri: str
    id: str
    last_modified: int
    is_deleted: bool
    data: str
    permissions: tuple[tuple[str, str], ...] = ()
    members: tuple[str, ...] = ()


MovedRow = SecretRow | NonceRow | ListRow | ObjectRow


class Snapshot(Protocol):
    """One moment of a database, while others go on writing to it."""

    def count_objects(self) -> int:
        """Count all objects and tombstones, for a progress bar."""
        ...

    def has_bucket(self, bucket: str) -> bool:
        """Tell whether a live bucket has this id."""
        ...

    def rows(self, bucket: str | None = None) -> Iterator[MovedRow]:
        """Yield everything, or one bucket and what lies below it, holding a few rows at a time.

        Of one bucket, the first row is the bucket itself: without secrets and tokens, which
        belong to the server, and without the list that the bucket is in.
        """
        ...


class Filling(Snapshot, Protocol):
    """A transaction that fills a database. When its block ends without an error, all of it is
    there and on disk; else nothing is, also after a crash. `rows` reads what it has written."""

    #: Added to the key of each row, a key is free in this database.
    free_key: int
    #: The timestamp of the list of buckets, in milliseconds.
    newest: int

    def write(self, rows: Iterable[MovedRow]) -> None:
        """Store rows, then make counters, field indexes and lists of kinds that had none.

        Called once. A list without a parent may be there already and takes the greater
        timestamp; a tombstone in the place of a bucket gives way.
        Errors: Refused for rows that contradict each other, and StorageError.
        """
        ...


class Finding(NamedTuple):
    """Something wrong in a database. `can_repair`: it can be computed anew from the rest."""

    text: str
    can_repair: bool = False


class Mover(Protocol):
    """What the moving module of an engine offers, as functions.

    Errors of all: Refused, StorageError, each with one line for the operator.
    """

    def open_snapshot(self, url: str) -> AbstractContextManager[Snapshot]:
        """Open what exists for reading, changing nothing: neither schema nor inheritance, which
        depend on the settings of the server that may be running on it."""
        ...

    def fill_empty(self, url: str) -> AbstractContextManager[Filling]:
        """Open a database that has no objects and that nobody uses; the secrets it may have are
        replaced. Refused when it has some, or is in use as far as the engine can tell."""
        ...

    def fill_beside(self, url: str, options: StorageOptions) -> AbstractContextManager[Filling]:
        """Open a database to add to what it has, beside a running server. It is made when it is
        not there."""
        ...

    def find_faults(self, url: str, repair: bool) -> list[Finding]:
        """Check everything that can be checked, beside a running server, and repair what can be
        computed anew, if wanted. Of each kind of finding, a few are named and the rest counted."""
        ...


@dataclass
class KindTally:
    """Counts of one kind, and the sum of the hashes of its rows, so that order does not count."""

    live: int = 0
    deleted: int = 0
    total: int = 0

    @property
    def checksum(self) -> str:
        """32 hexadecimal digits."""
        return f"{self.total:032x}"


@dataclass
class Tally:
    """Counts and checksums by kind; two equal ones mean the same rows, in whatever order."""

    kinds: dict[str, KindTally] = field(default_factory=dict)

    def add(self, row: MovedRow, line: str) -> None:
        """Count a row; `line` is what `encode_row` made of it."""
        kind, is_deleted = name_tally(row)
        tally = self.kinds.get(kind)
        if tally is None:
            tally = self.kinds[kind] = KindTally()
        if is_deleted:
            tally.deleted += 1
        else:
            tally.live += 1
        digest = blake2b(line.encode("utf-8"), digest_size=16).digest()
        tally.total = (tally.total + int.from_bytes(digest, "big")) % 2**128

    def watch(self, rows: Iterable[MovedRow]) -> Iterator[MovedRow]:
        """Count rows as they pass by."""
        for row in rows:
            self.add(row, encode_row(row))
            yield row

    def describe(self) -> dict[str, dict[str, int | str]]:
        """Return what JSON can say of it."""
        return {
            kind: {"live": tally.live, "deleted": tally.deleted, "checksum": tally.checksum}
            for kind, tally in sorted(self.kinds.items())
        }


def name_tally(row: MovedRow) -> tuple[str, bool]:
    """Return under which name a row is counted, and whether it is a tombstone."""
    if isinstance(row, ObjectRow):
        return row.kind, row.is_deleted
    if isinstance(row, ListRow):
        return "(lists)", False
    return ("(secrets)" if isinstance(row, SecretRow) else "(tokens)"), False


_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
#: Writes a text as JSON does; a line is put together by hand since there are millions of them.
_quote = json.encoder.encode_basestring_ascii


def encode_row(row: MovedRow) -> str:
    """Return the line of a row, without its end: the form that dumps hold and checksums are
    made of. Equal rows have equal lines."""
    if isinstance(row, ObjectRow):
        return f'{{"object":{{{_describe_object(row)}}},"data":{row.data}}}'
    if isinstance(row, ListRow):
        return _encode({"list": row._asdict()})
    name = "secret" if isinstance(row, SecretRow) else "token"
    return _encode({name: row._asdict()})


def _describe_object(row: ObjectRow) -> str:
    """Return all of an object but its data; what is empty is left out."""
    text = (
        f'"key":{row.key},"kind":{_quote(row.kind)},"parent_uri":{_quote(row.parent_uri)},'
        f'"id":{_quote(row.id)},"last_modified":{row.last_modified}'
    )
    if row.is_deleted:
        text += ',"deleted":true'
    if row.permissions:
        lists = (
            f"{_quote(name)}:[{','.join([_quote(who) for _, who in pairs])}]"
            for name, pairs in groupby(row.permissions, itemgetter(0))
        )
        text += f',"permissions":{{{",".join(lists)}}}'
    if row.members:
        text += f',"members":[{",".join(map(_quote, row.members))}]'
    return text


def split_uri(uri: str) -> tuple[str, str, str]:
    """Split the URI of an object into kind, URI of its parent, and id."""
    above, _, object_id = uri.rpartition("/")
    parent_uri, _, plural = above.rpartition("/")
    return plural.removesuffix("s"), parent_uri, object_id
