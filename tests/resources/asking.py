"""People who ask: requests as named users, for the tests of several rooms."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from webtest import TestApp

from kinto_lite import make_app
from tests.conftest import PLAIN_SETTINGS

#: Paths of one object of each kind, as `build_tree` makes them.
BUCKET = "/buckets/b"
GROUP = "/buckets/b/groups/g"
COLLECTION = "/buckets/b/collections/c"
RECORDS = "/buckets/b/collections/c/records"
RECORD = "/buckets/b/collections/c/records/r"
ANONYMOUS = ""


def credentials(user: str) -> str:
    """The value of the `Authorization` header of a user, whose password is "pw"."""
    return "Basic " + base64.b64encode(f"{user}:pw".encode()).decode("ascii")


def user_id(user: str) -> str:
    """The id of a user (protocol, core chapter 7.2)."""
    secret = PLAIN_SETTINGS["userid_hmac_secret"].encode()
    return "basicauth:" + hmac.new(secret, f"{user}:pw".encode(), hashlib.sha256).hexdigest()


class Asking:
    """Sends requests to one app: `ask("PUT", "/buckets/b", {"data": {}}, user="bob")`."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.service = client.app.service
        self.storage = client.app.storage

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        user: str = "alice",
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Send a request below `/v1`; a body that is not bytes is sent as JSON."""
        sent = dict(headers or {})
        if user:
            sent.setdefault("Authorization", credentials(user))
        raw = b""
        if body is not None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        request = {"method": method, "headers": sent, "body": raw, "expect_errors": True}
        return self.client.request("/v1" + path, **request)

    def set_clock(self, monkeypatch: pytest.MonkeyPatch, *readings: int) -> None:
        """Let the clock of the server show these milliseconds, the last one for ever."""
        left = list(readings)
        monkeypatch.setattr(
            self.service, "clock", lambda: left.pop(0) if len(left) > 1 else left[0]
        )

    def data(self, path: str, user: str = "alice") -> Any:
        """The `data` of what a GET answers."""
        return self("GET", path, user=user).json["data"]

    def etag(self, path: str) -> int:
        """The timestamp in the `ETag` of a GET."""
        return int(self("GET", path).headers["ETag"].strip('"'))

    def ids(self, path: str, user: str = "alice") -> list[str]:
        """The ids in a list, in alphabetical order."""
        return sorted(item["id"] for item in self.data(path, user))

    def permissions(self, path: str, user: str = "alice") -> dict[str, set[str]]:
        """The permissions that a GET shows."""
        shown = self("GET", path, user=user).json["permissions"]
        return {name: set(principals) for name, principals in shown.items()}

    def share(self, path: str, permission: str, *principals: str) -> None:
        """Let alice set one permission of an object."""
        reply = self("PATCH", path, {"permissions": {permission: list(principals)}})
        assert reply.status_int == 200


def build_tree(ask: Asking) -> None:
    """Let alice make a bucket with two groups, two collections, and two records in one."""
    for path in (BUCKET, GROUP, GROUP + "2", COLLECTION, COLLECTION + "2", RECORD, RECORD + "2"):
        assert ask("PUT", path, {"data": {"n": 1}}).status_int == 201


@pytest.fixture
def make_ask(make_client: Callable[..., Any]) -> Callable[..., Asking]:
    """A function from settings to someone who asks a new, empty app."""

    def make(**given: Any) -> Asking:
        return Asking(make_client({name.replace("__", "."): v for name, v in given.items()}))

    return make


@pytest.fixture(scope="module")
def plain_app() -> Iterator[Any]:
    """An app with basic authentication, for all tests of a file."""
    app = make_app(PLAIN_SETTINGS)
    yield app
    app.storage.close()


@pytest.fixture
def ask(plain_app: Any) -> Asking:
    """Someone who asks an empty app with basic authentication."""
    plain_app.storage.flush()
    return Asking(TestApp(plain_app))


@pytest.fixture
def tree(ask: Asking) -> Asking:
    """Someone who asks an app that holds what `build_tree` makes."""
    build_tree(ask)
    return ask
