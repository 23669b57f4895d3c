"""The options that several commands share, and those of `start`, which may stand alone."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kinto_lite.server.sizing import suggest_workers

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8888
DEFAULT_INI = Path("config/kinto.ini")
MAX_WORKERS = 64


def add_common_options(parser: argparse.ArgumentParser, default: Any) -> None:
    """Add the options of every command. `default` is that of all of them: `SUPPRESS` keeps what
    was said before the command."""
    parser.add_argument(
        "--ini",
        type=Path,
        default=default,
        metavar="FILE",
        help=f"a kinto.ini with the settings (default: $KINTO_INI, else {DEFAULT_INI} if it is "
        "there, else safe defaults)",
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", default=default, help="print errors only"
    )
    parser.add_argument(
        "-v", "--debug", action="store_true", default=default, help="print everything"
    )


def add_settings_options(parser: argparse.ArgumentParser, default: Any) -> None:
    """Add the options that stand for settings."""
    parser.add_argument(
        "--db",
        type=Path,
        default=default,
        metavar="FILE",
        help="the database (default: kinto-lite.db here, or beside the ini file)",
    )
    parser.add_argument(
        "--set",
        action="append",
        type=read_pair,
        default=default,
        metavar="NAME=VALUE",
        help="any setting; wins over the file and the environment, may be repeated (see: "
        "kinto-lite settings)",
    )


def add_start_options(parser: argparse.ArgumentParser, default: Any) -> None:
    """Add the options of `start`."""
    add_settings_options(parser, default)
    add_listening_options(parser, default)
    parser.add_argument(
        "--workers",
        type=read_workers,
        default=default,
        metavar="N",
        help="processes that answer, or auto: what suits cores and memory (default: 1, which "
        "is best for writing)",
    )
    parser.add_argument(
        "--log-requests",
        action="store_true",
        default=default,
        help="write a line to the log for each request",
    )
    parser.add_argument(
        "--reload",
        action="store_true",
        default=default,
        help="start again when the ini file or the program changes (for development)",
    )
    for name, help_text in (
        ("certificate", "serve https with this certificate (PEM, with those of its issuers)"),
        ("key", "the key of the certificate (PEM, without a password)"),
    ):
        parser.add_argument(
            f"--tls-{name}", type=Path, default=default, metavar="FILE", help=help_text
        )


def add_listening_options(parser: argparse.ArgumentParser, default: Any) -> None:
    """Add the options that say where to listen."""
    parser.add_argument(
        "--host",
        default=default,
        help=f"address to listen on, or unix:PATH (default: {DEFAULT_HOST})",
    )
    parser.add_argument(
        "--port",
        type=read_port,
        default=default,
        help=f"port to listen on, 0 for a free one (default: {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--unix",
        type=Path,
        default=default,
        metavar="PATH",
        help="listen on a unix socket instead; the umask says who may connect",
    )


def read_pair(text: str) -> tuple[str, str]:
    """Return name and value of a setting. Errors: ArgumentTypeError."""
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not NAME=VALUE")
    return name.strip(), value.strip()


def read_port(text: str) -> int:
    """Return a port. Errors: ArgumentTypeError."""
    return read_number(text, 0, 65535)


def read_workers(text: str) -> int:
    """Return a number of workers; `auto` is what suits this machine. Errors: ArgumentTypeError."""
    return suggest_workers() if text == "auto" else read_number(text, 1, MAX_WORKERS)


def read_number(text: str, least: int, most: int) -> int:
    """Return a whole number within bounds. Errors: ArgumentTypeError."""
    if len(text) <= 12 and text.isdecimal() and least <= int(text) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text[:20]}' is not a number from {least} to {most}")
