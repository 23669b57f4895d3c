"""Plugins that `includes` names (protocol, plugins chapters 1 and 15)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kinto_lite import make_app
from kinto_lite.errors import ConfigurationError
from tests.extensions.modules import write_module
from tests.plugins.conftest import ask, make_ask
from tests.resources.asking import Asking

__all__ = ["ask", "make_ask"]

MakeAsk = Callable[..., Asking]

SMALL = """
from kinto_lite.hooks import Parts, Plugin, Route
from kinto_lite.model import Answer, Kind
from kinto_lite.permissions.tree import Inheritance
from kinto_lite.resources.routes import object_routes
from kinto_lite.settings_table import INT, Setting

BOX = Kind("box", "boxs", "bucket", ("read", "write"))
CHECKS = {}

def set_up(service):
    size = service.settings["small.size"]
    return Parts(
        routes=(
            Route("small", "/small", {"GET": lambda call: Answer(200, [], b'[%d]' % size)}),
            *object_routes(BOX, service.kinds, service.settings),
        ),
        capabilities={"small": {"description": "Small."}},
        public_settings=("small.size",),
        health_checks=CHECKS,
    )

PLUGIN = Plugin(
    "small",
    set_up,
    kinds=(BOX,),
    inheritance=tuple(Inheritance("box", need, "bucket", "write")
                      for need in ("read", "write", "create")),
    settings=(Setting("small.size", INT, 3, "How small."),),
)
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with a plugin."""
    return write_module(tmp_path, monkeypatch, SMALL)


def refuse(**settings: str) -> str:
    """The line with which the start stops."""
    with pytest.raises(ConfigurationError) as caught:
        make_app(settings)
    return str(caught.value)


def test_a_module_of_others_adds_a_route(make_ask: MakeAsk, small: str) -> None:
    assert make_ask(includes=small)("GET", "/small").json == [3]


@pytest.mark.parametrize("prefix", ["", "kinto."])
def test_a_plugin_has_settings_of_its_own(make_ask: MakeAsk, small: str, prefix: str) -> None:
    ask = make_ask(**{f"{prefix}includes": small, f"{prefix}small.size": " 7 "})
    assert ask("GET", "/small").json == [7]
    assert ask("GET", "/").json["settings"]["small.size"] == 7


def test_settings_of_a_plugin_come_from_the_environment_too(
    make_ask: MakeAsk, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINTO_SMALL_SIZE", "8")
    assert make_ask(includes=small)("GET", "/small").json == [8]


def test_unreadable_settings_of_a_plugin_stop_the_start(small: str) -> None:
    line = refuse(includes=small, **{"small.size": "little"})
    assert line == "Setting 'small.size' must be a whole number, not 'little'."


def test_a_plugin_stores_objects_of_its_own(make_ask: MakeAsk, small: str) -> None:
    ask = make_ask(includes=small)
    ask("PUT", "/buckets/b", {})
    made = ask("POST", "/buckets/b/boxs", {"data": {"n": 1}})
    assert made.status_int == 201
    assert ask.data(f"/buckets/b/boxs/{made.json['data']['id']}")["n"] == 1
    assert ask("GET", "/buckets/b/boxs", user="bob").status_int == 403


def test_settings_that_every_kind_has_work_for_those_of_plugins(
    make_ask: MakeAsk, small: str, caplog: pytest.LogCaptureFixture
) -> None:
    ask = make_ask(
        includes=small, box_read_principals="system.Everyone", plural_box_delete_enabled="no"
    )
    ask("PUT", "/buckets/b", {})
    assert ask("GET", "/buckets/b/boxs", user="bob").status_int == 200
    assert ask("DELETE", "/buckets/b/boxs").status_int == 405
    assert caplog.text == ""


def test_naming_a_plugin_twice_is_harmless(make_ask: MakeAsk, small: str) -> None:
    assert make_ask(includes=f"{small} {small}")("GET", "/small").status_int == 200


def test_a_capability_that_is_there_already_stops_the_start(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = write_module(
        tmp_path,
        monkeypatch,
        "from kinto_lite.hooks import Parts, Plugin\n"
        'PLUGIN = Plugin("twin", lambda service: Parts(capabilities={"small": {}}))\n',
    )
    assert "'small', which is there already" in refuse(includes=f"{small} {twin}")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("kinto.plugins.acounts", "Did you mean 'kinto.plugins.accounts'?"),
        ("kinto_lite.plugins.histori", "Did you mean 'kinto_lite.plugins.history'?"),
        ("no_such_module", "no module is called so. It has: kinto.plugins.accounts,"),
        ("history", "Did you mean 'kinto.plugins.history'?"),
        ("kinto.plugin.history", "Did you mean 'kinto.plugins.history'?"),
        ("nope.mod", "no module is called so. It has: kinto.plugins.accounts,"),
    ],
)
def test_an_unknown_plugin_stops_the_start(name: str, hint: str) -> None:
    line = refuse(includes=name)
    assert line.startswith(f"Setting 'includes' names '{name}'")
    assert hint in line


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def includeme(config): pass", "was written for Kinto's own server ('includeme')"),
        ("import pyramid.no_such_part", "needs 'pyramid': it was written for Kinto's own server"),
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("PLUGIN = 1", "has no 'PLUGIN' that is a kinto_lite.hooks.Plugin"),
        (SMALL.replace('"box", "boxs"', '"box", "boxes"'), "its plural must be 'boxs'"),
        (SMALL.replace('Kind("box"', 'Kind("group"'), "another kind has this name"),
        (SMALL.replace('"boxs", "bucket"', '"boxs", "shelf"'), "its parent 'shelf' is not known"),
        (SMALL.replace('"small.size"', '"paginate_by"'), "a setting 'paginate_by', which is there"),
    ],
)
def test_a_module_that_is_no_plugin_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    line = refuse(includes=write_module(tmp_path, monkeypatch, text))
    assert reason in line
    assert "\n" not in line


@pytest.mark.parametrize("name", ["", "kinto.plugins.flush"])
def test_what_is_not_named_is_not_imported(name: str) -> None:
    code = (
        "import sys, kinto_lite\n"
        f"kinto_lite.make_app({{'includes': {name!r}}})\n"
        "print(*sorted(m for m in sys.modules if m.startswith(('kinto_lite.plugins.', "
        "'kinto_lite.events.', 'kinto_lite.extensions.aliases', "
        "'kinto_lite.extensions.listeners'))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ([name.replace("kinto.", "kinto_lite.")] if name else [])


COOKIES = """
from kinto_lite.hooks import Parts, Plugin, Route
from kinto_lite.model import Answer

class CookiePolicy:
    header = "cookie"
    challenge = "Cookie"

    def __init__(self, name, settings, storage):
        self.name = name

    def authenticate(self, request, tx):
        return f"{self.name}:{request.headers['cookie']}"

def answer(body, content_type=None):
    headers = [("Content-Type", content_type)] if content_type else []
    return {"GET": lambda call: Answer(200, list(headers), body)}

PLUGIN = Plugin("cookies", lambda service: Parts(routes=(
    Route("page", "/page", answer(b"<p>\\xc3\\xa9</p>", "text/html")),
    Route("picture", "/picture", answer(b"\\x89PNG\\xff", "image/png")),
    Route("words", "/words", answer(b'["\\xc3\\xa9"]')),
    Route("wrong", "/wrong", answer(b"{no json")),
)), policies={"CookiePolicy": CookiePolicy})
"""


@pytest.fixture
def cookies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_ask: MakeAsk) -> Asking:
    """Someone who asks a server with cookies, and with answers that are no objects."""
    name = write_module(tmp_path, monkeypatch, COOKIES)
    return make_ask(
        includes=name,
        **{"multiauth.policies": "crumb basicauth", "multiauth.policy.crumb.use": "CookiePolicy"},
    )


def test_a_policy_may_read_another_header(cookies: Asking) -> None:
    reply = cookies("GET", "/", headers={"Cookie": "ann"}, user=None)
    assert reply.json["user"]["id"] == "crumb:ann"
    assert cookies("GET", "/").json["user"]["id"].startswith("basicauth:")
    assert "user" not in cookies("GET", "/", user=None).json


def test_a_policy_says_which_header_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = COOKIES.replace('    header = "cookie"\n', "")
    name = write_module(tmp_path, monkeypatch, text)
    use = {"multiauth.policies": "crumb", "multiauth.policy.crumb.use": "CookiePolicy"}
    with pytest.raises(ConfigurationError, match="'crumb' has no 'header'"):
        make_app({"includes": name, **use})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/page", "<p>é</p>"),
        ("/picture", "\ufffdPNG\ufffd"),
        ("/words", ["é"]),
        ("/wrong", "{no json"),
        ("/nowhere", None),
    ],
)
def test_any_body_fits_into_a_batch(cookies: Asking, path: str, body: object) -> None:
    reply = cookies("POST", "/batch", {"requests": [{"path": path}, {"path": "/contribute.json"}]})
    first, second = reply.json["responses"]
    assert body is None or first["body"] == body
    assert (first["status"], second["status"]) == (200 if body else 404, 200)
