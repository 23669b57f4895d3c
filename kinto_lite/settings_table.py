"""The one table of settings: every name, its type, default, unit and what it is for.

A row may stand for several names: `{a,b}` in it is one or the other, and `*` is a name that
the operator chooses. Leaves the reading of values to `settings`; `docs/settings.md` is
written from this table.

Source: protocol, part 1, chapter 0.1; part 2, chapters 5.5, 6.1, 9, 10 and 14.4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from kinto_lite.version import VERSION


class ValueType(Enum):
    """How the value of a setting is written; the text completes "must be ..."."""

    BOOL = "true or false"
    INT = "a whole number"
    NUM = "a number"
    TEXT = "text"
    SECRET = "a secret text"
    LIST = "a list of words"
    DATE = "a date such as 2030-01-31"


BOOL, INT, NUM = ValueType.BOOL, ValueType.INT, ValueType.NUM
TEXT, SECRET, LIST, DATE = ValueType.TEXT, ValueType.SECRET, ValueType.LIST, ValueType.DATE


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: a setting, or a family of settings that differ in their name only."""

    #: Without the `kinto.` prefix; may hold `{a,b}` and `*`.
    name: str
    type: ValueType
    default: Any
    help: str
    unit: str = ""
    #: False: Kinto has it, kinto-lite does nothing with it (a warning says so).
    is_used: bool = True
    #: An empty number means "no limit" or "not sent" instead of the default.
    may_be_none: bool = False
    #: The smallest number that makes sense; None: any.
    minimum: int | None = None
    #: The list setting that gives the names `*` stands for, as far as it is known.
    listed_in: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names this row stands for (a `*` is left in)."""
        return expand_braces(self.name)


@lru_cache(maxsize=1024)
def expand_braces(name: str) -> tuple[str, ...]:
    """Return what `{a,b}_c` stands for: `a_c`, `b_c`."""
    found = re.search(r"\{([^{}]*)\}", name)
    if found is None:
        return (name,)
    head, tail = name[: found.start()], name[found.end() :]
    return tuple(
        full for one in found[1].split(",") for full in expand_braces(f"{head}{one}{tail}")
    )


RESOURCES = "{bucket,group,collection,record,account,history}"

SERVICE = (
    Setting("readonly", BOOL, False, "Refuse everything but GET, HEAD and OPTIONS."),
    Setting(
        "batch_max_requests",
        INT,
        25,
        "Most requests in one batch; empty or 0: any number.",
        "requests",
        may_be_none=True,
        minimum=0,
    ),
    Setting("explicit_permissions", BOOL, True, "Give `write` on an object to who writes it."),
    Setting("paginate_by", INT, None, "Page size and upper bound of `_limit`; 0: none.", "objects"),
    Setting(
        "pagination_token_validity_seconds",
        INT,
        600,
        "Life of the `_token` of a plural DELETE.",
        "seconds",
    ),
    Setting(
        "experimental_collection_schema_validation",
        BOOL,
        False,
        "Validate records with the JSON schema of their collection.",
    ),
    Setting("experimental_permissions_endpoint", BOOL, False, "Serve `GET /v1/permissions`."),
    Setting("trailing_slash_redirect_enabled", BOOL, True, "Redirect `/v1/x/` to `/v1/x`."),
    Setting(
        "trailing_slash_redirect_ttl_seconds",
        INT,
        3600,
        "Caching of these redirects; -1: no header, 0: never.",
        "seconds",
    ),
    Setting("version_prefix_redirect_enabled", BOOL, True, "Redirect `/x` to `/v1/x`."),
    Setting(
        "version_prefix_redirect_ttl_seconds",
        INT,
        -1,
        "Caching of these redirects; -1: no header, 0: never.",
        "seconds",
    ),
    Setting(
        "heartbeat_timeout_seconds", NUM, 10, "Limit for all checks of the heartbeat.", "seconds"
    ),
    Setting("retry_after_seconds", INT, 3, "`Retry-After` of 503 and 409.", "seconds"),
    Setting("backoff", INT, None, "`Backoff` header of the responses.", "seconds"),
    Setting("backoff_percentage", NUM, None, "Share of responses that carry it.", "percent"),
    Setting("eos", DATE, None, "Day of the end of service; from then on everything is 410."),
    Setting("eos_message", TEXT, None, "Message of the end-of-service alert."),
    Setting("eos_url", TEXT, None, "URL of the alert; without one `project_docs`."),
    Setting(
        f"plural_{RESOURCES}_{{get,head,post,delete}}_enabled",
        BOOL,
        True,
        "Turn a method of a list off: it answers 405.",
    ),
    Setting(
        f"object_{RESOURCES}_{{get,head,put,patch,delete}}_enabled",
        BOOL,
        True,
        "Turn a method of single objects off: it answers 405.",
    ),
)

IDENTITY = (
    Setting("project_name", TEXT, "kinto", "Name of the service, shown at `/v1/`."),
    Setting("project_version", TEXT, VERSION, "Version of the service, shown at `/v1/`."),
    Setting(
        "project_docs",
        TEXT,
        "https://kinto.readthedocs.io/",
        "URL of the documentation, shown at `/v1/`.",
    ),
    Setting("http_api_version", TEXT, "1.23", "Version of the HTTP API, shown at `/v1/`."),
    Setting("http_scheme", TEXT, None, "Scheme of the URLs in responses; else the request's."),
    Setting("http_host", TEXT, None, "Host of the URLs in responses; else the request's."),
    Setting(
        "error_info_link",
        TEXT,
        "https://github.com/Kinto/kinto/issues/",
        "`info` of the body of a 500.",
    ),
    Setting("version_json_path", TEXT, "version.json", "File that `/v1/__version__` shows."),
    Setting(
        "root_cache_expires_seconds", INT, 86400, "Caching of `/v1/` when read-only.", "seconds"
    ),
)

STORAGE = (
    Setting("storage_backend", TEXT, "", "Kinto's name of an engine; `storage_url` decides."),
    Setting(
        "storage_url",
        TEXT,
        "",
        "Where the data are: `sqlite:///path/to/file.db`, `postgresql://user:password@host/db`; "
        "empty or `sqlite://`: in memory.",
    ),
    Setting(
        "storage_max_fetch_size", INT, 10000, "Most objects in one answer.", "objects", minimum=0
    ),
    Setting(
        "storage_busy_timeout_seconds",
        NUM,
        10,
        "How long a write waits for another process's before 503 (kinto-lite only).",
        "seconds",
        minimum=0,
    ),
    Setting(
        "storage_pool_size",
        INT,
        25,
        "PostgreSQL: connections that a process keeps.",
        "connections",
        minimum=1,
    ),
    Setting(
        "storage_max_overflow",
        INT,
        5,
        "PostgreSQL: how many more connections it may open while those are in use.",
        "connections",
        minimum=0,
    ),
    Setting(
        "storage_pool_timeout",
        NUM,
        30,
        "PostgreSQL: how long a request waits for a connection before 503.",
        "seconds",
        minimum=0,
    ),
    Setting(
        "storage_pool_recycle",
        NUM,
        -1,
        "PostgreSQL: the age at which a connection is replaced; -1: never.",
        "seconds",
        minimum=-1,
    ),
    Setting(
        "storage_prepared_statements",
        BOOL,
        True,
        "PostgreSQL: keep prepared statements on connections. Switch it off for poolers that do "
        "not know them (kinto-lite only).",
    ),
)

SERVER = (
    Setting(
        "max_body_bytes",
        INT,
        5 * 1024 * 1024,
        "Largest request body; more is answered 413 (kinto-lite only).",
        "bytes",
        minimum=1,
    ),
    Setting(
        "body_timeout_seconds",
        NUM,
        30,
        "How long a request body may take to arrive (kinto-lite only).",
        "seconds",
        minimum=1,
    ),
    Setting(
        "body_min_bytes_per_second",
        NUM,
        1000,
        "Slowest pace of a request body, on average; slower is answered 408; 0: any "
        "(kinto-lite only).",
        "bytes",
        minimum=0,
    ),
    Setting(
        "body_grace_seconds",
        NUM,
        5,
        "What a request body may take longer than at that pace (kinto-lite only).",
        "seconds",
        minimum=0,
    ),
    Setting(
        "read_timeout_seconds",
        NUM,
        5,
        "How long a read may search the database; longer is answered 503; 0: any time "
        "(kinto-lite only).",
        "seconds",
        minimum=0,
    ),
    Setting(
        "trusted_proxies",
        LIST,
        (),
        "Addresses and networks of the proxies whose `X-Forwarded-For`, `-Proto` and `-Host` "
        "count; `unix`: whoever connects through the unix socket (kinto-lite only).",
    ),
)

LOGS = (
    Setting(
        "log_level",
        TEXT,
        "warning",
        "What the log holds: `debug`, `info` (a line for each request), `warning`, `error` or "
        "`critical` (kinto-lite only).",
    ),
    Setting(
        "log_format",
        TEXT,
        "auto",
        "How log lines look: `json`, `text`, `color` (text, in colour on a terminal), or `auto`: "
        "`color` on a terminal, `json` elsewhere (kinto-lite only).",
    ),
)

IDENTIFIERS = (
    Setting("userid_hmac_secret", SECRET, "", "Key of the user ids of basic authentication."),
    Setting("default_bucket_hmac_secret", SECRET, "", "Key of the ids of personal buckets."),
    Setting(
        "id_generator",
        TEXT,
        "kinto.core.storage.generators.UUID4",
        "Ids of other objects; a class of your own makes those of records, too.",
    ),
    Setting(
        "{bucket,collection,group}_id_generator",
        TEXT,
        "kinto.views.NameGenerator",
        "How new ids are made and given ones checked.",
    ),
    Setting(
        "record_id_generator",
        TEXT,
        "kinto.views.RelaxedUUID",
        "How new record ids are made and given ones checked.",
    ),
)

PRINCIPALS = (
    Setting("bucket_create_principals", LIST, ("system.Authenticated",), "Who may create buckets."),
    Setting(
        "permissions_read_principals",
        LIST,
        ("system.Everyone",),
        "Who may call `GET /v1/permissions`.",
    ),
    Setting("user-data_delete_principals", LIST, (), "Who may delete all data of a user."),
    Setting(
        "{group,collection,record,account,history}_create_principals",
        LIST,
        (),
        "Who may create such objects anywhere.",
    ),
    Setting(
        f"{RESOURCES}_{{read,write}}_principals",
        LIST,
        (),
        "Who may read or write all such objects, whatever their permissions say.",
    ),
)


def _of_provider(
    option: str, type_: ValueType, default: Any, help_: str, unit: str = "", minimum: int = 1
) -> Setting:
    """Return the row of an option of an OpenID policy."""
    is_number = type_ is INT
    return Setting(
        f"multiauth.policy.*.{option}",
        type_,
        default,
        help_,
        unit,
        minimum=minimum if is_number else None,
        listed_in="multiauth.policies",
    )


OPENID = (
    _of_provider("issuer", TEXT, None, "URL of an OpenID provider."),
    _of_provider("client_id", TEXT, None, "What an OpenID provider calls this server."),
    _of_provider("client_secret", SECRET, "", "Secret shared with an OpenID provider."),
    _of_provider("audience", TEXT, "", "Whom access tokens must be made for; empty: anybody."),
    _of_provider("header_type", TEXT, "Bearer", "First word of `Authorization` with a token."),
    _of_provider("userid_field", TEXT, "sub", "Member of the user's profile that is the id."),
    _of_provider(
        "verification_ttl_seconds",
        INT,
        86400,
        "How long a verified token is remembered after its last use.",
        "seconds",
    ),
    _of_provider("timeout_seconds", INT, 5, "How long a call to a provider may take.", "seconds"),
    _of_provider("state_ttl_seconds", INT, 3600, "How long a login may take.", "seconds"),
    _of_provider(
        "state_length", INT, 32, "Randomness of the state of a login.", "bytes", minimum=16
    ),
    _of_provider(
        "allowed_scopes",
        LIST,
        ("openid", "email", "profile"),
        "Scopes that a login may ask for.",
    ),
    _of_provider(
        "trusted_callback_urls",
        LIST,
        (),
        "Patterns of URLs that a login may lead back to; none: this machine.",
    ),
)

AUTHENTICATION = (
    Setting("multiauth.policies", LIST, (), "Ways to authenticate, in the order they are tried."),
    Setting(
        "multiauth.policy.basicauth.use",
        TEXT,
        "kinto.core.authentication.BasicAuthAuthenticationPolicy",
        "What the policy `basicauth` is.",
    ),
    Setting(
        "multiauth.policy.*.use",
        TEXT,
        None,
        "What a policy of this name is.",
        listed_in="multiauth.policies",
    ),
    Setting(
        "multiauth.policy.*.realm",
        TEXT,
        "Realm",
        "Realm of the `WWW-Authenticate` header.",
        listed_in="multiauth.policies",
    ),
    *OPENID,
    Setting("multiauth.policy.*.*", TEXT, None, "Other options of a policy."),
    Setting(
        "account_cache_ttl_seconds",
        INT,
        30,
        "How long a checked password is remembered.",
        "seconds",
        minimum=0,
    ),
)

CACHING = (
    Setting("cors_origins", LIST, ("*",), "Origins that browsers may call from; `*` is any text."),
    Setting(
        "cors_max_age_seconds",
        INT,
        3600,
        "`Access-Control-Max-Age`; empty: not sent.",
        "seconds",
        may_be_none=True,
    ),
    Setting(
        "{bucket,group,collection,record}_cache_expires_seconds",
        INT,
        None,
        "Caching of answers to anonymous readers.",
        "seconds",
    ),
    Setting(
        "*.record_cache_expires_seconds",
        INT,
        None,
        "The same for the records of `<bucket>` or `<bucket>.<collection>`.",
        "seconds",
    ),
    Setting(
        "*_record_cache_expires_seconds",
        INT,
        None,
        "Older spelling: `<bucket>` or `<bucket>_<collection>`; looked up last.",
        "seconds",
    ),
)

PLUGINS = (
    Setting("includes", LIST, (), "Plugins, in order; Kinto's names work."),
    Setting("event_listeners", LIST, (), "Names of listeners."),
    Setting(
        "event_listeners.*.use", TEXT, None, "Module of a listener.", listed_in="event_listeners"
    ),
    Setting(
        "event_listeners.*.actions",
        LIST,
        ("create", "update", "delete"),
        "Actions it hears of.",
        listed_in="event_listeners",
    ),
    Setting(
        "event_listeners.*.resources",
        LIST,
        (),
        "Kinds it hears of; empty: all.",
        listed_in="event_listeners",
    ),
    Setting("event_listeners.*.*", TEXT, None, "Options of a listener."),
    Setting(
        "admin_assets_path",
        TEXT,
        None,
        "Folder of the admin console; empty: `kinto-lite-admin` beside the database, which "
        "`kinto-lite fetch-admin` fills.",
    ),
    Setting("history.exclude_resources", LIST, (), "URIs whose changes are not recorded."),
    Setting("history.exclude_user_ids", LIST, (), "Users whose changes are not recorded."),
    Setting("history.auto_trim_max_count", INT, -1, "Entries to keep; 0 or less: all.", "entries"),
    Setting("history.auto_trim_threshold", INT, 100, "Slack before trimming.", "entries"),
    Setting("history.auto_trim_user_ids", LIST, (), "Trim the entries of these users only."),
)


#: Of the limits that fit a bucket or a collection the most specific one counts.
QUOTAS = (
    Setting(
        "quotas.{bucket,bucket_*}_max_bytes",
        INT,
        None,
        "Most that each bucket, or `bucket_<bucket>`, may hold, in all its objects.",
        "bytes",
        may_be_none=True,
        minimum=0,
    ),
    Setting(
        "quotas.{bucket,bucket_*}_max_items",
        INT,
        None,
        "Most records in all collections of such a bucket.",
        may_be_none=True,
        minimum=0,
    ),
    Setting(
        "quotas.{bucket,bucket_*}_max_bytes_per_item",
        INT,
        None,
        "Largest object in such a bucket, its own attributes included.",
        "bytes",
        may_be_none=True,
        minimum=0,
    ),
    Setting(
        "quotas.{collection,collection_*}_max_bytes",
        INT,
        None,
        "Most that each collection, or `collection_<bucket>`, or "
        "`collection_<bucket>_<collection>`, may hold, its own attributes included.",
        "bytes",
        may_be_none=True,
        minimum=0,
    ),
    Setting(
        "quotas.{collection,collection_*}_max_items",
        INT,
        None,
        "Most records in such a collection.",
        may_be_none=True,
        minimum=0,
    ),
    Setting(
        "quotas.{collection,collection_*}_max_bytes_per_item",
        INT,
        None,
        "Largest record in such a collection; its own attributes count as one.",
        "bytes",
        may_be_none=True,
        minimum=0,
    ),
)

MONITORING = (
    Setting(
        "prometheus_prefix",
        TEXT,
        None,
        "What names of metrics begin with, without `-`, `.`, `_` and spaces, and with one `_` "
        "added; empty: `project_name`.",
    ),
    Setting(
        "prometheus_disabled_metrics",
        LIST,
        (),
        "Metrics to leave out, such as `request_size`, with the prefix or without it.",
    ),
    Setting(
        "prometheus_histogram_buckets",
        LIST,
        ("0.01", "0.05", "0.1", "0.5", "1.0", "3.0", "6.0", "Inf"),
        "Upper bounds of the buckets of all histograms.",
        "seconds",
    ),
    Setting(
        "prometheus_created_metrics_enabled",
        BOOL,
        True,
        "Say when each series began; the command line's server never does.",
    ),
    Setting(
        "metrics_matchdict_fields",
        LIST,
        ("bucket_id", "collection_id", "group_id", "record_id"),
        "Parts of URLs that become labels of metrics.",
    ),
    Setting("statsd_url", TEXT, None, "Where `kinto.plugins.statsd` sends to: `udp://host:8125`."),
    Setting(
        "statsd_prefix",
        TEXT,
        "kinto.core",
        "First part of names in StatsD, if `project_name` is empty.",
    ),
)


def describe_default(row: Setting) -> str:
    """Return a default for people: as one would write it in an ini file, in backticks, with its
    unit."""
    if row.name == "project_version":
        return "the version"
    text = write_value(row.default)
    return f"`{text}` {row.unit}".rstrip() if text else "none"


def write_value(value: Any) -> str:
    """Return a value as one would write it in an ini file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(value) if isinstance(value, tuple) else str(value)


#: What Kinto knows and kinto-lite has no use for: names and Kinto's defaults.
WITHOUT_EFFECT: tuple[tuple[str, str | None], ...] = (
    ("multiauth.groupfinder", "kinto.core.authorization.groupfinder"),
    ("multiauth.authorization_policy", "kinto.authorization.AuthorizationPolicy"),
    ("settings_prefix", "kinto"),
    ("transaction_per_request", "true"),
    ("tm.annotate_user", "false"),
    ("permission_backend", "kinto.core.permission.memory"),
    ("permission_url", ""),
    ("cache_backend", "kinto.core.cache.memory"),
    ("{cache_url,cache_hosts,cache_prefix}", ""),
    ("cache_max_size_bytes", "524288"),
    ("{permission,cache}_pool_size", "25"),
    ("{permission,cache}_max_overflow", "5"),
    ("{permission,cache}_pool_recycle", "-1"),
    ("{storage,permission,cache}_max_backlog", "-1"),
    ("{permission,cache}_pool_timeout", "30"),
    ("{storage,permission,cache}_poolclass", None),
    ("initialization_sequence", None),
    ("json_renderer", "ultrajson"),
    ("statsd_backend", "kinto.core.statsd"),
    ("{sentry_dsn,sentry_env}", None),
    ("sentry_breadcrumbs_min_level", "10"),
    ("sentry_events_min_level", "30"),
    ("newrelic_config", None),
    ("newrelic_env", "dev"),
    ("profiler_enabled", "false"),
    ("profiler_dir", None),
    ("pyramid.*", None),
    ("debug_{all,authorization,notfound,routematch,templates}", "false"),
    ("reload_{all,assets,resources,templates}", "false"),
    ("default_locale_name", "en"),
    ("csrf_trusted_origins", ""),
    ("{prevent_cachebust,prevent_http_cache}", "false"),
)

UNUSED = tuple(Setting(name, TEXT, default, "", is_used=False) for name, default in WITHOUT_EFFECT)

#: The table by chapter, in the order the documentation shows it.
CHAPTERS: tuple[tuple[str, tuple[Setting, ...]], ...] = (
    ("Service", SERVICE),
    ("Identity of the service", IDENTITY),
    ("Storage", STORAGE),
    ("Server", SERVER),
    ("Logs", LOGS),
    ("Identifiers and secrets", IDENTIFIERS),
    ("Who may do what", PRINCIPALS),
    ("Authentication", AUTHENTICATION),
    ("HTTP caching and CORS", CACHING),
    ("Plugins", PLUGINS),
    ("Quotas", QUOTAS),
    ("Monitoring", MONITORING),
    ("Accepted, without effect", UNUSED),
)

TABLE: tuple[Setting, ...] = tuple(row for _, rows in CHAPTERS for row in rows)
