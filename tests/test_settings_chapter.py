"""The tables of the protocol about settings, row by row (plugins chapters 11.2, 11.3 and 11.4)."""

from __future__ import annotations

from typing import Any

import pytest

from kinto_lite.settings import Settings, read_settings

NOTHING: dict[str, str] = {}


def read_one(name: str, given: dict[str, Any], environ: dict[str, str] = NOTHING) -> Any:
    """The value of a setting."""
    lines: list[str] = []
    value: Any = read_settings(given, environ, warn=lines.append)[name]
    assert lines == []
    return value


# --- 11.3: each text is first tried as JSON ---------------------------------------------------

VALUES = [
    ("readonly", "true", True),
    ("readonly", "false", False),
    ("readonly", "null", False),
    ("readonly", "True", True),
    ("readonly", "False", False),
    ("readonly", "yes", True),
    ("readonly", "None", False),
    ("readonly", "", False),
    ("paginate_by", "5", 5),
    ("paginate_by", "null", None),
    ("paginate_by", "None", None),
    ("backoff_percentage", "1.5", 1.5),
    ("project_name", '"quoted"', "quoted"),
    ("project_name", "True", "True"),
    ("project_name", "5", "5"),
    ("project_name", '"half', '"half'),
    ("project_name", "", ""),
    ("includes", '["a", "b"]', ("a", "b")),
    ("includes", "a\n  b", ("a", "b")),
    ("includes", "a,b", ("a,b",)),
    ("includes", "", ()),
    ("cors_origins", "null", ()),
]


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
@pytest.mark.parametrize("prefix", ["", "kinto."])
def test_a_text_of_a_file_becomes_a_value(prefix: str, name: str, text: str, value: Any) -> None:
    found = read_one(name, {prefix + name: text})
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
def test_a_text_of_the_environment_becomes_the_same(name: str, text: str, value: Any) -> None:
    found = read_one(name, {}, {f"KINTO_{name.upper()}": text})
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["123456", "1e5", "true", "null ", "[1]", '{"a": 1}'])
@pytest.mark.parametrize(
    "name",
    [
        "userid_hmac_secret",
        "default_bucket_hmac_secret",
        "multiauth.policy.google.client_secret",
    ],
)
def test_a_secret_is_text_whatever_it_looks_like(name: str, text: str) -> None:
    assert read_one(name, {name: text}) == text


# --- 11.4: the environment ---------------------------------------------------------------------

#: Setting, and the variables that set it, weakest first.
VARIABLES = [
    ("paginate_by", ["PAGINATE_BY", "KINTO_PAGINATE_BY"]),
    (
        "history.auto_trim_max_count",
        ["HISTORY_AUTO_TRIM_MAX_COUNT", "KINTO_HISTORY_AUTO_TRIM_MAX_COUNT"],
    ),
]
POLICIES = ["MULTIAUTH_POLICIES", "KINTO_MULTIAUTH_POLICIES"]


@pytest.mark.parametrize(("name", "variables"), VARIABLES)
@pytest.mark.parametrize("is_in_file", [False, True])
def test_the_strongest_variable_wins(name: str, variables: list[str], is_in_file: bool) -> None:
    file = {f"kinto.{name}": "3"} if is_in_file else {}
    weak, strong = variables
    assert read_one(name, file, {weak: "4"}) == 4
    assert read_one(name, file, {weak: "4", strong: "5"}) == 5


def test_names_without_the_prefix_have_variables_of_both_kinds() -> None:
    weak, strong = POLICIES
    file = {"multiauth.policies": "basicauth"}
    assert read_one("multiauth.policies", file, {weak: "a b"}) == ("a", "b")
    assert read_one("multiauth.policies", file, {weak: "a b", strong: "c"}) == ("c",)


@pytest.mark.parametrize("name", ["READONLY", "KINTO_READONLY"])
def test_the_plain_form_is_real(name: str) -> None:
    assert read_one("readonly", {}, {name: "true"}) is True


@pytest.mark.parametrize(
    ("variable", "name", "value"),
    [
        ("KINTO_ACCOUNT_CREATE_PRINCIPALS", "account_create_principals", ("x",)),
        ("KINTO_USER_DATA_DELETE_PRINCIPALS", "user-data_delete_principals", ("x",)),
        ("KINTO_INCLUDES", "includes", ("x",)),
        ("KINTO_RECORD_CACHE_EXPIRES_SECONDS", "record_cache_expires_seconds", 3),
    ],
)
def test_settings_that_no_file_mentions_can_be_set(variable: str, name: str, value: Any) -> None:
    text = value[0] if isinstance(value, tuple) else str(value)
    assert read_one(name, {}, {variable: text}) == value


def test_listeners_are_always_looked_up() -> None:
    environ = {
        "KINTO_EVENT_LISTENERS": "queue",
        "KINTO_EVENT_LISTENERS_QUEUE_USE": "my.module",
        "KINTO_EVENT_LISTENERS_QUEUE_ACTIONS": "create delete",
    }
    settings: Settings = read_settings({}, environ)
    options = settings.listener_options("queue")
    assert (options["use"], options["actions"]) == ("my.module", ("create", "delete"))


# --- 11.2: the prefix --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["paginate_by", "tm.annotate_user", "multiauth.policies"])
def test_the_same_value_twice_is_no_conflict(name: str) -> None:
    given = {name: "5", f"kinto.{name}": "5"}
    assert read_settings(given, warn=lambda _line: None).is_given(name)
