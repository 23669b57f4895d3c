"""Reads what the logging sections of a `kinto.ini` ask for: a level and a format.

They are in the format of Python's `logging.config` and may name any class. Only what `kinto init`
writes, and what kinto-lite can do, is taken from the root logger; nothing is imported or
evaluated, and nothing in them stops the start.

Source: protocol, part 2, chapter 11.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kinto_lite.logs import LEVELS

_Sections = Mapping[str, Mapping[str, str]]

#: By the last word of a class.
_FORMATS = {
    "JsonLogFormatter": "json",
    "JSONFormatter": "json",
    "JsonFormatter": "json",
    "ColorFormatter": "color",
    "Formatter": "text",
}
_HANDLERS = ("StreamHandler", "StreamHandlerWithRequestID")
#: Python's other names of levels.
_ALIASES = {"warn": "warning", "fatal": "critical", "notset": "debug"}
_MAX_SHOWN = 60


class LogSections(NamedTuple):
    """What the sections ask for: words of `logs.LEVELS` and `logs.FORMATS`, None where they say
    nothing; and lines about what could not be understood."""

    level: str | None = None
    form: str | None = None
    warnings: tuple[str, ...] = ()


def read_log_sections(sections: _Sections) -> LogSections:
    """Return what the sections of a file ask for. References in them are not replaced."""
    if "loggers" not in sections:
        return LogSections()
    warnings: list[str] = []
    root = sections.get("logger_root", {})
    level = _read_level(root.get("level", ""), warnings)
    handlers = [word for name in root.get("handlers", "").split(",") if (word := name.strip())]
    forms = [form for name in handlers for form in _read_handler(sections, name, warnings)]
    return LogSections(level, forms[0] if forms else None, tuple(warnings))


def _read_level(text: str, warnings: list[str]) -> str | None:
    word = text.strip().lower()
    word = _ALIASES.get(word, word)
    if word and word not in LEVELS:
        warnings.append(f"the level '{text[:_MAX_SHOWN]}' is not known")
        return None
    return word or None


def _read_handler(sections: _Sections, name: str, warnings: list[str]) -> Iterator[str]:
    """Yield the format of a handler that writes to standard error or output."""
    handler = sections.get(f"handler_{name}")
    if handler is None:
        warnings.append(f"there is no section [handler_{name[:_MAX_SHOWN]}]")
        return
    class_name = handler.get("class", "").rpartition(".")[2]
    if class_name not in _HANDLERS:
        shown = handler.get("class", "")[:_MAX_SHOWN]
        warnings.append(f"the log goes to standard error, not to '{shown}'")
        return
    formatter = handler.get("formatter", "").strip()
    if formatter:
        yield _read_formatter(sections, formatter, warnings)


def _read_formatter(sections: _Sections, name: str, warnings: list[str]) -> str:
    section = sections.get(f"formatter_{name}")
    if section is None:
        warnings.append(f"there is no section [formatter_{name[:_MAX_SHOWN]}]")
        return "auto"
    class_name = section.get("class", "logging.Formatter").rpartition(".")[2]
    if class_name not in _FORMATS:
        warnings.append(f"the format '{class_name[:_MAX_SHOWN]}' is not known")
    return _FORMATS.get(class_name, "auto")
