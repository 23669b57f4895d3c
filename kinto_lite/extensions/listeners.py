"""Listeners that `event_listeners` names: modules with `load_from_config(config, prefix)`, as for
Kinto. They hear of events before the commit.

Source: protocol, plugins chapter 14.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from kinto_lite.errors import ConfigurationError
from kinto_lite.events import ResourceChanged, ResourceRead
from kinto_lite.extensions.imports import (
    UnknownModule,
    describe_failure,
    load_module,
)
from kinto_lite.hooks import Listener
from kinto_lite.settings import Settings

ACTIONS = ("create", "delete", "read", "update")


@dataclass(frozen=True, slots=True)
class ListenerConfig:
    """What a listener is given to read its options from."""

    settings: Settings

    def get_settings(self) -> dict[str, Any]:
        """Return all settings by their names without prefix."""
        return dict(self.settings.values)

    @property
    def registry(self) -> ListenerConfig:
        """Itself: Kinto's listeners look for `config.registry.settings` at times."""
        return self


def load_listeners(settings: Settings) -> Iterator[Listener]:
    """Yield the listeners that the settings name, in order.

    Errors: ConfigurationError.
    """
    for name in settings["event_listeners"]:
        yield from load_listener(settings, name)


def load_listener(settings: Settings, name: str) -> Iterator[Listener]:
    """Yield a listener: once for changes, once for reads, as far as it wants to hear of them."""
    from kinto_lite.extensions.aliases import lend_kinto_names

    short = name.rpartition(".")[2]
    options = settings.listener_options(short)
    actions, resources = read_actions(short, options), frozenset(options["resources"])
    with lend_kinto_names():
        module = find_module(name, options["use"])
        hear = configure(settings, short, module)
    changes = actions - {"read"}
    if changes:
        yield Listener(ResourceChanged, hear, resources, changes, short)
    if "read" in actions:
        yield Listener(ResourceRead, hear, resources, name=short)


def read_actions(name: str, options: dict[str, Any]) -> frozenset[str]:
    """Return the actions a listener wants to hear of. Errors: ConfigurationError."""
    actions = frozenset(str(action).lower() for action in options["actions"])
    for action in sorted(actions.difference(ACTIONS)):
        raise ConfigurationError(
            f"Setting 'event_listeners.{name}.actions': '{action}' is not a valid ACTIONS, which "
            f"are {', '.join(ACTIONS)}."
        )
    return actions


def find_module(name: str, use: str | None) -> ModuleType:
    """Import the module of a listener. Errors: ConfigurationError."""
    setting = f"event_listeners.{name.rpartition('.')[2]}.use"
    if use:
        return load_module(setting, use)
    try:
        return load_module("event_listeners", name)
    except UnknownModule:
        raise ConfigurationError(
            f"Setting 'event_listeners' names {name!r}, which is no module, and there is no "
            f"setting '{setting}' that names one."
        ) from None


def configure(settings: Settings, name: str, module: ModuleType) -> Callable[[Any], None]:
    """Return the callable that a module makes of the settings. Errors: ConfigurationError."""
    load = getattr(module, "load_from_config", None)
    setting = f"event_listeners.{name}.use"
    if load is None:
        raise ConfigurationError(
            f"Setting '{setting}' names {module.__name__!r}, which has no "
            "'load_from_config(config, prefix)'."
        )
    try:
        hear: Callable[[Any], None] = load(ListenerConfig(settings), f"event_listeners.{name}.")
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(describe_failure(setting, module.__name__, error)) from error
    return hear
