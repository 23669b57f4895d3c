"""What accounts are called: their kind, their ids, their principals, their place."""

from __future__ import annotations

import re

from kinto_lite.hooks import Identifiers
from kinto_lite.model import Asker, Kind, ObjectRef
from kinto_lite.permissions.tree import Inheritance

ACCOUNT = Kind(
    "account", "accounts", None, ("read", "write"), secret_fields=frozenset({"password"})
)
INHERITANCE = (
    Inheritance("account", "read", "account", "write"),
    Inheritance("account", "read", "account", "read"),
    Inheritance("account", "write", "account", "write"),
)
#: No id is ever made up; the empty one stands for one that is missing.
IDENTIFIERS = Identifiers(re.compile(r"[a-zA-Z0-9][+.@a-zA-Z0-9_-]*"), str)


def account_ref(name: str) -> ObjectRef:
    """Return where an account is stored."""
    return ObjectRef(ACCOUNT.name, "", name)


def principal_of(name: str) -> str:
    """Return the user id of an account, whatever the settings call the policy."""
    return f"{ACCOUNT.name}:{name}"


def bare_id(asker: Asker) -> str:
    """Return the user id without the prefix of its policy; "" for anonymous requests."""
    return (asker.user_id or "").partition(":")[2]
