"""What the query strings of a login say, with all their errors at once.

Source: protocol, plugins chapters 6.3 and 6.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kinto_lite.errors import Detail, InvalidRequest
from kinto_lite.hooks import Call
from kinto_lite.plugins.openid.callbacks import looks_like_url
from kinto_lite.plugins.openid.policy import OpenIDConnectPolicy
from kinto_lite.protocol.querystring import MAX_PARAMETERS, decode_query

MAX_CALLBACK_CHARACTERS = 2048
#: Of the code, the state and other texts that a provider sends by way of the browser.
MAX_CHARACTERS = 8192
_EITHER = "Provide either 'state' and 'code', or 'error' and 'error_description', but not both."

Policies = Mapping[str, OpenIDConnectPolicy]


class LoginForm(NamedTuple):
    """What a page asks for. `prompt` is "none" or empty."""

    callback: str
    scope: str
    prompt: str


class ReturnForm(NamedTuple):
    """What a provider sends the browser back with: a code, or `errors`."""

    state: str
    code: str | None
    #: `error` and `error_description`, as far as they are there.
    errors: dict[str, str]


class _Fields:
    """The parameters of a query string by name, and what is wrong with them."""

    def __init__(self, call: Call, policies: Policies) -> None:
        self._given: dict[str, list[str]] = {}
        for name, value in decode_query(call.request.query)[:MAX_PARAMETERS]:
            self._given.setdefault(name, []).append(value)
        self.details: list[Detail] = []
        provider = call.params["provider"]
        self._policy = policies.get(provider)
        if self._policy is None:
            self.details.append(Detail("provider", "path", f"Unknown provider '{provider}'"))

    def read(self, name: str, *, longest: int = MAX_CHARACTERS, is_required: bool = False) -> str:
        """Return a text; an empty one stands for none."""
        values = self._given.get(name, [""])
        if len(values) > 1:
            self.refuse(name, f"{values} is not a string: {{'{name}': ''}}")
        elif is_required and not values[0]:
            self.refuse(name, "Required")
        elif len(values[0]) > longest:
            self.refuse(name, f"Longer than maximum length {longest}")
        return values[0]

    def refuse(self, name: str, description: str) -> None:
        """Note what is wrong with a parameter; the first remark on each counts."""
        if all(detail.name != name for detail in self.details):
            self.details.append(Detail(name, "querystring", description))

    def finish(self) -> OpenIDConnectPolicy:
        """Return the policy that the path names. Errors: InvalidRequest, for all that is wrong."""
        if self.details or self._policy is None:
            raise InvalidRequest(self.details)
        return self._policy


def read_login(call: Call, policies: Policies) -> tuple[OpenIDConnectPolicy, LoginForm]:
    """Read the query of `/openid/{provider}/login`. Errors: InvalidRequest."""
    fields = _Fields(call, policies)
    form = LoginForm(
        fields.read("callback", longest=MAX_CALLBACK_CHARACTERS, is_required=True),
        fields.read("scope", is_required=True),
        fields.read("prompt"),
    )
    if not looks_like_url(form.callback):
        fields.refuse("callback", "Must be a URL")
    if form.prompt not in ("", "none"):
        fields.refuse("prompt", "String does not match expected pattern")
    return fields.finish(), form


def read_return(call: Call, policies: Policies) -> tuple[OpenIDConnectPolicy, ReturnForm]:
    """Read the query of `/openid/{provider}/token`. Errors: InvalidRequest."""
    fields = _Fields(call, policies)
    state, code = fields.read("state", is_required=True), fields.read("code")
    named = {name: fields.read(name) for name in ("error", "error_description")}
    errors = {name: value for name, value in named.items() if value}
    if state and bool(code) == ("error" in errors):
        fields.refuse("", _EITHER)
    return fields.finish(), ReturnForm(state, code or None, errors)
