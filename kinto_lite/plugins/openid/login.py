"""The way of a browser to a token: to the provider, and back to the page that asked.

`/openid/{provider}/login` sends it there with a state that can be used once,
`/openid/{provider}/token` is where the provider sends it back to, with a code that the server
trades for tokens and hands to the page in its URL.

Source: protocol, plugins chapters 6.3 and 6.4.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from functools import partial
from urllib.parse import quote, urlencode

from kinto_lite.errors import INVALID, ApiError, Detail, InvalidRequest, SlowWork
from kinto_lite.hooks import Call, Route, Service
from kinto_lite.model import Answer
from kinto_lite.plugins.accounts.throttle import find_network
from kinto_lite.plugins.openid.callbacks import (
    DEFAULT_PATTERNS,
    CallbackPattern,
    is_trusted,
    parse_pattern,
)
from kinto_lite.plugins.openid.forms import read_login, read_return
from kinto_lite.plugins.openid.policy import OpenIDConnectPolicy
from kinto_lite.plugins.openid.provider import Outcome
from kinto_lite.plugins.openid.stored import Login, end_login, find_login, keep_login

_UNTRUSTED = "Untrusted callback URL"
#: `errno` of the detail about a state that is of no use.
_INVALID_STATE = 105
#: All of ASCII that a URL is made of; other characters are escaped in `Location`.
_IN_URLS = "%/?#[]@!$&'()*+,;=:~"

Policies = Mapping[str, OpenIDConnectPolicy]


class Logins:
    """The two endpoints, for one service."""

    def __init__(self, service: Service, policies: Policies) -> None:
        self._service = service
        self._policies = policies
        self._longest_ms = 1000 * max(p.options.state_ttl_seconds for p in policies.values())

    def begin(self, call: Call) -> Answer:
        """Answer GET on `/openid/{provider}/login`: send the browser to the provider."""
        policy, form = read_login(call, self._policies)
        options = policy.options
        refused = sorted(set(form.scope.split()) - options.allowed_scopes)
        if refused:
            _refuse("scope", f"Scopes not allowed: {', '.join(refused)}")
        self._check_callback(call, policy, form.callback)
        if options.userid_field == "email" and "email" not in form.scope.split():
            _refuse("scope", f"Provider {policy.name} requires 'email' scope")
        state = self._keep(call, policy, form.callback)
        asked = {
            "client_id": options.client_id,
            "response_type": "code",
            "scope": form.scope,
            "redirect_uri": self._return_url(call, policy),
            "state": state,
        }
        asked |= {"prompt": form.prompt} if form.prompt else {}
        asked |= {"audience": options.audience} if options.audience else {}
        endpoint = policy.provider.discovery.authorization_endpoint
        return _redirect(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}")

    def end(self, call: Call) -> Answer:
        """Answer GET on `/openid/{provider}/token`: hand the tokens to the page that asked.

        Errors: SlowWork; ApiError 503 when the provider cannot be asked, and then the state can
        be used again.
        """
        policy, form = read_return(call, self._policies)
        login = find_login(call.tx, form.state, self._service.clock())
        if login is None or login.provider != policy.name:
            raise _invalid_state()
        # The host of a request is its sender's word: what was trusted when somebody began a
        # login has to be so for the browser that ends it.
        self._check_callback(call, policy, login.callback)
        if form.code is None:
            end_login(call.tx, form.state)
            return _redirect(login.callback + urlencode(form.errors))
        tokens = self._trade(call, policy, form.state, form.code)
        end_login(call.tx, form.state)
        return _redirect(login.callback + quote(base64.b64encode(tokens)))

    def _trade(self, call: Call, policy: OpenIDConnectPolicy, state: str, code: str) -> bytes:
        """Return what the provider answers to a code."""
        return_url = self._return_url(call, policy)
        key = ("openid code", policy.name, state, code, return_url)
        if key not in call.request.done:
            work = partial(policy.provider.trade_code, code, return_url)
            network = find_network(call.request.remote_address)
            raise SlowWork(key, work, network, is_errand=True)
        outcome: Outcome[bytes] = call.request.done[key]
        if outcome.value is None:
            raise policy.retry.refusal()
        return outcome.value

    def _keep(self, call: Call, policy: OpenIDConnectPolicy, callback: str) -> str:
        """Remember a login; return its state."""
        state = secrets.token_hex(policy.options.state_length)
        now_ms = self._service.clock()
        expires_ms = now_ms + policy.options.state_ttl_seconds * 1000
        login = Login(policy.name, callback, expires_ms)
        keep_login(call.tx, state, login, now_ms, max(0, now_ms - self._longest_ms))
        return state

    def _return_url(self, call: Call, policy: OpenIDConnectPolicy) -> str:
        return f"{self._service.origin_of(call.request)}/v1/openid/{policy.name}/token"

    def _check_callback(self, call: Call, policy: OpenIDConnectPolicy, callback: str) -> None:
        patterns = policy.options.trusted_callbacks
        if not is_trusted(callback, patterns or self._default_patterns(call)):
            _refuse("callback", _UNTRUSTED)

    def _default_patterns(self, call: Call) -> tuple[CallbackPattern, ...]:
        """Return what is trusted unless settings say so: with an admin page, that too."""
        if "admin" not in self._service.plugins:
            return DEFAULT_PATTERNS
        try:
            own = parse_pattern(f"{self._service.origin_of(call.request)}/v1/admin/*")
        except ValueError:
            return DEFAULT_PATTERNS
        return (*DEFAULT_PATTERNS, own) if "*" not in own.host + own.port else DEFAULT_PATTERNS


def login_routes(logins: Logins) -> tuple[Route, ...]:
    """Return the routes of both endpoints."""
    writes = frozenset({"GET", "HEAD"})
    begin, end = logins.begin, logins.end
    path = "/openid/{provider}"
    return (
        Route("openid_login", f"{path}/login", {"GET": begin, "HEAD": begin}, writes=writes),
        Route("openid_token", f"{path}/token", {"GET": end, "HEAD": end}, writes=writes),
    )


def _refuse(name: str, description: str) -> None:
    raise InvalidRequest([Detail(name, "body", description)])


def _invalid_state() -> ApiError:
    text = "Invalid state"
    detail = {"location": "body", "name": "state", "description": text, "errno": _INVALID_STATE}
    return ApiError(INVALID, text, [detail])


def _redirect(url: str) -> Answer:
    headers = [("Location", quote(url, safe=_IN_URLS))]
    return Answer(307, [*headers, ("Content-Type", "text/plain; charset=UTF-8")])
