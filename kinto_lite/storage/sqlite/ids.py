"""How ids are found: in the index, UUIDs are 16 bytes instead of 36 characters.

The column `id_key` says the same in SQL (migrations/0001_start.sql). Only the index holds it;
the id itself stays as it is.
"""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def pack_id(id_: str) -> str | bytes:
    """Return the `id_key` of an id: equal ones belong to equal ids."""
    return bytes.fromhex(id_.replace("-", "")) if _UUID.fullmatch(id_) else id_
