"""The records that the rooms hand to each other: no behaviour, no framework, no engine.

Requests and answers (`ApiRequest`, `Answer`), places in the tree of objects (`ListRef`,
`ObjectRef`, `Kind`), who asks (`Asker`), what a list is asked for (`Query`, `Filter`,
`Sort`) and what it gives (`Row`, `Page`), what a write did (`Change`), and what is noted for
logs and metrics (`Trace`).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: Anything that JSON can say, as Python's `json` module reads it.
Json = Any


class _Missing:
    """The value of a field that an object does not have; sorts after everything else."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object: `bucket`, `group`, `collection`, `record`, or a plugin's own."""

    #: Singular name, as in `resource_name`.
    name: str
    #: Segment of the URL: `buckets`.
    plural: str
    #: Name of the kind it hangs below; None at the root.
    parent: str | None
    #: Names that may be stored in `permissions`, in the order error texts give them. Objects of
    #: a kind that has none are not in the list of permissions.
    permissions: tuple[str, ...]
    #: The only attributes it has, when lists shall refuse to filter or sort by others.
    fields: frozenset[str] | None = None
    #: Attributes that are ids: filters on them mean text, also where it looks like a number.
    text_fields: frozenset[str] = frozenset()
    #: Attributes that lists neither filter nor sort by, and that a 412 shows to owners only.
    secret_fields: frozenset[str] = frozenset()
    #: Its objects are computed from others, which may change while nobody keeps them in step: a
    #: storage that is opened without this kind forgets them.
    is_derived: bool = False


class ListRef(NamedTuple):
    """A plural endpoint: all objects of one kind below one parent.

    `parent_uri` is the URI of the parent without version prefix: "" for buckets,
    "/buckets/b" for groups and collections, "/buckets/b/collections/c" for records.
    """

    kind: str
    parent_uri: str


class ObjectRef(NamedTuple):
    """One object, existing or not, by the id its URL gives."""

    kind: str
    parent_uri: str
    id: str

    @property
    def list(self) -> ListRef:
        """The plural endpoint that holds it."""
        return ListRef(self.kind, self.parent_uri)

    @property
    def uri(self) -> str:
        """Its URI without version prefix."""
        return f"{self.parent_uri}/{self.kind}s/{self.id}"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the user id (None: anonymous) and all principals, groups included.

    `keys` is how the storage knows these principals; it means nothing outside of the
    transaction that made it.
    """

    user_id: str | None
    principals: frozenset[str]
    keys: str
    #: Name of the policy that recognised the user; None for anonymous requests.
    policy: str | None = None

    @property
    def owner(self) -> str:
        """The principal that owns what this asker creates."""
        return self.user_id or "system.Everyone"


class Row(NamedTuple):
    """A stored object. `data` is compact JSON of its attributes without `id` and
    `last_modified`; of a tombstone it is `{"deleted":true}`. `key` is the storage's own."""

    key: int
    id: str
    last_modified: int
    data: str
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What the storage knows about a URL, for one asker.

    `list_key` is None when the parent does not exist. `list_timestamp` is 0 when the list was
    never used. `held` are the pairs (kind, need) this asker has here through stored
    permissions, ancestors included: ("record", "read"), ("record", "create") ...
    """

    list_key: int | None
    list_timestamp: int
    #: Number of live objects in the list, exact.
    live_count: int
    held: frozenset[tuple[str, str]]
    #: The object; a tombstone has `is_deleted`. None when the id was never used.
    row: Row | None = None
    #: The stored permissions, only when the asker is in the object's own `write` list.
    permissions: Mapping[str, list[str]] | None = None
    #: Of a list: the asker holds the wanted need on one of its objects, directly.
    sees_some: bool = False
    #: Whether some fields of the objects of the list are indexed.
    is_indexed: bool = False

    @property
    def live(self) -> Row | None:
        """The object, unless it is missing or deleted."""
        return None if self.row is None or self.row.is_deleted else self.row


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a field.

    `operator` is one of eq, not, lt, max, gt, min, in, exclude, like, has, contains,
    contains_any (max is <=, min is >=). `field` may descend with dots. `value` is decoded
    JSON: a list for in, exclude, contains, contains_any; text for like; a boolean for has.
    """

    field: str
    operator: str
    value: Json


class Sort(NamedTuple):
    """One sort key; `field` may descend with dots."""

    field: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is wanted of a list. Of stored lists, `sort` always holds `last_modified`.

    `after` holds the position of the last object of the page before: one value for each
    sort key (MISSING where it had none), then the storage's key of the object.
    """

    filters: tuple[Filter, ...] = ()
    sort: tuple[Sort, ...] = (Sort("last_modified", True),)
    limit: int = 10000
    after: tuple[Json, ...] | None = None
    with_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, in order; `has_more` tells whether another one follows."""

    rows: list[Row]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What a request did to one object (`old` or `new` is None where there is none)."""

    action: str
    ref: ObjectRef
    old: Row | None
    new: Row | None
    #: Who did it; None for anonymous requests.
    user_id: str | None


@dataclass(slots=True)
class ApiRequest:
    """What arrived, with no judgement yet. Header names are in lower case.

    `path` is decoded and has no query; `query` is the raw query string; `origin` is scheme and
    host of the server as the client sees it (`http://localhost:8888`).
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    origin: str = "http://localhost"
    remote_address: str = ""
    #: Results of `errors.SlowWork` that was done for this request, and for those within it.
    done: dict[Hashable, Any] = field(default_factory=dict)
    #: Stands in every log line about it: a trusted proxy gave it, or `logs` makes one.
    request_id: str = ""
    #: What is noted on its way; None while nobody observes.
    trace: Trace | None = None


@dataclass(slots=True)
class Answer:
    """A response: status, headers in order, and the body as it goes out."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    #: Of an error: the number in its body.
    errno: int = 0


@dataclass(slots=True)
class Trace:
    """What is noted of a request on its way, for those who observe (`hooks.Parts.observe`)."""

    #: `time.perf_counter()` when it came.
    started: float
    #: Name of the route, "unknown" where there is none.
    endpoint: str = "unknown"
    #: Values of the parameters of its URL, by names such as `bucket_id`, also for the last one.
    params: dict[str, str] = field(default_factory=dict)
    user_id: str | None = None
    policy: str | None = None
    #: Of a URL that passes on to another one (the personal bucket).
    is_alias: bool = False
    #: Requests that ran within it, and their answers.
    within: list[tuple[ApiRequest, Answer]] = field(default_factory=list)
