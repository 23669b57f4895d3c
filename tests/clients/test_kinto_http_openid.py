"""The Python client and OpenID: a token of one's own, and the login through a browser."""

from __future__ import annotations

import threading
import webbrowser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kinto_http
import pytest
import requests

from tests.live import start_server
from tests.plugins.openid_provider import Provider, settings_for
from tests.plugins.openid_provider import provider as provider


def go(url: str) -> str:
    """Ask for a page that leads to another one; return its URL."""
    answer = requests.get(url, allow_redirects=False, timeout=60)
    assert answer.status_code == 307, answer.text
    return answer.headers["Location"]


def browse(url: str) -> None:
    """Do what a browser does, and a user who consents at once."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(go(url)).query).items()}
    page = go(f"{asked['redirect_uri']}?state={asked['state']}&code=abc")
    assert requests.get(page, timeout=60).status_code == 200


@pytest.fixture
def server_url(tmp_path: Path, provider: Provider) -> Any:
    """The URL of a server that trusts the provider."""
    settings = settings_for(provider.url) | {"bucket_create_principals": "system.Authenticated"}
    lines = ["[app:main]", *(f"{name} = {value}" for name, value in settings.items()), ""]
    (tmp_path / "kinto.ini").write_text("\n".join(lines))
    with start_server(tmp_path, f"--ini={tmp_path}/kinto.ini") as server:
        yield server.url + "/v1"


def test_a_token_is_all_that_the_client_needs(server_url: str) -> None:
    auth = kinto_http.BearerTokenAuth("tok")
    client = kinto_http.Client(server_url=server_url, auth=auth, bucket="b")
    assert client.server_info()["user"]["id"] == "google:alice"
    assert client.create_bucket()["permissions"] == {"write": ["google:alice"]}


# The client leaves the socket open that it waits for the browser with.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_client_logs_in_through_a_browser(
    server_url: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.answer("/token", {"token_type": "Bearer", "access_token": "tok"})
    browsers = []

    def open_browser(url: str, *_: Any, **__: Any) -> bool:
        browsers.append(threading.Thread(target=browse, args=(url,)))
        browsers[-1].start()
        return True

    monkeypatch.setattr(webbrowser, "open", open_browser)
    client = kinto_http.Client(server_url=server_url, auth=kinto_http.BrowserOAuth())
    assert client.server_info()["user"]["id"] == "google:alice"
    browsers[0].join()
