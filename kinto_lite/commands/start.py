"""`start`: wires settings, app and server, and says what is on.

Leaves the defaults to `defaults`, the running to the `server` room. Every failure at the start
is one line on standard error and exit code 1.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinto_lite.commands import reloading
from kinto_lite.commands.configuration import find_ini, forget_variables, read_given
from kinto_lite.commands.options import DEFAULT_HOST, DEFAULT_PORT, add_start_options
from kinto_lite.ini import Ini
from kinto_lite.server.addresses import (
    UNIX_PREFIX,
    Address,
    address_of,
    is_loopback,
    resolve_host,
)
from kinto_lite.server.certificates import TlsFiles, read_tls
from kinto_lite.server.listeners import reserve_port, take_over
from kinto_lite.settings import log_warning
from kinto_lite.shared_folder import name_folder
from kinto_lite.version import VERSION

CLOSED_HINT = (
    "Nobody can sign in yet: on this address nothing is open by default. Set multiauth.policies "
    "in an ini file (basicauth lets everybody in who knows the address) and start with --ini FILE."
)

NOBODY_HINT = (
    "Nobody has an account yet. Make the administrator with: kinto-lite create-user -u admin"
)

LOG_LEVEL_NAMES = ("log_level", "kinto.log_level")

log = logging.getLogger("kinto_lite")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `start`."""
    add_start_options(parser, argparse.SUPPRESS)


def run(options: argparse.Namespace, _given: Mapping[str, str]) -> int:
    """Serve until a signal. Errors: ConfigurationError, StorageError."""
    if options.reload:
        return reloading.run(options.arguments, options.ini)
    ini = find_ini(options)
    tls = read_tls(options.tls_certificate, options.tls_key)
    with take_over() or reserve_port(choose_address(options, ini)) as reserved:
        serve(options, reserved, tls)
    return 0


def read_options(options: argparse.Namespace, address: Address) -> dict[str, str]:
    """Return the settings that the options lead to. Errors: ConfigurationError."""
    given = read_given(options, is_loopback=is_loopback(address))
    level = choose_log_level(options)
    if level is None:
        return given
    forget_variables("log_level")
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


def choose_address(options: argparse.Namespace, ini: Ini | None) -> Address:
    """Return where to listen: flags win over the file, the file over the defaults."""
    host = options.host or (ini and ini.host) or DEFAULT_HOST
    if options.unix or host.startswith(UNIX_PREFIX):
        return Address("", 0, str(options.unix or host.removeprefix(UNIX_PREFIX)))
    port = options.port
    if port is None:
        port = DEFAULT_PORT if ini is None or ini.port is None else ini.port
    return Address(resolve_host(host), port)


def serve(options: argparse.Namespace, reserved: socket.socket, tls: TlsFiles | None) -> None:
    """Make the app once, so that a bad setting or file is found here, and run the server."""
    from kinto_lite import make_app
    from kinto_lite.server import running

    address = address_of(reserved)
    name_folder()
    given = read_options(options, address)
    start_log(options, given)
    log.debug("Starting server in PID %d.", os.getpid())
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
