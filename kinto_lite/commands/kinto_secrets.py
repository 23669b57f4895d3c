"""The two secrets of a Kinto that ids depend on: found in its ini file, given, or asked for.

Source: protocol, plugins chapters 2.2 and 3.1.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kinto_lite.ini import read_ini
from kinto_lite.settings import find_row, read_value

USER_IDS = "userid_hmac_secret"
BUCKET_IDS = "default_bucket_hmac_secret"
#: What `%(http_port)s` in a file stands for; it is no part of any secret.
_ANY_PORT = 8888

LOST_USERS = (
    f"Without {USER_IDS}, users of basic authentication get new ids: they lose their permissions, "
    "their groups and their personal buckets. Run this again, on an empty target, with "
    "--kinto-ini or --userid-hmac-secret. Accounts are not concerned."
)
LOST_BUCKETS = (
    f"Without {BUCKET_IDS}, /buckets/default leads everybody to a new, empty bucket; the old "
    "ones are still there under their own ids."
)


class KintoIni(NamedTuple):
    """What matters in the file that the old server was started with."""

    secrets: Mapping[str, str]
    storage_url: str
    permission_url: str


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the secrets are."""
    parser.add_argument(
        "--kinto-ini",
        type=Path,
        metavar="FILE",
        help="the ini file of the old Kinto: its secrets are taken over",
    )
    parser.add_argument(
        "--userid-hmac-secret",
        metavar="TEXT",
        help="the setting userid_hmac_secret of the old Kinto (default: that of the file, or ask)",
    )
    parser.add_argument(
        "--default-bucket-hmac-secret",
        metavar="TEXT",
        help="the setting default_bucket_hmac_secret of the old Kinto",
    )


def read_kinto_ini(path: Path) -> KintoIni:
    """Read the old server's file. Errors: ConfigurationError."""
    settings = read_ini(path, _ANY_PORT).settings

    def read(name: str) -> str | None:
        raw = next((settings[key] for key in (f"kinto.{name}", name) if key in settings), None)
        row = find_row(name)
        if raw is None or row is None:
            return raw
        value = read_value(name, row, raw)
        return None if value is None else str(value)

    user_ids = read(USER_IDS)
    secrets = {} if user_ids is None else {USER_IDS: user_ids}
    # Kinto's own default.
    secrets[BUCKET_IDS] = read(BUCKET_IDS) or ""
    return KintoIni(secrets, read("storage_url") or "", read("permission_url") or "")


def find_secrets(options: argparse.Namespace, ini: KintoIni | None) -> dict[str, str]:
    """Return the secrets that are known, by the names of their settings; ask when nothing says
    them and somebody is there to answer."""
    secrets = dict(ini.secrets) if ini else {}
    if options.userid_hmac_secret is not None:
        secrets[USER_IDS] = options.userid_hmac_secret
        # Who has this one and not the other had none: Kinto's default is the empty text.
        secrets.setdefault(BUCKET_IDS, "")
    if options.default_bucket_hmac_secret is not None:
        secrets[BUCKET_IDS] = options.default_bucket_hmac_secret
    if not secrets and sys.stdin.isatty():
        secrets = _ask()
    return secrets


def _ask() -> dict[str, str]:
    user_ids = getpass.getpass(f"{USER_IDS} of the old Kinto (empty: unknown): ")
    if not user_ids:
        return {}
    bucket_ids = getpass.getpass(f"{BUCKET_IDS} (empty: it was not set): ")
    return {USER_IDS: user_ids, BUCKET_IDS: bucket_ids}


def describe_lost(secrets: Mapping[str, str]) -> list[str]:
    """Return what breaks without the secrets that are not known."""
    lost = ((USER_IDS, LOST_USERS), (BUCKET_IDS, LOST_BUCKETS))
    return [text for name, text in lost if name not in secrets]


def describe_other_settings(secrets: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """Return a warning for each secret that the settings of the target have otherwise: settings
    win over what is stored."""
    warnings = []
    for name, secret in secrets.items():
        for key in (name, f"kinto.{name}"):
            if given.get(key, secret) != secret:
                warnings.append(
                    f"The setting {key} of the target is not the old Kinto's: ids will change."
                )
    return warnings
