"""What the rooms above the storage share, and what a plugin may offer.

`Route` names a URL and who answers it, `Call` is one request on its way, `Service` is the
running server: settings, storage, routes, policies, capabilities. A plugin is a `Plugin`
record: built-in features and outsiders use the same door. Nothing here knows a web
framework or a database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from kinto_lite.errors import ConfigurationError
from kinto_lite.model import (
    Answer,
    ApiRequest,
    Asker,
    Change,
    Filter,
    Json,
    Kind,
    ListRef,
    ObjectRef,
    Place,
    Row,
    Trace,
)
from kinto_lite.permissions.tree import Inheritance
from kinto_lite.protocol.cors import Origins
from kinto_lite.settings import Settings
from kinto_lite.settings_table import Setting
from kinto_lite.storage.base import Storage, Transaction

Handler = Callable[["Call"], Answer]
AfterWrite = Callable[["Call", Change], None]
#: Hears what a request has read: the list, the objects, and the attributes of
#: them that were asked for (None: all).
AfterRead = Callable[["Call", ListRef, Sequence[Row], Sequence[str] | None], None]
Observer = Callable[["Observation"], None]
#: Hears a name such as `plugins.history`, a method ("" where there is but one), and seconds.
Timer = Callable[[str, str, float], None]


@dataclass(frozen=True, slots=True)
class Observation:
    """One request with its final answer, for logs and metrics.

    `seconds` is how long it took, waiting for the disk included. `within` is "batch" for an item
    of a batch, "alias" for what the personal bucket passed on, "" for a request of its own.
    """

    request: ApiRequest
    trace: Trace
    status: int
    size_bytes: int
    errno: int
    seconds: float
    within: str = ""
    #: Of a batch: how many items it has.
    batch_size: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A URL below the version prefix, and a handler for each method.

    `pattern` has parameters in braces; a last segment `{rest*}` takes all that follows. The
    order of `handlers` is the order of the `Allow` header. `writes` are the methods that need
    a write transaction. `shape` is "plural", "object" or "" (see `protocol.cors`).
    """

    name: str
    pattern: str
    handlers: Mapping[str, Handler]
    kind: Kind | None = None
    shape: str = ""
    writes: frozenset[str] = frozenset({"POST", "PUT", "PATCH", "DELETE"})
    #: Methods that settings took away, with what is still to be checked before the 405.
    disabled: Mapping[str, Callable[[Call], None]] = field(default_factory=dict)
    #: Of a list: tells how many objects match.
    has_totals: bool = True
    #: Passes requests on to another URL, whose answers (preflights too) are complete.
    is_alias: bool = False
    #: Pages of other origins may not read it, whatever the settings say about CORS.
    is_private: bool = False
    #: Runs without a transaction, for nobody in particular: works while the database does not.
    is_detached: bool = False
    #: The same, for requests without credentials only.
    is_detached_for_strangers: bool = False


class Policy(Protocol):
    """A way to find out who asks (core 7)."""

    #: Name in `multiauth.policies`, and prefix of the user ids.
    name: str
    #: Value of `WWW-Authenticate` on a 401.
    challenge: str
    #: Name of the request header that its credentials come in, in lower case. It is asked about
    #: requests that have it, and no others.
    header: str

    def authenticate(self, request: ApiRequest, tx: Transaction) -> str | None:
        """Return the user id, prefix included; None when these credentials are not for it.

        Errors: SlowWork; ApiError 503 when it cannot be found out now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Identifiers:
    """How ids of one kind look, and how new ones are made (core 2.3)."""

    pattern: re.Pattern[str]
    generate: Callable[[], str]

    def is_valid(self, id_: str) -> bool:
        """Tell whether an id may be used; a trailing newline is refused."""
        return self.pattern.fullmatch(id_) is not None


class Rules:
    """What is special about the objects of one kind. The verbs of `resources` ask; this is the
    ordinary case, which a plugin overrides for a kind of its own."""

    #: Whoever may see an object sees its permissions too.
    shows_permissions = False

    def see_object(self, call: Call, ref: ObjectRef, place: Place) -> Place:
        """Return an object's place as this asker is to see it."""
        return place

    def see_list(self, call: Call, place: Place) -> Place:
        """Return a list's place as this asker is to see it."""
        return place

    def narrow_list(self, call: Call) -> tuple[Filter, ...]:
        """Return what all objects of a list must fulfil for this asker, besides permissions."""
        return ()

    def prepare(
        self, call: Call, ref: ObjectRef, old: Row | None, data: dict[str, Json]
    ) -> dict[str, Json]:
        """Return the attributes to store. `old` is the live object that they replace.

        Errors: ApiError, to refuse them; SlowWork.
        """
        return data

    def owner(self, call: Call, ref: ObjectRef) -> str:
        """Return the principal that every write adds to those who may write."""
        return call.asker.owner


ORDINARY = Rules()


#: Tells whether something works; None when it is not in use. It may wait for others.
HealthCheck = Callable[[], bool | None]

#: Makes a policy from its name in `multiauth.policies`, the settings and the storage.
PolicyMaker = Callable[[str, Settings, Storage], Policy]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Plugin:
    """What a plugin offers.

    `setup` is called once with the service and returns its parts; the rest has to be known
    before there is a service.
    """

    name: str
    setup: Callable[[Service], Parts]
    #: Kinds of objects it stores, with their ids, and who inherits what on them.
    kinds: tuple[Kind, ...] = ()
    identifiers: Mapping[str, Identifiers] = field(default_factory=dict)
    inheritance: tuple[Inheritance, ...] = ()
    #: By the last word of `multiauth.policy.<name>.use`.
    policies: Mapping[str, PolicyMaker] = field(default_factory=dict)
    #: Refuses settings that it cannot work with (ConfigurationError), before anything is opened.
    check: Callable[[Settings], None] | None = None
    #: Settings of its own. Those that every kind of objects has need not be named.
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who hears of events (plugins 14); see `events` for what they are.

    Before the commit, an exception of `hear` undoes the request: an ApiError is what the client
    gets, anything else is a 500. After the commit, an exception is logged.
    """

    #: One of those of `events`.
    event: type[Any]
    hear: Callable[[Any], None]
    #: Names of the kinds it hears of; empty: all.
    resources: frozenset[str] = frozenset()
    #: create, update, delete, read; empty: all.
    actions: frozenset[str] = frozenset()
    #: With a name, metrics tell how long it takes.
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Parts:
    """The parts of one plugin in one service."""

    routes: tuple[Route, ...] = ()
    #: Entries of `capabilities` in the hello view.
    capabilities: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Adds to `user` in the hello view of an authenticated user.
    describe_user: Callable[[Call], Mapping[str, Any]] | None = None
    #: What is special about its kinds of objects, by their names.
    rules: Mapping[str, Rules] = field(default_factory=dict)
    #: Called inside the transaction after each change; an exception undoes the request.
    after_write: AfterWrite | None = None
    #: Called once at the end of a request (of a whole batch, too), inside the transaction, with
    #: `call.work.changes`; an exception undoes everything.
    before_commit: Callable[[Call], None] | None = None
    #: Hear of events; nothing is computed for events that nobody hears of.
    listeners: tuple[Listener, ...] = ()
    #: Names of settings that the hello view shows.
    public_settings: tuple[str, ...] = ()
    #: Entries of the heartbeat: False says that something does not work.
    health_checks: Mapping[str, HealthCheck] = field(default_factory=dict)
    #: Called once for each answered request, and for each one within it. What it raises is
    #: logged and changes nothing.
    observe: Observer | None = None
    #: Called after each timed step within a request, see `pipeline.timing`.
    time: Timer | None = None


@dataclass(slots=True, eq=False, repr=False)
class Service:
    """A running server, built once by `kinto_lite.make_app`."""

    settings: Settings
    storage: Storage
    kinds: Mapping[str, Kind]
    identifiers: Mapping[str, Identifiers]
    policies: tuple[Policy, ...]
    origins: Origins
    #: Who has which need on which kind by settings alone, see `permissions.principals`.
    grants: Mapping[tuple[str, str], frozenset[str]]
    #: Milliseconds since 1970-01-01 UTC.
    clock: Callable[[], int]
    #: When this service was built.
    started_ms: int
    #: Signs page tokens.
    token_secret: bytes
    routes: list[Route] = field(default_factory=list)
    capabilities: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: dict[str, Rules] = field(default_factory=dict)
    describers: list[Callable[[Call], Mapping[str, Any]]] = field(default_factory=list)
    listeners: list[AfterWrite] = field(default_factory=list)
    readers: list[AfterRead] = field(default_factory=list)
    finishers: list[Callable[[Call], None]] = field(default_factory=list)
    event_listeners: list[Listener] = field(default_factory=list)
    public_settings: list[str] = field(
        default_factory=lambda: ["batch_max_requests", "readonly", "explicit_permissions"]
    )
    health_checks: dict[str, HealthCheck] = field(default_factory=dict)
    #: Called when the server stops, before the storage is closed.
    closers: list[Callable[[], None]] = field(default_factory=list)
    #: Whose they are, in the same order.
    finisher_names: list[str] = field(default_factory=list)
    observers: list[Observer] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    #: Names of the plugins that are on, in order.
    plugins: list[str] = field(default_factory=list)
    #: Sends a request through the whole pipeline inside a transaction that is already open
    #: (batch, personal bucket). Set by `pipeline`.
    perform: Callable[[Call, ApiRequest], Performed] = field(init=False)

    def rules_of(self, kind: str) -> Rules:
        """Return what is special about the objects of a kind."""
        return self.rules.get(kind, ORDINARY)

    def origin_of(self, request: ApiRequest) -> str:
        """Return scheme and host of this server, as the settings or the request give them."""
        forced_scheme, forced_host = self.settings["http_scheme"], self.settings["http_host"]
        if not (forced_scheme or forced_host):
            return request.origin
        scheme, _, host = request.origin.partition("://")
        return f"{forced_scheme or scheme}://{forced_host or host}"

    def add_plugin(self, plugin: Plugin) -> None:
        """Set a plugin up and take its parts in."""
        parts = plugin.setup(self)
        self.plugins.append(plugin.name)
        self.routes.extend(parts.routes)
        for name, capability in parts.capabilities.items():
            if name in self.capabilities:
                raise ConfigurationError(
                    f"The plugin {plugin.name!r} has the capability {name!r}, which is there "
                    "already: leave one of the plugins that have it out of 'includes'."
                )
            self.capabilities[name] = capability
        self.rules |= parts.rules
        if parts.describe_user:
            self.describers.append(parts.describe_user)
        if parts.after_write:
            self.listeners.append(parts.after_write)
        if parts.before_commit:
            self.finishers.append(parts.before_commit)
            self.finisher_names.append(plugin.name)
        self.event_listeners.extend(parts.listeners)
        self.public_settings.extend(parts.public_settings)
        self.health_checks |= parts.health_checks
        if parts.observe:
            self.observers.append(parts.observe)
        if parts.time:
            self.timers.append(parts.time)


class Detached:
    """Stands where a transaction would be, in the call of a detached route."""

    is_write = False

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(f"{name}: a detached route has no transaction")


@dataclass(slots=True, eq=False, repr=False)
class Performed:
    """The outcome of a request that ran inside another one's transaction."""

    answer: Answer
    #: Path it ended at, after redirects, prefix included.
    path: str


@dataclass(slots=True, eq=False, repr=False)
class Work:
    """What a request shares with the requests within it: a batch with its items, an alias with
    the URL it stands for."""

    #: All changes so far, in order; those of refused items are taken out again.
    changes: list[Change] = field(default_factory=list)
    #: Within a batch: groups whose new members gain their rights when the batch ends.
    pending_groups: dict[str, ObjectRef] | None = None
    #: What listeners are to hear of at the end (`events.dispatcher`), without refused items.
    told: list[Any] = field(default_factory=list)
    #: What plugins keep while the request lasts, under keys of their own.
    shared: dict[Hashable, Any] = field(default_factory=dict)
    #: Called when everything is on disk, and never when the request is undone. They do not raise.
    after_commit: list[Callable[[], None]] = field(default_factory=list)


@dataclass(slots=True, eq=False, repr=False)
class Call:
    """One request on its way: what arrived, who asks, where, in which transaction."""

    service: Service
    request: ApiRequest
    route: Route
    params: Mapping[str, str]
    tx: Transaction
    asker: Asker
    work: Work = field(default_factory=Work)
    #: The list that got its first timestamp in this call, as (key, timestamp): it is kept even
    #: when the request is refused afterwards.
    started: tuple[int, int] | None = None

    @property
    def kind(self) -> Kind:
        """The kind of object the URL is about."""
        assert self.route.kind is not None
        return self.route.kind

    def tell(self, action: str, ref: ObjectRef, old: Row | None, new: Row | None) -> None:
        """Tell the plugins about a change, inside the transaction. `action`: create, update,
        delete."""
        change = Change(action, ref, old, new, self.asker.user_id)
        self.work.changes.append(change)
        for listener in self.service.listeners:
            listener(self, change)

    def tell_read(
        self, ref: ListRef, rows: Sequence[Row], fields: Sequence[str] | None = None
    ) -> None:
        """Tell the plugins what was read of a list: these objects, or these attributes of them."""
        for reader in self.service.readers:
            reader(self, ref, rows, fields)
