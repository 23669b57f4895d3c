"""The examples of docs/plugins.md run as they are printed."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp

from kinto_lite.ini import read_ini
from tests.resources.asking import Asking

MakeWsgi = Callable[..., Any]

LETTERS = "/buckets/b/letters"
ROBOT = {"Authorization": "Key a long random text"}


@pytest.fixture
def blocks(root: Path) -> list[tuple[str, str]]:
    """Language and text of the examples, in order."""
    page = (root / "docs" / "plugins.md").read_text("utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@pytest.fixture
def make_page_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_wsgi: MakeWsgi
) -> Callable[..., Asking]:
    """A function from a module, its text and an ini file to someone who asks."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def make(module: str, text: str, ini: str) -> Asking:
        monkeypatch.delitem(sys.modules, module, raising=False)
        (tmp_path / f"{module}.py").write_text(text)
        (tmp_path / "kinto.ini").write_text(ini)
        settings = read_ini(tmp_path / "kinto.ini", 8888).settings
        return Asking(TestApp(make_wsgi({**settings, "here": str(tmp_path)})))

    return make


@pytest.fixture
def ask(make_page_app: Callable[..., Asking], blocks: list[tuple[str, str]]) -> Asking:
    """Someone who asks the example with one of everything; alice has a bucket."""
    ask = make_page_app("letters", blocks[0][1], blocks[1][1])
    ask("PUT", "/buckets/b", {})
    return ask


def test_page_has_the_examples_that_are_tested(blocks: list[tuple[str, str]]) -> None:
    languages = [language for language, _ in blocks]
    assert languages == ["python", "ini", "ini", "python", "ini"]


def test_the_route_and_the_setting(ask: Asking) -> None:
    assert ask("GET", "/letters-limit").json == {"max_characters": 20}


def test_the_capability_and_the_public_setting(ask: Asking) -> None:
    hello = ask("GET", "/").json
    assert hello["capabilities"]["letters"]["max_characters"] == 20
    assert hello["settings"]["letters.max_characters"] == 20


def test_letters_are_stored_and_shared(ask: Asking) -> None:
    body = {"data": {"text": "Dear Bob"}, "permissions": {"read": ["system.Authenticated"]}}
    assert ask("PUT", f"{LETTERS}/x", body).status_int == 201
    assert ask.data(f"{LETTERS}/x", user="bob")["text"] == "Dear Bob"
    assert ask("DELETE", f"{LETTERS}/x", user="bob").status_int == 403
    assert ask.ids(f"{LETTERS}?like_text=dear", user="bob") == ["x"]


def test_the_listener_refuses_long_letters(ask: Asking) -> None:
    reply = ask("POST", LETTERS, {"data": {"text": "x" * 21}})
    assert (reply.status_int, reply.json["message"]) == (400, "A letter has at most 20 characters.")
    assert ask.ids(LETTERS) == []


def test_the_late_listener_hears_of_letters(ask: Asking, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ask("PUT", f"{LETTERS}/x", {})
    assert "x arrived" in caplog.text


def test_the_robot_may_sign_in(ask: Asking) -> None:
    assert ask("GET", "/", headers=ROBOT).json["user"]["id"] == "robot:r2d2"
    wrong = {"Authorization": "Key another"}
    assert "user" not in ask("GET", "/", headers=wrong).json
    assert ask("GET", "/").json["user"]["id"].startswith("basicauth:")


def test_the_health_check_is_in_the_heartbeat(ask: Asking) -> None:
    assert ask("GET", "/__heartbeat__").json["letters"] is True


def test_letters_are_in_the_description_of_the_api(ask: Asking) -> None:
    paths = ask("GET", "/__api__").json["paths"]
    assert {"/letters-limit", "/buckets/{bucket_id}/letters"} <= set(paths)


def test_the_generator_makes_ids(
    make_page_app: Callable[..., Asking], blocks: list[tuple[str, str]]
) -> None:
    ini = blocks[4][1] + "multiauth.policies = basicauth\n"
    ask = make_page_app("name_generator", blocks[3][1], ini)
    for path in ("/buckets/b", "/buckets/b/collections/c"):
        ask("PUT", path, {})
    made = ask("POST", "/buckets/b/collections/c/records", {}).json["data"]["id"]
    assert re.fullmatch("[a-zA-Z0-9-_]{8}", made)
