"""Where a command finds its settings, and what wins."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kinto_lite.commands.configuration import read_given
from kinto_lite.commands.table import build_parser
from kinto_lite.errors import ConfigurationError
from kinto_lite.settings import read_settings

Reader = Callable[..., int | None]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """A function from the words of a command line to the page size that they lead to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KINTO_INI", raising=False)

    def read_page_size(*words: str) -> int | None:
        given = read_given(parse("migrate", *words))
        size: int | None = read_settings(given, os.environ)["paginate_by"]
        return size

    return read_page_size


def parse(*words: str) -> argparse.Namespace:
    """What the words of a command line mean."""
    return build_parser(words).parse_args(words)


def write_ini(path: str, page_size: int) -> None:
    """Make a file that sets the page size."""
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(f"[app:main]\nkinto.paginate_by = {page_size}\n")


def test_without_a_file_there_are_defaults(read: Reader) -> None:
    assert read() is None


def test_the_usual_file_counts_when_it_is_there(read: Reader) -> None:
    write_ini("config/kinto.ini", 1)
    assert read() == 1


def test_the_environment_names_another_file(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    write_ini("config/kinto.ini", 1)
    write_ini("other.ini", 2)
    monkeypatch.setenv("KINTO_INI", "other.ini")
    assert read() == 2


def test_the_option_names_the_file_that_wins(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    write_ini("config/kinto.ini", 1)
    write_ini("mine.ini", 3)
    monkeypatch.setenv("KINTO_INI", "none.ini")
    assert read("--ini", "mine.ini") == 3


def test_a_file_that_the_environment_names_must_be_there(
    read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINTO_INI", "none.ini")
    with pytest.raises(ConfigurationError, match=r"none\.ini cannot be read"):
        read()


def test_a_variable_wins_over_the_file(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    write_ini("config/kinto.ini", 1)
    monkeypatch.setenv("KINTO_PAGINATE_BY", "4")
    assert read() == 4


@pytest.mark.parametrize("name", ["paginate_by", "kinto.paginate_by"])
def test_a_setting_among_the_options_wins_over_all(
    read: Reader, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_ini("config/kinto.ini", 1)
    monkeypatch.setenv("KINTO_PAGINATE_BY", "4")
    monkeypatch.setenv("PAGINATE_BY", "5")
    assert read("--set", f"{name} = 6") == 6


def test_the_last_of_several_counts(read: Reader) -> None:
    assert read("--set", "paginate_by=6", "--set", "paginate_by=7") == 7
