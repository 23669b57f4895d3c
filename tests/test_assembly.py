"""From settings to an application: storage, policies, plugins (what `make_app` promises)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp

from kinto_lite import make_app
from kinto_lite.errors import ConfigurationError
from tests.conftest import PLAIN_SETTINGS
from tests.resources.asking import Asking, make_ask, user_id

__all__ = ["make_ask"]

MakeAsk = Callable[..., Asking]


def test_an_app_needs_no_settings(make_wsgi: Callable[..., Any]) -> None:
    app = make_wsgi({})
    assert {"service", "storage"} <= set(vars(app))


@pytest.mark.parametrize("prefix", ["", "kinto."])
def test_settings_may_have_the_prefix(make_client: Callable[..., Any], prefix: str) -> None:
    client = make_client({f"{prefix}project_name": "mine"})
    assert client.get("/v1/").json["project_name"] == "mine"


def test_kintos_memory_backend_is_a_private_database(make_ask: MakeAsk) -> None:
    backends = {
        f"{name}_backend": f"kinto.core.{name}.memory"
        for name in ("storage", "cache", "permission")
    }
    one, other = make_ask(**backends), make_ask(**backends)
    one("PUT", "/buckets/b", {})
    assert other.ids("/buckets") == []


def test_a_file_keeps_what_was_stored(make_ask: MakeAsk, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kinto.db"
    first = make_ask(storage_url=url)
    first("PUT", "/buckets/b", {"data": {"n": 1}})
    first.storage.close()
    again = make_ask(storage_url=url)
    assert again.data("/buckets/b")["n"] == 1


def test_two_apps_may_share_a_file(make_ask: MakeAsk, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kinto.db"
    one, other = make_ask(storage_url=url), make_ask(storage_url=url)
    one("PUT", "/buckets/b", {"data": {"n": 1}})
    assert other.data("/buckets/b")["n"] == 1
    other("DELETE", "/buckets/b")
    assert one("GET", "/buckets/b").status_int == 403


def test_rights_given_by_one_app_count_in_the_other(make_ask: MakeAsk, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kinto.db"
    one, other = make_ask(storage_url=url), make_ask(storage_url=url)
    group, statuses = "/buckets/b/groups/g", []
    one("PUT", "/buckets/b", {"permissions": {"read": [group]}})
    for members in ([], [user_id("bob")], [], ["system.Authenticated"], []):
        one("PUT", group, {"data": {"members": members}})
        statuses.append(other("GET", "/buckets/b", user="bob").status_int)
    assert statuses == [403, 200, 403, 200, 403]


def test_without_a_secret_user_ids_travel_with_the_file(tmp_path: Path) -> None:
    ids = []
    for _ in "ab":
        settings = {"multiauth.policies": "basicauth", "storage_url": f"sqlite:///{tmp_path}/k.db"}
        app = make_app(settings)
        ids.append(Asking(TestApp(app))("GET", "/").json["user"]["id"])
        app.storage.close()
    assert ids[0] == ids[1]


def test_without_a_secret_every_memory_has_its_own(make_wsgi: Callable[..., Any]) -> None:
    ids = {
        Asking(TestApp(make_wsgi({"multiauth.policies": "basicauth"})))("GET", "/").json["user"][
            "id"
        ]
        for _ in "ab"
    }
    assert len(ids) == 2


def test_page_tokens_survive_a_restart(make_ask: MakeAsk, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kinto.db"
    first = make_ask(storage_url=url)
    for name in "abc":
        first("PUT", f"/buckets/{name}", {})
    path = first("GET", "/buckets?_limit=1").headers["Next-Page"].partition("/v1")[2]
    first.storage.close()
    assert make_ask(storage_url=url)("GET", path).status_int == 200


WRONG = [
    {"multiauth.policies": "unheard_of"},
    {"multiauth.policies": "x", "multiauth.policy.x.use": "some.Policy"},
    {"includes": "kinto.plugins.unheard_of"},
    {"storage_url": "ftp://nowhere"},
    {"batch_max_requests": "many"},
    {"readonly": "true", "kinto.readonly": "false"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: " ".join(wrong))
def test_wrong_settings_stop_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_app(PLAIN_SETTINGS | wrong)
    assert str(caught.value)


@pytest.mark.parametrize(
    "includes",
    ["kinto.plugins.default_bucket", "kinto_lite.plugins.default_bucket",
     "kinto.plugins.default_bucket kinto_lite.plugins.default_bucket",
     "kinto.plugins.flush\n  kinto.plugins.default_bucket"],
)  # fmt: skip
def test_plugins_are_found_by_either_name_and_taken_once(make_ask: MakeAsk, includes: str) -> None:
    assert "default_bucket" in make_ask(includes=includes)("GET", "/").json["capabilities"]


def test_environment_variables_win(make_ask: MakeAsk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINTO_PROJECT_NAME", "from outside")
    assert make_ask(project_name="x")("GET", "/").json["project_name"] == "from outside"


def test_the_clock_shows_milliseconds(make_ask: MakeAsk) -> None:
    assert 1_700_000_000_000 < make_ask().service.clock() < 10_000_000_000_000


#: Slow to import, and of no use before somebody asks for it.
SLOW = ("bottle", "email", "http.client", "jsonschema", "jwt", "uuid", "zipfile")
USUAL = {
    "includes": "kinto.plugins.accounts kinto.plugins.default_bucket kinto.plugins.history",
    "multiauth.policies": "account",
    "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
}


def test_a_start_imports_nothing_slow_that_it_does_not_need(tmp_path: Path) -> None:
    settings = {**USUAL, "storage_url": f"sqlite:///{tmp_path}/a.db"}
    program = (
        "import sys; from kinto_lite import cli, make_app; from kinto_lite.server import running;"
        f"make_app({settings!r}); print(*set(sys.modules) & set({SLOW!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
