"""The storage interface: what every engine offers, and the errors it may raise.

A `Storage` is one database. All work happens inside a `Transaction`, which is all or
nothing; `transaction(write=True)` waits for its turn, and leaving it means that what was
written survives a power cut. Who may do what is computed by the engine in SQL, from the rows
of `permissions.tree`. Timestamps, bodies and the meaning of a request are decided by the
rooms above; the engine stores what it is told to, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from kinto_lite.model import Asker, Filter, Kind, ListRef, ObjectRef, Page, Place, Query, Row


class StorageError(Exception):
    """The storage could not do what it was asked; `str(error)` is one line for a log."""


class Busy(StorageError):
    """Another writer held the database for longer than the time to wait."""


class Unavailable(StorageError):
    """The database cannot be reached or read."""


class TooLong(StorageError):
    """A read searched for longer than it may; nothing is wrong with the database."""


class Full(StorageError):
    """No space left to write to; nothing of the transaction was stored."""


class UnusableFile(StorageError):
    """The database cannot be opened at start: damaged, newer, foreign or not writable."""


class Conflict(StorageError):
    """Others wrote at the same time; nothing was stored. Run again, it can go through: engines
    where this can happen remember, for the thread, what they have to do first."""


class NeedsWrite(StorageError):
    """A read found something that has to be stored first; run it again as a write."""


class Visibility(NamedTuple):
    """Restricts a list to the objects on which `asker` holds `need` directly (core 8.7)."""

    asker: Asker
    need: str


class OldTombstones(NamedTuple):
    """The tombstones of one list up to one of them, which is named by `last_modified` and `key`;
    `total` is how many there were when they were found."""

    list_key: int
    last_modified: int
    key: int
    total: int


class Transaction(Protocol):
    """One unit of work. Every method may raise `StorageError`."""

    #: Whether writing methods may be called.
    is_write: bool

    def savepoint(self) -> AbstractContextManager[None]:
        """Begin a part of a write transaction: when its block raises, it is undone alone."""
        ...

    def find_asker(self, user_id: str | None, policy: str | None = None) -> Asker:
        """Return the principals of a user: herself, the system's, her groups."""
        ...

    def find_object(self, ref: ObjectRef, asker: Asker) -> Place:
        """Return what is known about an object URL, in one statement.

        A writer that calls this, or `find_list`, waits until nobody else writes to that list,
        and then nobody else does until the transaction ends; `find_row` only looks.
        """
        ...

    def find_row(self, ref: ObjectRef) -> Row | None:
        """Return an object or its tombstone, and nothing about who may see it."""
        ...

    def find_list(self, ref: ListRef, asker: Asker, need: str) -> Place:
        """Return what is known about a list URL; `need` is what `sees_some` looks for."""
        ...

    def start_list(self, list_key: int, timestamp: int) -> None:
        """Give a never used list its timestamp, in milliseconds."""
        ...

    def list_objects(
        self, list_key: int, kind: str, query: Query, visible: Visibility | None
    ) -> Page:
        """Return one page of a list."""
        ...

    def count_objects(
        self, list_key: int, kind: str, query: Query, visible: Visibility | None
    ) -> int:
        """Count the live objects that match, whatever the limit and the page."""
        ...

    def write_object(
        self, place: Place, ref: ObjectRef, data: str, last_modified: int, list_timestamp: int
    ) -> Row:
        """Create the object, or replace its data, or bring a tombstone back to life.

        `data` is JSON as `protocol.json_text.dump_json` writes it, and is stored as it is. A new
        object gets the (empty) lists of what hangs below it. `list_timestamp` 0 leaves that of
        the list alone; then an object that is there is replaced by `place.row.key`, and nothing
        else of the place is looked at.
        """
        ...

    def replace_indexes(self, children: ListRef, fields: Sequence[str]) -> None:
        """Let the objects of a list be found by these fields, and by no others, through an index.

        Objects that are there already are put in beside the requests; filters and sorting work
        the same before and after, only faster.
        """
        ...

    def delete_objects(
        self, list_key: int, kind: str, rows: Sequence[Row], timestamps: Sequence[int]
    ) -> list[Row]:
        """Turn objects into tombstones with these timestamps; erase their permissions and all
        that lies below them. The list takes the greatest timestamp if that is newer."""
        ...

    def delete_oldest(self, list_key: int, filters: Sequence[Filter], keep: int) -> None:
        """Delete the objects that match for good, leaving no tombstones, but keep the newest."""
        ...

    def find_old_tombstones(
        self, kinds: Iterable[str], keep: int, before: int | None
    ) -> list[OldTombstones]:
        """Return what is beyond the newest `keep` tombstones of each list of these kinds and, when
        `before` is given, older than that time (milliseconds). Unknown kinds have none."""
        ...

    def delete_tombstones(self, old: OldTombstones, limit: int) -> int:
        """Delete up to `limit` of these tombstones, oldest first; return how many. What has come
        to life meanwhile stays."""
        ...

    def list_snapshot(self, collection: ObjectRef, timestamp: int) -> list[Row]:
        """Return the records of a collection as they were at a time, newest first, as far as
        the history of the bucket tells (plugins 5.7). Keys of these rows mean nothing."""
        ...

    def issue_nonce(self, value: str, now: int, expires: int) -> None:
        """Remember a text that may be used once until `expires` (milliseconds)."""
        ...

    def take_nonce(self, value: str, now: int) -> bool:
        """Use such a text up; False when it was used, has expired or was never issued."""
        ...

    def forget_nonces(self) -> None:
        """Forget all such texts."""
        ...

    def read_permissions(self, object_key: int) -> dict[str, list[str]]:
        """Return the stored permissions of an object, by name."""
        ...

    def list_permissions(
        self, asker: Asker, everywhere: Sequence[tuple[str, str]], root: Sequence[str], query: Query
    ) -> Page:
        """Return one page of the objects on which the asker has something, stored directly or
        by settings: `everywhere` are grants (kind, permission) on all objects of a kind, `root`
        what is granted at the root. The data of the rows is complete (core 8.9)."""
        ...

    def count_permissions(
        self, asker: Asker, everywhere: Sequence[tuple[str, str]], root: Sequence[str], query: Query
    ) -> int:
        """Count the objects that `list_permissions` would show, whatever the page."""
        ...

    def count_all(self) -> tuple[dict[str, int], dict[str, int]]:
        """Count the live objects, and the tombstones, of the whole database by kind; kinds that
        have none are left out."""
        ...

    def read_shown_permissions(self, object_key: int, asker: Asker) -> dict[str, list[str]]:
        """Return the stored permissions of an object; none of them when the asker may not see
        them (core 8.6)."""
        ...

    def replace_permissions(
        self, list_key: int, object_key: int, kind: str, permissions: Mapping[str, Iterable[str]]
    ) -> None:
        """Replace the lists of principals that are given; leave the others alone."""
        ...

    def add_permission(
        self, list_key: int, object_key: int, kind: str, name: str, principal: str
    ) -> None:
        """Add one principal to one list, if it is not there yet."""
        ...

    def copy_readers(self, list_key: int, object_key: int, kind: str, about_key: int) -> None:
        """Let everybody read a new object who may read now what it is about: by permissions
        stored there, on the parent of that, or on the object's own parent."""
        ...

    def list_owned_alone(self, principal: str, kind: str) -> list[tuple[ListRef, Place]]:
        """Return the objects of a kind that a principal is the only writer of, each with its
        list; what the places say of needs and permissions means nothing."""
        ...

    def remove_principal(self, principal: str) -> None:
        """Take a principal's permissions and memberships away."""
        ...

    def flush(self) -> None:
        """Empty the database; secrets stay."""
        ...

    def replace_members(self, group: ObjectRef, group_key: int, members: Iterable[str]) -> None:
        """Make exactly these principals members of a group, from now on."""
        ...


class Storage(Protocol):
    """One database, for the life of the process. Safe to use from several threads."""

    def transaction(self, write: bool) -> AbstractContextManager[Transaction]:
        """Begin; commit when the block ends, roll back when it raises.

        Errors: Busy, Full, Unavailable. When the block ends without one, what was written is
        on disk.
        """
        ...

    def share_commits(self) -> None:
        """From now on, let transactions of this thread share one commit: `settle` makes all
        of them durable. For a server that has one thread and holds its answers back."""
        ...

    def limit_reads(self, seconds: float) -> None:
        """From now on, end reads of this thread with `TooLong` after that time, if they would not
        be ended sooner."""
        ...

    @property
    def was_cut(self) -> bool:
        """Whether the last transaction of this thread ended so."""
        ...

    @property
    def reads_side_by_side(self) -> bool:
        """Whether reads of several threads do not wait for each other, nor for a writer."""
        ...

    @property
    def is_unsettled(self) -> bool:
        """Whether what this thread saw or wrote is not on disk yet."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether a transaction, or a view, is open that requests share: `settle` ends it. Until
        then, this thread sees nothing of what others commit."""
        ...

    def settle(self) -> None:
        """Commit what is shared. When this returns, all of it is on disk.

        Errors: Busy, Full, Unavailable; then nothing of it was stored.
        """
        ...

    def when_settled(self, call: Callable[[], None]) -> None:
        """Call this when all that this thread wrote is on disk: now, or when `settle` has made it
        so; never when it fails. What is called does not raise, and does not take long."""
        ...

    def read_secret(self, name: str) -> str:
        """Return a random text that was made when first asked for and never changes."""
        ...

    def is_healthy(self) -> bool:
        """Tell whether the database answers (and, unless read only, can be written to)."""
        ...

    def flush(self) -> None:
        """Empty the database, in a transaction of its own; secrets stay."""
        ...

    def close(self) -> None:
        """Release everything; an SQLite database is left as one file."""
        ...


class StorageOptions(NamedTuple):
    """What an engine is told when it opens."""

    #: Each gets its lists, also below objects that are there already. Objects of derived kinds
    #: (`Kind.is_derived`) that an earlier opening named and this one does not are deleted.
    kinds: tuple[Kind, ...]
    #: Rows (kind, need, granting kind, permission), see `permissions.tree`.
    inheritance: tuple[tuple[str, str, str, str], ...]
    #: How long a writer waits for its turn.
    busy_timeout_seconds: float = 10.0
    #: How long a read may search; 0: as long as it takes.
    read_timeout_seconds: float = 5.0
    #: Clients write nothing, so that it does if the database can only be read.
    is_readonly: bool = False
    #: Connections of a process to a database server that are kept, and how many more there may
    #: be; how long to wait for one; from which age on it is not used again (-1: at any age).
    pool_size: int = 25
    max_overflow: int = 5
    pool_timeout_seconds: float = 30.0
    pool_recycle_seconds: float = -1
    #: Whether a server may be asked to keep prepared statements.
    has_prepared_statements: bool = True
