"""Requests with a token: profiles, what is remembered, tokens made for this server (protocol,
plugins 6.5 and rules D-10 and D-12)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from kinto_lite.plugins.openid import keys, verified
from kinto_lite.plugins.openid.fetching import Unreachable, fetch
from kinto_lite.plugins.openid.keys import KeyRing
from kinto_lite.plugins.openid.line import Line
from kinto_lite.plugins.openid.verified import Verified
from tests.plugins.openid_provider import (
    AUDIENCE,
    Browser,
    MakeBrowser,
    Provider,
    describe_key,
    make_key,
    run_provider,
)
from tests.plugins.openid_provider import browser as browser
from tests.plugins.openid_provider import make_browser as make_browser
from tests.plugins.openid_provider import provider as provider


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_signs_its_user_in_and_shows_the_profile(browser: Browser) -> None:
    user = browser.ask("/", "tok").json["user"]
    assert user["id"] == user["principals"][0] == "google:alice"
    assert user["profile"] == {"sub": "alice", "email": "alice@example.com"}


def test_the_provider_is_shown_the_token_as_a_bearer(
    make_browser: MakeBrowser, provider: Provider
) -> None:
    assert make_browser(header_type="Foo").who("tok", scheme="fOO") == "google:alice"
    assert provider.requests[-1].headers["Authorization"] == "Bearer tok"


def test_another_scheme_is_anonymous_and_asks_nobody(
    make_browser: MakeBrowser, provider: Provider
) -> None:
    answer = make_browser(header_type="Foo").ask("/buckets", "tok")
    assert answer.status_int == 401
    assert answer.headers["WWW-Authenticate"] == 'Foo realm="Realm"'
    assert provider.count("/userinfo") == 0


@pytest.mark.parametrize("token", ["", "two words", 'quoted"', "x" * 8193, "caf\xe9"])
def test_what_is_no_token_is_anonymous_and_asks_nobody(
    browser: Browser, provider: Provider, token: str
) -> None:
    assert browser.who(token) is None
    assert provider.count("/userinfo") == 0


def test_each_policy_has_its_challenge_in_order(make_browser: MakeBrowser) -> None:
    others = {"multiauth.policies": "google basicauth", "userid_hmac_secret": "x"}
    answer = make_browser(others).ask("/buckets")
    challenges = ['Bearer realm="Realm"', 'Basic realm="Realm"']
    assert answer.headers.getall("WWW-Authenticate") == challenges


def test_a_verified_token_is_remembered(browser: Browser, provider: Provider) -> None:
    assert [browser.who("tok"), browser.who("tok")] == ["google:alice"] * 2
    assert provider.count("/userinfo") == 1


def test_a_batch_asks_once(browser: Browser, provider: Provider) -> None:
    provider.answer("/userinfo", {}, 401)
    body = {"requests": [{"path": "/"}, {"path": "/"}, {"path": "/buckets"}]}
    headers = {"Authorization": "Bearer tok"}
    answer = browser.client.post_json("/v1/batch", body, headers=headers)
    assert [item["status"] for item in answer.json["responses"]] == [200, 200, 401]
    assert provider.count("/userinfo") == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(401, b"{}"), (403, b'{"sub":"a"}'), (500, b"{}"), (200, b"<html>"), (200, b'["sub"]')],
)
def test_a_refusal_is_anonymous_and_not_remembered(
    browser: Browser, provider: Provider, status: int, body: bytes
) -> None:
    provider.answers["/userinfo"] = status, body
    assert [browser.who("tok"), browser.who("tok")] == [None, None]
    assert provider.count("/userinfo") == 2
    assert browser.ask("/buckets", "tok").status_int == 401


def test_redirects_of_the_provider_are_not_followed(browser: Browser, provider: Provider) -> None:
    provider.answers["/userinfo"] = 307, b"{}"
    assert browser.who("tok") is None
    assert provider.count("/userinfo") == 1


@pytest.mark.parametrize("value", [None, "", True, 1.5, ["a"], {}, "a\nb", "x" * 513])
def test_a_profile_without_a_usable_id_is_anonymous(
    browser: Browser, provider: Provider, value: Any
) -> None:
    provider.answer("/userinfo", {"sub": value})
    assert browser.who("tok") is None


def test_the_setting_names_the_id_in_the_profile(make_browser: MakeBrowser) -> None:
    assert make_browser(userid_field="email").who("tok") == "google:alice@example.com"


def test_a_number_may_be_an_id(browser: Browser, provider: Provider) -> None:
    provider.answer("/userinfo", {"sub": 42})
    assert browser.who("tok") == "google:42"


def test_a_provider_that_is_down_means_503_until_it_is_back(
    browser: Browser, provider: Provider
) -> None:
    assert browser.who("known") == "google:alice"
    provider.is_up = False
    answer = browser.ask("/", "new")
    assert (answer.status_int, answer.json["errno"]) == (503, 201)
    assert int(answer.headers["Retry-After"]) > 0
    assert browser.who("known") == "google:alice"
    assert browser.ask("/").status_int == 200
    provider.is_up = True
    assert browser.who("new") == "google:alice"


def test_a_profile_that_is_too_large_means_503(browser: Browser, provider: Provider) -> None:
    provider.answer("/userinfo", {"sub": "a", "x": "y" * 300_000})
    assert browser.ask("/", "tok").status_int == 503


def test_an_answer_that_does_not_come_in_time_is_given_up(provider: Provider) -> None:
    provider.gate.clear()
    with pytest.raises(Unreachable, match="time"):
        fetch(provider.url + "/userinfo", timeout_seconds=0.05)


def test_a_slow_provider_is_left_alone_for_as_long_as_it_took(provider: Provider) -> None:
    # The start; the call that fails after five seconds; one too soon; one that is not.
    times = iter([0.0, 10.0, 15.0, 19.9, 20.0])
    line, url = Line(clock=lambda: next(times)), provider.url + "/userinfo"
    provider.is_up = False
    with pytest.raises(Unreachable):
        line.call(url)
    provider.is_up = True
    with pytest.raises(Unreachable, match="a moment ago"):
        line.call(url)
    assert line.call(url).status == 200


def test_large_profiles_are_not_remembered(browser: Browser, provider: Provider) -> None:
    provider.answer("/userinfo", {"sub": "a", "x": "y" * 20_000})
    assert [browser.who("tok"), browser.who("tok")] == ["google:a"] * 2
    assert provider.count("/userinfo") == 2


def test_the_operator_hears_once_that_a_provider_is_down(
    browser: Browser, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.is_up = False
    assert [browser.ask("/", token).status_int for token in ("a", "b", "c")] == [503] * 3
    assert caplog.text.count("cannot be asked") == 1


def test_verification_slides_with_use() -> None:
    clock = Clock()
    memory = Verified(10, clock)
    digest = memory.digest("tok")
    memory.remember(digest, {"sub": "a"})
    for _ in range(5):
        clock.now += 9
        assert memory.find(digest) == {"sub": "a"}
    clock.now += 10
    assert memory.find(digest) is None


def test_the_least_used_tokens_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verified, "MAX_TOKENS", 2)
    memory = Verified(10)
    first, second, third = (memory.digest(text) for text in ("1", "2", "3"))
    memory.remember(first, {})
    memory.remember(second, {})
    assert memory.find(first) == {}
    memory.remember(third, {})
    assert [memory.find(first), memory.find(second)] == [{}, None]


def test_a_token_for_this_server_signs_in(make_browser: MakeBrowser, provider: Provider) -> None:
    browser = make_browser(audience=AUDIENCE)
    token = provider.sign()
    assert [browser.who(token), browser.who(token)] == ["google:alice"] * 2
    assert [provider.count("/jwks"), provider.count("/userinfo")] == [1, 1]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.test/"},
        {"aud": None},
        {"iss": "https://evil.test/"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": int(time.time()) + 3600},
        {"key": "stolen", "headers": {"kid": "first"}},
    ],
)
def test_a_token_that_is_not_good_is_anonymous_and_not_shown_to_anybody(
    make_browser: MakeBrowser, provider: Provider, claims: dict[str, Any]
) -> None:
    assert make_browser(audience=AUDIENCE).who(provider.sign(**claims)) is None
    assert provider.count("/userinfo") == 0


def forge(header: dict[str, Any], claims: str, secret: bytes = b"") -> str:
    """Return a token with these parts, signed with a shared secret."""
    first = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    signed = first + b"." + claims.encode()
    mac = hmac.new(secret, signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


@pytest.mark.parametrize("algorithm", ["HS256", "none", "None", "RS257", ["RS256"], None])
def test_only_keys_with_a_public_half_can_sign(
    make_browser: MakeBrowser, provider: Provider, algorithm: Any
) -> None:
    shown = {"kty": "oct", "kid": "first", "k": "c2VjcmV0"}
    provider.answer("/jwks", {"keys": [describe_key("first"), shown]})
    claims = provider.sign().split(".")[1]
    token = forge({"alg": algorithm, "kid": "first"}, claims, b"secret")
    browser = make_browser(audience=AUDIENCE)
    assert [browser.who(token), browser.who(token.rpartition(".")[0] + ".")] == [None, None]
    assert provider.count("/userinfo") == 0


@pytest.mark.parametrize("token", ["tok", "a.b.c", "..", "e30.e30.e30", "W10.e30.e30", "e30" * 99])
def test_what_is_no_json_web_token_is_anonymous(
    make_browser: MakeBrowser, provider: Provider, token: str
) -> None:
    assert make_browser(audience=AUDIENCE).who(token) is None


@pytest.mark.parametrize("members", [{"use": "enc"}, {"alg": "PS256"}, {"kty": "EC"}, {"n": 5}])
def test_a_key_signs_only_what_it_is_for(
    make_browser: MakeBrowser, provider: Provider, members: dict[str, Any]
) -> None:
    provider.answer("/jwks", {"keys": [describe_key("first", **members)]})
    assert make_browser(audience=AUDIENCE).who(provider.sign()) is None


def test_a_token_that_names_no_key_may_be_signed_by_any(
    make_browser: MakeBrowser, provider: Provider
) -> None:
    provider.answer("/jwks", {"keys": [5, describe_key("first"), describe_key("second")]})
    token = provider.sign("second", {"kid": None})
    assert make_browser(audience=AUDIENCE).who(token) == "google:alice"


def make_ring(provider: Provider, clock: Clock) -> KeyRing:
    """Return the keys of a provider, as a server that has just started knows them."""
    return KeyRing(Line(), provider.url + "/jwks", provider.url + "/", AUDIENCE, clock)


def test_a_new_key_is_asked_for_but_not_often(provider: Provider) -> None:
    clock = Clock()
    ring = make_ring(provider, clock)
    assert ring.accepts(provider.sign())
    provider.answer("/jwks", {"keys": [describe_key("first"), describe_key("second")]})
    assert [ring.accepts(provider.sign("second")) for _ in range(3)] == [False] * 3
    assert provider.count("/jwks") == 1
    clock.now += keys.MIN_AGE_SECONDS + 1
    assert ring.accepts(provider.sign("second"))
    assert provider.count("/jwks") == 2


def test_a_key_that_was_withdrawn_is_forgotten(provider: Provider) -> None:
    clock = Clock()
    ring = make_ring(provider, clock)
    assert ring.accepts(provider.sign())
    provider.answer("/jwks", {"keys": [describe_key("second")]})
    clock.now += keys.MAX_AGE_SECONDS + 1
    assert not ring.accepts(provider.sign())


def test_known_keys_are_used_while_the_provider_shows_none(provider: Provider) -> None:
    clock = Clock()
    ring = make_ring(provider, clock)
    assert ring.accepts(provider.sign())
    provider.answer("/jwks", {}, 500)
    clock.now += keys.MAX_AGE_SECONDS + 1
    assert ring.accepts(provider.sign())


def test_without_any_key_nothing_can_be_said(provider: Provider) -> None:
    provider.answer("/jwks", {"keys": "none"})
    with pytest.raises(Unreachable, match="no keys"):
        make_ring(provider, Clock()).accepts(provider.sign())


def test_without_keys_a_token_means_503(make_browser: MakeBrowser, provider: Provider) -> None:
    provider.answer("/jwks", {}, 500)
    browser = make_browser(audience=AUDIENCE)
    assert browser.ask("/", provider.sign()).status_int == 503
    provider.answer("/jwks", {"keys": [describe_key("first")]})
    assert browser.who(provider.sign()) == "google:alice"


def test_a_token_of_another_provider_is_left_to_it(
    make_browser: MakeBrowser, provider: Provider
) -> None:
    with run_provider() as other:
        other.answer("/userinfo", {"sub": "bob"})
        prefix = "multiauth.policy.keycloak."
        others = {
            "multiauth.policies": "google keycloak",
            prefix + "use": "kinto.plugins.openid.OpenIDConnectPolicy",
            prefix + "issuer": other.url,
            prefix + "client_id": "CID",
        }
        browser = make_browser(others)
        assert browser.who(other.sign()) == "keycloak:bob"
        assert provider.count("/userinfo") == 0
        assert browser.ask("/", other.sign()).json["user"]["profile"] == {"sub": "bob"}


def test_keys_are_as_long_as_they_should_be() -> None:
    assert make_key("first").key_size >= 2048
