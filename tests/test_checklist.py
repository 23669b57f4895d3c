"""The conformance checklist of the protocol (plugins chapters 18 and 19), and the tests that hold
each of its rows. What is held by recorded exchanges only is named `transcripts::<file>`."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent

ACCOUNTS = "plugins/test_accounts.py::"
SIGN_IN = "plugins/test_accounts_sign_in.py::"
DEFAULT = "plugins/test_default_bucket.py::"
HISTORY = "plugins/test_history.py::"
READERS = "plugins/test_history_readers.py::"
SMALL = "resources/test_small_endpoints.py::"
SETTINGS = "test_settings.py::"
CHAPTER_11 = "test_settings_chapter.py::"
CHAPTER_12 = "commands/test_chapter_12.py::"
INIT = "commands/test_init.py::"
LOGIN = "plugins/test_openid_login.py::"
TOKENS = "plugins/test_openid_tokens.py::"
GENERATORS = "extensions/test_generators.py::"
EVENTS = "extensions/test_events.py::"

#: Chapter 19: (area, check) and the tests.
CHECKS: dict[tuple[str, str], tuple[str, ...]] = {
    ("ids", "the vectors of 2.2 and 3.1, including the empty secret"): (
        "pipeline/test_credentials.py::test_the_id_of_a_user",
        DEFAULT + "test_the_id_of_the_bucket",
    ),
    ("default bucket", "every row of 3.2 for a fresh user"): (
        DEFAULT + "test_a_first_request_of_a_new_user",
        DEFAULT + "test_lists_of_a_new_user_are_empty",
        "transcripts::default-bucket",
    ),
    ("default bucket", "a batch with two collections creates each once"): (
        DEFAULT + "test_items_of_a_batch_use_the_alias",
        DEFAULT + "test_listeners_hear_of_what_is_implied_once",
    ),
    ("default bucket", "other user 403 by real id"): (
        DEFAULT + "test_what_is_implied_belongs_to_its_user",
    ),
    ("default bucket", "405 in read-only mode"): (
        DEFAULT + "test_a_read_only_server_has_no_personal_buckets",
    ),
    ("default bucket", "restricted principals still allow implicit creation"): (
        DEFAULT + "test_implied_buckets_need_no_right_to_create",
    ),
    ("accounts", "rows of 4.3"): ("transcripts::accounts", "transcripts::accounts-closed"),
    ("accounts", "second login does not hash"): (
        SIGN_IN + "test_a_right_password_is_checked_once",
    ),
    ("accounts", "password change and deletion effective at once"): (
        ACCOUNTS + "test_a_changed_password_counts_at_once",
        ACCOUNTS + "test_a_deleted_account_cannot_sign_in",
        SIGN_IN + "test_a_change_by_another_process_counts_at_once",
    ),
    ("accounts", "start-up refusals of 4.2"): (
        SIGN_IN + "test_settings_that_make_no_sense_stop_the_start",
    ),
    ("history", "one entry per operation of 5.3"): (
        HISTORY + "test_each_step_of_an_object_leaves_one_entry",
        HISTORY + "test_plural_deletion_leaves_one_for_each_object_in_order",
    ),
    ("history", "visibility and purge rights"): (
        READERS + "test_readers_see_the_entries_about_what_they_may_read",
        READERS + "test_strangers_are_refused",
        READERS + "test_readers_may_not_purge",
        READERS + "test_writers_of_the_bucket_may_purge",
    ),
    ("history", "HEAD without totals"): (
        HISTORY + "test_head_has_the_headers_of_get_and_no_totals",
    ),
    ("history", "trimming"): (
        "plugins/test_history_trimming.py::test_entries_grow_beyond_the_limit_and_are_cut_back",
    ),
    ("snapshot", "at each timestamp of a sequence; error rows of 5.7"): (
        "plugins/test_snapshots.py::test_each_step_of_a_record_is_found_again",
        "plugins/test_snapshots.py::test_malformed_timestamp_answers_400",
        "plugins/test_snapshots.py::test_missing_timestamp_or_collection_answers_404",
    ),
    ("OpenID", "rows of 6.3 against a fake provider"): (
        LOGIN + "test_login_leads_to_the_provider",
        LOGIN + "test_prompt_and_audience_come_last",
        LOGIN + "test_all_that_is_missing_is_said_at_once",
        LOGIN + "test_login_refuses",
        LOGIN + "test_a_provider_of_email_ids_needs_the_email_scope",
        LOGIN + "test_other_methods_are_405",
        LOGIN + "test_pattern_accepts",
        LOGIN + "test_pattern_refuses",
    ),
    ("OpenID", "rows of 6.4 against a fake provider"): (
        LOGIN + "test_a_code_is_traded_for_tokens",
        LOGIN + "test_what_the_provider_answers_is_handed_on_whatever_it_is",
        LOGIN + "test_an_unknown_state_is_refused",
        LOGIN + "test_a_state_expires",
        LOGIN + "test_an_error_is_handed_on_and_uses_the_state_up",
        LOGIN + "test_token_takes_either_a_code_or_an_error",
        LOGIN + "test_token_needs_a_state",
        LOGIN + "test_token_needs_a_provider",
    ),
    ("OpenID", "sliding verification"): (
        TOKENS + "test_verification_slides_with_use",
        TOKENS + "test_a_verified_token_is_remembered",
    ),
    ("OpenID", "state single use"): (LOGIN + "test_a_state_can_be_used_once",),
    ("small endpoints", "exact bodies of 7.1 and 7.2"): (
        "transcripts::flush-and-counters",
        "plugins/test_flush.py::test_anyone_may_flush_with_any_body",
    ),
    ("small endpoints", "7.3"): (
        "transcripts::user-data-deletion",
        "resources/test_user_data.py::test_who_may_is_told_whose_data_are_gone",
    ),
    ("small endpoints", "exact bodies of 7.4"): (
        SMALL + "test_the_version_file_is_shown",
        SMALL + "test_how_to_contribute",
        SMALL + "test_a_healthy_server_says_so",
        "transcripts::hello-heartbeats",
    ),
    ("small endpoints", "OpenAPI ids of 7.5"): (
        "resources/test_api_description.py::test_operations_have_the_ids_that_clients_know",
    ),
    ("settings", "environment table of 11.4"): (
        CHAPTER_11 + "test_the_strongest_variable_wins",
        CHAPTER_11 + "test_names_without_the_prefix_have_variables_of_both_kinds",
        CHAPTER_11 + "test_the_plain_form_is_real",
        SMALL + "test_hello_tells_the_configuration_file",
    ),
    ("settings", "JSON conversion of 11.3"): (
        CHAPTER_11 + "test_a_text_of_a_file_becomes_a_value",
        CHAPTER_11 + "test_a_text_of_the_environment_becomes_the_same",
    ),
    ("settings", "conflict failure"): (
        SETTINGS + "test_two_values_with_and_without_prefix_stop_the_start",
        CHAPTER_11 + "test_the_same_value_twice_is_no_conflict",
    ),
    ("command line", "usage errors and help"): (
        "commands/test_table.py::test_what_is_not_understood_is_a_usage_error",
        "commands/test_table.py::test_each_command_has_help_with_an_example",
    ),
    ("command line", "common options"): (
        "commands/test_configuration.py::test_the_option_names_the_file_that_wins",
        CHAPTER_12 + "test_quiet_says_nothing",
        CHAPTER_12 + "test_ini_files_that_cannot_be_read_are_named",
    ),
    ("command line", "version"): ("commands/test_table.py::test_the_version_needs_no_file",),
    ("command line", "init"): (
        INIT + "test_the_file_holds_what_kinto_s_own_does",
        INIT + "test_a_file_that_is_there_is_left_alone",
    ),
    ("command line", "start"): (
        "test_cli.py::test_the_start_prints_url_database_and_plugins_and_nothing_else",
        "commands/test_reloading.py::test_a_change_of_the_ini_file_starts_the_server_again",
    ),
    ("command line", "migrate"): (
        CHAPTER_12 + "test_migrate_makes_the_database_and_says_each_step",
        CHAPTER_12 + "test_migrate_again_finds_nothing_to_do",
        CHAPTER_12 + "test_a_dry_run_makes_nothing",
        CHAPTER_12 + "test_a_readonly_server_is_not_migrated",
    ),
    ("command line", "flush-cache"): (CHAPTER_12 + "test_flush_cache_says_that_it_has",),
    ("command line", "purge-deleted"): (
        CHAPTER_12 + "test_purge_deleted_says_what_it_does",
        CHAPTER_12 + "test_purge_deleted_without_a_number_or_a_resource_is_a_usage_error",
    ),
    ("command line", "create-user"): (
        "plugins/test_accounts_live.py::test_create_user_says_why_it_cannot",
        "plugins/test_accounts_live.py::test_the_end_of_input_aborts",
        "plugins/test_accounts_live.py::test_create_user_asks_until_it_understands",
    ),
}

CHECKS |= {
    ("generators", "patterns and lengths of 13"): (
        GENERATORS + "test_new_ids_look_as_chapter_13_says",
        GENERATORS + "test_names_of_kinto_stand_for_what_is_built_in",
        "resources/test_identifiers.py::test_any_other_id_is_malformed",
        "transcripts::ids-validation",
    ),
    ("generators", "custom pattern refused ids"): (
        GENERATORS + "test_records_get_ids_from_the_class_of_the_tutorial",
        GENERATORS + "test_other_ids_are_refused",
        GENERATORS + "test_an_id_in_the_body_is_checked_too",
    ),
    ("events", "payload and grouping of 14 for a seven-item batch"): (
        EVENTS + "test_a_batch_is_merged_by_list_and_action",
        EVENTS + "test_an_event_tells_what_was_made_where_and_by_whom",
    ),
    ("events", "veto rolls back everything"): (
        EVENTS + "test_a_listener_may_undo_a_request",
        EVENTS + "test_a_veto_is_the_answer_to_a_whole_batch_and_undoes_it",
    ),
    ("events", "failing after-commit listener does not change the answer"): (
        EVENTS + "test_who_hears_after_the_commit_changes_nothing",
    ),
    ("clients", "the call list of 17.1, with kinto-http.py"): (
        "clients/test_kinto_http.py::test_creating_a_bucket_twice_is_refused",
        "clients/test_kinto_http.py::test_deleting_a_missing_bucket_is_refused_unless_told",
        "clients/test_kinto_http.py::test_a_batch_larger_than_the_server_takes_is_cut",
        "clients/test_kinto_http.py::test_the_timestamp_of_the_records_moves_with_every_write",
        "clients/test_kinto_http.py::test_records_of_all_pages_come_together",
        "clients/test_kinto_http_history.py::test_the_history_is_read_and_purged",
        "clients/test_kinto_http_openid.py::test_the_client_logs_in_through_a_browser",
    ),
    ("clients", "the sync steps of 17.2, with kinto.js"): (
        "clients/test_kinto_js.py::test_offline_tasks_are_published",
        "clients/test_kinto_js.py::test_the_other_device_fetches_them",
        "clients/test_kinto_js.py::test_the_second_change_is_a_conflict",
        "clients/test_kinto_js.py::test_the_client_wins_when_asked",
        "clients/test_kinto_js.py::test_a_deletion_reaches_the_other_device",
        "clients/test_kinto_js.py::test_more_tasks_than_a_batch_holds_are_published",
    ),
}

#: Chapter 18: defects of the reference that kinto-lite does not have, or has decided to have.
DEFECTS: dict[str, tuple[str, ...]] = {
    "D-1": (ACCOUNTS + "test_a_json_patch_hashes_the_password_too",),
    "D-2": (SIGN_IN + "test_a_password_of_any_length_signs_in_and_its_beginning_does_not",),
    "D-3": (
        ACCOUNTS + "test_answers_hold_a_hash_instead_of_the_password",
        ACCOUNTS + "test_a_412_does_not_show_the_hash_to_strangers",
        ACCOUNTS + "test_lists_cannot_be_asked_about_passwords",
    ),
    "D-4": (ACCOUNTS + "test_a_shared_account_stays_out_of_reach",),
    "D-5": (HISTORY + "test_short_answers_to_a_patch_leave_whole_entries",),
    "D-6": (READERS + "test_without_explicit_permissions_every_object_of_a_batch_is_recorded",),
    "D-7": (DEFAULT + "test_a_first_request_of_a_new_user",),
    "D-8": (DEFAULT + "test_the_word_is_replaced_nowhere_else",),
    "D-9": (DEFAULT + "test_a_page_may_read_why_it_is_refused",),
    "D-10": (
        TOKENS + "test_a_token_for_this_server_signs_in",
        TOKENS + "test_a_token_that_is_not_good_is_anonymous_and_not_shown_to_anybody",
    ),
    "D-11": ("plugins/test_openid_start.py::test_the_capability_describes_the_providers",),
    "D-12": (
        "plugins/test_openid_tokens.py::test_a_provider_that_is_down_means_503_until_it_is_back",
    ),
    "D-13": (
        "plugins/test_snapshots.py::test_record_that_came_back_later_is_shown_as_its_tombstone",
    ),
    "D-14": (HISTORY + "test_entries_are_found_by_their_attributes",),
    "D-15": (
        "resources/test_user_data.py::test_who_may_is_told_whose_data_are_gone",
        "resources/test_user_data.py::test_she_has_no_rights_left_not_even_by_groups",
        HISTORY + "test_deletion_of_user_data_leaves_one_for_each_object",
    ),
    "D-16": (SMALL + "test_without_a_readable_version_file_it_is_404",),
    "D-17": (
        CHAPTER_11 + "test_a_secret_is_text_whatever_it_looks_like",
        "pipeline/test_credentials.py::test_a_secret_of_digits_is_a_text",
    ),
    "D-18": ("pipeline/test_signals.py::test_hello_shows_a_real_boolean",),
    "D-19": ("resources/test_identifiers.py::test_any_other_id_is_malformed",),
    "D-20": (
        "commands/test_purge_deleted.py::test_live_objects_that_share_an_id_with_a_tombstone_stay",
        "storage/test_old_tombstones.py::"
        "test_live_objects_stay_also_those_with_the_id_of_a_purged_tombstone",
    ),
    "D-21": (
        INIT + "test_an_unknown_backend_is_refused_in_one_line",
        INIT + "test_backends_that_kinto_knows_are_understood",
    ),
    "D-22": ("plugins/test_accounts_live.py::test_create_user_asks_until_it_understands",),
    "D-26": (HISTORY + "test_entries_of_a_batch_are_grouped_by_list_and_action",),
    "D-27": (CHAPTER_11 + "test_settings_that_no_file_mentions_can_be_set",),
    "D-28": ("plugins/test_statsd.py::test_the_url_alone_sends_nothing",),
    "D-29": (ACCOUNTS + "test_an_administrator_who_may_not_read_lists_what_was_shared",),
    "D-30": (SIGN_IN + "test_an_unknown_name_costs_a_check_like_a_known_one",),
    "D-31": ("pipeline/test_batch.py::test_deleting_a_collection_in_a_batch_is_final",),
}

#: The areas of chapter 19.
AREAS = (
    *("ids", "default bucket", "accounts", "history", "snapshot", "OpenID", "small endpoints"),
    *("settings", "command line", "generators", "events", "clients"),
)

#: Those of what is not built, with the words of the page that says so (README).
NOT_BUILT = dict.fromkeys(("D-23", "D-24", "D-25"), "Attachments")


@cache
def list_tests(file: str) -> set[str]:
    """The names of the tests of a file."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def is_there(place: str) -> bool:
    """Tell whether a test, or a transcript, exists."""
    file, _, name = place.partition("::")
    if file == "transcripts":
        return (ROOT / "conformance" / "transcripts" / f"{name}.json").exists()
    return name in list_tests(file)


@pytest.mark.parametrize("row", CHECKS, ids=": ".join)
def test_each_row_of_the_checklist_is_held(row: tuple[str, str]) -> None:
    assert [place for place in CHECKS[row] if not is_there(place)] == []
    assert CHECKS[row]


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_of_the_reference_has_a_test(defect: str) -> None:
    assert [place for place in DEFECTS[defect] if not is_there(place)] == []


def test_every_defect_is_held_or_not_built() -> None:
    assert {*DEFECTS, *NOT_BUILT} == {f"D-{number}" for number in range(1, 32)}
    assert not {*DEFECTS} & {*NOT_BUILT}


def test_what_is_not_built_is_said(root: Path) -> None:
    _, _, missing = (root / "README.md").read_text("utf-8").partition("## What does not work yet")
    assert all(word in missing for word in NOT_BUILT.values())


def test_every_area_of_the_checklist_is_there() -> None:
    assert {area for area, _ in CHECKS} == set(AREAS)
