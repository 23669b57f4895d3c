"""`start`: wires settings, app and server, and says what is on.

Leaves the defaults to `defaults`, the running to the `server` room. Every failure at the start
is one line on standard error and exit code 1.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinto_lite.commands import reloading
from kinto_lite.commands.configuration import find_ini, read_given
from kinto_lite.commands.options import DEFAULT_HOST, DEFAULT_PORT, add_start_options
from kinto_lite.ini import Ini
from kinto_lite.plugins.accounts.checks import find_policies
from kinto_lite.plugins.accounts.stored import has_accounts
from kinto_lite.server.addresses import (
    UNIX_PREFIX,
    Address,
    address_of,
    is_loopback,
    resolve_host,
)
from kinto_lite.server.certificates import TlsFiles, read_tls
from kinto_lite.server.listeners import reserve_port, take_over
from kinto_lite.version import VERSION

CLOSED_HINT = (
    "Nobody can sign in yet: on this address nothing is open by default. Set multiauth.policies "
    "in an ini file (basicauth lets everybody in who knows the address) and start with --ini FILE."
)

NOBODY_HINT = (
    "Nobody has an account yet. Make the administrator with: kinto-lite create-user -u admin"
)

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
    return read_given(options, is_loopback=is_loopback(address))


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
    log.debug("Starting server in PID %d.", os.getpid())
    app = make_app(read_options(options, address))
    url = address.url_with("https" if tls else "http")
    lines = [] if options.quiet else describe_app(app, url)

    def announce() -> None:
        print(*lines, sep="\n", end="\n" if lines else "", flush=True)

    plan = running.Plan(reserved, announce, lambda: read_options(options, address), tls)
    workers = options.workers or 1
    if workers > 1 and not app.storage.reads_side_by_side:
        print("Data in memory belong to one process: one worker serves.", file=sys.stderr)
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
