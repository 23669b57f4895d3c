"""Log lines: for machines one JSON object each, for people text that cannot be forged."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from kinto_lite import logs
from kinto_lite.errors import ConfigurationError
from kinto_lite.model import ApiRequest


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _same_loggers() -> Iterator[None]:
    """Leave the loggers of the process as they were."""
    names = (None, logs.MAIN, logs.REQUESTS, logs.ITEMS)
    levels = {name: logging.getLogger(name).level for name in names}
    handlers = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def make_record(message: str, error: Exception | None = None, **more: Any) -> logging.LogRecord:
    exc_info = None
    if error is not None:
        try:
            raise error
        except Exception:
            exc_info = sys.exc_info()
    record = logging.LogRecord("kinto_lite", logging.ERROR, "", 1, message, (), exc_info)
    record.__dict__.update(more)
    return record


def read_line(record: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(logs.JsonFormatter().format(record))
    return line


def test_a_line_for_machines_says_what_when_and_how_bad() -> None:
    line = read_line(make_record("the disk is full", rid="r1", fields={"path": "/x"}))
    assert line["Fields"] == {"rid": "r1", "path": "/x", "msg": "the disk is full"}
    assert line["Type"] == "kinto_lite"
    assert line["Severity"] == 3
    assert line["Timestamp"] > 1_700_000_000 * 10**9


def test_a_failure_is_one_line_with_the_traceback_as_a_field() -> None:
    text = logs.JsonFormatter().format(make_record("failed", ValueError("a\nb")))
    assert "\n" not in text
    fields = json.loads(text)["Fields"]
    assert fields["error"] == "ValueError('a\\nb')"
    assert fields["traceback"].startswith("Traceback")


def test_what_cannot_be_json_is_shown_as_text() -> None:
    assert read_line(make_record("x", fields={"odd": {1}}))["Fields"]["odd"] == "{1}"


@pytest.mark.parametrize(
    "text", ["a\nINFO  forged", "a\x1b[2J", "a\u2028b", "a\u202eb", "a\udcffb"]
)
def test_no_text_can_forge_a_line_or_move_the_cursor(text: str) -> None:
    line = logs.TextFormatter().format(make_record(text, fields={"path": text}))
    assert line.isprintable()


def test_lines_of_a_traceback_are_indented_for_people() -> None:
    text = logs.TextFormatter().format(make_record("failed", ValueError("a\nERROR forged")))
    first, *others = text.split("\n")
    assert first == "ERROR  failed"
    assert all(line.startswith("    ") for line in others)


def test_values_for_people_are_quoted_where_they_could_be_two() -> None:
    line = logs.TextFormatter().format(make_record("", fields={"agent": "a b=c", "code": 200}))
    assert line == 'ERROR  agent="a b=c" code=200'


def test_endless_messages_are_cut() -> None:
    line = read_line(make_record("x" * 100_000))
    assert len(line["Fields"]["msg"]) == logs.MAX_TEXT


def test_the_request_that_is_answered_stands_in_every_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.set_up("warning", "auto")
    request = ApiRequest("GET", "/")
    token = logs.CURRENT.set(request)
    logging.getLogger("kinto_lite").warning("one")
    logging.getLogger("some.library").warning("two")
    logs.CURRENT.reset(token)
    logging.getLogger("kinto_lite").warning("three")
    fields = [json.loads(line)["Fields"] for line in capsys.readouterr().err.splitlines()]
    assert [one.get("rid") for one in fields] == [request.request_id, request.request_id, None]
    assert len(request.request_id) == 32


def test_a_failure_of_a_request_is_one_line_with_its_id(
    make_client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up("info", "json")
    http = make_client()
    http.app.service.finishers.append(lambda call: 1 / 0)
    http.get("/v1/buckets", headers={"Authorization": "Basic dTpw"}, status=500)
    failure, summary = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert "ZeroDivisionError" in failure["Fields"]["traceback"]
    assert failure["Fields"]["rid"] == summary["Fields"]["rid"] != ""
    assert (summary["Type"], summary["Fields"]["errno"]) == ("request.summary", 999)


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.set_up("warning", "auto")
    logging.getLogger("kinto_lite").warning("careful")
    assert stream.getvalue() == "\x1b[33mWARNING\x1b[0m  careful\n"


def test_text_that_is_asked_for_has_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("warning", "color")
    logging.getLogger("kinto_lite").warning("careful")
    assert capsys.readouterr().err == "WARNING  careful\n"


@pytest.mark.parametrize("level", ["info", "INFO", "debug", "warn", "critical"])
def test_levels_are_read_in_any_case(level: str) -> None:
    logs.set_up(level, "json")
    is_wanted = level.lower() in ("info", "debug")
    assert logging.getLogger(logs.REQUESTS).isEnabledFor(logging.INFO) is is_wanted


def test_setting_up_twice_writes_lines_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("warning", "text")
    logs.set_up("warning", "text")
    logging.getLogger("kinto_lite").warning("once")
    assert capsys.readouterr().err.count("once") == 1


@pytest.mark.parametrize(("level", "form"), [("loud", "auto"), ("info", "xml")])
def test_other_words_are_refused(level: str, form: str) -> None:
    with pytest.raises(ConfigurationError, match=r"log_(level|format)' must be"):
        logs.set_up(level, form)
