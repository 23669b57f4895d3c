"""Signs users in who show an access token of their provider.

What asks the provider is slow: it is done as `SlowWork`, outside of transactions and beside other
requests.

Source: protocol, plugins chapter 6.5 and rules D-10 and D-12.
"""

from __future__ import annotations

import base64
import re
from functools import partial
from typing import NamedTuple

from kinto_lite.errors import UNAVAILABLE, ApiError, SlowWork
from kinto_lite.model import ApiRequest, Json
from kinto_lite.plugins.accounts.throttle import find_network
from kinto_lite.plugins.openid.options import Options
from kinto_lite.plugins.openid.provider import Outcome, Provider
from kinto_lite.plugins.openid.verified import Profile, Verified
from kinto_lite.protocol.json_text import parse_json
from kinto_lite.storage.base import Transaction

#: Longer tokens are not looked at.
MAX_TOKEN_CHARACTERS = 8192
MAX_USER_ID_CHARACTERS = 512
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=:|-]+")
_DOWN = "The OpenID provider cannot be reached at the moment, please retry later."


class Retry(NamedTuple):
    """When to come back: the value of `Retry-After`."""

    seconds: int

    def refusal(self) -> ApiError:
        """Return the error for a provider that is down."""
        return ApiError(UNAVAILABLE, _DOWN, headers=[("Retry-After", str(self.seconds))])


class OpenIDConnectPolicy:
    """The policy of one provider."""

    header = "authorization"

    def __init__(self, options: Options, provider: Provider, retry: Retry) -> None:
        self.name = options.name
        self.challenge = f'{options.header_type} realm="{options.realm}"'
        self.options = options
        self.provider = provider
        self.retry = retry
        self._scheme = options.header_type.lower()
        self._verified = Verified(options.verification_ttl_seconds)

    @property
    def authorization_url(self) -> str:
        """Where users log in, for the description of the API."""
        return self.provider.discovery.authorization_endpoint

    def authenticate(self, request: ApiRequest, tx: Transaction) -> str | None:
        """See `hooks.Policy`. Errors: ApiError 503 when the provider cannot be asked."""
        profile = self.find_profile(request)
        id_ = None if profile is None else _read_id(profile.get(self.options.userid_field))
        return None if id_ is None else f"{self.name}:{id_}"

    def find_profile(self, request: ApiRequest) -> Profile | None:
        """Return what the provider says about who asks; None when the token is not good.

        Errors: SlowWork, ApiError 503.
        """
        token = self._read_token(request.headers["authorization"])
        if token is None:
            return None
        digest = self._verified.digest(token)
        key = ("openid", self.name, digest)
        if key not in request.done:
            known = self._verified.find(digest)
            if known is not None or _read_issuer(token) in self.options.other_issuers:
                return known
            work = partial(self._verify, digest, token)
            raise SlowWork(key, work, find_network(request.remote_address), is_errand=True)
        outcome: Outcome[Profile] = request.done[key]
        if outcome.is_down:
            raise self.retry.refusal()
        return outcome.value

    def _read_token(self, header: str) -> str | None:
        scheme, _, token = header.partition(" ")
        token = token.strip()
        if scheme.lower() != self._scheme or len(token) > MAX_TOKEN_CHARACTERS:
            return None
        return token if _TOKEN.fullmatch(token) else None

    def _verify(self, digest: bytes, token: str) -> Outcome[Profile]:
        """Ask the provider, outside of any transaction. Another request may have done it."""
        known = self._verified.find(digest)
        if known is not None:
            return Outcome(known)
        outcome = self.provider.read_profile(token)
        if outcome.value is not None:
            self._verified.remember(digest, outcome.value)
        return outcome


def _read_id(value: Json) -> str | None:
    """Return the id in a profile as text; None for what cannot be one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    id_ = str(value)
    return id_ if 0 < len(id_) <= MAX_USER_ID_CHARACTERS and id_.isprintable() else None


def _read_issuer(token: str) -> str | None:
    """Return the issuer that a token names, unverified and without a slash at its end."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = parse_json(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer.rstrip("/") if isinstance(issuer, str) else None
