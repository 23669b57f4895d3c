"""What the plugin keeps in the database: logins that were begun, and what providers said of
themselves. Nobody can see either through the API.

Every worker, and a server that starts again, finds them there. Logins are few and short-lived;
the oldest make way when there are too many.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from kinto_lite.model import Filter, Json, Kind, ObjectRef
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.protocol.timestamps import next_timestamp
from kinto_lite.storage.base import Transaction

STATE = Kind("openid_state", "openid_states", None, ())
DISCOVERY = Kind("openid_discovery", "openid_discoveries", None, ())
KINDS = (STATE, DISCOVERY)

#: Logins under way, of all providers.
MAX_STATES = 10_000
_STATE = re.compile(r"[0-9a-f]{2,8192}")


class Login(NamedTuple):
    """A login that was begun."""

    provider: str
    callback: str
    #: Milliseconds since 1970-01-01 UTC.
    expires_ms: int


def keep_login(tx: Transaction, state: str, login: Login, now_ms: int, oldest_ms: int) -> None:
    """Remember a login; forget those that were begun before `oldest_ms`, and the oldest of too
    many."""
    list_key = write_text(tx, ObjectRef(STATE.name, "", state), dump_json(login._asdict()), now_ms)
    tx.delete_oldest(list_key, (), MAX_STATES)
    tx.delete_oldest(list_key, (Filter("last_modified", "lt", oldest_ms),), 0)


def find_login(tx: Transaction, state: str, now_ms: int) -> Login | None:
    """Return a login that was begun and has not expired."""
    if not _STATE.fullmatch(state):
        return None
    data = read_text(tx, ObjectRef(STATE.name, "", state))
    login = None if data is None else Login(**json.loads(data))
    return login if login is not None and now_ms <= login.expires_ms else None


def end_login(tx: Transaction, state: str) -> None:
    """Forget a login, so that its state is of no use any more."""
    ref = ObjectRef(STATE.name, "", state)
    place = tx.find_object(ref, tx.find_asker(None))
    assert place.list_key is not None
    tx.delete_oldest(place.list_key, (Filter("id", "eq", state),), 0)


def read_text(tx: Transaction, ref: ObjectRef) -> str | None:
    """Return the JSON text of something kept."""
    row = tx.find_row(ref)
    return None if row is None or row.is_deleted else row.data


def write_text(tx: Transaction, ref: ObjectRef, text: str, now_ms: int) -> int:
    """Keep a JSON text; return the key of the list it is in."""
    place = tx.find_object(ref, tx.find_asker(None))
    assert place.list_key is not None
    timestamp, list_timestamp = next_timestamp(now_ms, place.list_timestamp)
    tx.write_object(place, ref, text, timestamp, list_timestamp)
    return place.list_key


def keep_discovery(tx: Transaction, id_: str, text: str, now_ms: int) -> None:
    """Keep what a provider says of itself."""
    write_text(tx, ObjectRef(DISCOVERY.name, "", id_), text, now_ms)


def find_discovery(tx: Transaction, id_: str) -> dict[str, Json] | None:
    """Return what a provider said of itself when it was last asked."""
    text = read_text(tx, ObjectRef(DISCOVERY.name, "", id_))
    return None if text is None else dict(json.loads(text))
