"""Users with accounts, for the tests of accounts: an app, and requests as `name:password`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from webtest import TestApp

from kinto_lite import make_app

OPEN = {
    "multiauth.policies": "account",
    "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
    "userid_hmac_secret": "a secret of tests",
    "includes": "kinto.plugins.accounts",
    "account_create_principals": "system.Everyone",
    "account_write_principals": "account:admin",
    "account_read_principals": "account:admin",
}
STAR = {"If-None-Match": "*"}
NOBODY = ""


def basic(user: str) -> str:
    """The value of the `Authorization` header for `name:password`."""
    return "Basic " + base64.b64encode(user.encode()).decode("ascii")


def account(password: Any = "pw", **fields: Any) -> dict[str, Any]:
    """The body that describes an account."""
    return {"data": {"password": password, **fields}}


class Asking:
    """Sends requests to one app: `ask("GET", "/accounts/alice", user="alice:pw")`."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.service = client.app.service
        self.storage = client.app.storage

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        user: str = NOBODY,
        headers: dict[str, str] | None = None,
        address: str = "127.0.0.1",
    ) -> Any:
        """Send a request below `/v1`, with a JSON body."""
        sent = {"Authorization": basic(user)} if user else {}
        sent |= {"Content-Type": "application/json"} if body is not None else {}
        return self.client.request(
            "/v1" + path,
            method=method,
            headers=sent | (headers or {}),
            body=b"" if body is None else json.dumps(body).encode(),
            environ={"REMOTE_ADDR": address},
            expect_errors=True,
        )

    def create(self, *names: str, **fields: Any) -> None:
        """Create accounts whose password is "pw"."""
        for name in names:
            assert self("PUT", f"/accounts/{name}", account(**fields)).status_int == 201

    def who(self, user: str, **how: Any) -> str | None:
        """Return the id under which somebody is signed in, None for anonymous."""
        found: str | None = self("GET", "/", user=user, **how).json.get("user", {}).get("id")
        return found


MakeAsking = Callable[..., Asking]


@pytest.fixture
def make_asking() -> Iterator[MakeAsking]:
    """A function from settings (joined to open ones) to someone who asks a new app."""
    apps = []

    def make(**settings: Any) -> Asking:
        apps.append(make_app(OPEN | settings))
        return Asking(TestApp(apps[-1]))

    yield make
    for app in apps:
        app.storage.close()


@pytest.fixture
def users(make_asking: MakeAsking) -> Asking:
    """Someone who asks an app where everybody may make an account."""
    return make_asking()
