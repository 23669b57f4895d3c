"""The keys of a provider, and the access tokens that they sign (JSON Web Tokens).

A token is good when a key that the provider publishes made its signature, with an algorithm that
suits the key and has a public half, when the provider issued it for this server's audience, and
when its time has not passed. The one door of `jwt`.

Source: protocol, plugins chapter 6.5 and rule D-10; RFC 7517, 7519 and 8725.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from threading import Lock

import jwt

from kinto_lite.model import Json
from kinto_lite.plugins.openid.fetching import Unreachable
from kinto_lite.plugins.openid.line import Line

#: The algorithms that suit each type of key. Those with a shared secret (HS256 ...) are missing:
#: whoever knows a public key could sign with it.
ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
#: How far the clocks of provider and server may be apart.
LEEWAY_SECONDS = 60
#: Keys are asked for again after this time, so that those a provider withdraws are forgotten.
MAX_AGE_SECONDS = 3600.0
#: A token with an unknown key makes the server ask, but not more often than this.
MIN_AGE_SECONDS = 30.0
MAX_KEYS = 100
#: Signatures that are checked for one token that does not name its key.
MAX_TRIES = 8

_BROKEN = (jwt.PyJWTError, ValueError, TypeError, RecursionError)


class KeyRing:
    """The keys of one provider. Thread-safe."""

    def __init__(
        self,
        line: Line,
        jwks_uri: str,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = line
        self._jwks_uri = jwks_uri
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._keys: list[dict[str, Json]] = []
        self._asked: float | None = None
        self._lock = Lock()

    def accepts(self, token: str) -> bool:
        """Tell whether a token is good. Errors: Unreachable, when keys are needed for that."""
        try:
            header = jwt.get_unverified_header(token)
        except _BROKEN:
            return False
        kid, algorithm = header.get("kid"), str(header.get("alg"))
        if not any(algorithm in names for names in ALGORITHMS.values()):
            return False
        keys = self._find(kid, algorithm)
        return any(self._verifies(token, key, algorithm) for key in keys[:MAX_TRIES])

    def _verifies(self, token: str, key: dict[str, Json], algorithm: str) -> bool:
        try:
            jwt.decode(
                token,
                jwt.PyJWK(key, algorithm).key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except _BROKEN:
            return False
        return True

    def _find(self, kid: Json, algorithm: str) -> list[dict[str, Json]]:
        """Return the keys that may have signed; ask for them when there are none."""
        with self._lock:
            if self._age() > MAX_AGE_SECONDS:
                self._refresh()
            found = list(self._select(kid, algorithm))
            if not found and self._age() > MIN_AGE_SECONDS:
                self._refresh()
                found = list(self._select(kid, algorithm))
            return found

    def _select(self, kid: Json, algorithm: str) -> Iterator[dict[str, Json]]:
        for key in self._keys:
            is_meant = kid is None or key.get("kid") == kid
            suits = algorithm in ALGORITHMS.get(str(key.get("kty")), ())
            if is_meant and suits and key.get("alg", algorithm) == algorithm:
                yield key

    def _age(self) -> float:
        return float("inf") if self._asked is None else self._clock() - self._asked

    def _refresh(self) -> None:
        """Ask for the keys; when that fails, those that are known go on being used."""
        try:
            document = self._line.read_object(self._jwks_uri)
            if document is None or not isinstance(document.get("keys"), list):
                raise Unreachable("the provider shows no keys")
        except Unreachable:
            if not self._keys:
                raise
        else:
            keys = document["keys"][:MAX_KEYS]
            self._keys = [key for key in keys if isinstance(key, dict) and _is_for_signing(key)]
        self._asked = self._clock()


def _is_for_signing(key: dict[str, Json]) -> bool:
    return bool(key.get("use", "sig") == "sig")
