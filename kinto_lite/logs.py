"""How log lines look and where they go: standard error, coloured on a terminal, one JSON object
a line elsewhere.

`set_up` is for programs that own the process (command line, workers); an app made by `make_app`
writes to Python's loggers and leaves them as they are. What a request writes about itself is
for `pipeline.request_log`; here is how its id comes into every line of it.

Source: protocol, plugins chapters 9.3 and 11.1.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from kinto_lite.errors import ConfigurationError
from kinto_lite.model import ApiRequest

#: Loggers of this program; those of requests have Kinto's names.
MAIN, REQUESTS, ITEMS = "kinto_lite", "request.summary", "subrequest.summary"
LEVELS = ("debug", "info", "warning", "error", "critical")
FORMATS = ("auto", "json", "text", "color")

#: Python's other names of levels.
_ALIASES = {"warn": "warning", "fatal": "critical"}
#: Numbers of syslog, which the JSON lines carry. Source: RFC 5424.
_SEVERITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
_COLOURS = {
    logging.DEBUG: "2",
    logging.INFO: "32",
    logging.WARNING: "33",
    logging.ERROR: "31",
    logging.CRITICAL: "1;31",
}
#: A line gets no longer than this by one text in it.
MAX_TEXT = 20_000

#: The request that is being answered in this thread.
CURRENT: ContextVar[ApiRequest | None] = ContextVar("request", default=None)


def find_request_id(request: ApiRequest) -> str:
    """Return the id of a request; make one when it has none."""
    if not request.request_id:
        request.request_id = secrets.token_hex(16)
    return request.request_id


class StandardError(logging.Handler):
    """Writes lines to standard error, whatever that is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, whole and at once: several processes write to the same place."""
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


class RequestIds(logging.Filter):
    """Puts the id of the current request into every line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the attribute `rid`, "" outside of requests."""
        if not hasattr(record, "rid"):
            request = CURRENT.get()
            record.rid = "" if request is None else find_request_id(request)
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object for each line, in the shape that Mozilla's services share.

    `Fields` holds the message (`msg`), `rid`, of an exception `error` and `traceback`, and
    whatever the caller passed as `extra={"fields": {...}}`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._host = socket.gethostname()
        self._encode = json.JSONEncoder(separators=(",", ":"), default=str).encode

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, pure ASCII."""
        fields = dict(find_fields(record))
        if record.getMessage():
            fields["msg"] = record.getMessage()[:MAX_TEXT]
        if record.exc_info and record.exc_info[0] is not None:
            fields["error"] = repr(record.exc_info[1])[:MAX_TEXT]
            fields["traceback"] = self.formatException(record.exc_info)[-MAX_TEXT:]
        line = {
            "Timestamp": int(record.created * 1e9),
            "Type": record.name,
            "Logger": "kinto-lite",
            "Hostname": self._host,
            "EnvVersion": "2.0",
            "Severity": _SEVERITIES.get(record.levelno, 7),
            "Pid": os.getpid(),
            "Fields": fields,
        }
        return self._encode(line)


class TextFormatter(logging.Formatter):
    """`LEVEL  message name=value ...` for people. No text in it can begin a line of its own: those
    of a traceback are indented, control characters are escaped."""

    def __init__(self, *, is_coloured: bool = False) -> None:
        super().__init__()
        self._is_coloured = is_coloured

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and indented ones for a traceback."""
        level = f"{record.levelname:5}"
        if self._is_coloured:
            level = f"\x1b[{_COLOURS.get(record.levelno, '0')}m{level}\x1b[0m"
        pairs = (f"{name}={show(value)}" for name, value in find_fields(record).items())
        words = filter(None, (escape(record.getMessage()[:MAX_TEXT]), *pairs))
        text = f"{level}  {' '.join(words)}"
        if record.exc_info:
            trace = self.formatException(record.exc_info)[-MAX_TEXT:]
            text += "".join(f"\n    {escape(line)}" for line in trace.splitlines())
        return text


def find_fields(record: logging.LogRecord) -> Mapping[str, Any]:
    """Return what a record carries beside its message: the id of the request first."""
    rid = getattr(record, "rid", "")
    return {**({"rid": rid} if rid else {}), **getattr(record, "fields", {})}


def show(value: Any) -> str:
    """Return a value for a line of text, quoted where it could be taken for more than one."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if text and text.isprintable() and not set(' "=') & set(text):
        return text
    return json.dumps(text)


def escape(text: str) -> str:
    """Return a text with all that a terminal or a log reader could act on made visible."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text
    )


def set_up(level: str, form: str) -> None:
    """Send this process's log to standard error.

    `level` is one of LEVELS; at `info` there is a line for each request. `form` is one of
    FORMATS: `auto` is `color` on a terminal and `json` elsewhere.
    Errors: ConfigurationError for other words.
    """
    level = _ALIASES.get(level.lower(), level.lower())
    check_word("log_level", level, LEVELS)
    handler = StandardError()
    handler.name = MAIN
    handler.setFormatter(choose_formatter(form.lower(), is_terminal=sys.stderr.isatty()))
    handler.addFilter(RequestIds())
    root, wanted = logging.getLogger(), getattr(logging, level.upper())
    root.handlers = [handler, *(other for other in root.handlers if other.name != MAIN)]
    root.setLevel(wanted if level == "debug" else max(wanted, logging.WARNING))
    for name in (MAIN, REQUESTS, ITEMS):
        logging.getLogger(name).setLevel(wanted)


def choose_formatter(form: str, *, is_terminal: bool) -> logging.Formatter:
    """Return the formatter for a word of FORMATS. Errors: ConfigurationError."""
    check_word("log_format", form, FORMATS)
    if form == "json" or (form == "auto" and not is_terminal):
        return JsonFormatter()
    return TextFormatter(is_coloured=form != "text" and is_terminal)


def check_word(setting: str, word: str, words: tuple[str, ...]) -> None:
    """Refuse (ConfigurationError) a word that is none of these."""
    if word not in words:
        shown = word[:40]
        raise ConfigurationError(f"Setting '{setting}' must be {', '.join(words)}, not '{shown}'.")
