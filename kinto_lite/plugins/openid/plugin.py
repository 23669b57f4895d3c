"""What the plugin offers to the server, put together."""

from __future__ import annotations

from kinto_lite.hooks import Parts, Plugin, Policy, Service
from kinto_lite.plugins.openid.options import (
    POLICY_NAME,
    check_settings,
    list_providers,
    read_options,
)
from kinto_lite.plugins.openid.stored import KINDS
from kinto_lite.settings import Settings
from kinto_lite.storage.base import Storage


def make_policy(name: str, settings: Settings, storage: Storage) -> Policy:
    """Return the policy of one provider, after asking where its endpoints are.

    Errors: ConfigurationError when it cannot be reached and never was, or makes no sense.
    """
    from kinto_lite.plugins.openid.making import make_openid_policy

    return make_openid_policy(read_options(name, settings), settings, storage)


def _set_up(service: Service) -> Parts:
    """Return the parts; without a provider there are none."""
    if not list_providers(service.settings):
        return Parts()
    from kinto_lite.plugins.openid.making import make_parts

    return make_parts(service)


PLUGIN = Plugin(
    "openid",
    _set_up,
    kinds=KINDS,
    policies={POLICY_NAME: make_policy},
    check=check_settings,
)
