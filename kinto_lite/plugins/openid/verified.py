"""Remembers the profiles of tokens that were verified, so that providers are seldom asked.

As in the reference, a token is remembered for some time after its last use, so that one in
constant use is not verified again. Tokens themselves are not kept, only digests with a key that
this process made up. Each worker remembers on its own.

Source: protocol, plugins chapter 6.5.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from kinto_lite.model import Json
from kinto_lite.protocol.json_text import dump_json

#: Tokens that are remembered; the least used are forgotten.
MAX_TOKENS = 5_000
#: Larger profiles are asked for each time.
MAX_PROFILE_CHARACTERS = 16_384

Profile = dict[str, Json]


class Verified:
    """The profiles of verified tokens. Thread-safe."""

    def __init__(self, ttl_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._key = secrets.token_bytes(32)
        #: By digest: the profile, and until when it is remembered.
        self._profiles: OrderedDict[bytes, tuple[Profile, float]] = OrderedDict()
        self._lock = Lock()

    def digest(self, token: str) -> bytes:
        """Return what stands for a token."""
        return hashlib.blake2b(token.encode("utf-8"), digest_size=32, key=self._key).digest()

    def find(self, digest: bytes) -> Profile | None:
        """Return the profile of a verified token, and remember it for longer."""
        with self._lock:
            found = self._profiles.get(digest)
            if found is None:
                return None
            profile, until = found
            now = self._clock()
            if now >= until:
                del self._profiles[digest]
                return None
            self._profiles[digest] = profile, now + self._ttl_seconds
            self._profiles.move_to_end(digest)
            return profile

    def remember(self, digest: bytes, profile: Profile) -> None:
        """Remember a token that was verified."""
        if len(dump_json(profile)) > MAX_PROFILE_CHARACTERS:
            return
        with self._lock:
            self._profiles[digest] = profile, self._clock() + self._ttl_seconds
            self._profiles.move_to_end(digest)
            if len(self._profiles) > MAX_TOKENS:
                self._profiles.popitem(last=False)
