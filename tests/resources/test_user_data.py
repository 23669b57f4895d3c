"""Deletion of a user's data: all that is hers alone goes, and her name from all else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.resources.asking import ANONYMOUS, Asking, user_id

ALICE, BOB = user_id("alice"), user_id("bob")
URL = f"/__user_data__/{ALICE}"


@pytest.fixture
def ask(make_ask: Callable[..., Asking]) -> Asking:
    """A server with history whose administrator is bob, and a bucket and a group of alice's."""
    settings = {"user-data_delete_principals": BOB, "includes": "kinto.plugins.history"}
    ask = make_ask(**settings)
    assert ask("PUT", "/buckets/hers", user="alice").status_int == 201
    shared = {"permissions": {"write": [ALICE]}}
    assert ask("PUT", "/buckets/ours", shared, user="bob").status_int == 201
    group = {"data": {"members": [ALICE, "carol"]}}
    assert ask("PUT", "/buckets/ours/groups/g", group, user="bob").status_int == 201
    return ask


def test_who_may_is_told_whose_data_are_gone(ask: Asking) -> None:
    for url, principal in ((URL, ALICE), ("/__user_data__/nobody", "nobody")):
        reply = ask("DELETE", url, user="bob")
        assert (reply.status_int, reply.json) == (200, {"data": {"principal": principal}})


@pytest.mark.parametrize(("user", "status"), [("alice", 403), (ANONYMOUS, 401)])
def test_others_may_not(ask: Asking, user: str, status: int) -> None:
    assert ask("DELETE", URL, user=user).status_int == status
    assert ask("GET", "/buckets/hers", user="alice").status_int == 200


@pytest.mark.parametrize(("method", "url"), [("GET", URL), ("DELETE", "/__user_data__")])
def test_there_is_nothing_else_to_do(ask: Asking, method: str, url: str) -> None:
    assert ask(method, url, user="bob").status_int == 405


def test_what_was_hers_alone_is_gone_and_what_she_shared_stays(ask: Asking) -> None:
    ask("DELETE", URL, user="bob")
    changes = ask("GET", "/buckets?_since=0", user="bob").json["data"]
    assert ask("GET", "/buckets/hers", user="alice").status_int == 403
    assert [item["id"] for item in changes if not item.get("deleted")] == ["ours"]


def test_she_has_no_rights_left_not_even_by_groups(ask: Asking) -> None:
    ask("PATCH", "/buckets/ours", {"permissions": {"read": ["/buckets/ours/groups/g"]}}, user="bob")
    assert ask("GET", "/buckets/ours", user="alice").status_int == 200
    ask("DELETE", URL, user="bob")
    assert ask("GET", "/buckets/ours", user="alice").status_int == 403
    permissions = ask("GET", "/buckets/ours", user="bob").json["permissions"]
    assert permissions["write"] == [BOB]


def test_the_account_goes_too(make_ask: Callable[..., Asking]) -> None:
    settings = {
        "multiauth.policies": "account basicauth",
        "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
        "user-data_delete_principals": BOB,
        "account_create_principals": "system.Everyone",
        "includes": "kinto.plugins.accounts kinto.plugins.history",
    }
    ask = make_ask(**settings)
    assert ask("PUT", "/accounts/alice", {"data": {"password": "pw"}}, ANONYMOUS).status_int == 201
    assert ask("GET", "/").json["user"]["id"] == "account:alice"
    assert ask("DELETE", "/__user_data__/account:alice", user="bob").status_int == 200
    assert ask("GET", "/").json["user"]["id"] == ALICE


def test_groups_go_on_to_show_her_name_as_in_kinto(ask: Asking) -> None:
    ask("DELETE", URL, user="bob")
    group = ask("GET", "/buckets/ours/groups/g", user="bob").json["data"]
    assert group["members"] == [ALICE, "carol"]


def test_a_read_only_server_does_not_offer_to_delete(make_ask: Callable[..., Asking]) -> None:
    reply = make_ask(readonly="true")("GET", URL, user="alice")
    assert (reply.status_int, reply.headers["Allow"]) == (405, "OPTIONS")
