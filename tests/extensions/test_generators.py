"""Generators of ids that settings name (protocol, plugins chapter 13)."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kinto_lite import make_app
from kinto_lite.errors import ConfigurationError
from tests.extensions.modules import write_module
from tests.kinto.plain_client import PlainClient
from tests.live import run_command, start_server
from tests.plugins.conftest import ask, make_ask
from tests.resources.asking import BUCKET, COLLECTION, RECORDS, Asking

__all__ = ["ask", "make_ask"]

MakeAsk = Callable[..., Asking]

#: As in Kinto's tutorial: a class on the base class of Kinto, which is not installed here.
TUTORIAL = """
import random
import string
from kinto.core.storage import generators

class NameGenerator(generators.Generator):
    regexp = r'^[a-zA-Z0-9-_]{8}$'
    def __call__(self):
        letters = random.choices(string.ascii_letters + string.digits + '-_', k=8)
        return ''.join(letters)
"""
#: One that knows nothing of Kinto.
OWN = """
class Own:
    regexp = %r
    def __call__(self):
        return %r
"""
NAME = re.compile(r"[a-zA-Z0-9-_]{8}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The dotted name of the tutorial's class."""
    return write_module(tmp_path, monkeypatch, TUTORIAL) + ".NameGenerator"


def fill(ask: Asking) -> Asking:
    for path in (BUCKET, COLLECTION):
        ask("PUT", path, {})
    return ask


@pytest.mark.parametrize("name", ["id_generator", "record_id_generator"])
@pytest.mark.parametrize("prefix", ["", "kinto."])
def test_records_get_ids_from_the_class_of_the_tutorial(
    make_ask: MakeAsk, generator: str, name: str, prefix: str
) -> None:
    ask = fill(make_ask(**{prefix + name: generator}))
    made = ask("POST", RECORDS, {})
    assert made.status_int == 201
    assert NAME.fullmatch(made.json["data"]["id"])
    assert ask("PUT", f"{RECORDS}/abcd_123", {}).status_int == 201


@pytest.mark.parametrize("wrong", ["short", "much-too-long", "abcdefg%0A", "abcd%20fgh"])
def test_other_ids_are_refused(make_ask: MakeAsk, generator: str, wrong: str) -> None:
    ask = fill(make_ask(record_id_generator=generator))
    reply = ask("PUT", f"{RECORDS}/{wrong}", {})
    assert (reply.status_int, reply.json["message"]) == (400, "path: Invalid object id")


def test_an_id_in_the_body_is_checked_too(make_ask: MakeAsk, generator: str) -> None:
    ask = fill(make_ask(record_id_generator=generator))
    assert ask("POST", RECORDS, {"data": {"id": "short"}}).status_int == 400


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("bucket", "/buckets"),
        ("group", f"{BUCKET}/groups"),
        ("collection", f"{BUCKET}/collections"),
    ],
)
def test_every_kind_has_its_generator(
    make_ask: MakeAsk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, path: str
) -> None:
    module = write_module(tmp_path, monkeypatch, OWN % ("[a-z]$|fixed$", "fixed"))
    ask = fill(make_ask(**{f"{kind}_id_generator": f"{module}.Own"}))
    body = {"data": {"members": []}} if kind == "group" else {}
    assert ask("POST", path, body).json["data"]["id"] == "fixed"


def test_the_common_generator_leaves_the_other_kinds_alone(
    make_ask: MakeAsk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = write_module(tmp_path, monkeypatch, OWN % ("fixed$", "fixed"))
    ask = make_ask(id_generator=f"{module}:Own")
    assert ask("PUT", BUCKET, {}).status_int == 201


@pytest.mark.parametrize(
    ("name", "pattern", "given", "status"),
    [
        ("kinto.core.storage.generators.UUID4", UUID, "abc", 400),
        ("kinto.views.RelaxedUUID", UUID, "abc", 201),
        ("kinto.views.NameGenerator", NAME, "abc", 201),
        ("kinto_lite.resources.kinds.UUIDS", UUID, "abc", 400),
    ],
)
def test_names_of_kinto_stand_for_what_is_built_in(
    make_ask: MakeAsk, name: str, pattern: re.Pattern[str], given: str, status: int
) -> None:
    ask = fill(make_ask(record_id_generator=name))
    assert pattern.fullmatch(ask("POST", RECORDS, {}).json["data"]["id"])
    assert ask("PUT", f"{RECORDS}/{given}", {}).status_int == status


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/buckets", NAME),
        ("/buckets/b/collections", NAME),
        ("/buckets/b/groups", NAME),
        (RECORDS, UUID),
    ],
)
def test_new_ids_look_as_chapter_13_says(
    make_ask: MakeAsk, path: str, pattern: re.Pattern[str]
) -> None:
    ask = fill(make_ask())
    body = {"data": {"members": []}}
    ids = {ask("POST", path, body).json["data"]["id"] for _ in range(20)}
    assert len(ids) == 20
    assert all(pattern.fullmatch(id_) for id_ in ids)


def test_the_common_generator_of_kinto_changes_nothing_for_records(make_ask: MakeAsk) -> None:
    ask = fill(make_ask(id_generator="kinto.core.storage.generators.UUID4"))
    assert ask("PUT", f"{RECORDS}/abc", {}).status_int == 201


@pytest.mark.parametrize("wrong", ['a"b', "a/b", "é", "a\\\\b", "a b", "a\n", "x" * 256, ""])
def test_no_pattern_lets_through_what_an_id_cannot_be(
    make_ask: MakeAsk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    module = write_module(tmp_path, monkeypatch, OWN % ("(?s).*", "x"))
    ask = fill(make_ask(record_id_generator=f"{module}.Own"))
    assert ask("POST", RECORDS, {"data": {"id": wrong}}).status_int == 400
    assert ask("POST", RECORDS, {"data": {"id": "x@1.2:3"}}).status_int == 201


@pytest.mark.parametrize(
    ("regexp", "is_slow"), [("^([a-z]+-?)+$", True), ("^[a-zA-Z0-9-_]{8}$", False)]
)
def test_patterns_that_strangers_could_stop_the_server_with_are_named(
    make_ask: MakeAsk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    regexp: str,
    is_slow: bool,
) -> None:
    module = write_module(tmp_path, monkeypatch, OWN % (regexp, "abcdefgh"))
    make_ask(record_id_generator=f"{module}.Own")
    assert ("checking an id may take very long" in caplog.text) == is_slow


def test_a_generator_that_breaks_its_rules_later_is_no_traceback_for_clients(
    make_ask: MakeAsk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "class Own:\n    regexp = 'x$'\n    ids = ['x', '!']\n"
    text += "    def __call__(self):\n        return self.ids.pop(0)\n"
    module = write_module(tmp_path, monkeypatch, text)
    ask = fill(make_ask(record_id_generator=f"{module}.Own"))
    assert ask("POST", RECORDS, {}).json["errno"] == 999


def test_kinto_is_only_lent(generator: str, make_ask: MakeAsk) -> None:
    make_ask(record_id_generator=generator)
    assert not [name for name in sys.modules if name.partition(".")[0] == "kinto"]
    with pytest.raises(ModuleNotFoundError):
        __import__("kinto")


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("", "Own", "has no 'Own'"),
        (OWN % ("[a-z]$", "1"), "Own", "made the id '1', which is not valid by its own rules"),
        (OWN % ("(", "1"), "Own", "cannot be used: error: missing )"),
        (OWN % ("1", 1), "Own", "made the id 1, which is not valid"),
        ("Own = 1", "Own", "TypeError: 'int' object is not callable"),
        ("class Own: pass", "Own", "has no attribute 'regexp'"),
        (TUTORIAL.replace("def __call__", "def call"), "NameGenerator", "does not say what"),
        ("from kinto.core import resource", "Own", "ImportError: cannot import name 'resource'"),
    ],
)
def test_a_generator_that_cannot_work_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str, reason: str
) -> None:
    module = write_module(tmp_path, monkeypatch, text)
    with pytest.raises(ConfigurationError) as caught:
        make_app({"record_id_generator": f"{module}.{name}"})
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["no_such_module.Name", "Name", "kinto.no.such.Name"])
def test_a_generator_that_is_not_there_stops_the_start(name: str) -> None:
    with pytest.raises(ConfigurationError, match="record_id_generator"):
        make_app({"record_id_generator": name})


INI = """
[app:main]
use = egg:kinto
kinto.id_generator = name_generator.NameGenerator
multiauth.policies = basicauth
kinto.includes = kinto.plugins.default_bucket
"""


def test_a_file_beside_the_ini_makes_the_ids(tmp_path: Path) -> None:
    (tmp_path / "name_generator.py").write_text(TUTORIAL)
    (tmp_path / "kinto.ini").write_text(INI)
    with start_server(tmp_path, "--ini", "kinto.ini") as server:
        client = PlainClient(server.url, "user", "password")
        records = "/v1/buckets/default/collections/tasks/records"
        made = client.send("POST", records, {"data": {"x": 1}})
        assert NAME.fullmatch(made.data["id"])
        assert client.send("PUT", f"{records}/other", {"data": {}}).status == 400


def test_a_missing_file_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "kinto.ini").write_text(INI)
    done = run_command(tmp_path, "--ini", "kinto.ini", "--port", "0")
    assert done.returncode == 1
    assert done.stderr == (
        "Setting 'id_generator' names 'name_generator', but there is no module 'name_generator'.\n"
    )
