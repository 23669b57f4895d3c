"""The only place that wires: settings → storage → policies and plugins → application."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kinto_lite import logs
from kinto_lite.errors import ConfigurationError
from kinto_lite.extensions.generators import read_identifiers
from kinto_lite.extensions.imports import make_importable
from kinto_lite.extensions.plugins import extend_table, find_plugins
from kinto_lite.hooks import Plugin, Policy, PolicyMaker, Service
from kinto_lite.model import Kind
from kinto_lite.permissions.principals import read_grants
from kinto_lite.permissions.tree import KINDS, TREE
from kinto_lite.pipeline.batch import BATCH_ROUTE
from kinto_lite.pipeline.credentials import BasicAuth
from kinto_lite.pipeline.request_log import find_request_log
from kinto_lite.pipeline.timing import add_timers
from kinto_lite.protocol.cors import Origins
from kinto_lite.resources.delete_user_data import user_data_routes
from kinto_lite.resources.list_permissions import PERMISSIONS_CAPABILITY, PERMISSIONS_ROUTE
from kinto_lite.resources.routes import core_routes
from kinto_lite.settings import Settings, find_row, read_settings
from kinto_lite.storage.base import Storage, StorageOptions
from kinto_lite.storage.engines import open_storage
from kinto_lite.web.app import App

_BASIC_AUTH = {
    "description": "Very basic authentication sessions. Not for production use.",
    "url": "http://kinto.readthedocs.io/en/stable/api/1.x/authentication.html",
}
_SCHEMA = {
    "description": "Validates collection records with JSON schemas.",
    "url": "https://kinto.readthedocs.io/en/latest/api/1.x/collections.html#collection-json-schema",
}


def assemble(given: Mapping[str, Any]) -> App:
    """Build the application; see `kinto_lite.make_app`."""
    settings, plugins = read_setup(given)
    for plugin in plugins:
        if plugin.check is not None:
            plugin.check(settings)
    storage = open_storage(choose_storage_url(settings), storage_options(settings, plugins))
    try:
        service = build_service(settings, storage, plugins)
        return App(service)
    except BaseException:
        storage.close()
        raise


def read_setup(given: Mapping[str, Any]) -> tuple[Settings, list[Plugin]]:
    """Return the settings in force and the plugins they name, whose settings are among them.

    Errors: ConfigurationError.
    """
    if "here" in given:
        make_importable(str(given["here"]))
    row = find_row("includes")
    assert row is not None
    includes = read_settings(given, os.environ, lambda _: None, (row,))["includes"]
    plugins = find_plugins(includes)
    return read_settings(given, os.environ, table=extend_table(plugins)), plugins


def set_up_logs(given: Mapping[str, Any]) -> None:
    """Send the log of this process where the settings say. Errors: ConfigurationError."""
    settings = read_settings(given, os.environ, warn=lambda _: None)
    logs.set_up(settings["log_level"], settings["log_format"])


def choose_storage_url(settings: Settings) -> str:
    """Return where to store: in memory when no URL is given, or Kinto's memory backend is."""
    if settings["storage_backend"] == "kinto.core.storage.memory":
        return "sqlite://"
    return settings["storage_url"] or "sqlite://"


def storage_options(settings: Settings, plugins: Sequence[Plugin]) -> StorageOptions:
    """Return what the storage is told when it opens."""
    return StorageOptions(
        kinds=list_kinds(plugins),
        inheritance=TREE + tuple(row for plugin in plugins for row in plugin.inheritance),
        busy_timeout_seconds=settings["storage_busy_timeout_seconds"],
        read_timeout_seconds=settings["read_timeout_seconds"],
        is_readonly=settings["readonly"],
        pool_size=settings["storage_pool_size"],
        max_overflow=settings["storage_max_overflow"],
        pool_timeout_seconds=settings["storage_pool_timeout"],
        pool_recycle_seconds=settings["storage_pool_recycle"],
        has_prepared_statements=settings["storage_prepared_statements"],
    )


def list_kinds(plugins: Sequence[Plugin]) -> tuple[Kind, ...]:
    """Return all kinds of objects: the four, and those of plugins."""
    return KINDS + tuple(kind for plugin in plugins for kind in plugin.kinds)


def build_service(settings: Settings, storage: Storage, plugins: Sequence[Plugin]) -> Service:
    """Put a service together on an open storage."""
    kinds = {kind.name: kind for kind in list_kinds(plugins)}
    roots = [(kind.name, kind.parent is None) for kind in kinds.values()]
    core_kinds = {kind.name: kind for kind in KINDS}
    identifiers = read_identifiers(settings, kinds)
    for plugin in plugins:
        identifiers |= plugin.identifiers
    service = Service(
        settings=settings,
        storage=storage,
        kinds=kinds,
        identifiers=identifiers,
        policies=tuple(build_policies(settings, storage, plugins)),
        origins=Origins(settings["cors_origins"], settings["cors_max_age_seconds"]),
        grants=read_grants(roots, settings.principals),
        clock=read_clock,
        started_ms=read_clock(),
        token_secret=storage.read_secret("page_tokens").encode("ascii"),
    )
    service.routes.extend(core_routes(core_kinds, settings))
    service.routes += [BATCH_ROUTE, *user_data_routes(settings)]
    if settings["experimental_permissions_endpoint"]:
        service.routes.append(PERMISSIONS_ROUTE)
    service.capabilities.update(core_capabilities(settings))
    for plugin in plugins:
        service.add_plugin(plugin)
    if settings["event_listeners"]:
        from kinto_lite.extensions.listeners import load_listeners

        service.event_listeners += load_listeners(settings)
    if service.timers:
        add_timers(service)
    connect_listeners(service)
    request_log = find_request_log()
    if request_log is not None:
        service.observers.append(request_log)
    return service


def connect_listeners(service: Service) -> None:
    """Let events be made, if anybody hears of them."""
    if service.event_listeners:
        from kinto_lite.events.dispatcher import Dispatcher

        Dispatcher(service).connect()


def read_clock() -> int:
    """Return the milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def build_policies(
    settings: Settings, storage: Storage, plugins: Sequence[Plugin]
) -> Iterator[Policy]:
    """Yield the authentication policies, in the order of the setting.

    Errors: ConfigurationError for a policy that nobody implements.
    """
    makers: dict[str, PolicyMaker] = {"BasicAuthAuthenticationPolicy": make_basic_auth}
    for plugin in plugins:
        makers |= plugin.policies
    for name in settings["multiauth.policies"]:
        use = settings.policy_option(name, "use")
        maker = makers.get(str(use or "").rpartition(".")[2])
        if maker is None:
            raise ConfigurationError(
                f"Setting 'multiauth.policies' names {name!r}, but "
                f"'multiauth.policy.{name}.use' is {use!r}: it must end with "
                f"{' or '.join(sorted(makers))}."
            )
        policy = maker(name, settings, storage)
        if not hasattr(policy, "header"):
            raise ConfigurationError(
                f"The policy {name!r} has no 'header', the name of the request header that it "
                "reads (see docs/plugins.md)."
            )
        yield policy


def make_basic_auth(name: str, settings: Settings, storage: Storage) -> Policy:
    """Return the policy `basicauth`, under whatever name the settings give it."""
    realm = settings.policy_option(name, "realm") or "Realm"
    return BasicAuth(name, str(realm), user_id_secret(settings, storage))


def user_id_secret(settings: Settings, storage: Storage) -> str:
    """Return the secret behind user ids: the setting, else one kept in the database."""
    if settings.is_given("userid_hmac_secret"):
        return str(settings["userid_hmac_secret"])
    return storage.read_secret("userid_hmac_secret")


def core_capabilities(settings: Settings) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the capabilities that are not a plugin's."""
    if "basicauth" in settings["multiauth.policies"]:
        yield "basicauth", _BASIC_AUTH
    if settings["experimental_collection_schema_validation"]:
        yield "schema", _SCHEMA
    if settings["experimental_permissions_endpoint"]:
        yield "permissions_endpoint", PERMISSIONS_CAPABILITY
