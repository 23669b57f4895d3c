"""Finds the plugins that `includes` names: built-in ones, and modules of others. Both have a
`hooks.Plugin` called `PLUGIN`. A plugin that nobody names is not imported.

Source: protocol, plugins chapters 1 and 15.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from types import ModuleType

from kinto_lite.errors import ConfigurationError
from kinto_lite.extensions.imports import UnknownModule, load_module
from kinto_lite.hooks import Plugin
from kinto_lite.model import Kind
from kinto_lite.settings import find_row
from kinto_lite.settings_table import BOOL, LIST, TABLE, TEXT, Setting

#: Modules below `kinto_lite.plugins`; each answers to Kinto's name, too.
BUILT_IN = (
    "accounts",
    "admin",
    "counters",
    "default_bucket",
    "flush",
    "history",
    "openid",
    "prometheus",
    "quotas",
    "statsd",
)

_KINTO, _OURS = "kinto.plugins.", "kinto_lite.plugins."
#: What a module for Kinto's own server has in the place of a `PLUGIN`.
_FOR_KINTO = "includeme"


def find_plugins(names: Iterable[str]) -> list[Plugin]:
    """Return the plugins that `includes` names, each once, in order.

    Errors: ConfigurationError for an unknown one, and for a module that is no plugin.
    """
    found: dict[str, Plugin] = {}
    for name in names:
        plugin = load_plugin(name)
        if found.setdefault(plugin.name, plugin) is not plugin:
            raise ConfigurationError(
                f"Setting 'includes' names two plugins that are called {plugin.name!r}."
            )
    check_kinds(list(found.values()))
    return list(found.values())


def load_plugin(name: str) -> Plugin:
    """Return the plugin of one name. Errors: ConfigurationError."""
    module = find_module(name)
    plugin = getattr(module, "PLUGIN", None)
    if isinstance(plugin, Plugin):
        return plugin
    if hasattr(module, _FOR_KINTO):
        raise ConfigurationError(
            f"Setting 'includes' names {name!r}, which was written for Kinto's own server "
            f"('{_FOR_KINTO}') and cannot run in kinto-lite: a plugin has a 'PLUGIN' "
            "(see docs/plugins.md)."
        )
    raise ConfigurationError(
        f"Setting 'includes' names {name!r}, which has no 'PLUGIN' that is a "
        "kinto_lite.hooks.Plugin (see docs/plugins.md)."
    )


def find_module(name: str) -> ModuleType:
    """Import the module of a plugin. Errors: ConfigurationError."""
    short = name.removeprefix(_KINTO).removeprefix(_OURS)
    if short in BUILT_IN and short != name:
        return load_module("includes", f"{_OURS}{short}")
    if name.startswith((_KINTO, _OURS)):
        raise ConfigurationError(describe_unknown(name))
    try:
        return load_module("includes", name)
    except UnknownModule:
        raise ConfigurationError(describe_unknown(name)) from None


def describe_unknown(name: str) -> str:
    """Return the line about a name that stands for nothing, with the nearest that is known."""
    # Slow to import, and of no use to a start that goes well.
    from difflib import get_close_matches

    near = get_close_matches(name.rpartition(".")[2], BUILT_IN, n=1, cutoff=0.7)
    prefix = _OURS if name.startswith(_OURS) else _KINTO
    hint = f" Did you mean '{prefix}{near[0]}'?" if near else ""
    return (
        f"Setting 'includes' names {name!r}, which this version does not have, and no module is "
        f"called so.{hint} It has: {', '.join(f'{_KINTO}{short}' for short in BUILT_IN)}."
    )


def check_kinds(plugins: Sequence[Plugin]) -> None:
    """Refuse kinds of objects that the storage cannot tell apart, or whose URLs it cannot say.

    Errors: ConfigurationError.
    """
    known = {"bucket", "group", "collection", "record"}
    for plugin in plugins:
        for kind in plugin.kinds:
            reason = find_fault(kind, known)
            if reason:
                raise ConfigurationError(
                    f"The plugin {plugin.name!r} has a kind of objects {kind.name!r}: {reason}."
                )
            known.add(kind.name)


def find_fault(kind: Kind, known: Container[str]) -> str | None:
    """Return what is wrong with a kind of objects, beside these."""
    if kind.name in known:
        return "another kind has this name"
    if kind.parent is not None and kind.parent not in known:
        return f"its parent {kind.parent!r} is not known"
    if kind.permissions and kind.plural != f"{kind.name}s":
        return f"its plural must be '{kind.name}s', not {kind.plural!r}"
    return None


def extend_table(plugins: Sequence[Plugin]) -> tuple[Setting, ...]:
    """Return the table of settings with those of plugins, and those of their kinds of objects.

    Errors: ConfigurationError when a plugin brings one that is there already.
    """
    table = list(TABLE)
    for plugin in plugins:
        for row in plugin.settings:
            if any(row.name in other.names for other in table):
                raise ConfigurationError(
                    f"The plugin {plugin.name!r} has a setting {row.name!r}, which is there "
                    "already."
                )
            table.append(row)
    return tuple(table) + tuple(
        row
        for plugin in plugins
        for kind in plugin.kinds
        for row in list_kind_settings(kind.name, has_own_ids=kind.name in plugin.identifiers)
        if find_row(row.names[0], table) is None
    )


def list_kind_settings(kind: str, *, has_own_ids: bool) -> tuple[Setting, ...]:
    """Return the settings that every kind of objects has."""
    rows = (
        Setting(f"{kind}_{{create,read,write}}_principals", LIST, (), "Who may do so anywhere."),
        Setting(f"plural_{kind}_{{get,head,post,delete}}_enabled", BOOL, True, "A method."),
        Setting(f"object_{kind}_{{get,head,put,patch,delete}}_enabled", BOOL, True, "A method."),
    )
    return rows if has_own_ids else (*rows, Setting(f"{kind}_id_generator", TEXT, None, "Ids."))
