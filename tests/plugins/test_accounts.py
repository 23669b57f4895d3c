"""What the API shows of accounts, and who may do what (protocol, plugins chapters 4.1 to 4.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.account_users import NOBODY, STAR, Asking, MakeAsking, account
from tests.plugins.account_users import make_asking as make_asking
from tests.plugins.account_users import users as users

MISMATCH = "data.id in body: Username and account ID do not match."
MERGE = {"Content-Type": "application/merge-patch+json"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def outcome(answer: Any) -> tuple[int, str]:
    """The status of an answer and its message."""
    return answer.status_int, answer.json.get("message", "")


def ids(answer: Any) -> list[str]:
    """The ids of a list, sorted."""
    assert answer.status_int == 200
    return sorted(item["id"] for item in answer.json["data"])


# Anonymous requests


def test_anybody_may_make_an_account_which_belongs_to_itself(users: Asking) -> None:
    answer = users("PUT", "/accounts/alice", account("s3cr3t", age=3))
    assert answer.status_int == 201
    assert answer.json["permissions"] == {"write": ["account:alice"]}
    assert answer.json["data"].keys() == {"id", "last_modified", "password", "age"}


def test_answers_hold_a_hash_instead_of_the_password(users: Asking) -> None:
    password = users("PUT", "/accounts/alice", account("s3cr3t")).json["data"]["password"]
    assert password.startswith("$scrypt$ln=14,r=8,p=1$")
    assert "s3cr3t" not in password


@pytest.mark.parametrize("method", ["PUT", "PATCH", "GET", "DELETE"])
def test_a_stranger_has_no_right_to_an_account(users: Asking, method: str) -> None:
    users.create("alice")
    body = account() if method in ("PUT", "PATCH") else None
    answer = users(method, "/accounts/alice", body)
    assert (answer.status_int, answer.json["errno"]) == (401, 104)


def test_an_existing_account_cannot_be_posted_again(users: Asking) -> None:
    assert users("POST", "/accounts", account(id="ben")).status_int == 201
    answer = users("POST", "/accounts", account(id="ben"))
    assert (answer.status_int, answer.json["errno"]) == (401, 104)


def test_a_412_does_not_show_the_hash_to_strangers(users: Asking) -> None:
    body = account() | {"permissions": {"read": ["system.Everyone"]}}
    users("PUT", "/accounts/open", body)
    answer = users("PUT", "/accounts/open", account(), headers=STAR)
    assert answer.status_int == 412
    assert answer.json["details"]["existing"].keys() == {"id", "last_modified"}


def test_a_412_shows_the_hash_to_its_owner(users: Asking) -> None:
    users.create("alice")
    answer = users("PUT", "/accounts/alice", account(), "alice:pw", STAR)
    assert answer.status_int == 412
    assert "password" in answer.json["details"]["existing"]


def test_a_412_tells_strangers_nothing_about_what_they_may_not_read(users: Asking) -> None:
    users.create("alice", mail="a@b.example")
    answer = users("PUT", "/accounts/alice", account(), headers=STAR)
    assert (answer.status_int, "details" in answer.json) == (412, False)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("POST /accounts", account(), "data.id in body: Required"),
        ("POST /accounts", {}, "data.id in body: Required"),
        ("POST /accounts", None, "data.id in body: Required"),
        ("POST /accounts", [1], "data.id in body: Required"),
        ("POST /accounts", {"data": {"id": "cid"}}, "data.password in body: Required"),
        ("POST /accounts", account(id="a b"), "path: Invalid object id"),
        ("POST /accounts", account(id=5), "path: Invalid object id"),
        ("PUT /accounts/cid", {"data": {}}, "data.password in body: Required"),
        ("PUT /accounts/cid", account(""), "data.password in body: Required"),
        ("PUT /accounts/cid", account(None), "data.password in body: Required"),
        ("PUT /accounts/cid", {}, "data in body: Required"),
        ("PUT /accounts/cid", None, "data in body: Required"),
        (
            "PUT /accounts/cid",
            account(12),
            "data.password in body: 12 is not a string: {'password': ''}",
        ),
        ("PUT /accounts/a%3Ab", account(), "path: Invalid object id"),
        ("PUT /accounts/cid", account(id="dan2"), "Object id does not match existing object"),
    ],
)
def test_a_malformed_account_answers_400(users: Asking, path: str, body: Any, message: str) -> None:
    assert outcome(users(*path.split(), body)) == (400, message)


@pytest.mark.parametrize("name", ["a@b.example", "9", "a+b_c-d.e", "A" * 200])
def test_ids_may_be_mail_addresses(users: Asking, name: str) -> None:
    assert users("PUT", f"/accounts/{name}", account()).status_int == 201
    assert users.who(f"{name}:pw") == f"account:{name}"


def test_an_account_may_be_shown_to_everyone(users: Asking) -> None:
    body = account() | {"permissions": {"read": ["system.Everyone"]}}
    assert users("PUT", "/accounts/dan", body).status_int == 201
    answer = users("GET", "/accounts/dan")
    assert answer.status_int == 200
    assert answer.json["permissions"] == {
        "read": ["system.Everyone"],
        "write": ["account:dan"],
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_accounts_are_never_listed_to_strangers(users: Asking, method: str) -> None:
    body = account() | {"permissions": {"write": ["system.Everyone"]}}
    users("PUT", "/accounts/dan", body)
    answer = users(method, "/accounts")
    assert answer.status_int == 401
    if method != "HEAD":
        assert answer.json == {"code": 401, "errno": 999, "error": "Cannot read accounts."}


def test_where_strangers_make_no_accounts_the_list_refuses_as_usual(
    make_asking: MakeAsking,
) -> None:
    answer = make_asking(account_create_principals="")("GET", "/accounts")
    assert (answer.status_int, answer.json["errno"]) == (401, 104)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Realm"'


# Users


def test_a_user_lists_the_own_account_only(users: Asking) -> None:
    users.create("alice", "bob")
    assert ids(users("GET", "/accounts", user="alice:pw")) == ["alice"]
    assert users("HEAD", "/accounts", user="alice:pw").headers["Total-Objects"] == "1"


def test_the_timestamp_of_the_list_is_the_users_own(users: Asking) -> None:
    users.create("alice")
    before = users("GET", "/accounts", user="alice:pw").headers["ETag"]
    users.create("bob", last_modified=2_000_000_000_000)
    assert users("GET", "/accounts", user="alice:pw").headers["ETag"] == before
    changed = users("PATCH", "/accounts/alice", {"data": {"a": 1}}, "alice:pw")
    assert int(changed.headers["ETag"].strip('"')) < 2_000_000_000_000
    after = users("GET", "/accounts", user="alice:pw").headers["ETag"]
    assert after == changed.headers["ETag"] != before


def test_an_unchanged_list_answers_304(users: Asking) -> None:
    users.create("alice")
    etag = users("GET", "/accounts", user="alice:pw").headers["ETag"]
    answer = users("GET", "/accounts", user="alice:pw", headers={"If-None-Match": etag})
    assert answer.status_int == 304


@pytest.mark.parametrize("name", ["bob", "nobody"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_whether_other_accounts_exist_is_not_told(users: Asking, method: str, name: str) -> None:
    users.create("alice", "bob")
    body = {"data": {"a": 1}} if method == "PATCH" else None
    assert users(method, f"/accounts/{name}", body, "alice:pw").status_int == 403


@pytest.mark.parametrize("name", ["bob", "nobody"])
def test_a_user_makes_no_other_account(users: Asking, name: str) -> None:
    users.create("alice", "bob")
    assert outcome(users("PUT", f"/accounts/{name}", account(), "alice:pw")) == (400, MISMATCH)
    assert outcome(users("POST", "/accounts", account(id=name), "alice:pw")) == (400, MISMATCH)
    answer = users("PUT", f"/accounts/{name}", account(), "alice:pw", STAR)
    assert outcome(answer) == (400, MISMATCH)


def test_posting_the_own_account_shows_it_unchanged(users: Asking) -> None:
    users.create("alice")
    answer = users("POST", "/accounts", account("other", id="alice"), "alice:pw")
    assert answer.status_int == 200
    assert users.who("alice:pw") == "account:alice"


def test_a_user_who_posts_without_id_is_told_so(users: Asking) -> None:
    users.create("alice")
    expected = (400, "data.id in body: Accounts must have an ID.")
    assert outcome(users("POST", "/accounts", account(), "alice:pw")) == expected


def test_other_fields_change_without_the_password(users: Asking) -> None:
    users.create("alice")
    answer = users("PATCH", "/accounts/alice", {"data": {"age": 3}}, "alice:pw")
    assert (answer.status_int, answer.json["data"]["age"]) == (200, 3)
    assert users.who("alice:pw") == "account:alice"


def test_a_changed_password_counts_at_once(users: Asking) -> None:
    users.create("alice")
    old = users("GET", "/accounts/alice", user="alice:pw").json["data"]["password"]
    answer = users("PATCH", "/accounts/alice", account("n3w"), "alice:pw")
    assert answer.json["data"]["password"] != old
    assert (users.who("alice:pw"), users.who("alice:n3w")) == (None, "account:alice")


def test_a_json_patch_hashes_the_password_too(users: Asking) -> None:
    users.create("alice")
    body = [{"op": "replace", "path": "/data/password", "value": "n3w"}]
    answer = users("PATCH", "/accounts/alice", body, "alice:pw", JSON_PATCH)
    assert answer.json["data"]["password"].startswith("$scrypt$")
    assert users.who("alice:n3w") == "account:alice"


@pytest.mark.parametrize("headers", [{}, MERGE])
def test_the_password_cannot_be_removed(users: Asking, headers: dict[str, str]) -> None:
    users.create("alice")
    answer = users("PATCH", "/accounts/alice", account(None), "alice:pw", headers)
    assert outcome(answer) == (400, "password in body: Required")


def test_put_drops_other_fields_and_keeps_permissions(users: Asking) -> None:
    users.create("alice", age=3)
    users("PATCH", "/accounts/alice", {"permissions": {"read": ["account:bob"]}}, "alice:pw")
    answer = users("PUT", "/accounts/alice", account("n4"), "alice:pw")
    assert answer.status_int == 200
    assert "age" not in answer.json["data"]
    assert answer.json["permissions"] == {"read": ["account:bob"], "write": ["account:alice"]}


def test_an_account_sent_back_as_it_was_shown_keeps_its_password(users: Asking) -> None:
    users.create("alice")
    shown = users("GET", "/accounts/alice", user="alice:pw").json["data"]
    assert users("PUT", "/accounts/alice", {"data": shown}, "alice:pw").status_int == 200
    assert users.who("alice:pw") == "account:alice"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"data": {"x": 1}}, "data.password in body: Required"),
        ({"permissions": {"read": []}}, "data in body: Required"),
    ],
)
def test_put_needs_the_password(users: Asking, body: Any, message: str) -> None:
    users.create("alice")
    assert outcome(users("PUT", "/accounts/alice", body, "alice:pw")) == (400, message)


def test_a_deleted_account_cannot_sign_in(users: Asking) -> None:
    users.create("alice")
    assert users("DELETE", "/accounts/alice", user="alice:pw").json["data"]["deleted"]
    assert users.who("alice:pw") is None


def test_deleting_the_list_deletes_the_own_account(users: Asking) -> None:
    users.create("alice", "bob")
    assert ids(users("DELETE", "/accounts", user="alice:pw")) == ["alice"]
    assert users.who("bob:pw") == "account:bob"


def test_a_shared_account_stays_out_of_reach(users: Asking) -> None:
    users.create("alice", "bob")
    shares = {"permissions": {"read": ["account:bob"], "write": ["account:bob"]}}
    users("PATCH", "/accounts/alice", shares, "alice:pw")
    assert users("GET", "/accounts/alice", user="bob:pw").status_int == 404
    assert users("PATCH", "/accounts/alice", {"data": {}}, "bob:pw").status_int == 403
    assert users("DELETE", "/accounts/alice", user="bob:pw").status_int == 403
    assert ids(users("GET", "/accounts", user="bob:pw")) == ["bob"]


@pytest.mark.parametrize(
    "query",
    ["like_password=$", "password=x", "has_password=true", "_sort=-password", "password.a=1"],
)
def test_lists_cannot_be_asked_about_passwords(users: Asking, query: str) -> None:
    users.create("admin")
    answer = users("GET", f"/accounts?{query}", user="admin:pw")
    assert answer.status_int == 400
    assert "password" in answer.json["message"]


def test_other_filters_and_fields_work(users: Asking) -> None:
    users.create("alice", age=3)
    assert ids(users("GET", "/accounts?min_age=3", user="alice:pw")) == ["alice"]
    assert ids(users("GET", "/accounts?min_age=4", user="alice:pw")) == []
    answer = users("GET", "/accounts/alice?_fields=age", user="alice:pw")
    assert answer.json["data"].keys() == {"id", "last_modified", "age"}


def test_a_batch_creates_and_reads_anonymously(users: Asking) -> None:
    items = [
        {"method": "PUT", "path": "/accounts/bz", "body": account()},
        {"method": "GET", "path": "/accounts/bz"},
    ]
    answer = users("POST", "/batch", {"requests": items})
    assert [part["status"] for part in answer.json["responses"]] == [201, 401]
    assert users.who("bz:pw") == "account:bz"


def test_a_batch_makes_as_many_accounts_as_it_holds(users: Asking) -> None:
    items = [
        {"method": "PUT", "path": f"/accounts/u{number}", "body": account(f"pw{number}")}
        for number in range(25)
    ]
    answer = users("POST", "/batch", {"requests": items})
    assert {part["status"] for part in answer.json["responses"]} == {201}
    assert users.who("u24:pw24") == "account:u24"


def test_whoever_makes_a_deleted_account_anew_owns_what_it_owned(users: Asking) -> None:
    users.create("alice")
    users("PUT", "/buckets/hers", {}, "alice:pw")
    users("DELETE", "/accounts/alice", user="alice:pw")
    users("PUT", "/accounts/alice", account("again"))
    assert users("GET", "/buckets/hers", user="alice:again").status_int == 200


def test_the_permissions_list_names_the_account(users: Asking, make_asking: MakeAsking) -> None:
    users = make_asking(experimental_permissions_endpoint="true")
    users.create("alice")
    entries = users("GET", "/permissions?account_id=alice", user="alice:pw").json["data"]
    assert [entry["uri"] for entry in entries] == ["/accounts/alice"]
    assert "bucket_id" not in entries[0]


# Administrators


def test_an_administrator_acts_on_any_account(users: Asking) -> None:
    users.create("admin", "carl")
    assert users("GET", "/accounts/carl", user="admin:pw").status_int == 200
    answer = users("PATCH", "/accounts/carl", account("new"), "admin:pw")
    assert answer.json["permissions"] == {"write": ["account:carl"]}
    assert users.who("carl:new") == "account:carl"
    assert users("PUT", "/accounts/dora", account(), "admin:pw").status_int == 201
    assert users("DELETE", "/accounts/carl", user="admin:pw").status_int == 200


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_account_is_missing_for_administrators(users: Asking, method: str) -> None:
    users.create("admin")
    body = {"data": {}} if method == "PATCH" else None
    answer = users(method, "/accounts/none", body, "admin:pw")
    assert (answer.status_int, answer.json["errno"]) == (404, 110)


def test_an_administrator_posts_existing_and_nameless_accounts(users: Asking) -> None:
    users.create("admin", "carl")
    assert users("POST", "/accounts", account(id="carl"), "admin:pw").status_int == 200
    answer = users("POST", "/accounts", account(), "admin:pw")
    assert outcome(answer) == (400, "data.id in body: Required")


def test_an_administrator_who_may_read_lists_all(users: Asking) -> None:
    users.create("admin", "carl", "dora")
    users("DELETE", "/accounts/carl", user="carl:pw")
    assert ids(users("GET", "/accounts", user="admin:pw")) == ["admin", "dora"]
    assert ids(users("GET", "/accounts?_since=0", user="admin:pw")) == ["admin", "carl", "dora"]


def test_an_administrator_who_may_not_read_lists_what_was_shared(make_asking: MakeAsking) -> None:
    users = make_asking(account_read_principals="")
    users.create("admin", "carl", "dora")
    assert ids(users("GET", "/accounts", user="admin:pw")) == ["admin"]
    users("PATCH", "/accounts/dora", {"permissions": {"read": ["account:admin"]}}, "dora:pw")
    assert ids(users("GET", "/accounts", user="admin:pw")) == ["admin", "dora"]
    assert users("GET", "/accounts/carl", user="admin:pw").status_int == 200


def test_an_administrator_deletes_what_filters_find(users: Asking) -> None:
    users.create("admin", "carl", "dora")
    assert ids(users("DELETE", "/accounts?id=dora", user="admin:pw")) == ["dora"]
    assert ids(users("DELETE", "/accounts", user="admin:pw")) == ["admin", "carl"]


def test_a_reader_who_is_no_administrator_gains_nothing(make_asking: MakeAsking) -> None:
    users = make_asking(account_write_principals="")
    users.create("admin", "bob")
    assert users("GET", "/accounts/bob", user="admin:pw").status_int == 404
    assert users("PATCH", "/accounts/bob", {"data": {}}, "admin:pw").status_int == 403
    assert ids(users("GET", "/accounts", user="admin:pw")) == ["admin"]


# The first administrator


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("203.0.113.9", {}),
        ("2001:db8::9", {}),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}),
        ("127.0.0.1", {"Origin": "https://evil.example"}),
        ("127.0.0.1", {"Host": "kinto.example.com"}),
        ("", {"Host": "kinto.example.com:443"}),
        ("127.0.0.1", {"Host": "[::"}),
    ],
)
def test_the_first_administrator_is_not_made_over_the_network(
    users: Asking, address: str, headers: dict[str, str]
) -> None:
    answer = users("PUT", "/accounts/admin", account(), headers=headers, address=address)
    assert answer.status_int == 401
    assert "create-user" in answer.json["message"]
    assert users("PUT", "/accounts/else", account(), address=address).status_int == 201


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", ""])
def test_the_first_administrator_is_made_on_the_machine(users: Asking, address: str) -> None:
    assert users("PUT", "/accounts/admin", account(), address=address).status_int == 201


def test_behind_a_proxy_the_first_administrator_is_made_by_the_command_only(
    make_asking: MakeAsking,
) -> None:
    users = make_asking(trusted_proxies="unix")
    assert users("PUT", "/accounts/admin", account(), address="").status_int == 401


def test_names_that_other_settings_mention_are_kept_as_well(make_asking: MakeAsking) -> None:
    users = make_asking(bucket_write_principals="account:root")
    answer = users("POST", "/accounts", account(id="root"), address="203.0.113.9")
    assert answer.status_int == 401


def test_an_administrator_makes_another_one_over_the_network(make_asking: MakeAsking) -> None:
    users = make_asking(account_write_principals="account:admin account:second")
    users.create("admin")
    answer = users("PUT", "/accounts/second", account(), "admin:pw", address="203.0.113.9")
    assert answer.status_int == 201


# What the settings say


def test_nobody_makes_an_account_unless_settings_allow_it(make_asking: MakeAsking) -> None:
    users = make_asking(account_create_principals="")
    assert users("PUT", "/accounts/ann", account()).status_int == 401
    assert users("POST", "/accounts", account(id="ann")).status_int == 401


def test_hello_tells_about_accounts(users: Asking) -> None:
    capability = users("GET", "/", user=NOBODY).json["capabilities"]["accounts"]
    assert capability.keys() == {"description", "url", "validation_enabled"}
    assert capability["validation_enabled"] is False


def test_methods_can_be_turned_off(make_asking: MakeAsking) -> None:
    users = make_asking(plural_account_get_enabled="false", object_account_put_enabled="false")
    assert users("GET", "/accounts").status_int == 405
    assert users("PUT", "/accounts/ann", account()).status_int == 405
    assert users("POST", "/accounts", account(id="ann")).status_int == 201


def test_a_flush_empties_the_accounts(users: Asking) -> None:
    users.create("alice")
    assert users.who("alice:pw") == "account:alice"
    users.storage.flush()
    assert users.who("alice:pw") is None
    users.create("alice")
