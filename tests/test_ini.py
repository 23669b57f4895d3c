"""Reading a kinto.ini."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kinto_lite.errors import ConfigurationError
from kinto_lite.ini import Ini, read_ini

#: Shaped like what `kinto init` writes.
TYPICAL = """
# Created at Sat, 21 Nov 2026
[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = %(http_port)s

[app:main]
use = egg:kinto
kinto.includes = kinto.plugins.default_bucket
    kinto.plugins.admin
    # kinto.plugins.history
    kinto.plugins.accounts
kinto.storage_url =
multiauth.policies = account

[loggers]
keys = root, kinto

[formatter_color]
format = %(asctime)s %(message)s
"""

Reader = Callable[[str], Ini]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """A function from the text of a file to what it says."""

    def read_text(text: str) -> Ini:
        path = tmp_path / "kinto.ini"
        path.write_text(text, encoding="utf-8")
        return read_ini(path, 8888)

    return read_text


def test_the_settings_are_those_of_the_app_section(read: Reader) -> None:
    assert set(read(TYPICAL).settings) == {
        "use",
        "kinto.includes",
        "kinto.storage_url",
        "multiauth.policies",
    }


def test_a_list_goes_on_over_lines_and_leaves_comments_out(read: Reader) -> None:
    words = read(TYPICAL).settings["kinto.includes"].split()
    assert words == [
        "kinto.plugins.default_bucket",
        "kinto.plugins.admin",
        "kinto.plugins.accounts",
    ]


def test_host_and_port_are_those_of_the_server_section(read: Reader) -> None:
    ini = read(TYPICAL)
    assert (ini.host, ini.port) == ("127.0.0.1", 8888)


def test_a_file_without_a_server_section_says_neither_host_nor_port(read: Reader) -> None:
    ini = read("[app:main]\nx = 1\n")
    assert (ini.host, ini.port) == (None, None)


def test_here_is_the_folder_of_the_file(read: Reader, tmp_path: Path) -> None:
    ini = read("[app:main]\nstorage_url = sqlite:///%(here)s/x.db\n")
    assert ini.settings["storage_url"] == f"sqlite:///{tmp_path}/x.db"


def test_a_reference_may_name_a_default(read: Reader) -> None:
    ini = read("[DEFAULT]\nname = blog\n[app:main]\nproject_name = my %(name)s\n")
    assert ini.settings == {"project_name": "my blog"}


def test_a_percent_sign_in_a_password_stands_for_itself(read: Reader) -> None:
    ini = read("[app:main]\nstorage_url = postgresql://u:p%40s%%@db/kinto\n")
    assert ini.settings["storage_url"] == "postgresql://u:p%40s%@db/kinto"


def test_names_keep_their_case(read: Reader) -> None:
    ini = read("[app:main]\nkinto.Batch_Max_Requests = 1\n")
    assert ini.settings == {"kinto.Batch_Max_Requests": "1"}


def test_the_byte_order_mark_of_some_editors_is_no_harm(read: Reader) -> None:
    assert read("\ufeff[app:main]\nx = 1\n").settings == {"x": "1"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[server:main]\nport = 1\n", "no section [app:main]"),
        ("[app:main]\nx = %(nowhere)s\n", "'%(nowhere)s' does not stand for anything"),
        ("[app:main]\nx = %(x)s\n", "'%(x)s' does not stand for anything"),
        ("just words", "is not a valid ini file"),
        ("[app:main]\nuse = config:other.ini\n", "is not supported"),
        ("[app:main]\n[server:main]\nport = 70000\n", "'70000' is not a port"),
        ("[app:main]\n[server:main]\nport = ²\n", "'²' is not a port"),
    ],
)
def test_what_cannot_be_understood_is_said_in_one_line(
    read: Reader, text: str, complaint: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.ini cannot be read: No such file"):
        read_ini(tmp_path / "none.ini", 8888)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "kinto.ini"
    path.write_bytes(b"[app:main]\nx = \xff\n")
    with pytest.raises(ConfigurationError, match="it is not UTF-8 text"):
        read_ini(path, 8888)
