"""The table of subcommands, and the parser that is made from it.

A new subcommand is one row here and one module with `add_options(parser)` and
`run(options, given) -> exit code`. The module is imported when it is asked for, no earlier.

Source: protocol, part 2, chapter 12.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from kinto_lite.commands import options as shared
from kinto_lite.version import VERSION

DESCRIPTION = "Stores and synchronises JSON: a Kinto server in one process and one file."
CODES = (
    "exit codes: 0 done, 1 refused (the reason is on standard error), 2 not understood; "
    "others are named in the help of the command"
)


class Module(Protocol):
    """What the module of a subcommand has."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add its own options; those of all commands are there already."""

    def run(self, options: argparse.Namespace, given: Mapping[str, str]) -> int:
        """Do it; return the exit code. `given` are the settings that were asked for.

        Errors: ConfigurationError, StorageError: one line and exit code 1.
        """


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table."""

    name: str
    #: One line of the list of commands on a narrow terminal: up to 54 characters.
    help: str
    #: What somebody would type; shown at the end of its help.
    example: str
    module: str
    #: Whether it is about a database: it has `--db` and `--set`, and `given` is not empty.
    reads_settings: bool = True

    def load(self) -> Module:
        """Import its module."""
        return cast(Module, import_module(f"kinto_lite.commands.{self.module}"))


COMMANDS: tuple[Command, ...] = (
    Command(
        "init",
        "write a configuration file with secrets of its own",
        "kinto-lite init --ini config/kinto.ini",
        "init",
        reads_settings=False,
    ),
    Command(
        "start",
        "serve (this is what happens without a command)",
        "kinto-lite start --ini config/kinto.ini --port 8888",
        "start",
        reads_settings=False,
    ),
    Command(
        "migrate",
        "make the database, or bring it up to date",
        "kinto-lite migrate --dry-run",
        "migrate",
    ),
    Command(
        "create-user",
        "make an account, or replace one",
        "kinto-lite create-user --username admin",
        "create_user",
    ),
    Command(
        "flush-cache",
        "forget the page tokens that were handed out",
        "kinto-lite flush-cache --ini config/kinto.ini",
        "flush_cache",
    ),
    Command(
        "purge-deleted",
        "delete old tombstones for good",
        "kinto-lite purge-deleted record collection 1000",
        "purge_deleted",
    ),
    Command(
        "rebuild-quotas",
        "count again what quotas limit",
        "kinto-lite rebuild-quotas --dry-run",
        "rebuild_quotas",
    ),
    Command(
        "fetch-admin",
        "fetch Kinto's admin console",
        "kinto-lite fetch-admin --to /srv/kinto/admin",
        "fetch_admin",
    ),
    Command(
        "copy",
        "copy everything into another, empty database",
        "kinto-lite copy sqlite:///kinto-lite.db sqlite:///new.db",
        "copy_database",
        reads_settings=False,
    ),
    Command(
        "migrate-from-kinto",
        "move in from Kinto: its database, or a server",
        "kinto-lite migrate-from-kinto --kinto-ini old/kinto.ini --db kinto-lite.db",
        "migrate_from_kinto",
    ),
    Command(
        "dump",
        "write everything, or one bucket, to a file",
        "kinto-lite dump all.jsonl.gz --db kinto-lite.db",
        "dump",
    ),
    Command(
        "load",
        "read a dump into an empty database, or a bucket",
        "kinto-lite load all.jsonl.gz --db new.db",
        "load",
    ),
    Command(
        "backup",
        "copy the database file while the server runs",
        "kinto-lite backup /backups/kinto-lite.db",
        "backup",
    ),
    Command(
        "restore",
        "put a backup in the place of the database",
        "kinto-lite restore /backups/kinto-lite.db",
        "restore",
    ),
    Command(
        "check",
        "look for what is wrong in the database",
        "kinto-lite check --db kinto-lite.db",
        "check",
    ),
    Command(
        "settings",
        "list the settings and what they do",
        "kinto-lite settings history",
        "list_settings",
        reads_settings=False,
    ),
    Command(
        "version", "print the version", "kinto-lite version", "print_version", reads_settings=False
    ),
)


def find_command(name: str) -> Command:
    """Return the row of a name; KeyError when there is none."""
    return {command.name: command for command in COMMANDS}[name]


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser for these arguments; options may stand before or after the command.

    Only the modules of commands that are named among them are imported. Without a command, the
    options are those of `start`.
    """
    parser = argparse.ArgumentParser(prog="kinto-lite", description=DESCRIPTION, epilog=CODES)
    parser.add_argument("--version", action="version", version=VERSION)
    shared.add_common_options(parser, None)
    shared.add_start_options(parser, None)
    rows = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    for command in COMMANDS:
        row = rows.add_parser(
            command.name,
            help=command.help,
            description=f"{command.help[0].upper()}{command.help[1:]}.",
            epilog=f"example: {command.example}",
        )
        if command.name in arguments:
            add_options(row, command)
    return parser


def add_options(parser: argparse.ArgumentParser, command: Command) -> None:
    """Add the options of a command to its parser."""
    shared.add_common_options(parser, argparse.SUPPRESS)
    if command.reads_settings:
        shared.add_settings_options(parser, argparse.SUPPRESS)
    command.load().add_options(parser)
