"""Reads a `kinto.ini`: the settings of `[app:main]`, host and port of `[server:main]`.

What the logging sections ask for is for `log_sections`. What a setting means is for `settings`.

Source: protocol, part 2, chapter 11.1.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from kinto_lite.errors import ConfigurationError
from kinto_lite.log_sections import LogSections, read_log_sections

APP_SECTION = "app:main"
SERVER_SECTION = "server:main"
#: `%(here)s`, or `%%` for a percent sign. Any other `%` stands for itself: it is frequent in
#: passwords of URLs.
REFERENCE = re.compile(r"%(?:\(([^)]*)\)s|%)")
#: References may lead to references; a circle of them ends here.
MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Ini:
    """What a file says. The texts are complete: references are replaced."""

    path: Path
    settings: Mapping[str, str]
    host: str | None = None
    port: int | None = None
    logs: LogSections = field(default_factory=LogSections)


def read_ini(path: Path, http_port: int) -> Ini:
    """Read a file; `%(http_port)s` in it is `http_port`.

    Errors: ConfigurationError naming the file, when it cannot be read or understood.
    """
    file = str(path.absolute())
    common = {"here": str(path.absolute().parent), "__file__": file, "http_port": str(http_port)}
    parser = parse_file(path, {name: value.replace("%", "%%") for name, value in common.items()})
    if not parser.has_section(APP_SECTION):
        raise ConfigurationError(f"{path} has no section [{APP_SECTION}]: the settings go there.")
    server = read_section(parser, SERVER_SECTION, path) if SERVER_SECTION in parser else {}
    settings = read_section(parser, APP_SECTION, path)
    if settings.get("use", "").startswith("config:"):
        raise ConfigurationError(f"{path}: 'use = {settings['use']}' is not supported.")
    logs = read_log_sections({name: dict(parser[name]) for name in parser.sections()})
    return Ini(path, settings, server.get("host") or None, read_port(server, path), logs)


def parse_file(path: Path, common: Mapping[str, str]) -> configparser.RawConfigParser:
    """Return the sections of a file, with references as they are written.

    `common` are names that references may use in all sections.
    """
    parser = CaseSensitiveParser(common, strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} cannot be read: it is not UTF-8 text.") from None
    except configparser.Error as error:
        raise ConfigurationError(f"{path} is not a valid ini file: {first_line(error)}") from None
    return parser


class CaseSensitiveParser(configparser.RawConfigParser):
    """Names of settings keep their case."""

    def optionxform(self, optionstr: str) -> str:
        """Return the name as it is written."""
        return optionstr


def first_line(error: Exception) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).split())


def read_section(parser: configparser.RawConfigParser, name: str, path: Path) -> dict[str, str]:
    """Return the texts of a section, without what all sections have in common."""
    section = parser[name]
    own = [key for key in section if key not in parser.defaults()]
    return {key: expand(section[key], section, path) for key in own}


def expand(text: str, section: MutableMapping[str, str], path: Path, depth: int = 0) -> str:
    """Replace the references in a text.

    Errors: ConfigurationError when a name is not known, or refers to itself.
    """

    def replace(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "%"
        if name not in section or depth == MAX_DEPTH:
            raise ConfigurationError(f"{path}: '%({name})s' does not stand for anything.")
        return expand(section[name], section, path, depth + 1)

    return REFERENCE.sub(replace, text)


def read_port(server: Mapping[str, str], path: Path) -> int | None:
    """Return the port of the server section, None when it has none."""
    text = server.get("port", "").strip()
    if not text:
        return None
    if len(text) > 5 or not text.isdecimal() or int(text) > 65535:
        raise ConfigurationError(f"{path}: '{text[:20]}' is not a port.")
    return int(text)
