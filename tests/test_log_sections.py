"""What the logging sections of Kinto's ini files ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinto_lite.defaults import collect_settings
from kinto_lite.ini import read_ini
from kinto_lite.log_sections import LogSections

#: As `kinto init` lays them out.
TYPICAL = """
[app:main]
use = egg:kinto
[loggers]
keys = root, kinto
[handlers]
keys = console
[formatters]
keys = color, json
[logger_root]
level = INFO
handlers = console
[logger_kinto]
level = DEBUG
handlers = console
qualname = kinto
propagate = 0
[handler_console]
class = kinto.core.StreamHandlerWithRequestID
args = (sys.stderr,)
level = NOTSET
formatter = color
[formatter_color]
class = logging_color_formatter.ColorFormatter
[formatter_json]
class = kinto.core.JsonLogFormatter
"""


def read(folder: Path, text: str) -> LogSections:
    path = folder / "kinto.ini"
    path.write_text(text)
    return read_ini(path, 8888).logs


def test_the_sections_of_kinto_init_ask_for_requests_in_colour(tmp_path: Path) -> None:
    assert read(tmp_path, TYPICAL) == LogSections("info", "color", ())


def test_the_class_for_machines_asks_for_json(tmp_path: Path) -> None:
    text = TYPICAL.replace("formatter = color", "formatter = json")
    assert read(tmp_path, text).form == "json"


def test_a_file_without_them_asks_for_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "[app:main]\n") == LogSections()


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("level = INFO", "level = LOUD", "level 'LOUD'"),
        ("StreamHandlerWithRequestID", "FileHandler", "not to 'kinto.core.FileHandler'"),
        ("handlers = console", "handlers = nowhere", "handler_nowhere"),
        ("formatter = color", "formatter = none", "formatter_none"),
        ("logging_color_formatter.ColorFormatter", "mine.Special", "format 'Special'"),
    ],
)
def test_what_cannot_be_understood_is_a_warning(
    tmp_path: Path, old: str, new: str, warning: str
) -> None:
    (line,) = read(tmp_path, TYPICAL.replace(old, new)).warnings
    assert warning in line


def test_formats_with_references_of_their_own_do_not_stop_the_start(tmp_path: Path) -> None:
    text = TYPICAL.replace("class = logging_color", "format = %(asctime)s %(nope)s\nclass = x")
    assert read(tmp_path, text).level == "info"


def test_settings_win_over_the_sections(tmp_path: Path) -> None:
    path = tmp_path / "kinto.ini"
    path.write_text(TYPICAL.replace("use = egg:kinto", "kinto.log_level = error"))
    settings = collect_settings(read_ini(path, 8888), None, is_loopback=True)
    assert settings["kinto.log_level"] == "error"
    assert "log_level" not in settings
    assert settings["log_format"] == "color"
