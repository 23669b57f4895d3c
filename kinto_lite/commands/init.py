"""`init`: writes a configuration file with fresh secrets, readable by its owner only.

Nothing is asked: without options the data go to one SQLite file beside the configuration.

Source: protocol, part 2, chapters 11.5 and 12; rule D-21.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from kinto_lite.commands.example_ini import write_ini
from kinto_lite.commands.options import DEFAULT_HOST, DEFAULT_INI
from kinto_lite.defaults import DATABASE_NAME
from kinto_lite.errors import ConfigurationError
from kinto_lite.storage.engines import list_schemes

#: What `--backend` may say, and where the data go then. Kinto's `memory` is for trying it out;
#: here SQLite is as little work, and keeps what was tried.
BACKENDS: Mapping[str, str] = {
    "sqlite": f"sqlite:///%(here)s/{DATABASE_NAME}",
    "memory": f"sqlite:///%(here)s/{DATABASE_NAME}",
    "postgresql": "postgresql://postgres:postgres@localhost/postgres",
}
CACHE_BACKENDS = ("memory", "postgresql", "memcached", "redis")

log = logging.getLogger("kinto_lite")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `init`."""
    parser.add_argument(
        "--backend",
        default="sqlite",
        help=f"{', '.join(BACKENDS)} (default: sqlite; memory is stored in SQLite, too)",
    )
    parser.add_argument(
        "--cache-backend",
        default="memory",
        help=f"{', '.join(CACHE_BACKENDS)}; kinto-lite needs none of them",
    )
    parser.add_argument(
        "--host", default=DEFAULT_HOST, help=f"address to listen on (default: {DEFAULT_HOST})"
    )
    parser.add_argument(
        "--force",
        "--overwrite",
        action="store_true",
        help="replace a file that is there; the old one is kept beside it as FILE.old",
    )


def run(options: argparse.Namespace, _given: Mapping[str, str]) -> int:
    """Write the file; return the exit code. Errors: ConfigurationError."""
    path = Path(options.ini or os.environ.get("KINTO_INI") or DEFAULT_INI)
    text = write_ini(str(path), read_host(options.host), choose_values(options))
    if options.force:
        set_aside(path)
    if os.path.lexists(path):
        print(f"{path} already exists.", file=sys.stderr)
        return 1
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, text)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from None
    log.info("Created config %s", path.absolute())
    return 0


def read_host(host: str) -> str:
    """Return a host that fits on a line. Errors: ConfigurationError."""
    if not host.strip() or not host.isprintable():
        raise ConfigurationError(f"{host!r} is not a host.")
    return host.strip()


def choose_values(options: argparse.Namespace) -> dict[str, str]:
    """Return where the data go, and new secrets. Errors: ConfigurationError."""
    url = BACKENDS.get(options.backend)
    if url is None or url.partition(":")[0] not in list_schemes():
        known = [name for name, url in BACKENDS.items() if url.partition(":")[0] in list_schemes()]
        raise ConfigurationError(
            f"There is no backend '{options.backend[:40]}': choose one of {', '.join(known)}."
        )
    if options.cache_backend not in CACHE_BACKENDS:
        raise ConfigurationError(
            f"There is no cache backend '{options.cache_backend[:40]}': leave --cache-backend out."
        )
    if options.cache_backend != "memory":
        log.info("kinto-lite needs no cache server: --cache-backend is not written down.")
    return {
        "storage_url": url,
        "userid_hmac_secret": secrets.token_hex(32),
        "default_bucket_hmac_secret": secrets.token_hex(32),
    }


def set_aside(path: Path) -> None:
    """Give a file, if it is there, a name that no other has: the secrets in it belong to what is
    stored."""
    if not path.is_file():
        return
    names = (path.with_name(f"{path.name}.old{number or ''}") for number in count())
    old = next(name for name in names if not name.exists())
    path.rename(old)
    log.warning("The old file is now %s", old.absolute())


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner may read. Errors: OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
