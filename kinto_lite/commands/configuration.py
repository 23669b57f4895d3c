"""Finds out which settings a command is to use: file, environment, options.

Options win over the environment, the environment over the file, the file over the defaults. The
environment itself is read by `settings`.

Source: protocol, part 2, chapters 11.4 and 12.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from kinto_lite.commands.options import DEFAULT_INI, DEFAULT_PORT
from kinto_lite.defaults import collect_settings
from kinto_lite.ini import Ini, read_ini
from kinto_lite.settings import PREFIX


def find_ini(options: argparse.Namespace) -> Ini | None:
    """Read the ini file that the option or the environment names, else the usual one, if any.

    Errors: ConfigurationError when a file that is named, or there, cannot be read.
    """
    named = options.ini or os.environ.get("KINTO_INI")
    if not named and not os.path.exists(DEFAULT_INI):
        return None
    port = DEFAULT_PORT if options.port is None else options.port
    return read_ini(Path(named or DEFAULT_INI), port)


def read_given(options: argparse.Namespace, *, is_loopback: bool = True) -> dict[str, str]:
    """Return the settings that the options lead to, and let the options win over the environment.

    Errors: ConfigurationError.
    """
    pairs = dict(options.set or ())
    given = collect_settings(find_ini(options), options.db, is_loopback=is_loopback)
    # Kinto's name of an engine says nothing here: `storage_url` decides.
    forget_variables("storage_backend")
    if options.db is not None:
        forget_variables("storage_url")
    for full_name, value in pairs.items():
        name = full_name.removeprefix(PREFIX)
        forget_variables(name)
        given.pop(PREFIX + name, None)
        given[name] = value
    return given


def forget_variables(setting: str) -> None:
    """Drop a setting from the environment, which would win over what is passed to the app."""
    variable = setting.replace(".", "_").replace("-", "_").upper()
    for name in (variable, f"KINTO_{variable}"):
        os.environ.pop(name, None)
