"""Signs users of accounts in: basic authentication with the name and the password of one.

A password is checked against the hash that the account has at this moment. Checks are slow, so
they are asked for as `SlowWork` and done outside of transactions, and what they find is
remembered.

Source: protocol, plugins chapter 4.5 and rules D-2 and D-30.
"""

from __future__ import annotations

from functools import partial

from kinto_lite.errors import SlowWork
from kinto_lite.model import ApiRequest
from kinto_lite.pipeline.credentials import read_basic_credentials
from kinto_lite.plugins.accounts.names import IDENTIFIERS, principal_of
from kinto_lite.plugins.accounts.passwords import PasswordChecker
from kinto_lite.plugins.accounts.stored import find_hash, has_accounts
from kinto_lite.plugins.accounts.throttle import Pair, Throttle, find_network
from kinto_lite.plugins.accounts.verdicts import Verdicts
from kinto_lite.storage.base import Transaction


class AccountsPolicy:
    """The policy `account`, under whatever name the settings give it."""

    header = "authorization"

    def __init__(self, name: str, realm: str, ttl_seconds: float, checker: PasswordChecker) -> None:
        self.name = name
        self.challenge = f'Basic realm="{realm}"'
        self._checker = checker
        self._verdicts = Verdicts(ttl_seconds)
        self._throttle = Throttle()

    def authenticate(self, request: ApiRequest, tx: Transaction) -> str | None:
        """See `hooks.Policy`."""
        credentials = read_basic_credentials(request.headers["authorization"])
        if credentials is None:
            return None
        name, password = credentials
        if not IDENTIFIERS.is_valid(name):
            return None
        stored = find_hash(tx, name)
        proof = self._verdicts.prove(name, password)
        is_right = self._verdicts.find(proof, stored)
        if is_right is None and stored is None and not has_accounts(tx):
            # Nobody is hidden among others: this costs nothing where accounts are not used.
            self._verdicts.remember(proof, None, is_right=False)
        elif is_right is None:
            is_right = self._ask(request, (name, password), proof, stored)
        return principal_of(name) if is_right else None

    def _ask(
        self, request: ApiRequest, credentials: tuple[str, str], proof: bytes, stored: str | None
    ) -> bool:
        """Return what a check found for this request. Errors: SlowWork when there was none."""
        key = ("password", proof, stored)
        if key in request.done:
            return bool(request.done[key])
        name, password = credentials
        network = find_network(request.remote_address)
        pair = (name, network)
        if not self._throttle.allows(pair) and not self._verdicts.was_right(proof, stored):
            return False
        raise SlowWork(key, partial(self._check, pair, password, proof, stored), network)

    def _check(self, pair: Pair, password: str, proof: bytes, stored: str | None) -> bool:
        """Check a password, outside of any transaction, perhaps in a thread of its own.

        One that was right before is checked whatever others guess from the same address.
        """
        known = self._verdicts.find(proof, stored)
        if known is not None:
            return known
        counts = not self._verdicts.was_right(proof, stored)
        if counts and not self._throttle.take(pair):
            return False
        is_right = self._checker.check(password, stored)
        if is_right and counts:
            self._throttle.give_back(pair)
        self._verdicts.remember(proof, stored, is_right)
        return is_right
