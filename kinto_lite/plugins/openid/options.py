"""The settings of a provider, read into a record, and refused when they cannot work.

Source: protocol, plugins chapter 6.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kinto_lite.errors import ConfigurationError
from kinto_lite.plugins.openid.addresses import check_url
from kinto_lite.plugins.openid.callbacks import CallbackPattern, parse_pattern
from kinto_lite.settings import Settings

#: Last word of `multiauth.policy.<name>.use`.
POLICY_NAME = "OpenIDConnectPolicy"
_SCHEME_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say about one provider. `name` is the policy's."""

    name: str
    #: Without a slash at its end.
    issuer: str
    client_id: str
    client_secret: str
    #: Empty: access tokens are not looked into.
    audience: str
    header_type: str
    realm: str
    userid_field: str
    verification_ttl_seconds: int
    state_ttl_seconds: int
    #: In bytes; the text is twice as long.
    state_length: int
    allowed_scopes: frozenset[str]
    #: For one call to the provider.
    timeout_seconds: int
    #: None: the defaults.
    trusted_callbacks: tuple[CallbackPattern, ...] | None
    #: Other providers, without slashes at the end; tokens that name them are left to them.
    other_issuers: frozenset[str]


def read_options(name: str, settings: Settings) -> Options:
    """Return what the settings say about a provider. Errors: ConfigurationError."""

    def text(option: str) -> str:
        return str(settings.policy_option(name, option) or "")

    return Options(
        name=name,
        issuer=_read_issuer(name, text("issuer")),
        client_id=_require(name, "client_id", text("client_id")),
        client_secret=text("client_secret"),
        audience=text("audience"),
        header_type=_read_header_type(name, text("header_type")),
        realm=text("realm"),
        userid_field=text("userid_field"),
        verification_ttl_seconds=settings.policy_option(name, "verification_ttl_seconds"),
        state_ttl_seconds=settings.policy_option(name, "state_ttl_seconds"),
        state_length=settings.policy_option(name, "state_length"),
        allowed_scopes=frozenset(settings.policy_option(name, "allowed_scopes")),
        timeout_seconds=settings.policy_option(name, "timeout_seconds"),
        trusted_callbacks=_read_callbacks(name, settings),
        other_issuers=_find_issuers(settings) - {text("issuer").rstrip("/")},
    )


def check_settings(settings: Settings) -> None:
    """Check what the settings say about all providers in use. Errors: ConfigurationError."""
    for name in list_providers(settings):
        read_options(name, settings)


def list_providers(settings: Settings) -> list[str]:
    """Return the names of the policies in use that are OpenID ones."""
    return [
        name
        for name in settings["multiauth.policies"]
        if str(settings.policy_option(name, "use") or "").rpartition(".")[2] == POLICY_NAME
    ]


def _find_issuers(settings: Settings) -> frozenset[str]:
    names = list_providers(settings)
    return frozenset(str(settings.policy_option(name, "issuer")).rstrip("/") for name in names)


def _require(name: str, option: str, value: str) -> str:
    if not value:
        raise ConfigurationError(
            f"Setting 'multiauth.policy.{name}.{option}' is missing: an OpenID policy needs it."
        )
    return value


def _read_issuer(name: str, value: str) -> str:
    issuer = _require(name, "issuer", value).rstrip("/")
    try:
        check_url(issuer, may_be_plain=True)
    except ValueError as error:
        raise ConfigurationError(
            f"Setting 'multiauth.policy.{name}.issuer' cannot be used: {error}."
        ) from None
    return issuer


def _read_header_type(name: str, value: str) -> str:
    if not _SCHEME_WORD.fullmatch(value):
        raise ConfigurationError(
            f"Setting 'multiauth.policy.{name}.header_type' must be one word, such as Bearer."
        )
    return value


def _read_callbacks(name: str, settings: Settings) -> tuple[CallbackPattern, ...] | None:
    patterns = settings.policy_option(name, "trusted_callback_urls")
    try:
        return tuple(parse_pattern(pattern) for pattern in patterns) or None
    except ValueError as error:
        raise ConfigurationError(
            f"Setting 'multiauth.policy.{name}.trusted_callback_urls': {error}."
        ) from None
