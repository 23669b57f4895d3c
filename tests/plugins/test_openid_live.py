"""OpenID on a running server: a slow provider keeps nobody else waiting, and workers share
logins."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import requests

from tests.live import start_server
from tests.plugins.openid_provider import CALLBACK, Provider, settings_for
from tests.plugins.openid_provider import provider as provider

#: Accounts beside the provider.
OTHERS = {
    "includes": "kinto.plugins.openid kinto.plugins.accounts",
    "multiauth.policies": "google account",
    "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
    "account_create_principals": "system.Everyone",
}


def write_ini(folder: Path, provider: Provider) -> str:
    """Write a file of settings; return the option that names it."""
    path = folder / "kinto.ini"
    settings = settings_for(provider.url, timeout_seconds="60") | OTHERS
    lines = [f"{name} = {value}" for name, value in settings.items()]
    path.write_text("\n".join(["[app:main]", *lines, ""]))
    return f"--ini={path}"


def ask_with(token: str, url: str) -> Any:
    """Ask who one is."""
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def test_others_are_answered_and_sign_in_while_the_provider_is_slow(
    tmp_path: Path, provider: Provider
) -> None:
    with start_server(tmp_path, write_ini(tmp_path, provider)) as server:
        url, found = server.url + "/v1/", []
        provider.gate.clear()
        threads = [
            threading.Thread(target=lambda n=n: found.append(ask_with(f"tok{n}", url)))
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        alice = {"data": {"password": "pw"}}
        assert requests.put(url + "accounts/alice", json=alice, timeout=60).status_code == 201
        answer = requests.get(url, auth=("alice", "pw"), timeout=60)
        assert answer.json()["user"]["id"] == "account:alice"
        assert found == []
        provider.gate.set()
        for thread in threads:
            thread.join()
        assert [answer.json()["user"]["id"] for answer in found] == ["google:alice"] * 4


def test_a_provider_that_is_down_means_503_then_recovers(
    tmp_path: Path, provider: Provider
) -> None:
    with start_server(tmp_path, write_ini(tmp_path, provider)) as server:
        url = server.url + "/v1/"
        assert ask_with("known", url).status_code == 200
        provider.is_up = False
        answer = ask_with("new", url)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
        assert ask_with("known", url).json()["user"]["id"] == "google:alice"
        provider.is_up = True
        assert ask_with("new", url).json()["user"]["id"] == "google:alice"


def test_a_login_may_end_at_another_worker(tmp_path: Path, provider: Provider) -> None:
    ini = write_ini(tmp_path, provider)
    with start_server(tmp_path, ini, "--workers", "2") as server:
        url = f"{server.url}/v1/openid/google"
        asked = {"callback": CALLBACK, "scope": "openid"}
        for _ in range(8):
            begun = requests.get(f"{url}/login", asked, allow_redirects=False, timeout=60)
            state = begun.headers["Location"].rpartition("state=")[2]
            back = {"state": state, "code": "abc"}
            ended = [
                requests.get(f"{url}/token", back, allow_redirects=False, timeout=60)
                for _ in range(2)
            ]
            assert [answer.status_code for answer in ended] == [307, 400]
