"""Hashes of passwords: how they are made, and whether a password fits one.

New ones are made with scrypt, which takes passwords of any length. Kinto's (bcrypt) are read
where the library `bcrypt` is installed. A check takes as long for a wrong name as for a wrong
password, whatever the hash: what it does not need, it does for show.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable
from functools import cache

#: Cost of new hashes: 2**14 steps of 1 KiB, about 16 MiB and 50 ms.
_LOG_N, _R, _P = 14, 8, 1
_SALT_BYTES = 16
_KEY_BYTES = 32
#: Costlier hashes than these are not ours.
_MAX_LOG_N, _MAX_R, _MAX_P = 18, 32, 4
#: Bytes of a password that bcrypt looks at; longer ones never had such a hash.
_BCRYPT_BYTES = 72
#: What Kinto's hashes cost; the one for show costs as much. Of a random text nobody knows.
_BCRYPT_FOR_SHOW = b"$2b$12$Mqz1eWNhm1DdJq3jPKecb.FYpP0F37WhhcCyaGoBBoC.TsoPMUaEe"

_SCRYPT = re.compile(
    r"\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2})"
    r"\$([A-Za-z0-9+/]{8,128})\$([A-Za-z0-9+/]{22,128})"
)

log = logging.getLogger("kinto_lite")


def hash_password(password: str) -> str:
    """Return a new hash, with a salt of its own: `$scrypt$ln=14,r=8,p=1$<salt>$<key>`."""
    salt = secrets.token_bytes(_SALT_BYTES)
    key = _derive(password, salt, (_LOG_N, _R, _P), _KEY_BYTES)
    return f"$scrypt$ln={_LOG_N},r={_R},p={_P}${_encode(salt)}${_encode(key)}"


class PasswordChecker:
    """Checks passwords, always at the same cost.

    `knows_bcrypt` becomes true as soon as a hash of Kinto's is met, and then each check costs
    both kinds of hashes.
    """

    def __init__(self, *, knows_bcrypt: bool = False) -> None:
        self.knows_bcrypt = knows_bcrypt

    def check(self, password: str, stored: str | None) -> bool:
        """Tell whether a password fits a hash; None stands for a user that does not exist."""
        is_bcrypt = stored is not None and is_bcrypt_hash(stored)
        self.knows_bcrypt = self.knows_bcrypt or is_bcrypt
        fits_scrypt = _fits_scrypt(password, _scrypt_for_show() if stored is None else stored)
        if not self.knows_bcrypt:
            return fits_scrypt and stored is not None
        for_show = _BCRYPT_FOR_SHOW if stored is None or not is_bcrypt else stored.encode("ascii")
        fits_bcrypt = _fits_bcrypt(password, for_show)
        return fits_bcrypt if is_bcrypt else fits_scrypt and stored is not None


def is_bcrypt_hash(stored: str) -> bool:
    """Tell whether this is a hash as Kinto makes them."""
    return stored.startswith(("$2a$", "$2b$", "$2y$")) and stored.isascii()


def _fits_scrypt(password: str, stored: str) -> bool:
    """Compare with a hash of ours; with any other text, for show."""
    found = _SCRYPT.fullmatch(stored) or _SCRYPT.fullmatch(_scrypt_for_show())
    assert found is not None
    is_ours = found.string is stored
    log_n, r, p = (int(group) for group in found.groups()[:3])
    if log_n > _MAX_LOG_N or not 1 <= r <= _MAX_R or not 1 <= p <= _MAX_P or log_n < 1:
        return False
    try:
        salt, expected = _decode(found[4]), _decode(found[5])
    except binascii.Error:
        return False
    key = _derive(password, salt, (log_n, r, p), len(expected))
    return hmac.compare_digest(key, expected) and is_ours


@cache
def _scrypt_for_show() -> str:
    """Return the hash of a text that nobody knows."""
    return hash_password(secrets.token_hex(32))


def _derive(password: str, salt: bytes, cost: tuple[int, int, int], length: int) -> bytes:
    log_n, r, p = cost
    given = _to_bytes(password)
    if given.endswith(b"\0"):
        # To scrypt, zero bytes at the end are as good as none.
        given = hashlib.sha256(given).hexdigest().encode("ascii")
    return hashlib.scrypt(
        given,
        salt=salt,
        n=1 << log_n,
        r=r,
        p=p,
        maxmem=(128 << log_n) * r + 128 * r * p + (1 << 20),
        dklen=length,
    )


def _fits_bcrypt(password: str, stored: bytes) -> bool:
    check = _load_bcrypt()
    given = _to_bytes(password)
    if check is None:
        return False
    try:
        # Longer ones are compared too, for the time it takes.
        fits = check(given[:_BCRYPT_BYTES], stored)
    except ValueError:
        # A zero byte, or not a hash at all.
        return False
    return fits and len(given) <= _BCRYPT_BYTES


@cache
def _load_bcrypt() -> Callable[[bytes, bytes], bool] | None:
    try:
        import bcrypt
    except ImportError:
        log.error(
            "an account has a password that Kinto hashed with bcrypt, and cannot sign in: "
            "install the library 'bcrypt' (pip install 'kinto-lite[bcrypt]')"
        )
        return None
    return bcrypt.checkpw


def _to_bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii").rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
