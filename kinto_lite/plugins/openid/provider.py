"""What a provider is asked: who shows a token, and which tokens a code stands for.

Answers that cannot be had are values, not errors: they are handed from one thread to another.

Source: protocol, plugins chapters 6.4 and 6.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from kinto_lite.plugins.openid.discovery import Discovery
from kinto_lite.plugins.openid.fetching import Unreachable
from kinto_lite.plugins.openid.line import Line
from kinto_lite.plugins.openid.options import Options
from kinto_lite.plugins.openid.verified import Profile
from kinto_lite.settings import log_warning

if TYPE_CHECKING:
    from kinto_lite.plugins.openid.keys import KeyRing

#: What is handed on goes into a header (`Location`).
MAX_TOKEN_BYTES = 16_384

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Value]):
    """What a provider answered: None is a no. `is_down` says that it could not be asked."""

    value: Value | None
    is_down: bool = False


class Provider:
    """One provider. Without `keys`, tokens are not looked into, only shown to it."""

    def __init__(
        self, options: Options, discovery: Discovery, line: Line, keys: KeyRing | None
    ) -> None:
        self.discovery = discovery
        self._options = options
        self._line = line
        self._keys = keys
        self._is_down = False

    def read_profile(self, token: str) -> Outcome[Profile]:
        """Return what the provider says about who was given a token."""
        try:
            if self._keys is not None and not self._keys.accepts(token):
                return Outcome(None)
            headers = {"Authorization": f"Bearer {token}"}
            profile = self._line.read_object(self.discovery.userinfo_endpoint, headers)
        except Unreachable as error:
            return self._fail(error)
        self._is_down = False
        return Outcome(profile)

    def trade_code(self, code: str, redirect_uri: str) -> Outcome[bytes]:
        """Return the raw answer to a code, whatever its status."""
        form = {
            "code": code,
            "client_id": self._options.client_id,
            "client_secret": self._options.client_secret,
            "redirect_uri": redirect_uri,
            "grant_type": "authorization_code",
        }
        try:
            body = self._line.call(self.discovery.token_endpoint, form=form).body
            if len(body) > MAX_TOKEN_BYTES:
                raise Unreachable("the tokens are too large")
        except Unreachable as error:
            return self._fail(error)
        self._is_down = False
        return Outcome(body)

    def _fail(self, error: Unreachable) -> Outcome[Value]:
        """Say that the provider is down: to the operator once, however many ask meanwhile."""
        if not self._is_down:
            log_warning(f"The OpenID provider {self._options.name!r} cannot be asked: {error}.")
        self._is_down = True
        return Outcome(None, is_down=True)
