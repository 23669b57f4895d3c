"""Pages of a list: their size, the URL of the next one, and the token in it.

A token holds the position of the last object of a page: its value for each sort key, and the
storage's key. It is signed, and bound to the list, its filters and its sort keys, so whatever
is read from one was written here. Whether the nonce of a DELETE was used before is left to
the caller, and so is reading the objects.

Text of a token: `v1` and URL-safe base64 of (16 bytes of keyed BLAKE2b, JSON). It begins with a
letter that begins no JSON value, since parameters are decoded as JSON where they can be.
The JSON is [nonce or null, whether it was shortened, [[value] or [] ...], key, salt].

Source: protocol, part 1, chapter 5.5.
"""

from __future__ import annotations

import base64
import hmac
import json
import random
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from kinto_lite.errors import Detail, InvalidRequest
from kinto_lite.model import MISSING, Filter, Json, Query, Row, Sort
from kinto_lite.protocol.fields import look_up

#: JSON characters that all values of a position may take together. URLs have to stay short.
MAX_POSITION_CHARACTERS = 2000
_MAX_TOKEN_CHARACTERS = 16_000

_VERSION = "v1"
_SAFE_IN_PATHS = "/:@!$&'()*+,;=~"
#: Texts that stay what they are, wherever in a URL they stand. Most do.
_PLAIN = re.compile(r"[A-Za-z0-9_./-]*")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_.-]*")
_SIGNATURE_BYTES = 16
_MAX_KEY_BYTES = 64
_COLUMNS = ("id", "last_modified")
#: Objects with the same timestamp that are looked through for the last one of a page.
_MAX_TWINS = 100
_LAST_CHARACTER = "\U0010ffff"


class Seal(NamedTuple):
    """What a token is bound to: it can only be read with the seal it was written with."""

    secret: bytes
    #: The list and its filters, see `describe_scope`.
    scope: str
    sort: tuple[Sort, ...]


class Token(NamedTuple):
    """A position to go on from, for `Query.after`.

    `is_shortened` tells that a value was too long for a URL; see `complete_position`.
    """

    after: tuple[Json, ...]
    nonce: str | None = None
    is_shortened: bool = False


def page_size(limit: int | None, paginate_by: int | None, max_fetch_size: int) -> int:
    """Return how many objects a page may hold.

    Source: protocol, part 1, chapter 5.5.
    """
    if limit == 0:
        return max_fetch_size
    wanted = [size for size in (limit, paginate_by) if size]
    return min([*wanted, max_fetch_size])


def next_page_url(
    origin: str, path: str, pairs: Iterable[tuple[str, str]], limit: int, token: str
) -> str:
    """Return the value of `Next-Page`: the same request with another `_limit` and `_token`.

    `path` is decoded, `pairs` are those of `ListParameters`. Repeated parameters are kept,
    where the reference keeps the last one only and so changes the question.
    """
    kept = [pair for pair in pairs if pair[0].strip() not in ("_limit", "_token")]
    written = "".join([f"{_quote_word(name)}={_quote_word(value)}&" for name, value in kept])
    return f"{origin}{quote_path(path)}?{written}_limit={limit}&_token={token}"


def _quote_word(word: str) -> str:
    return word if _PLAIN_WORD.fullmatch(word) else quote_plus(word)


def quote_path(path: str) -> str:
    """Return a decoded path as it stands in a URL (RFC 3986)."""
    return path if _PLAIN.fullmatch(path) else quote(path, safe=_SAFE_IN_PATHS)


def describe_scope(path: str, filters: Sequence[Filter]) -> str:
    """Return the text that binds a token to a list and its filters, whatever their order."""
    shown = sorted(json.dumps([f.field, f.operator, f.value], sort_keys=True) for f in filters)
    return json.dumps([path, shown])


def position_of(row: Row, sort: tuple[Sort, ...]) -> tuple[Json, ...]:
    """Return the value of each sort key (MISSING where there is none), and the row's key."""
    data: dict[str, Json] = {}
    if any(key.field not in _COLUMNS for key in sort):
        data = json.loads(row.data)
    data |= {"id": row.id, "last_modified": row.last_modified}
    return (*(look_up(data, key.field) for key in sort), row.key)


def encode_token(seal: Seal, row: Row, nonce: str | None = None) -> str:
    """Write a token for the page after `row`; on DELETE it gets a nonce."""
    *values, key = position_of(row, seal.sort)
    allowed = MAX_POSITION_CHARACTERS // len(seal.sort)
    shown = [_shorten(value, item, allowed) for value, item in zip(values, seal.sort, strict=True)]
    is_shortened = any(new is not old for new, old in zip(shown, values, strict=True))
    wrapped = [[] if value is MISSING else [value] for value in shown]
    text = json.dumps([nonce, is_shortened, wrapped, key, _salt()], separators=(",", ":"))
    payload = text.encode("ascii")
    return _to_text(_sign(seal, payload) + payload)


def decode_token(seal: Seal, text: str) -> Token:
    """Read a token that was written with the same seal.

    Errors: InvalidRequest for every other text.
    """
    signed = _to_bytes(text)
    signature, payload = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _sign(seal, payload)):
        raise _refuse("_token has invalid content")
    nonce, is_shortened, wrapped, key, _ = json.loads(payload)
    values = (item[0] if item else MISSING for item in wrapped)
    return Token((*values, key), nonce, is_shortened)


def refuse_used_token() -> InvalidRequest:
    """Return the error for a DELETE whose nonce is unknown, used or too old."""
    return _refuse("_token was already used or has expired.")


def find_last_object(token: Token, sort: tuple[Sort, ...]) -> Query:
    """Return the query whose rows `complete_position` needs, when a token was shortened.

    It finds the object by its timestamp, so nothing that was changed since then.
    """
    last_modified = token.after[[key.field for key in sort].index("last_modified")]
    same_time = Filter("last_modified", "eq", last_modified)
    return Query(filters=(same_time,), limit=_MAX_TWINS, with_deleted=True)


def complete_position(
    token: Token, sort: tuple[Sort, ...], rows: Iterable[Row]
) -> tuple[Json, ...]:
    """Return the exact position, taken from the object that the token was written for.

    When it is not among `rows`, because it was changed or deleted meanwhile, the token's own
    position serves: no object is left out then, but some that share the beginning of a very
    long value may be shown again.
    """
    for row in rows:
        if row.key == token.after[-1]:
            return position_of(row, sort)
    return token.after


def _shorten(value: Json, key: Sort, allowed: int) -> Json:
    """Replace a value that is too long by one that comes earlier in this order."""
    if not isinstance(value, str | list | dict) or len(json.dumps(value)) <= allowed:
        return value
    if isinstance(value, str):
        # A character takes up to twelve in JSON.
        start = value[: allowed // 12]
        return start + _LAST_CHARACTER if key.is_descending else start
    if isinstance(value, list):
        return {} if key.is_descending else []
    return MISSING if key.is_descending else {}


def _salt() -> str:
    """Make each token a new one, so that nobody takes two equal ones for a page that repeats."""
    return f"{random.getrandbits(24):x}"


def _sign(seal: Seal, payload: bytes) -> bytes:
    message = _bind(seal.scope, seal.sort) + payload
    # Keyed BLAKE2b is a MAC by itself (RFC 7693), at a fifth of the cost of HMAC.
    return blake2b(message, key=_shorten_key(seal.secret), digest_size=_SIGNATURE_BYTES).digest()


@lru_cache(maxsize=64)
def _shorten_key(secret: bytes) -> bytes:
    return secret if len(secret) <= _MAX_KEY_BYTES else blake2b(secret).digest()


@lru_cache(maxsize=64)
def _bind(scope: str, sort: tuple[Sort, ...]) -> bytes:
    return json.dumps([_VERSION, scope, sort]).encode("ascii") + b"\n"


def _to_text(signed: bytes) -> str:
    return _VERSION + base64.urlsafe_b64encode(signed).decode("ascii").rstrip("=")


def _to_bytes(text: str) -> bytes:
    """Undo `_to_text`; a text that it would not have written is refused."""
    if len(text) <= _MAX_TOKEN_CHARACTERS and text.isascii():
        try:
            signed = base64.urlsafe_b64decode(text.removeprefix(_VERSION) + "==")
        except ValueError:
            signed = b""
        if _to_text(signed) == text:
            return signed
    raise _refuse("_token has invalid content")


def _refuse(description: str) -> InvalidRequest:
    return InvalidRequest([Detail(None, "querystring", description)])
