"""The start of a server with OpenID providers: settings, discovery, what clients are told
(protocol, plugins 6.1, 6.2 and rule D-11)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kinto_lite.errors import ConfigurationError
from tests.conftest import AppMaker
from tests.plugins.openid_provider import (
    AUDIENCE,
    Browser,
    MakeBrowser,
    Provider,
    settings_for,
)
from tests.plugins.openid_provider import make_browser as make_browser
from tests.plugins.openid_provider import provider as provider

DISCOVERY = "/.well-known/openid-configuration"


def test_the_capability_describes_the_providers(
    make_browser: MakeBrowser, provider: Provider
) -> None:
    browser = make_browser(header_type="Foo", audience=AUDIENCE)
    assert browser.ask("/").json["capabilities"]["openid"]["providers"] == [
        {
            "name": "google",
            "issuer": provider.url + "/",
            "auth_path": "/openid/google/login",
            "client_id": "CID",
            "audience": AUDIENCE,
            "header_type": "Foo",
            "userinfo_endpoint": provider.url + "/userinfo",
        }
    ]


def test_without_a_policy_there_is_no_capability(make_wsgi: AppMaker) -> None:
    browser = Browser(make_wsgi({"includes": "kinto.plugins.openid"}))
    assert "openid" not in browser.ask("/").json["capabilities"]
    assert browser.ask("/openid/google/login").status_int == 404


def test_the_description_of_the_api_names_the_login(
    make_browser: MakeBrowser, provider: Provider
) -> None:
    document = make_browser().ask("/__api__").json
    definition = document["securityDefinitions"]["google"]
    assert definition["type"] == "oauth2"
    assert definition["authorizationUrl"] == provider.url + "/authorize"
    login = document["paths"]["/openid/{provider}/login"]["get"]
    assert login["operationId"] == "get_openid_login"
    assert [item["name"] for item in login["parameters"]] == ["callback", "scope", "prompt"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"issuer": None}, "issuer' is missing"),
        ({"client_id": None}, "client_id' is missing"),
        ({"issuer": "http://idp.test"}, "must begin with https://"),
        ({"issuer": "http://127.0.0.1.evil.test"}, "must begin with https://"),
        ({"issuer": "https://user@idp.test"}, "no plain URL"),
        ({"issuer": "https://idp.test/#x"}, "no plain URL"),
        ({"issuer": "https://idp.test:99999"}, "no such port"),
        ({"issuer": "file:///etc/passwd"}, "no plain URL"),
        ({"header_type": "two words"}, "one word"),
        ({"state_length": "4"}, "at least 16"),
        ({"state_ttl_seconds": "0"}, "at least 1"),
        ({"trusted_callback_urls": "*"}, "no pattern of URLs"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(
    make_wsgi: AppMaker, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        make_wsgi(settings_for("http://127.0.0.1:1", **options))


def test_a_provider_that_was_never_reached_stops_the_start(make_wsgi: AppMaker) -> None:
    with pytest.raises(ConfigurationError, match="needed for the first start"):
        make_wsgi(settings_for("http://127.0.0.1:1"))


def test_a_provider_that_is_down_does_not_stop_a_later_start(
    make_browser: MakeBrowser, provider: Provider, tmp_path: Path
) -> None:
    stored = {"storage_url": f"sqlite:///{tmp_path}/kinto.db"}
    first = make_browser(stored).ask("/").json["capabilities"]
    provider.is_up = False
    browser = make_browser(stored)
    assert browser.ask("/").json["capabilities"] == first
    assert browser.ask("/", "tok").status_int == 503


def test_a_state_survives_a_restart(
    make_browser: MakeBrowser, provider: Provider, tmp_path: Path
) -> None:
    stored = {"storage_url": f"sqlite:///{tmp_path}/kinto.db"}
    state = make_browser(stored).begin()
    assert make_browser(stored).end(state).status_int == 307


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"userinfo_endpoint": None}, "no userinfo_endpoint"),
        ({"token_endpoint": ["x"]}, "no token_endpoint"),
        ({"token_endpoint": "http://10.0.0.1/token"}, "must begin with https://"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "no plain URL"),
        ({"jwks_uri": "file:///etc/passwd"}, "no plain URL"),
    ],
)
def test_a_provider_cannot_lead_the_server_elsewhere(
    make_browser: MakeBrowser, provider: Provider, members: dict[str, Any], words: str
) -> None:
    provider.answer(DISCOVERY, provider.describe(**members))
    with pytest.raises(ConfigurationError, match=words):
        make_browser(audience=AUDIENCE)


def test_no_keys_are_needed_without_an_audience(
    make_browser: MakeBrowser, provider: Provider
) -> None:
    provider.answer(DISCOVERY, provider.describe(jwks_uri=None))
    assert make_browser().who("tok") == "google:alice"


def test_a_provider_under_another_name_is_warned_about(
    make_browser: MakeBrowser, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.answer(DISCOVERY, provider.describe(issuer="https://other.test/"))
    assert make_browser().who("tok") == "google:alice"
    assert "calls itself 'https://other.test/'" in caplog.text


def test_a_missing_library_is_named(
    make_browser: MakeBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "kinto_lite.plugins.openid.keys", raising=False)
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(ConfigurationError, match=r"kinto-lite\[openid\]"):
        make_browser(audience=AUDIENCE)


def test_a_server_without_providers_imports_nothing_for_them(root: Path) -> None:
    code = (
        "import sys, kinto_lite\n"
        "kinto_lite.make_app({'includes': 'kinto.plugins.openid'}).storage.close()\n"
        "print({'jwt', 'kinto_lite.plugins.openid.fetching'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
