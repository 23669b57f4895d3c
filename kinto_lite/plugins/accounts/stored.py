"""What is stored of accounts, for those who sign users in: hashes, and whether there are any."""

from __future__ import annotations

import json
from functools import lru_cache

from kinto_lite.model import Filter, Query
from kinto_lite.plugins.accounts.names import ACCOUNT, account_ref
from kinto_lite.storage.base import Transaction

#: Longer texts are read each time, so that what is remembered stays small.
_REMEMBERED_CHARACTERS = 2000


def find_hash(tx: Transaction, name: str) -> str | None:
    """Return the hash of an account's password; None when there is no such account."""
    row = tx.find_row(account_ref(name))
    return None if row is None or row.is_deleted else read_hash(row.data)


def read_hash(data: str) -> str:
    """Return the hash of the password in the stored text of an account."""
    return _remember_hash(data) if len(data) <= _REMEMBERED_CHARACTERS else _read_hash(data)


def _read_hash(data: str) -> str:
    return str(json.loads(data).get("password", ""))


_remember_hash = lru_cache(maxsize=1024)(_read_hash)


def has_accounts(tx: Transaction) -> bool:
    """Tell whether there is any account."""
    return tx.find_list(account_ref("").list, tx.find_asker(None), "read").live_count > 0


def holds_bcrypt(tx: Transaction) -> bool:
    """Tell whether some account has a hash of Kinto's."""
    place = tx.find_list(account_ref("").list, tx.find_asker(None), "read")
    if not place.live_count or place.list_key is None:
        return False
    query = Query((Filter("password", "like", "$2*"),), limit=1)
    return bool(tx.list_objects(place.list_key, ACCOUNT.name, query, None).rows)
