"""Signing in to accounts: hashes, what is remembered, guessing (protocol, plugins 4.2 and 4.5)."""

from __future__ import annotations

import json
from typing import Any

import bcrypt
import pytest

from kinto_lite import make_app
from kinto_lite.errors import ConfigurationError
from kinto_lite.hooks import Service
from kinto_lite.plugins.accounts import passwords
from kinto_lite.plugins.accounts.names import account_ref
from kinto_lite.plugins.accounts.passwords import PasswordChecker, hash_password
from kinto_lite.plugins.accounts.policy import AccountsPolicy
from kinto_lite.plugins.accounts.throttle import BURST, SECONDS_EACH, Throttle, find_network
from kinto_lite.plugins.accounts.verdicts import MAX_VERDICTS, Verdicts
from tests.plugins.account_users import OPEN, Asking, MakeAsking, account
from tests.plugins.account_users import make_asking as make_asking
from tests.plugins.account_users import users as users

POLICY_USE = "multiauth.policy.account.use"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The hashes that passwords are compared with, as they are, from now on."""
    seen: list[str | None] = []
    check = PasswordChecker.check

    def watch(self: PasswordChecker, password: str, stored: str | None) -> bool:
        seen.append(stored)
        return check(self, password, stored)

    monkeypatch.setattr(PasswordChecker, "check", watch)
    return seen


def store_hash(users: Asking, name: str, stored: str) -> None:
    """Give an account a hash from elsewhere, as an import would."""
    with users.storage.transaction(write=True) as tx:
        ref = account_ref(name)
        place = tx.find_object(ref, tx.find_asker(f"account:{name}"))
        tx.write_object(place, ref, json.dumps({"password": stored}), 1, 1)


# Passwords


@pytest.mark.parametrize("password", ["a", "pä:ss", "x" * 3000, "x" * 72 + "y", "\0", "a\0", " "])
def test_a_password_of_any_length_signs_in_and_its_beginning_does_not(
    users: Asking, password: str
) -> None:
    users("PUT", "/accounts/alice", account(password))
    assert users.who(f"alice:{password}") == "account:alice"
    assert users.who(f"alice:{password[:-1]}") is None


def test_equal_passwords_have_different_hashes() -> None:
    assert hash_password("pw") != hash_password("pw")


def test_a_password_that_kinto_hashed_signs_in_and_keeps_its_hash(users: Asking) -> None:
    stored = bcrypt.hashpw(b"pw", bcrypt.gensalt(4)).decode()
    store_hash(users, "old", stored)
    assert (users.who("old:pw"), users.who("old:other")) == ("account:old", None)
    with users.storage.transaction(write=False) as tx:
        row = tx.find_row(account_ref("old"))
    assert row is not None
    assert json.loads(row.data)["password"] == stored


def test_what_bcrypt_would_cut_off_counts() -> None:
    stored = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert PasswordChecker().check("x" * 72, stored)
    assert not PasswordChecker().check("x" * 73, stored)


def test_without_its_library_a_bcrypt_hash_fits_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = bcrypt.hashpw(b"pw", bcrypt.gensalt(4)).decode()
    monkeypatch.setattr(passwords, "_load_bcrypt", lambda: None)
    assert not PasswordChecker().check("pw", stored)


@pytest.mark.parametrize(
    "stored",
    ["", "pw", "$scrypt$", "$2b$12$short", "$scrypt$ln=99,r=8,p=1$c2FsdHNhbHQ$" + "a" * 43],
)
def test_what_is_no_hash_fits_nothing(stored: str) -> None:
    assert not PasswordChecker().check("pw", stored)


def test_each_check_costs_both_kinds_once_kintos_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[bytes] = []
    monkeypatch.setattr(
        passwords, "_load_bcrypt", lambda: lambda _password, stored: bool(calls.append(stored))
    )
    checker = PasswordChecker()
    checker.check("pw", None)
    assert calls == []
    for stored in ("$2b$04$" + "a" * 53, hash_password("pw"), None):
        checker.check("other", stored)
    assert len(calls) == 3


# Signing in


def test_an_unknown_name_costs_a_check_like_a_known_one(
    users: Asking, checks: list[str | None]
) -> None:
    users.create("alice")
    assert (users.who("nobody:pw"), users.who("alice:wrong")) == (None, None)
    assert len(checks) == 2


def test_a_right_password_is_checked_once(users: Asking, checks: list[str | None]) -> None:
    users.create("alice")
    assert {users.who("alice:pw") for _ in range(3)} == {"account:alice"}
    assert len(checks) == 1


def test_a_wrong_password_is_checked_once_and_may_become_right(
    users: Asking, checks: list[str | None]
) -> None:
    users.create("alice")
    assert {users.who("alice:n3w") for _ in range(3)} == {None}
    assert len(checks) == 1
    users("PATCH", "/accounts/alice", account("n3w"), "alice:pw")
    assert users.who("alice:n3w") == "account:alice"


def test_without_accounts_nothing_is_checked(
    make_asking: MakeAsking, checks: list[str | None]
) -> None:
    users = make_asking(**{"multiauth.policies": "account basicauth"})
    assert str(users.who("joe:x")).startswith("basicauth:")
    assert checks == []


def test_a_change_by_another_process_counts_at_once(users: Asking) -> None:
    users.create("alice")
    assert users.who("alice:pw") == "account:alice"
    store_hash(users, "alice", hash_password("other"))
    assert (users.who("alice:pw"), users.who("alice:other")) == (None, "account:alice")


def test_nothing_is_remembered_without_a_time_to_live(
    make_asking: MakeAsking, checks: list[str | None]
) -> None:
    users = make_asking(account_cache_ttl_seconds="0")
    users.create("alice")
    assert {users.who("alice:pw") for _ in range(2)} == {"account:alice"}
    assert len(checks) == 2


@pytest.mark.parametrize("user", [":pw", "a b:pw", "-x:pw", "alice\n:pw", "al\0:pw"])
def test_what_is_no_name_is_anonymous(users: Asking, user: str) -> None:
    users.create("alice")
    assert users.who(user) is None


def test_the_id_has_the_prefix_account_whatever_the_policy_is_called(
    make_asking: MakeAsking,
) -> None:
    use = {"multiauth.policy.foo.use": "kinto.plugins.accounts.AccountsPolicy"}
    users = make_asking(**use, **{"multiauth.policies": "foo", "multiauth.policy.foo.realm": "Us"})
    users.create("alice")
    assert users.who("alice:pw") == "account:alice"
    assert users("GET", "/buckets").headers["WWW-Authenticate"] == 'Basic realm="Us"'


def test_an_unknown_user_is_left_to_the_next_policy(make_asking: MakeAsking) -> None:
    users = make_asking(**{"multiauth.policies": "account basicauth"})
    users.create("alice")
    assert users.who("alice:pw") == "account:alice"
    assert str(users.who("alice:wrong")).startswith("basicauth:")


def test_passwords_are_hashed_outside_of_transactions(
    users: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_transactions: list[bool] = []
    check = PasswordChecker.check

    def watch(self: PasswordChecker, *given: Any) -> bool:
        open_transactions.append(users.storage.connection().in_transaction)
        return check(self, *given)

    users.create("alice")
    monkeypatch.setattr(PasswordChecker, "check", watch)
    assert users("PUT", "/buckets/b", {}, "alice:pw").status_int == 201
    assert open_transactions == [False]


# What is remembered


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_right_password_is_remembered_while_it_is_used() -> None:
    clock = Clock()
    verdicts = Verdicts(30, clock)
    proof = verdicts.prove("alice", "pw")
    verdicts.remember(proof, "hash", is_right=True)
    for _ in range(3):
        clock.now += 29
        assert verdicts.find(proof, "hash") is True
    clock.now += 31
    assert verdicts.find(proof, "hash") is None
    assert verdicts.was_right(proof, "hash")


def test_a_verdict_is_about_one_hash() -> None:
    verdicts = Verdicts(30)
    right, wrong = verdicts.prove("alice", "pw"), verdicts.prove("alice", "other")
    verdicts.remember(right, "hash", is_right=True)
    verdicts.remember(wrong, "hash", is_right=False)
    assert verdicts.find(wrong, "hash") is False
    assert (verdicts.find(right, "new"), verdicts.find(wrong, "new")) == (None, None)
    assert not verdicts.was_right(right, "new")


def test_the_memory_of_verdicts_is_bounded() -> None:
    verdicts = Verdicts(30)
    first = verdicts.prove("alice", "pw")
    verdicts.remember(first, "hash", is_right=False)
    for number in range(MAX_VERDICTS):
        verdicts.remember(verdicts.prove("alice", str(number)), "hash", is_right=False)
    assert verdicts.find(first, "hash") is None


# Guessing


def guess(users: Asking, count: int, **how: Any) -> None:
    """Try wrong passwords of alice, all different."""
    for number in range(count):
        assert users.who(f"alice:wrong{number}", **how) is None


def find_policy(service: Service) -> AccountsPolicy:
    """The policy that signs accounts in."""
    (policy,) = service.policies
    assert isinstance(policy, AccountsPolicy)
    return policy


def test_guessing_stops_costing_checks(users: Asking, checks: list[str | None]) -> None:
    users.create("alice")
    guess(users, BURST + 5)
    assert len(checks) == BURST


def test_the_owner_signs_in_from_elsewhere_while_others_guess(users: Asking) -> None:
    users.create("alice")
    guess(users, BURST + 1, address="203.0.113.9")
    assert users.who("alice:pw", address="203.0.113.9") is None
    assert users.who("alice:pw", address="198.51.100.7") == "account:alice"


def test_whoever_was_signed_in_stays_so_beside_a_guesser(users: Asking) -> None:
    users.create("alice")
    assert users.who("alice:pw") == "account:alice"
    guess(users, BURST + 1)
    users("PATCH", "/accounts/alice", {"data": {"age": 3}}, "alice:pw")
    assert users.who("alice:pw") == "account:alice"


def test_a_known_password_is_checked_again_beside_a_guesser(make_asking: MakeAsking) -> None:
    users = make_asking(account_cache_ttl_seconds="0")
    users.create("alice")
    assert users.who("alice:pw") == "account:alice"
    guess(users, BURST + 1)
    assert users.who("alice:pw") == "account:alice"


def test_a_guesser_may_try_again_after_a_while() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    pair = ("alice", "203.0.113.9")
    assert [throttle.take(pair) for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert not throttle.allows(pair)
    clock.now += SECONDS_EACH
    assert [throttle.take(pair), throttle.take(pair)] == [True, False]


def test_right_passwords_do_not_count() -> None:
    throttle = Throttle(Clock())
    pair = ("alice", "203.0.113.9")
    for _ in range(BURST + 1):
        assert throttle.take(pair)
        throttle.give_back(pair)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_attacker_has_a_network(address: str, network: str) -> None:
    assert find_network(address) == network


# What stops the start


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({POLICY_USE: "kinto.core.authentication.BasicAuthAuthenticationPolicy"}, "Account policy"),
        ({"multiauth.policies": "basicauth account"}, "'basicauth' should not be mentioned before"),
        ({"account_create_principals": "system.Authenticated"}, "Configuration has some"),
        (
            {"account_create_principals": "account:y system.Everyone account:admin account:x"},
            "Configuration has some",
        ),
    ],
)
def test_settings_that_make_no_sense_stop_the_start(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_app(OPEN | settings)
    assert str(caught.value).startswith(message)


def test_the_refusal_names_who_is_affected() -> None:
    creators = "account:y system.Everyone account:admin account:x"
    with pytest.raises(ConfigurationError, match=r"\['account:x', 'account:y'\]$"):
        make_app(OPEN | {"account_create_principals": creators})
