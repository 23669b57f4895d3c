"""Imports what a setting names. Whatever goes wrong is one line for the operator."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from kinto_lite.errors import ConfigurationError

#: Libraries of Kinto's own server, which code that was written for it asks for.
_KINTO = frozenset({"kinto", "pyramid", "cornice", "zope", "colander"})


class UnknownModule(ConfigurationError):
    """There is no module of that name."""


def make_importable(folder: str) -> None:
    """Let modules in a folder be imported from now on, after those that are installed."""
    if folder not in sys.path:
        sys.path.append(folder)


def load_module(setting: str, name: str) -> ModuleType:
    """Import a module.

    Errors: UnknownModule; ConfigurationError when it is there and its import fails.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing == name or name.startswith(f"{missing}."):
            raise UnknownModule(
                f"Setting '{setting}' names {name!r}, but there is no module {missing!r}."
            ) from None
        if missing.partition(".")[0] in _KINTO:
            raise ConfigurationError(
                f"Setting '{setting}' names {name!r}, which needs {missing!r}: it was written "
                "for Kinto's own server and cannot run in kinto-lite."
            ) from None
        raise ConfigurationError(describe_failure(setting, name, error)) from None
    except Exception as error:
        raise ConfigurationError(describe_failure(setting, name, error)) from error


def load_dotted(setting: str, name: str) -> Any:
    """Return what `package.module.Name` (or `package.module:Name`) stands for.

    Errors: ConfigurationError.
    """
    module_name, _, attribute = name.replace(":", ".").rpartition(".")
    if not module_name:
        raise ConfigurationError(
            f"Setting '{setting}' is {name!r}, but must be a module and a name in it, "
            "such as 'my_module.MyClass'."
        )
    module = load_module(setting, module_name)
    if not hasattr(module, attribute):
        raise ConfigurationError(
            f"Setting '{setting}' is {name!r}, but {module_name!r} has no {attribute!r}."
        )
    return getattr(module, attribute)


def describe_failure(setting: str, name: str, error: Exception) -> str:
    """Return the line about something named that raised an error."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return f"Setting '{setting}' names {name!r}, which cannot be used: {reason[:300]}"
