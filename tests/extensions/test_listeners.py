"""Listeners that `event_listeners` names (protocol, plugins chapter 14.4)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kinto_lite import make_app
from kinto_lite.errors import ConfigurationError
from tests.extensions.hearing import MakeAsk
from tests.extensions.modules import write_module
from tests.plugins.conftest import ask, make_ask
from tests.resources.asking import BUCKET, COLLECTION, Asking

__all__ = ["ask", "make_ask"]

#: Keeps what it hears, and what it was given.
PLAIN = """
heard, given = [], []

def load_from_config(config, prefix):
    given.append((prefix, config.get_settings().get(prefix + "color")))
    return heard.append
"""
#: As it was written for Kinto, which is not installed here.
FOR_KINTO = """
from kinto.core.events import ResourceChanged
from kinto.core.listeners import ListenerBase

class Listener(ListenerBase):
    def __init__(self, url):
        self.url = url

    def __call__(self, event):
        assert isinstance(event, ResourceChanged)
        heard.append((self.url, event.payload["uri"], event.impacted_objects))

heard = []

def load_from_config(config, prefix):
    assert config.registry.settings["event_listeners"]
    return Listener(config.get_settings()[prefix + "url"])
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that listens."""
    return write_module(tmp_path, monkeypatch, PLAIN)


def listen(module: str, **options: str) -> dict[str, str]:
    """Settings of a listener that is called `audit`."""
    named = {f"event_listeners.audit.{name}": value for name, value in options.items()}
    return {"event_listeners": "audit", "event_listeners.audit.use": module} | named


def heard_actions(module: str) -> list[tuple[str, str]]:
    payloads = [event.payload for event in sys.modules[module].heard]
    return [(payload["action"], payload["resource_name"]) for payload in payloads]


def do_all(ask: Asking) -> None:
    for method in ("PUT", "PUT", "GET", "DELETE"):
        ask(method, BUCKET)


@pytest.mark.parametrize(
    ("options", "actions"),
    [
        ({}, ["create", "update", "delete"]),
        ({"actions": "create"}, ["create"]),
        ({"actions": "READ delete"}, ["read", "delete"]),
        ({"actions": "read"}, ["read"]),
        ({"resources": "bucket record"}, ["create", "update", "delete"]),
        ({"resources": "record"}, []),
    ],
)
def test_a_listener_hears_of_what_its_settings_say(
    make_ask: MakeAsk, module: str, options: dict[str, str], actions: list[str]
) -> None:
    do_all(make_ask(**listen(module, **options)))
    assert heard_actions(module) == [(action, "bucket") for action in actions]


def test_a_listener_gets_its_options(make_ask: MakeAsk, module: str) -> None:
    settings = listen(module, color="blue")
    make_ask(**{f"kinto.{name}": value for name, value in settings.items()})
    assert sys.modules[module].given == [("event_listeners.audit.", "blue")]


def test_a_listener_may_be_named_by_its_module_alone(make_ask: MakeAsk, module: str) -> None:
    actions = {f"event_listeners.{module}.actions": "delete"}
    do_all(make_ask(event_listeners=module, **actions))
    assert heard_actions(module) == [("delete", "bucket")]
    assert sys.modules[module].given == [(f"event_listeners.{module}.", None)]


def test_a_listener_that_was_written_for_kinto_works(
    make_ask: MakeAsk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = write_module(tmp_path, monkeypatch, FOR_KINTO)
    made = make_ask(**listen(module, url="http://x"))("PUT", BUCKET, {}).json["data"]
    assert sys.modules[module].heard == [("http://x", BUCKET, [{"new": made}])]


def test_listeners_from_settings_may_undo_a_request(
    make_ask: MakeAsk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "def load_from_config(config, prefix):\n    return lambda event: 1 / 0\n"
    ask = make_ask(**listen(write_module(tmp_path, monkeypatch, text), resources="collection"))
    ask("PUT", BUCKET, {})
    assert ask("PUT", COLLECTION, {}).status_int == 500
    assert ask("GET", COLLECTION).status_int == 404


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"event_listeners": "no_such_module"}, "there is no setting 'event_listeners.no_such"),
        (listen("no_such_module"), "'event_listeners.audit.use' names 'no_such_module', but there"),
        (listen("json"), "'json', which has no 'load_from_config(config, prefix)'"),
        (listen("json", actions="create foo"), "'foo' is not a valid ACTIONS"),
    ],
)
def test_a_listener_that_cannot_be_stops_the_start(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_app(settings)
    assert reason in str(caught.value)


def test_a_listener_whose_options_are_missing_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = write_module(tmp_path, monkeypatch, FOR_KINTO)
    with pytest.raises(ConfigurationError, match=r"KeyError: .event_listeners\.audit\.url"):
        make_app(listen(module))
