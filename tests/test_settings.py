"""How settings are read: prefix, types, environment, unknown names, and what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kinto_lite.errors import ConfigurationError
from kinto_lite.settings import read_settings
from kinto_lite.settings_table import TABLE, Setting, ValueType, expand_braces


def collect_warnings(given: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    read_settings(given, warn=lines.append)
    return lines


def test_setting_that_nobody_gave_has_its_default() -> None:
    settings = read_settings({})
    assert settings["batch_max_requests"] == 25
    assert settings["bucket_create_principals"] == ("system.Authenticated",)
    assert not settings.is_given("batch_max_requests")


def test_prefix_makes_no_difference() -> None:
    assert read_settings({"kinto.paginate_by": "5"})["paginate_by"] == 5
    assert read_settings({"kinto.multiauth.policies": "account"})["multiauth.policies"] == (
        "account",
    )


def test_same_value_with_and_without_prefix_is_accepted() -> None:
    assert read_settings({"kinto.paginate_by": "5", "paginate_by": "5"})["paginate_by"] == 5


def test_two_values_with_and_without_prefix_stop_the_start() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({"paginate_by": "5", "kinto.paginate_by": "6"})
    assert str(refusal.value) == "Settings 'kinto.paginate_by', 'paginate_by' are in conflict."


@pytest.mark.parametrize("text", ["true", "True", "YES", "on", "y", "t", "1", True])
def test_words_of_consent_are_true(text: Any) -> None:
    assert read_settings({"readonly": text})["readonly"] is True


@pytest.mark.parametrize("text", ["false", "False", "No", "off", "n", "f", "0", "", "null", False])
def test_words_of_refusal_are_false(text: Any) -> None:
    assert read_settings({"explicit_permissions": text})["explicit_permissions"] is False


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("paginate_by", "many", "Setting 'paginate_by' must be a whole number, not 'many'."),
        ("paginate_by", "1.5", "Setting 'paginate_by' must be a whole number, not '1.5'."),
        ("backoff_percentage", "nan", "Setting 'backoff_percentage' must be a number, not 'nan'."),
        ("readonly", "maybe", "Setting 'readonly' must be true or false, not 'maybe'."),
        ("eos", "soon", "Setting 'eos' must be a date such as 2030-01-31, not 'soon'."),
        (
            "max_body_bytes",
            "0",
            "Setting 'max_body_bytes' must be a whole number of at least 1, not '0'.",
        ),
        ("includes", 5, "Setting 'includes' must be a list of words, not '5'."),
    ],
)
def test_unreadable_value_stops_the_start_with_a_clear_line(
    name: str, text: Any, line: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({name: text})
    assert str(refusal.value) == line


def test_number_of_a_million_digits_is_refused_shortly() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({"paginate_by": "9" * 1_000_000})
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("text", ["7", " 7 ", '"7"', "7.0", 7])
def test_whole_number_is_read_from_text_json_and_python(text: Any) -> None:
    assert read_settings({"paginate_by": text})["paginate_by"] == 7


def test_empty_number_is_the_default() -> None:
    assert read_settings({"retry_after_seconds": ""})["retry_after_seconds"] == 3


def test_empty_number_can_mean_no_limit() -> None:
    settings = read_settings({"batch_max_requests": "null", "cors_max_age_seconds": ""})
    assert settings["batch_max_requests"] is None
    assert settings["cors_max_age_seconds"] is None


def test_secret_of_digits_stays_text() -> None:
    assert read_settings({"userid_hmac_secret": "00123456"})["userid_hmac_secret"] == "00123456"


def test_quoted_text_loses_its_quotes() -> None:
    assert read_settings({"project_name": '"my kinto"'})["project_name"] == "my kinto"


@pytest.mark.parametrize(
    "written", ["a b", "a\n  b\n", '["a", "b"]', '"a b"', ["a", "b"], ("a", "b")]
)
def test_list_is_words_or_members(written: Any) -> None:
    assert read_settings({"cors_origins": written})["cors_origins"] == ("a", "b")


def test_commas_do_not_part_a_list() -> None:
    assert read_settings({"cors_origins": "a,b"})["cors_origins"] == ("a,b",)


def test_environment_wins_over_what_was_given() -> None:
    settings = read_settings({"paginate_by": "5"}, {"KINTO_PAGINATE_BY": "6"})
    assert settings["paginate_by"] == 6


def test_prefixed_variable_wins_over_the_plain_one() -> None:
    settings = read_settings({}, {"PAGINATE_BY": "5", "KINTO_PAGINATE_BY": "6"})
    assert settings["paginate_by"] == 6
    assert read_settings({}, {"PAGINATE_BY": "5"})["paginate_by"] == 5


def test_environment_sets_what_no_file_mentions() -> None:
    environ = {
        "KINTO_ACCOUNT_CREATE_PRINCIPALS": "system.Everyone",
        "KINTO_HISTORY_AUTO_TRIM_MAX_COUNT": "9",
        "KINTO_USER_DATA_DELETE_PRINCIPALS": "account:admin",
    }
    settings = read_settings({}, environ)
    assert settings.principals("account", "create") == {"system.Everyone"}
    assert settings["history.auto_trim_max_count"] == 9
    assert settings.principals("user-data", "delete") == {"account:admin"}


def test_environment_reaches_the_options_of_listed_policies() -> None:
    environ = {"KINTO_MULTIAUTH_POLICIES": "corp", "KINTO_MULTIAUTH_POLICY_CORP_REALM": "Corp"}
    assert read_settings({}, environ).policy_option("corp", "realm") == "Corp"


def test_environment_reaches_names_of_the_file() -> None:
    given = {"b1.record_cache_expires_seconds": "5"}
    settings = read_settings(given, {"KINTO_B1_RECORD_CACHE_EXPIRES_SECONDS": "6"})
    assert settings.record_cache_expires_seconds("b1", "c") == 6


def test_unknown_name_warns_with_the_nearest_known_one() -> None:
    assert collect_warnings({"kinto.paginate_bi": "5"}) == [
        "Unknown setting 'paginate_bi'. Did you mean 'paginate_by'?"
    ]


def test_names_are_case_sensitive_but_the_hint_is_not() -> None:
    assert collect_warnings({"kinto.Batch_Max_Requests": "5"}) == [
        "Unknown setting 'Batch_Max_Requests'. Did you mean 'batch_max_requests'?"
    ]


def test_unknown_name_like_no_other_warns_alone() -> None:
    assert collect_warnings({"xyzzy": "5"}) == ["Unknown setting 'xyzzy'."]


def test_settings_without_effect_share_one_warning() -> None:
    given = {"kinto.sentry_dsn": "https://h", "cache_url": "redis://h"}
    assert collect_warnings(given) == [
        "Settings of Kinto that have no effect in kinto-lite: 'cache_url', 'sentry_dsn'."
    ]


def test_setting_without_effect_at_its_default_does_not_warn() -> None:
    assert collect_warnings({"cache_backend": "kinto.core.cache.memory", "cache_url": ""}) == []


def test_what_an_ini_file_holds_beside_settings_does_not_warn() -> None:
    assert collect_warnings({"use": "egg:kinto", "here": "/etc", "__file__": "kinto.ini"}) == []


def test_principals_of_other_kinds_are_nobody() -> None:
    assert read_settings({}).principals("attachment", "write") == frozenset()


def test_method_of_an_endpoint_can_be_turned_off() -> None:
    settings = read_settings({"plural_bucket_post_enabled": "false"})
    assert not settings.is_enabled("plural", "bucket", "POST")
    assert settings.is_enabled("plural", "bucket", "get")
    assert settings.is_enabled("object", "attachment", "delete")


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("b.c.record_cache_expires_seconds", 1),
        ("b.record_cache_expires_seconds", 2),
        ("record_cache_expires_seconds", 3),
        ("b_c_record_cache_expires_seconds", 4),
        ("b_record_cache_expires_seconds", 5),
    ],
)
def test_nearest_spelling_decides_how_long_records_are_kept(name: str, seconds: int) -> None:
    given = {
        "b.c.record_cache_expires_seconds": "1",
        "b.record_cache_expires_seconds": "2",
        "record_cache_expires_seconds": "3",
        "b_c_record_cache_expires_seconds": "4",
        "b_record_cache_expires_seconds": "5",
    }
    left = dict(list(given.items())[list(given).index(name) :])
    assert read_settings(left).record_cache_expires_seconds("b", "c") == seconds


def test_records_of_other_buckets_are_not_kept() -> None:
    settings = read_settings({"b.c.record_cache_expires_seconds": "1"})
    assert settings.record_cache_expires_seconds("b", "d") is None


def test_zero_counts_for_records_and_not_for_buckets() -> None:
    given = {"record_cache_expires_seconds": "-1", "bucket_cache_expires_seconds": "0"}
    settings = read_settings(given)
    assert settings.record_cache_expires_seconds("b", "c") == 0
    assert settings.cache_expires_seconds("bucket") is None


def test_policy_options_have_defaults() -> None:
    settings = read_settings({"multiauth.policy.account.use": "kinto.plugins.accounts.X"})
    assert settings.policy_option("account", "use") == "kinto.plugins.accounts.X"
    assert settings.policy_option("account", "realm") == "Realm"
    assert settings.policy_option("account", "issuer") is None


def test_listener_options_come_by_their_last_name() -> None:
    settings = read_settings(
        {"event_listeners.queue.use": "my.module", "event_listeners.queue.actions": "create"}
    )
    assert settings.listener_options("queue") == {
        "use": "my.module",
        "actions": ("create",),
        "resources": (),
    }


def test_end_of_service_is_a_moment_in_utc() -> None:
    settings = read_settings({"eos": "2099-01-22"})
    assert settings["eos"] == "2099-01-22"
    assert settings.end_of_service() == datetime(2099, 1, 22, tzinfo=UTC)


def test_plugin_adds_rows_of_its_own() -> None:
    row = Setting("attachment.base_path", ValueType.TEXT, "files", "Where files go.")
    settings = read_settings({}, {"KINTO_ATTACHMENT_BASE_PATH": "/srv"}, table=(*TABLE, row))
    assert settings["attachment.base_path"] == "/srv"


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(read_settings({"userid_hmac_secret": "hush"}))


def test_braces_stand_for_each_of_their_words() -> None:
    assert expand_braces("{a,b}_{x,y}") == ("a_x", "a_y", "b_x", "b_y")


def test_no_name_stands_in_two_rows() -> None:
    names = [name for row in TABLE for name in row.names]
    assert sorted(names) == sorted(set(names))


def test_every_default_is_readable_as_its_type() -> None:
    given = {name: row.default for row in TABLE for name in row.names if "*" not in name}
    settings = read_settings(given, warn=lambda line: None)
    assert settings.values == read_settings({}).values
