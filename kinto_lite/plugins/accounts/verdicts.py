"""Remembers which passwords were found right or wrong, so that few are hashed.

A verdict holds as long as the account has the hash it was found with, which is looked up at
each request: a password that was changed, by whatever process, is forgotten at once. Passwords
themselves are not kept, only digests with a key that this process made up.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

#: Verdicts of each kind that are remembered; the least used are forgotten.
MAX_VERDICTS = 10_000


class Verdicts:
    """What is known about pairs of name and password. Thread-safe.

    A right password is known for `ttl_seconds` since it was last used; a wrong one stays wrong.
    """

    def __init__(self, ttl_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._key = secrets.token_bytes(32)
        #: By proof: the hash that the password fits, and until when that is enough.
        self._right: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        #: By proof: the hash that the password does not fit; None where there is no account.
        self._wrong: OrderedDict[bytes, str | None] = OrderedDict()
        self._lock = Lock()

    def prove(self, name: str, password: str) -> bytes:
        """Return a digest that stands for a name (without colons) and a password."""
        text = f"{name}:{password}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=32, key=self._key).digest()

    def find(self, proof: bytes, stored: str | None) -> bool | None:
        """Return what is known of a password for an account that has this hash now."""
        with self._lock:
            if proof in self._right:
                known, until = self._right[proof]
                now = self._clock()
                if known == stored and now < until:
                    self._remember(self._right, proof, (known, now + self._ttl_seconds))
                    return True
            if proof in self._wrong and self._wrong[proof] == stored:
                self._wrong.move_to_end(proof)
                return False
            return None

    def was_right(self, proof: bytes, stored: str | None) -> bool:
        """Tell whether the password was found right for this hash, however long ago."""
        with self._lock:
            return proof in self._right and self._right[proof][0] == stored

    def remember(self, proof: bytes, stored: str | None, is_right: bool) -> None:
        """Remember what a check found."""
        with self._lock:
            if is_right and stored is not None:
                self._remember(self._right, proof, (stored, self._clock() + self._ttl_seconds))
            else:
                self._remember(self._wrong, proof, stored)

    @staticmethod
    def _remember(known: OrderedDict[bytes, Any], proof: bytes, verdict: Any) -> None:
        known[proof] = verdict
        known.move_to_end(proof)
        if len(known) > MAX_VERDICTS:
            known.popitem(last=False)
