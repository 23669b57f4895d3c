"""Texts that may be used once, and texts that never change."""

from __future__ import annotations

from kinto_lite.storage.base import Storage
from tests.storage.conftest import StorageOpener
from tests.storage.trees import undone


def take(storage: Storage, value: str, now: int) -> bool:
    """Use a nonce up, in a transaction of its own."""
    with storage.transaction(write=True) as tx:
        return tx.take_nonce(value, now)


def issue(storage: Storage, value: str, now: int, expires: int) -> None:
    """Issue a nonce, in a transaction of its own."""
    with storage.transaction(write=True) as tx:
        tx.issue_nonce(value, now, expires)


def test_nonce_can_be_taken_once(storage: Storage) -> None:
    issue(storage, "n", 1000, 2000)
    assert [take(storage, "n", 1500), take(storage, "n", 1500)] == [True, False]


def test_nonce_that_was_never_issued_cannot_be_taken(storage: Storage) -> None:
    issue(storage, "n", 1000, 2000)
    assert take(storage, "N", 1500) is False


def test_nonce_lasts_until_it_expires(storage: Storage) -> None:
    issue(storage, "a", 1000, 2000)
    issue(storage, "b", 1000, 2000)
    assert [take(storage, "a", 2000), take(storage, "b", 2001)] == [True, False]


def test_issuing_a_nonce_leaves_the_others(storage: Storage) -> None:
    issue(storage, "a", 1000, 2000)
    issue(storage, "b", 1500, 2500)
    assert [take(storage, "a", 1600), take(storage, "b", 1600)] == [True, True]


def test_nonce_taken_in_vain_can_be_taken_again(storage: Storage) -> None:
    issue(storage, "n", 1000, 2000)
    with undone(storage) as tx:
        assert tx.take_nonce("n", 1500)
    assert take(storage, "n", 1500) is True


def test_secrets_are_long_stable_and_different(storage: Storage) -> None:
    first, second = storage.read_secret("a"), storage.read_secret("b")
    assert storage.read_secret("a") == first != second
    assert len(first) >= 32


def test_two_databases_have_different_secrets(reopen: StorageOpener) -> None:
    secrets = {reopen("sqlite://").read_secret("a") for _ in range(3)}
    assert len(secrets) == 3


def test_secrets_are_not_flushed(storage: Storage) -> None:
    secret = storage.read_secret("a")
    storage.flush()
    assert storage.read_secret("a") == secret


def test_secrets_and_nonces_survive_reopening(reopen: StorageOpener, shared_url: str) -> None:
    storage = reopen(shared_url)
    secret = storage.read_secret("a")
    issue(storage, "n", 1000, 2000)
    storage.close()
    again = reopen(shared_url)
    assert again.read_secret("a") == secret
    assert take(again, "n", 1500) is True


def test_all_nonces_can_be_forgotten_at_once(storage: Storage) -> None:
    issue(storage, "n", 1000, 2000)
    secret = storage.read_secret("a")
    with storage.transaction(write=True) as tx:
        tx.forget_nonces()
    assert take(storage, "n", 1500) is False
    assert storage.read_secret("a") == secret
