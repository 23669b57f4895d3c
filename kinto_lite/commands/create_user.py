"""`create-user`: makes an account, or replaces one, beside a running server or before any.

The way to the first administrator: whoever may write the database file may make one.

Source: protocol, part 2, chapter 12 and rule D-22.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from collections.abc import Mapping

from kinto_lite.commands.database import read_target
from kinto_lite.plugins.accounts.creation import create_account
from kinto_lite.plugins.accounts.names import IDENTIFIERS
from kinto_lite.storage.engines import open_storage

#: Exit codes.
IS_READONLY = 51
HAS_NO_ACCOUNTS = 52
ABORTED = 53


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `create-user`."""
    parser.add_argument("-u", "--username", help="name of the account (default: ask)")
    parser.add_argument(
        "-p",
        "--password",
        help="its password; other users of this machine can see it here (default: ask)",
    )


def run(options: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Create or overwrite an account; return the exit code.

    Errors: ConfigurationError, StorageError.
    """
    target = read_target(given)
    if target.settings["readonly"]:
        return _refuse("Cannot create a user with a readonly server.", IS_READONLY)
    if all(kind.name != "account" for kind in target.options.kinds):
        return _refuse(
            "Cannot create a user when the accounts plugin is not installed.", HAS_NO_ACCOUNTS
        )
    try:
        name = _find_name(options.username)
        password = options.password or _ask_password(name)
    except (EOFError, KeyboardInterrupt):
        return _refuse("User creation aborted", ABORTED)
    print(f"Creating user '{name}'")
    storage = open_storage(target.url, target.options)
    try:
        create_account(storage, name, password, time.time_ns() // 1_000_000)
    finally:
        storage.close()
    return 0


def _refuse(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code


def _find_name(name: str | None) -> str:
    """Return a valid name: the given one, or what is typed in until it is one."""
    if name is None:
        name = input("Username: ")
    while not IDENTIFIERS.is_valid(name):
        print(f"{name!r} is not a valid username.", file=sys.stderr)
        print(
            f"Username should match ^{IDENTIFIERS.pattern.pattern}$, please try again.",
            file=sys.stderr,
        )
        name = input("Username: ")
    return name


def _ask_password(name: str) -> str:
    # What is piped in is echoed by nobody.
    ask = getpass.getpass if sys.stdin.isatty() else input
    while True:
        password = ask(f"Please enter a password for {name}: ")
        if password and password == ask("Please confirm the password: "):
            return password
        if password:
            print("Sorry, passwords do not match, please try again.", file=sys.stderr)
