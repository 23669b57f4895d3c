"""Puts the policies and the endpoints together, when there is a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinto_lite.errors import ConfigurationError
from kinto_lite.hooks import Call, Parts, Service
from kinto_lite.plugins.openid.discovery import Discovery, discover
from kinto_lite.plugins.openid.line import Line
from kinto_lite.plugins.openid.login import Logins, login_routes
from kinto_lite.plugins.openid.options import Options
from kinto_lite.plugins.openid.policy import OpenIDConnectPolicy, Retry
from kinto_lite.plugins.openid.provider import Provider
from kinto_lite.settings import Settings
from kinto_lite.storage.base import Storage

_CAPABILITY = {
    "description": "Users sign in with a token of an OpenID Connect provider.",
    "url": "https://kinto.readthedocs.io/en/stable/api/1.x/authentication.html",
}


def make_openid_policy(
    options: Options, settings: Settings, storage: Storage
) -> OpenIDConnectPolicy:
    """Return the policy of one provider. Errors: ConfigurationError."""
    line = Line(options.timeout_seconds)
    discovery = discover(options, line, storage)
    retry = Retry(settings["retry_after_seconds"])
    return OpenIDConnectPolicy(options, _make_provider(options, discovery, line), retry)


def _make_provider(options: Options, discovery: Discovery, line: Line) -> Provider:
    if not options.audience:
        return Provider(options, discovery, line, None)
    try:
        from kinto_lite.plugins.openid.keys import KeyRing
    except ImportError:
        raise ConfigurationError(
            f"Setting 'multiauth.policy.{options.name}.audience' needs libraries that are not "
            "installed: pip install 'kinto-lite[openid]'."
        ) from None
    keys = KeyRing(line, discovery.jwks_uri, discovery.issuer, options.audience)
    return Provider(options, discovery, line, keys)


def make_parts(service: Service) -> Parts:
    """Return the endpoints and the capability."""
    found = [policy for policy in service.policies if isinstance(policy, OpenIDConnectPolicy)]
    policies = {policy.name: policy for policy in found}

    def describe_user(call: Call) -> Mapping[str, Any]:
        policy = policies.get(call.asker.policy or "")
        return {} if policy is None else {"profile": policy.find_profile(call.request)}

    return Parts(
        routes=login_routes(Logins(service, policies)),
        capabilities={
            "openid": {**_CAPABILITY, "providers": [describe_provider(p) for p in found]}
        },
        describe_user=describe_user,
    )


def describe_provider(policy: OpenIDConnectPolicy) -> dict[str, str]:
    """Return what clients are told about a provider (plugins 6.2, rule D-11)."""
    return {
        "name": policy.name,
        "issuer": policy.provider.discovery.issuer,
        "auth_path": f"/openid/{policy.name}/login",
        "client_id": policy.options.client_id,
        "audience": policy.options.audience,
        "header_type": policy.options.header_type,
        "userinfo_endpoint": policy.provider.discovery.userinfo_endpoint,
    }
