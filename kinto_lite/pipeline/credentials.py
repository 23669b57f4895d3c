"""Who asks: the policies in order, the first that knows the user wins; else anonymous.

Source: protocol, core chapter 7.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache

from kinto_lite.hooks import Policy
from kinto_lite.model import ApiRequest, Asker
from kinto_lite.storage.base import Transaction

#: Longer headers than this are not looked into: no password is that long.
_LONGEST_HEADER = 8192


def identify(policies: tuple[Policy, ...], request: ApiRequest, tx: Transaction) -> Asker:
    """Return who asks, with all principals. Bad credentials are anonymous, never an error."""
    for policy in policies:
        if policy.header in request.headers:
            user_id = policy.authenticate(request, tx)
            if user_id is not None:
                return tx.find_asker(user_id, policy.name)
    return tx.find_asker(None)


def is_stranger(policies: tuple[Policy, ...], request: ApiRequest) -> bool:
    """Tell whether a request has nothing that a policy could look at."""
    return not any(policy.header in request.headers for policy in policies)


@lru_cache(maxsize=1024)
def read_basic_credentials(header: str) -> tuple[str, str] | None:
    """Return user name and password of an `Authorization: Basic` header, or None.

    The payload is UTF-8, else Latin-1; the password may hold colons and may be empty.
    """
    if len(header) > _LONGEST_HEADER:
        return None
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        payload = base64.b64decode(rest.strip())
    except (binascii.Error, ValueError):
        return None
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        text = payload.decode("latin-1")
    username, colon, password = text.partition(":")
    return (username, password) if username and colon else None


class BasicAuth:
    """The policy `basicauth`: any user name and password; together they are the identity."""

    header = "authorization"

    def __init__(self, name: str, realm: str, secret: str) -> None:
        self.name = name
        self.challenge = f'Basic realm="{realm}"'
        self._secret = secret.encode("utf-8")
        self._user_id = lru_cache(maxsize=1024)(self._compute_user_id)

    def authenticate(self, request: ApiRequest, tx: Transaction) -> str | None:
        """See `hooks.Policy`."""
        return self._user_id(request.headers["authorization"])

    def _compute_user_id(self, header: str) -> str | None:
        credentials = read_basic_credentials(header)
        if credentials is None:
            return None
        message = ":".join(credentials).encode("utf-8", "surrogatepass")
        digest = hmac.new(self._secret, message, hashlib.sha256).hexdigest()
        return f"{self.name}:{digest}"
