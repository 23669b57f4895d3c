"""A provider of OpenID Connect for tests: real HTTP on loopback, real keys, tokens of any kind."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from webtest import TestApp

PREFIX = "multiauth.policy.google."
AUDIENCE = "https://kinto.test/"
CALLBACK = "http://localhost:3000/#tokens="
TOKENS = b'{"access_token": "\xc3\xbf??>>~~"}'


@cache
def make_key(name: str) -> rsa.RSAPrivateKey:
    """Return the private key of a name, the same for the whole run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def describe_key(name: str, **members: Any) -> dict[str, Any]:
    """Return what a provider publishes of a key."""
    shown = RSAAlgorithm.to_jwk(make_key(name).public_key(), as_dict=True)
    return {**shown, "kid": name, **members}


class Request(NamedTuple):
    """A request that the provider was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class Provider:
    """A provider that runs; what it answers can be changed while it does."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.requests: list[Request] = []
        #: By path: status and body.
        self.answers: dict[str, tuple[int, bytes]] = {}
        #: While it is not, connections end without an answer.
        self.is_up = True
        #: Set to let answers go; until then they wait.
        self.gate = threading.Event()
        self.gate.set()
        self.answer("/.well-known/openid-configuration", self.describe())
        self.answer("/userinfo", {"sub": "alice", "email": "alice@example.com"})
        self.answer("/jwks", {"keys": [describe_key("first")]})
        self.answers["/token"] = 200, TOKENS
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def describe(self, **members: Any) -> dict[str, Any]:
        """Return the discovery document."""
        return {
            "issuer": self.url + "/",
            "authorization_endpoint": self.url + "/authorize",
            "token_endpoint": self.url + "/token",
            "userinfo_endpoint": self.url + "/userinfo",
            "jwks_uri": self.url + "/jwks",
            **members,
        }

    def answer(self, path: str, content: Any, status: int = 200) -> None:
        """Answer with JSON from now on."""
        self.answers[path] = status, json.dumps(content).encode()

    def count(self, path: str) -> int:
        """Return how often a path was asked for."""
        return sum(request.path == path for request in self.requests)

    def sign(self, key: str = "first", headers: Any = None, **claims: Any) -> str:
        """Return a token that is good, but for the claims and headers given; None leaves out."""
        usual = {"iss": self.url + "/", "aud": AUDIENCE, "exp": int(time.time()) + 600, "sub": "a"}
        wanted = {k: v for k, v in (usual | claims).items() if v is not None}
        named = {k: v for k, v in ({"kid": key} | (headers or {})).items() if v is not None}
        return jwt.encode(wanted, make_key(key), "RS256", named)

    def stop(self) -> None:
        """End for good."""
        self.gate.set()
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                heard = Request(self.command, self.path, dict(self.headers), body)
                provider.requests.append(heard)
                if not provider.is_up:
                    self.close_connection = True
                    return
                provider.gate.wait(120)
                status, content = provider.answers.get(self.path, (404, b"{}"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                if status in (301, 307):
                    self.send_header("Location", provider.url + "/userinfo")
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

        return Handler


@contextmanager
def run_provider() -> Iterator[Provider]:
    """Run a provider until the block ends."""
    provider = Provider()
    try:
        yield provider
    finally:
        provider.stop()


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that runs."""
    with run_provider() as running:
        yield running


def settings_for(url: str, **options: Any) -> dict[str, Any]:
    """Return the settings of a server that trusts one provider."""
    given = {
        "use": "kinto.plugins.openid.OpenIDConnectPolicy",
        "issuer": url,
        "client_id": "CID",
        "client_secret": "SECRET",
        **options,
    }
    return {
        "includes": "kinto.plugins.openid",
        "multiauth.policies": "google",
        **{PREFIX + name: value for name, value in given.items() if value is not None},
    }


class Browser:
    """Sends requests to one app."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.client = TestApp(app)

    def ask(self, path: str, token: str | None = None, scheme: str = "Bearer", **how: Any) -> Any:
        """Send a GET below `/v1`, with a token if there is one."""
        headers = {} if token is None else {"Authorization": f"{scheme} {token}"}
        headers |= how.pop("headers", {})
        return self.client.get("/v1" + path, headers=headers, expect_errors=True, **how)

    def who(self, token: str, **how: Any) -> str | None:
        """Return the id under which somebody is signed in, None for anonymous."""
        found: str | None = self.ask("/", token, **how).json.get("user", {}).get("id")
        return found

    def log_in(self, callback: str = CALLBACK, scope: str = "openid", **more: Any) -> Any:
        """Begin a login; `provider` is google."""
        provider, headers = more.pop("provider", "google"), more.pop("headers", {})
        asked = {"callback": callback, "scope": scope, **more}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
        return self.ask(f"/openid/{provider}/login?{query}", headers=headers)

    def begin(self, callback: str = CALLBACK) -> str:
        """Begin a login; return its state."""
        location = self.log_in(callback).headers["Location"]
        return parse_qs(urlsplit(location).query)["state"][0]

    def end(self, state: str, **how: Any) -> Any:
        """Come back from the provider with a code."""
        return self.ask(f"/openid/google/token?state={state}&code=abc", **how)


MakeBrowser = Callable[..., Browser]


@pytest.fixture
def make_browser(make_wsgi: Any, provider: Provider) -> MakeBrowser:
    """A function from options of the policy (and other settings) to a browser for a new app."""

    def make(others: dict[str, Any] | None = None, **options: Any) -> Browser:
        return Browser(make_wsgi(settings_for(provider.url, **options) | (others or {})))

    return make


@pytest.fixture
def browser(make_browser: MakeBrowser) -> Browser:
    """A browser for an app with the plain settings of a provider."""
    return make_browser()
