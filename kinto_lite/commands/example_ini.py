"""Writes the text of a configuration file from the table of settings.

Every setting stands in it with what it is for. Those that a new server needs are set, the others
are comments with their defaults.

Source: protocol, part 2, chapter 11.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from kinto_lite.settings_table import CHAPTERS, Setting, write_value
from kinto_lite.version import VERSION

#: What a new server needs: anybody may sign up and gets a personal bucket, other buckets are for
#: the account `admin`, which `create-user` makes.
NEEDED: Mapping[str, str] = {
    "includes": "\n    kinto.plugins.default_bucket\n    kinto.plugins.accounts\n"
    "    kinto.plugins.history",
    "multiauth.policies": "account",
    "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
    "account_create_principals": "system.Everyone",
    "account_write_principals": "account:admin",
    "bucket_create_principals": "account:admin",
}

HEAD = """\
# Created at {created}
# Using kinto-lite version {version}
#
# Lines that begin with # are comments; the values in them are the defaults. Lists are separated
# by white space, not by commas. KINTO_PAGINATE_BY in the environment wins over
# kinto.paginate_by here, and so on.
# The first administrator is made with: kinto-lite create-user --ini {path} --username admin

[server:main]
use = egg:waitress#main
host = {host}
port = %(http_port)s

[app:main]
use = egg:kinto
"""


def write_ini(path: str, host: str, values: Mapping[str, str]) -> str:
    """Return the text of a file for this path. `values` are settings beside those that every new
    server needs: where it stores, secrets."""
    created = f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S %z}"
    text = HEAD.format(created=created, version=VERSION, path=path, host=host)
    wanted = {**NEEDED, **values}
    for title, rows in CHAPTERS:
        lines = [line for row in rows if row.is_used for line in write_row(row, wanted)]
        if lines:
            text += f"\n\n# {title}\n# {'-' * len(title)}\n" + "\n".join(lines) + "\n"
    return text


def write_row(row: Setting, wanted: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a setting: what it is for, and those of its names that are wanted, or
    else its default as a comment."""
    unit = f" ({row.unit})" if row.unit else ""
    yield f"\n# {row.help}{unit}"
    if len(row.names) > 1:
        yield f"# {add_prefix(row.name)}"
    active = [name for name in wanted if stands_for(row, name)]
    for name in active:
        yield f"{add_prefix(name)} = {wanted[name]}"
    if not active:
        example = row.names[0].replace("*", "<name>")
        yield f"# {add_prefix(example)} = {write_value(row.default)}".rstrip()


def stands_for(row: Setting, name: str) -> bool:
    """Tell whether a name is one of a row's; a policy's `use` belongs to the row with `*`."""
    return name in row.names or (
        row.name == "multiauth.policy.*.use" and name == "multiauth.policy.account.use"
    )


def add_prefix(name: str) -> str:
    """Return a name as Kinto's files write it."""
    return name if name.startswith("multiauth.") else f"kinto.{name}"
