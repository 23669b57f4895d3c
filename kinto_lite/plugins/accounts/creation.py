"""Makes an account without a request: for the command line, where the first administrator is
made.

Source: protocol, plugins chapter 12, `create-user`.
"""

from __future__ import annotations

from kinto_lite.model import Row
from kinto_lite.plugins.accounts.names import ACCOUNT, account_ref, principal_of
from kinto_lite.plugins.accounts.passwords import hash_password
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.protocol.timestamps import next_timestamp
from kinto_lite.storage.base import Storage


def create_account(storage: Storage, name: str, password: str, now_ms: int) -> Row:
    """Create an account, or replace one with all its attributes; it may write itself.

    Errors: StorageError. The name must be a valid id.
    """
    data = dump_json({"password": hash_password(password)})
    ref, principal = account_ref(name), principal_of(name)
    with storage.transaction(write=True) as tx:
        place = tx.find_object(ref, tx.find_asker(principal, ACCOUNT.name))
        assert place.list_key is not None
        reached = 0 if place.row is None else place.row.last_modified
        timestamp, list_timestamp = next_timestamp(now_ms, reached)
        row = tx.write_object(place, ref, data, timestamp, list_timestamp)
        tx.add_permission(place.list_key, row.key, ACCOUNT.name, "write", principal)
    return row
