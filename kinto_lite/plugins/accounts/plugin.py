"""What the plugin offers to the server, put together."""

from __future__ import annotations

from kinto_lite.hooks import Parts, Plugin, Policy, Service
from kinto_lite.plugins.accounts.checks import POLICY_NAMES, check_settings
from kinto_lite.plugins.accounts.names import ACCOUNT, IDENTIFIERS, INHERITANCE
from kinto_lite.plugins.accounts.passwords import PasswordChecker
from kinto_lite.plugins.accounts.policy import AccountsPolicy
from kinto_lite.plugins.accounts.resource import AccountRules, account_routes
from kinto_lite.plugins.accounts.stored import holds_bcrypt
from kinto_lite.settings import Settings
from kinto_lite.storage.base import Storage

_CAPABILITY = {
    "description": "Users have accounts with a name and a password.",
    "url": "https://kinto.readthedocs.io/en/latest/api/1.x/accounts.html",
    "validation_enabled": False,
}


def make_policy(name: str, settings: Settings, storage: Storage) -> Policy:
    """Return the policy that signs accounts in."""
    realm = str(settings.policy_option(name, "realm") or "Realm")
    with storage.transaction(write=False) as tx:
        checker = PasswordChecker(knows_bcrypt=holds_bcrypt(tx))
    return AccountsPolicy(name, realm, settings["account_cache_ttl_seconds"], checker)


def _set_up(service: Service) -> Parts:
    rules = AccountRules(service)
    return Parts(
        routes=tuple(account_routes(service, rules)),
        capabilities={"accounts": _CAPABILITY},
        rules={ACCOUNT.name: rules},
    )


PLUGIN = Plugin(
    "accounts",
    _set_up,
    kinds=(ACCOUNT,),
    identifiers={ACCOUNT.name: IDENTIFIERS},
    inheritance=INHERITANCE,
    policies=dict.fromkeys(POLICY_NAMES, make_policy),
    check=check_settings,
)
