"""`migrate-from-kinto`: moves in from Kinto, from its PostgreSQL database or a running server.

All or nothing: the target has everything that could be read, compared with what was read, or is
as it was. The old server keeps its data and is changed in nothing. `kinto_tables` and
`kinto_server` read, `kinto_objects` makes rows of it, the engine of the target writes them.
"""

from __future__ import annotations

import argparse
import getpass
import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from kinto_lite.commands import kinto_secrets
from kinto_lite.commands.moved import (
    count_objects,
    describe_tally,
    find_url,
    finish,
    refuse_difference,
)
from kinto_lite.commands.progress import Progress
from kinto_lite.storage.engines import find_mover
from kinto_lite.storage.kinto_objects import KintoSource, make_rows
from kinto_lite.storage.moving import Refused, Tally

HELP_SOURCE = (
    "postgresql://... of Kinto's database, or https://.../v1 of a running server (default: "
    "storage_url of --kinto-ini)"
)
HTTP = ("http://", "https://")
POSTGRESQL = ("postgresql://", "postgres://", "postgresql+")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `migrate-from-kinto`."""
    parser.add_argument("source", metavar="SOURCE", nargs="?", help=HELP_SOURCE)
    parser.add_argument(
        "target",
        metavar="TARGET",
        nargs="?",
        help="URL of an empty database, or of none yet (default: that of --db or --ini)",
    )
    kinto_secrets.add_options(parser)
    parser.add_argument(
        "--auth",
        metavar="USER[:PASSWORD]",
        help="who reads from a running server; without the password, it is asked for",
    )
    parser.add_argument(
        "--token",
        metavar="TOKEN",
        help="an access token instead (sent as Bearer); - to be asked for it",
    )


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Move in; return the exit code.

    Errors: ConfigurationError, StorageError.
    """
    ini = kinto_secrets.read_kinto_ini(options.kinto_ini) if options.kinto_ini else None
    source = find_source(options, ini)
    target = options.target or find_url(given)
    if target == source:
        raise Refused("The target is Kinto's own database: name another with --db FILE.")
    authorization = find_authorization(options)
    secrets = kinto_secrets.find_secrets(options, ini)
    notes = kinto_secrets.describe_lost(secrets)
    notes += kinto_secrets.describe_other_settings(secrets, given)
    return finish(options, lambda: move_in(source, target, authorization, secrets, notes))


def find_source(options: argparse.Namespace, ini: kinto_secrets.KintoIni | None) -> str:
    """Return where to read. Errors: Refused."""
    source = str(options.source or (ini.storage_url if ini else ""))
    if not source:
        raise Refused("Where is Kinto? Give the URL of its database, of a server, or --kinto-ini.")
    if not source.startswith(HTTP + POSTGRESQL):
        raise Refused(
            "SOURCE is postgresql://... for Kinto's database, or https://.../v1 for a server. "
            "What Kinto keeps in memory can be read from the running server only."
        )
    if ini and source == ini.storage_url and ini.permission_url not in ("", source):
        raise Refused(
            "Kinto's permissions are in another database than its objects: copy the tables "
            "access_control_entries and user_principals beside the others first."
        )
    return source


def find_authorization(options: argparse.Namespace) -> str | None:
    """Return the header that says who asks a server, None when nobody does."""
    from kinto_lite.commands.kinto_client import basic_authorization

    if options.token:
        token = getpass.getpass("Access token: ") if options.token == "-" else options.token
        return f"Bearer {token}"
    if not options.auth:
        return None
    user, colon, password = options.auth.partition(":")
    return basic_authorization(
        user, password if colon else getpass.getpass(f"Password of {user}: ")
    )


@contextmanager
def open_source(url: str, authorization: str | None) -> Iterator[KintoSource]:
    """Open the database or the server. Errors: Refused, StorageError."""
    if url.startswith(HTTP):
        from kinto_lite.commands.kinto_client import KintoClient
        from kinto_lite.commands.kinto_server import KintoServer

        with closing(KintoClient(url, authorization)) as client:
            yield KintoServer(client)
        return
    if importlib.util.find_spec("psycopg") is None:
        raise Refused("Reading PostgreSQL needs: pip install 'kinto-lite[postgresql]'")
    from kinto_lite.storage.postgres.kinto_tables import open_kinto_tables

    with open_kinto_tables(url) as tables:
        yield tables


def move_in(
    url: str,
    target: str,
    authorization: str | None,
    secrets: Mapping[str, str],
    notes: list[str],
) -> int:
    """Move everything, compare what arrived with what was read, and say what it was."""
    read, arrived = Tally(), Tally()
    writer = find_mover(target)
    with open_source(url, authorization) as source, writer.fill_empty(target) as filling:
        rows = make_rows(source, secrets, filling.free_key)
        with Progress("Reading Kinto", source.count_objects()) as bar:
            filling.write(count_objects(read.watch(rows), bar.advance))
        with Progress("Comparing", filling.count_objects()) as bar:
            for _ in count_objects(arrived.watch(filling.rows()), bar.advance):
                pass
        refuse_difference(read, arrived)
        losses = source.describe_losses()
    print(*describe_tally(arrived), sep="\n")
    print("The target has all that was read, and it is the same.")
    print_list("Left out:" if url.startswith(POSTGRESQL) else "Not to be had over HTTP:", losses)
    print_list("Note:", [*notes, *describe_needs(arrived)])
    return 0


def print_list(title: str, lines: list[str]) -> None:
    """Print lines below a title, if there are any."""
    if lines:
        print(title, *(f"  - {line}" for line in lines), sep="\n")


def describe_needs(arrived: Tally) -> list[str]:
    """Return what the target needs to work as the old server did."""
    accounts = arrived.kinds.get("account")
    if accounts and accounts.live and importlib.util.find_spec("bcrypt") is None:
        return ["To check passwords that Kinto hashed: pip install 'kinto-lite[bcrypt]'"]
    return []
