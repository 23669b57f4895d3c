"""Hello, heartbeats and their neighbours (protocol, core chapters 1.4 to 1.6)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.resources.asking import ANONYMOUS, BUCKET, RECORDS, Asking, user_id

MakeAsk = Callable[..., Asking]


def test_hello_says_what_this_is(ask: Asking) -> None:
    body = ask("GET", "/", user=ANONYMOUS).json
    assert body["http_api_version"] == "1.23"
    assert body["url"] == "http://localhost/v1/"
    assert set(body["settings"]) == {"batch_max_requests", "readonly", "explicit_permissions"}
    assert set(body) == {
        "project_name", "project_version", "project_docs", "http_api_version", "url", "config",
        "settings", "capabilities",
    }  # fmt: skip


def test_hello_says_who_asks(ask: Asking) -> None:
    user = ask("GET", "/").json["user"]
    assert user["id"] == user["principals"][0] == user_id("alice")
    assert set(user["principals"]) == {user_id("alice"), "system.Everyone", "system.Authenticated"}


@pytest.mark.parametrize(
    "value", ["Basic", "Basic !!!", "Bearer x", "Basic OnB3", "x", "Basic eA=="]
)
def test_bad_credentials_are_anonymous(ask: Asking, value: str) -> None:
    reply = ask("GET", "/", headers={"Authorization": value})
    assert (reply.status_int, "user" in reply.json) == (200, False)
    assert ask("GET", BUCKET, headers={"Authorization": value}).status_int == 401


def test_hello_tells_the_configuration_file(
    ask: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kinto.ini"
    file.write_bytes(b"[app:main]\n")
    monkeypatch.setenv("KINTO_INI", str(file))
    config = ask("GET", "/").json["config"]
    assert config["path"] == str(file)
    assert config["hash"] == hashlib.sha256(b"[app:main]\n").hexdigest()
    monkeypatch.setenv("KINTO_INI", str(tmp_path / "none.ini"))
    assert ask("GET", "/").json["config"] is None


def test_hello_is_not_cached(ask: Asking) -> None:
    assert not {"ETag", "Cache-Control"} & set(ask("GET", "/").headers)


def test_capabilities_tell_what_is_on(make_ask: MakeAsk) -> None:
    plain = make_ask()("GET", "/").json["capabilities"]
    more = make_ask(experimental_collection_schema_validation="true")("GET", "/")
    assert "schema" not in plain
    assert {"basicauth", "schema"} <= set(more.json["capabilities"])
    for capability in more.json["capabilities"].values():
        assert {"description", "url"} <= set(capability)


def test_a_healthy_server_says_so(ask: Asking) -> None:
    beat, alive = ask("GET", "/__heartbeat__"), ask("GET", "/__lbheartbeat__")
    assert (beat.status_int, beat.json) == (
        200,
        {"storage": True, "permission": True, "cache": True},
    )
    assert (alive.status_int, alive.json) == (200, {})


def test_the_version_file_is_shown(make_ask: MakeAsk, tmp_path: Path) -> None:
    file = tmp_path / "version.json"
    file.write_text('{"version": "1.2", "é": [1.0]}', "utf-8")
    ask = make_ask(version_json_path=str(file))
    assert ask("GET", "/__version__").json == {"version": "1.2", "é": [1.0]}


@pytest.mark.parametrize("content", [None, "not json", "[" * 5000, ""])
def test_without_a_readable_version_file_it_is_404(
    make_ask: MakeAsk, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "version.json"
    if content is not None:
        file.write_text(content)
    reply = make_ask(version_json_path=str(file))("GET", "/__version__")
    assert (reply.status_int, reply.json["errno"]) == (404, 111)


def test_how_to_contribute(ask: Asking) -> None:
    body = ask("GET", "/contribute.json").json
    assert {"name", "description", "repository", "participate", "bugs", "keywords"} <= set(body)


@pytest.mark.parametrize("path", ["/", "/__heartbeat__", "/nope", "/buckets", BUCKET, RECORDS])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_every_answer_has_the_common_headers(ask: Asking, path: str, method: str) -> None:
    headers = ask(method, path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    )
    assert headers["Content-Type"] == "application/json"


def test_every_policy_challenges(make_ask: MakeAsk) -> None:
    more = {
        "multiauth.policy.second.use": "kinto.core.authentication.BasicAuthAuthenticationPolicy"
    }
    more |= {"multiauth.policies": "basicauth second", "multiauth.policy.second.realm": "Other"}
    ask = make_ask(**more)
    challenges = ask("GET", BUCKET, user=ANONYMOUS).headers.getall("WWW-Authenticate")
    assert challenges == ['Basic realm="Realm"', 'Basic realm="Other"']


def test_without_policies_everybody_is_anonymous(make_ask: MakeAsk) -> None:
    ask = make_ask(**{"multiauth.policies": ""})
    reply = ask("GET", BUCKET)
    assert (reply.status_int, "WWW-Authenticate" in reply.headers) == (401, False)


def test_errors_have_no_other_members(ask: Asking) -> None:
    assert json.loads(ask("GET", BUCKET, user=ANONYMOUS).body) == {
        "code": 401,
        "errno": 104,
        "error": "Unauthorized",
        "message": "Please authenticate yourself to use this endpoint.",
    }
    assert json.loads(ask("GET", BUCKET).body) == {
        "code": 403,
        "errno": 121,
        "error": "Forbidden",
        "message": "This user cannot access this resource.",
    }
