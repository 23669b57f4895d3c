"""Refuses to start with settings that cannot work, or that let users do what nobody meant.

Source: protocol, plugins chapter 4.2.
"""

from __future__ import annotations

from kinto_lite.errors import ConfigurationError
from kinto_lite.settings import Settings

#: Last words of `multiauth.policy.<name>.use`.
POLICY_NAMES = ("AccountsPolicy", "AccountsAuthenticationPolicy")


def check_settings(settings: Settings) -> None:
    """Check what the settings say about accounts. Errors: ConfigurationError."""
    own = find_policies(settings)
    if not own:
        raise ConfigurationError(
            "Account policy missing the 'multiauth.policy.*.use' setting. It has to be "
            "'kinto.plugins.accounts.AccountsPolicy' for the policy that signs accounts in."
        )
    policies = settings["multiauth.policies"]
    places = [policies.index(name) for name in own if name in policies]
    if places and "basicauth" in policies[: min(places)]:
        raise ConfigurationError(
            "'basicauth' should not be mentioned before 'account' in 'multiauth.policies' "
            "setting. It accepts any password, so that no account would ever be signed in."
        )
    _check_creators(settings)


def find_policies(settings: Settings) -> list[str]:
    """Return the names of the policies that sign accounts in, listed or not."""
    prefix, suffix = "multiauth.policy.", ".use"
    return [
        name.removeprefix(prefix).removesuffix(suffix)
        for name, use in settings.values.items()
        if name.startswith(prefix) and name.endswith(suffix)
        if str(use).rpartition(".")[2] in POLICY_NAMES
    ]


def _check_creators(settings: Settings) -> None:
    """Creators who are no administrators could create their own accounts only, which they have."""
    creators = settings.principals("account", "create") - {"system.Everyone"}
    affected = sorted(creators - settings.principals("account", "write"))
    if affected:
        raise ConfigurationError(
            "Configuration has some principals in account_create_principals but not in "
            "account_write_principals. They would be able to create no account but one of their "
            "own name, which is hardly what was meant: to let them create accounts for others, "
            f"add them to account_write_principals.\nAffected users: {affected}"
        )
