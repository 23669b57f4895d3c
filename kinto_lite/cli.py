"""The command line: reads what was asked for, wires settings, app and server, says what is on.

Leaves the defaults to `defaults`, the running to the `server` room. Every failure at the start
is one line on standard error and exit code 1.

Source: protocol, part 2, chapter 12.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kinto_lite import logs
from kinto_lite.commands import (
    backup,
    check,
    copy_database,
    create_user,
    dump,
    fetch_admin,
    load,
    rebuild_quotas,
    restore,
)
from kinto_lite.commands.moved import Command
from kinto_lite.defaults import collect_settings
from kinto_lite.errors import ConfigurationError
from kinto_lite.ini import Ini, read_ini
from kinto_lite.server.addresses import (
    UNIX_PREFIX,
    Address,
    address_of,
    is_loopback,
    resolve_host,
)
from kinto_lite.server.certificates import TlsFiles, read_tls
from kinto_lite.server.listeners import reserve_port, take_over
from kinto_lite.server.sizing import suggest_workers
from kinto_lite.settings import log_warning
from kinto_lite.shared_folder import name_folder
from kinto_lite.storage.base import StorageError
from kinto_lite.version import VERSION

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8888
MAX_WORKERS = 64
LOG_LEVEL_NAMES = ("log_level", "kinto.log_level")

DESCRIPTION = "Stores and synchronises JSON: a Kinto server in one process and one file."
CLOSED_HINT = (
    "Nobody can sign in yet: on this address nothing is open by default. Set multiauth.policies "
    "in an ini file (basicauth lets everybody in who knows the address) and start with --ini FILE."
)

NOBODY_HINT = (
    "Nobody has an account yet. Make the administrator with: kinto-lite create-user -u admin"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    # Until the server takes over, SIGTERM ends the start the way Ctrl-C does: in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = build_parser().parse_args(argv)
    set_verbosity(options)
    try:
        return COMMANDS[options.command or "start"](options)
    except (ConfigurationError, StorageError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; options may stand before or after the command."""
    parser = argparse.ArgumentParser(prog="kinto-lite", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=VERSION)
    add_common_options(parser, None)
    add_start_options(parser, None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    start = commands.add_parser("start", help="serve (this is what happens without a command)")
    add_common_options(start, argparse.SUPPRESS)
    add_start_options(start, argparse.SUPPRESS)
    account = commands.add_parser("create-user", help="make an account, or replace one")
    add_common_options(account, argparse.SUPPRESS)
    add_database_option(account, argparse.SUPPRESS)
    create_user.add_options(account)
    quotas = commands.add_parser("rebuild-quotas", help="count again what quotas limit")
    add_common_options(quotas, argparse.SUPPRESS)
    add_database_option(quotas, argparse.SUPPRESS)
    rebuild_quotas.add_options(quotas)
    console = commands.add_parser("fetch-admin", help="fetch Kinto's admin console")
    add_common_options(console, argparse.SUPPRESS)
    add_database_option(console, argparse.SUPPRESS)
    fetch_admin.add_options(console)
    add_moving_commands(commands)
    version = commands.add_parser("version", help="print the version")
    add_common_options(version, argparse.SUPPRESS)
    return parser


def add_moving_commands(commands: Any) -> None:
    """Add the commands that move data."""
    for name, (module, purpose, has_database) in MOVING.items():
        moving = commands.add_parser(name, help=purpose)
        add_common_options(moving, argparse.SUPPRESS)
        if has_database:
            add_database_option(moving, argparse.SUPPRESS)
        module.add_options(moving)


def add_common_options(parser: argparse.ArgumentParser, default: Any) -> None:
    """Add the options of every command."""
    parser.add_argument(
        "--ini",
        type=Path,
        default=default,
        metavar="FILE",
        help="a kinto.ini with the settings (default: $KINTO_INI; without any: safe defaults)",
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", default=default, help="print errors only"
    )
    parser.add_argument(
        "-v", "--debug", action="store_true", default=default, help="print everything"
    )


def add_database_option(parser: argparse.ArgumentParser, default: Any) -> None:
    """Add the option that names the database file."""
    parser.add_argument(
        "--db",
        type=Path,
        default=default,
        metavar="FILE",
        help="the database (default: kinto-lite.db here, or beside the ini file)",
    )


def add_start_options(parser: argparse.ArgumentParser, default: Any) -> None:
    """Add the options of `start`."""
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
    add_database_option(parser, default)
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
        "--tls-certificate",
        type=Path,
        default=default,
        metavar="FILE",
        help="serve https with this certificate (PEM, with those of its issuers)",
    )
    parser.add_argument(
        "--tls-key",
        type=Path,
        default=default,
        metavar="FILE",
        help="the key of the certificate (PEM, without a password)",
    )


def read_port(text: str) -> int:
    """Return a port. Errors: ArgumentTypeError."""
    return read_number(text, 0, 65535)


def read_workers(text: str) -> int:
    """Return a number of workers; `auto` is what suits this machine. Errors: ArgumentTypeError."""
    return suggest_workers() if text == "auto" else read_number(text, 1, MAX_WORKERS)


def read_number(text: str, least: int, most: int) -> int:
    """Return a whole number within bounds. Errors: ArgumentTypeError."""
    if len(text) <= 6 and text.isdecimal() and least <= int(text) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text[:20]}' is not a number from {least} to {most}")


def set_verbosity(options: argparse.Namespace) -> None:
    """Make the log as quiet or as loud as was asked for."""
    if options.quiet:
        logging.getLogger("kinto_lite").setLevel(logging.CRITICAL)
    elif options.debug:
        logs.set_up("debug", "text")


def print_version(_options: argparse.Namespace) -> int:
    """Print the version."""
    print(VERSION)
    return 0


def make_user(options: argparse.Namespace) -> int:
    """Make an account. Errors: ConfigurationError, StorageError."""
    use_named_database(options)
    given = collect_settings(find_ini(options), options.db, is_loopback=True)
    return create_user.run(options, given)


def count_again(options: argparse.Namespace) -> int:
    """Recompute the counters of quotas. Errors: ConfigurationError, StorageError."""
    use_named_database(options)
    given = collect_settings(find_ini(options), options.db, is_loopback=True)
    return rebuild_quotas.run(options, given)


def fetch_console(options: argparse.Namespace) -> int:
    """Fetch the admin console. Errors: ConfigurationError."""
    given = collect_settings(find_ini(options), options.db, is_loopback=True)
    return fetch_admin.run(options, given)


def move(options: argparse.Namespace) -> int:
    """Run one of the commands that move data. Errors: ConfigurationError, StorageError."""
    use_named_database(options)
    given = collect_settings(find_ini(options), options.db, is_loopback=True)
    run: Command = MOVING[options.command][0].run
    return run(options, given)


def start(options: argparse.Namespace) -> int:
    """Serve until a signal. Errors: ConfigurationError, StorageError."""
    ini = find_ini(options)
    tls = read_tls(options.tls_certificate, options.tls_key)
    with take_over() or reserve_port(choose_address(options, ini)) as reserved:
        use_named_database(options)
        use_asked_level(options)
        serve(options, reserved, tls)
    return 0


def read_options(options: argparse.Namespace, address: Address) -> dict[str, str]:
    """Return the settings that the options lead to. Errors: ConfigurationError."""
    level = choose_log_level(options)
    given = collect_settings(find_ini(options), options.db, is_loopback=is_loopback(address))
    if level is None:
        return given
    kept = {name: value for name, value in given.items() if name not in LOG_LEVEL_NAMES}
    return kept | {"log_level": level}


def choose_log_level(options: argparse.Namespace) -> str | None:
    """Return the level that the options ask for, if any."""
    if options.quiet:
        return "critical"
    if options.debug:
        return "debug"
    return "info" if options.log_requests else None


def start_log(options: argparse.Namespace, given: Mapping[str, Any]) -> None:
    """Send the log where it belongs; say what of the file's logging sections has no effect."""
    from kinto_lite.assembly import set_up_logs

    set_up_logs(given)
    ini = find_ini(options)
    if ini is not None:
        for line in ini.logs.warnings:
            log_warning(f"{ini.path}: {line}.")


def find_ini(options: argparse.Namespace) -> Ini | None:
    """Read the ini file that the flag or the environment names, if any."""
    path = options.ini or os.environ.get("KINTO_INI")
    if not path:
        return None
    port = DEFAULT_PORT if options.port is None else options.port
    return read_ini(Path(path), port)


def choose_address(options: argparse.Namespace, ini: Ini | None) -> Address:
    """Return where to listen: flags win over the file, the file over the defaults."""
    host = options.host or (ini and ini.host) or DEFAULT_HOST
    if options.unix or host.startswith(UNIX_PREFIX):
        return Address("", 0, str(options.unix or host.removeprefix(UNIX_PREFIX)))
    port = options.port
    if port is None:
        port = DEFAULT_PORT if ini is None or ini.port is None else ini.port
    return Address(resolve_host(host), port)


def use_named_database(options: argparse.Namespace) -> None:
    """Let the option win over the environment."""
    # Kinto's name of an engine says nothing here: `storage_url` decides.
    forget_variables("storage_backend")
    if options.db is not None:
        forget_variables("storage_url")


def use_asked_level(options: argparse.Namespace) -> None:
    """Let the options for the log win over the environment."""
    if choose_log_level(options) is not None:
        forget_variables("log_level")


def forget_variables(setting: str) -> None:
    """Drop a setting from the environment, which would win over what is passed to the app."""
    for name in (setting.upper(), f"KINTO_{setting.upper()}"):
        os.environ.pop(name, None)


def serve(options: argparse.Namespace, reserved: socket.socket, tls: TlsFiles | None) -> None:
    """Make the app once, so that a bad setting or file is found here, and run the server."""
    from kinto_lite import make_app
    from kinto_lite.server import running

    address = address_of(reserved)
    name_folder()
    given = read_options(options, address)
    start_log(options, given)
    app = make_app(given)
    url = address.url_with("https" if tls else "http")
    lines = [] if options.quiet else describe_app(app, url)

    def announce() -> None:
        print(*lines, sep="\n", end="\n" if lines else "", flush=True)

    plan = running.Plan(reserved, announce, lambda: read_options(options, address), tls)
    workers = options.workers or 1
    if workers > 1 and not app.storage.reads_side_by_side:
        log_warning("Data in memory belong to one process: one worker serves.")
        workers = 1
    if workers == 1:
        running.run_here(app, plan)
    else:
        app.storage.close()
        running.run_workers(plan, workers)


def describe_app(app: Any, url: str) -> list[str]:
    """Return the lines that say what is on: URL, database, plugins; and who is locked out."""
    settings = app.service.settings
    lines = [
        f"kinto-lite {VERSION} at {url}",
        f"Database: {describe_database(settings['storage_url'])}",
        f"Plugins: {', '.join(app.service.plugins) or 'none'}",
    ]
    if not settings["multiauth.policies"]:
        lines.append(CLOSED_HINT)
    if has_nobody(app):
        lines.append(NOBODY_HINT)
    return lines


def has_nobody(app: Any) -> bool:
    """Tell whether only accounts may sign in, and there is none nor can become one."""
    if "accounts" not in app.service.plugins:
        return False
    from kinto_lite.plugins.accounts.checks import find_policies
    from kinto_lite.plugins.accounts.stored import has_accounts

    settings = app.service.settings
    policies = set(settings["multiauth.policies"])
    if not policies or policies - set(find_policies(settings)):
        return False
    if settings.principals("account", "create"):
        return False
    with app.storage.transaction(write=False) as tx:
        return not has_accounts(tx)


def describe_database(url: str) -> str:
    """Return a storage URL for people: the file, or the URL without its password."""
    path = url.removeprefix("sqlite:///")
    if path != url:
        return str(Path(path).absolute())
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


#: Commands that move data: module, purpose, and whether settings say which database.
MOVING: Mapping[str, tuple[Any, str, bool]] = {
    "copy": (copy_database, "copy everything into another, empty database", False),
    "dump": (dump, "write everything, or one bucket, to a file of JSON lines", True),
    "load": (load, "put a dump into an empty database, or a bucket beside others", True),
    "backup": (backup, "copy the database file while the server runs", True),
    "restore": (restore, "put a backup in the place of the database", True),
    "check": (check, "look for what is wrong in the database", True),
}

COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "start": start,
    "create-user": make_user,
    "rebuild-quotas": count_again,
    "fetch-admin": fetch_console,
    **dict.fromkeys(MOVING, move),
    "version": print_version,
}
