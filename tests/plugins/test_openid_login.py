"""The login of a browser: to the provider, and back with tokens (protocol, plugins 6.3, 6.4)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kinto_lite.plugins.openid import stored
from kinto_lite.plugins.openid.callbacks import is_trusted, looks_like_url, parse_pattern
from tests.plugins.openid_provider import AUDIENCE, CALLBACK, Browser, MakeBrowser, Provider
from tests.plugins.openid_provider import browser as browser
from tests.plugins.openid_provider import make_browser as make_browser
from tests.plugins.openid_provider import provider as provider

HANDED_OVER = CALLBACK + "eyJhY2Nlc3NfdG9rZW4iOiAiw78/Pz4%2Bfn4ifQ%3D%3D"
UNKNOWN = "Unknown provider 'nope'"
EITHER = "Provide either 'state' and 'code', or 'error' and 'error_description', but not both."


def place_of(answer: Any) -> tuple[str, str, str]:
    """Return location, name and message of the only error of an answer."""
    assert answer.status_int == 400
    (detail,) = answer.json["details"]
    return detail["location"], detail["name"], answer.json["message"]


def test_login_leads_to_the_provider(browser: Browser, provider: Provider) -> None:
    answer = browser.log_in(headers={"Origin": "http://app.test"})
    expected = (
        f"{provider.url}/authorize?client_id=CID&response_type=code&scope=openid"
        "&redirect_uri=http%3A%2F%2Flocalhost%2Fv1%2Fopenid%2Fgoogle%2Ftoken&state="
    )
    assert answer.status_int == 307
    assert re.fullmatch(re.escape(expected) + "[0-9a-f]{64}", answer.headers["Location"])
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Cache-Control" not in answer.headers


def test_prompt_and_audience_come_last(make_browser: MakeBrowser) -> None:
    answer = make_browser(audience=AUDIENCE).log_in(prompt="none", other="ignored")
    ending = "&prompt=none&audience=https%3A%2F%2Fkinto.test%2F"
    assert answer.headers["Location"].endswith(ending)


@pytest.mark.parametrize("length", [16, 4000])
def test_states_are_as_long_as_the_setting_says(make_browser: MakeBrowser, length: int) -> None:
    browser = make_browser(state_length=str(length), state_ttl_seconds="9" * 17)
    state = browser.begin()
    assert len(state) == 2 * length
    assert browser.end(state).status_int == 307


def test_all_that_is_missing_is_said_at_once(browser: Browser) -> None:
    answer = browser.ask("/openid/nope/login?callback=&prompt=")
    assert answer.json["message"] == "callback in querystring: Required"
    named = [(item["name"], item["description"]) for item in answer.json["details"]]
    assert named == [("callback", "Required"), ("provider", UNKNOWN), ("scope", "Required")]


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        (
            {"callback": "javascript:alert(1)"},
            ("querystring", "callback", "callback in querystring: Must be a URL"),
        ),
        (
            {"callback": "http://localhost/" + "a" * 2048},
            (
                "querystring",
                "callback",
                "callback in querystring: Longer than maximum length 2048",
            ),
        ),
        (
            {"prompt": "login"},
            (
                "querystring",
                "prompt",
                "prompt in querystring: String does not match expected pattern",
            ),
        ),
        ({"provider": "nope"}, ("path", "provider", UNKNOWN)),
        (
            {"scope": "openid zz offline_access", "callback": "https://evil.test/"},
            ("body", "scope", "scope in body: Scopes not allowed: offline_access, zz"),
        ),
        ({"callback": "https://evil.test/"}, ("body", "callback", "Untrusted callback URL")),
    ],
)
def test_login_refuses(browser: Browser, asked: dict[str, str], place: tuple[str, ...]) -> None:
    assert place_of(browser.log_in(**asked)) == place


def test_a_provider_of_email_ids_needs_the_email_scope(make_browser: MakeBrowser) -> None:
    browser = make_browser(userid_field="email")
    message = "Provider google requires 'email' scope"
    assert place_of(browser.log_in()) == ("body", "scope", message)
    assert browser.log_in(scope="openid email").status_int == 307


def test_other_scopes_may_be_allowed(make_browser: MakeBrowser) -> None:
    browser = make_browser(allowed_scopes="openid zz")
    assert browser.log_in(scope="zz").status_int == 307
    assert browser.log_in(scope="email").status_int == 400


@pytest.mark.parametrize("path", ["login", "token"])
def test_other_methods_are_405(browser: Browser, path: str) -> None:
    url = f"/v1/openid/google/{path}"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = browser.client.request(url, method=method, expect_errors=True)
        assert (answer.status_int, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_a_code_is_traded_for_tokens(browser: Browser, provider: Provider) -> None:
    answer = browser.end(browser.begin(), headers={"Origin": "http://app.test"})
    assert (answer.status_int, answer.headers["Location"]) == (307, HANDED_OVER)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    asked = provider.requests[-1]
    assert (asked.method, asked.path) == ("POST", "/token")
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked.body == (
        "code=abc&client_id=CID&client_secret=SECRET&redirect_uri=http%3A%2F%2Flocalhost%2Fv1"
        "%2Fopenid%2Fgoogle%2Ftoken&grant_type=authorization_code"
    )


def test_what_the_provider_answers_is_handed_on_whatever_it_is(
    browser: Browser, provider: Provider
) -> None:
    provider.answers["/token"] = 400, b"no"
    assert browser.end(browser.begin()).headers["Location"] == CALLBACK + "bm8%3D"


def test_a_state_can_be_used_once(browser: Browser, provider: Provider) -> None:
    state = browser.begin()
    assert browser.end(state).status_int == 307
    answer = browser.end(state)
    assert place_of(answer) == ("body", "state", "Invalid state")
    assert (answer.json["errno"], answer.json["details"][0]["errno"]) == (107, 105)
    assert provider.count("/token") == 1


@pytest.mark.parametrize("state", ["ab" * 32, "x", "%00", "%27", "caf%C3%A9", "a" * 9000])
def test_an_unknown_state_is_refused(browser: Browser, provider: Provider, state: str) -> None:
    assert browser.end(state).status_int == 400
    assert provider.count("/token") == 0


def test_a_state_expires(make_browser: MakeBrowser, provider: Provider) -> None:
    browser = make_browser(state_ttl_seconds="60")
    service, state = browser.app.service, browser.begin()
    now_ms = service.clock()
    service.clock = lambda: now_ms + 61_000
    assert place_of(browser.end(state)) == ("body", "state", "Invalid state")
    browser.begin()
    with service.storage.transaction(write=False) as tx:
        assert tx.count_all()[0]["openid_state"] == 1


def test_only_so_many_logins_are_under_way(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MAX_STATES", 2)
    oldest, *others = [browser.begin() for _ in range(3)]
    assert browser.end(oldest).status_int == 400
    assert [browser.end(state).status_int for state in others] == [307, 307]


def test_a_state_belongs_to_its_provider(make_browser: MakeBrowser, provider: Provider) -> None:
    prefix = "multiauth.policy.other."
    others = {
        "multiauth.policies": "google other",
        prefix + "use": "kinto.plugins.openid.OpenIDConnectPolicy",
        prefix + "issuer": provider.url,
        prefix + "client_id": "CID",
    }
    browser = make_browser(others)
    state = browser.begin()
    assert browser.ask(f"/openid/other/token?state={state}&code=abc").status_int == 400
    assert browser.end(state).status_int == 307


def test_an_error_is_handed_on_and_uses_the_state_up(browser: Browser) -> None:
    state = browser.begin()
    query = f"state={state}&error=access_denied&error_description=No+way"
    answer = browser.ask(f"/openid/google/token?{query}")
    assert answer.headers["Location"] == CALLBACK + "error=access_denied&error_description=No+way"
    assert browser.end(state).status_int == 400


@pytest.mark.parametrize("query", ["state=x", "state=x&code=c&error=e", "state=x&code=&error="])
def test_token_takes_either_a_code_or_an_error(browser: Browser, query: str) -> None:
    answer = browser.ask(f"/openid/google/token?{query}")
    assert place_of(answer) == ("querystring", "", EITHER)


def test_token_needs_a_state(browser: Browser) -> None:
    required = ("querystring", "state", "state in querystring: Required")
    assert place_of(browser.ask("/openid/google/token?code=c")) == required
    assert place_of(browser.ask("/openid/google/token")) == required


def test_token_needs_a_provider(browser: Browser) -> None:
    answer = browser.ask("/openid/nope/token?state=x&code=c")
    assert place_of(answer) == ("path", "provider", UNKNOWN)


def test_a_parameter_that_comes_twice_is_refused(browser: Browser) -> None:
    answer = browser.ask("/openid/google/token?state=a&state=b&code=c")
    message = "['a', 'b'] is not a string: {'state': ''}"
    assert place_of(answer) == ("querystring", "state", message)


def test_while_the_provider_is_down_the_state_is_kept(browser: Browser, provider: Provider) -> None:
    state = browser.begin()
    good, provider.answers["/token"] = provider.answers["/token"], (200, b"x" * 20_000)
    answer = browser.end(state)
    assert (answer.status_int, answer.headers["Retry-After"]) == (503, "3")
    provider.answers["/token"] = good
    assert browser.end(state).headers["Location"] == HANDED_OVER


def test_a_login_works_inside_of_a_batch(browser: Browser) -> None:
    state = browser.begin()
    path = f"/openid/google/token?state={state}&code=abc"
    answer = browser.client.post_json("/v1/batch", {"requests": [{"path": path}] * 2})
    first, second = answer.json["responses"]
    assert (first["status"], first["headers"]["Location"]) == (307, HANDED_OVER)
    assert second["status"] == 400


def test_a_login_works_on_a_server_that_is_read_only(make_browser: MakeBrowser) -> None:
    browser = make_browser({"readonly": "true"})
    assert browser.end(browser.begin()).status_int == 307


def test_states_are_seen_by_nobody(make_browser: MakeBrowser) -> None:
    includes = "kinto.plugins.openid kinto.plugins.counters"
    browser = make_browser({"includes": includes, "experimental_permissions_endpoint": "true"})
    browser.begin()
    assert browser.ask("/__counters__").json == {"objects": {}, "tombstones": {}}
    shown = browser.ask("/permissions", "tok").json["data"]
    assert [item["resource_name"] for item in shown] == ["root"]


def test_a_host_made_up_by_the_sender_opens_no_way(make_browser: MakeBrowser) -> None:
    browser = make_browser()
    browser.app.service.plugins.append("admin")
    callback = "http://evil.test/v1/admin/#"
    browser.client.extra_environ = {"HTTP_HOST": "evil.test"}
    state = browser.begin(callback)
    browser.client.extra_environ = {"HTTP_HOST": "kinto.test"}
    assert place_of(browser.end(state)) == ("body", "callback", "Untrusted callback URL")
    assert browser.log_in("http://kinto.test/v1/admin/#/auth/").status_int == 307


def test_letters_beyond_ascii_are_escaped_in_the_location(browser: Browser) -> None:
    answer = browser.end(browser.begin("http://localhost:3000/caf\xe9#"))
    assert answer.headers["Location"].startswith("http://localhost:3000/caf%C3%A9#eyJh")


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("https://*.example.com/*", "https://a.example.com/x"),
        ("https://*.example.com/*", "https://a.b.example.com/"),
        ("https://*.example.com/*", "https://A.EXAMPLE.com:443/x?y#z"),
        ("https://app.net/cb#x", "https://app.net/cb#x"),
        ("https://app.net", "https://app.net/"),
        ("http://localhost:*/*", "http://localhost/"),
        ("http://localhost:*/*", "http://localhost:3000/a..b?c=../d#/../e"),
        ("http://*:8*0/a*b*c", "http://x:8080/a1b2b3c"),
    ],
)
def test_pattern_accepts(pattern: str, url: str) -> None:
    assert is_trusted(url, (parse_pattern(pattern),))


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("https://*.example.com/*", "https://example.com/x"),
        ("https://*.example.com/*", "https://a.example.com.evil.com/x"),
        ("https://*.example.com/*", "https://user@a.example.com/x"),
        ("https://*.example.com/*", "https://evil.com\\@a.example.com/x"),
        ("https://*.example.com/*", "https://evil.com/@a.example.com/x"),
        ("https://*.example.com/*", "https://evil.com#.example.com/x"),
        ("https://*.example.com/*", "https://a.example.com/../x"),
        ("https://*.example.com/*", "https://a.example.com/%2e%2E/x"),
        ("https://*.example.com/*", "https://a.example.com/y/..\\x"),
        ("https://*.example.com/*", "https://a.example.com/y/..%5Cx"),
        ("https://*.example.com/*", "https://a.example.com/./x"),
        ("https://*.example.com/*", "https://a.example.com:8443/x"),
        ("https://*.example.com/*", "http://a.example.com:443/x"),
        ("https://*.example.com/*", "https://a.example.com/a b"),
        ("https://*.example.com/*", "https://a.example.com/a\u00a0b"),
        ("https://*.example.com/*", "https://a.example.com/\u200b"),
        ("https://*.example.com/*", "https://a.example.com/\r\nX: y"),
        ("https://*.example.com/*", "https://caf\xe9.example.com/"),
        ("https://app.net/cb#x", "https://app.net/cb"),
        ("https://app.net/cb", "https://app.net/CB"),
        ("http://localhost:*/*", "http://localhost:3000?x=1"),
        ("http://localhost:*/*", "http://localhost@evil.com/"),
        ("http://localhost:*/*", "http://localhost.evil.com/"),
        ("http://*/aXb*bYc", "http://h/aXbYc"),
    ],
)
def test_pattern_refuses(pattern: str, url: str) -> None:
    assert not is_trusted(url, (parse_pattern(pattern),))


@pytest.mark.parametrize(
    "text",
    ["http://localhost:3000/x", "ftp://h:1/x", "www.x.com", "localhost:3000/x", "http://[::1]/"],
)
def test_looks_like_a_url(text: str) -> None:
    assert looks_like_url(text)


@pytest.mark.parametrize(
    "text",
    ["", "foo", "http://", "javascript:alert(1)", "//localhost/", "http://h/a b", "http://h:"],
)
def test_does_not_look_like_a_url(text: str) -> None:
    assert not looks_like_url(text)
