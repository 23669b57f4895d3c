"""What settings grant, as needs."""

from __future__ import annotations

import pytest

from kinto_lite.permissions.principals import Grants, read_grants

KINDS = [("bucket", True), ("collection", False), ("record", False)]


def grant(kind: str, word: str) -> Grants:
    """The grants when only the setting `<kind>_<word>_principals` names somebody."""

    def principals(asked_kind: str, asked_word: str) -> frozenset[str]:
        return frozenset({"bob"} if (asked_kind, asked_word) == (kind, word) else ())

    return read_grants(KINDS, principals)


def needs(kind: str, word: str) -> set[tuple[str, str]]:
    """What bob may do because of that setting."""
    return {need for need, names in grant(kind, word).items() if "bob" in names}


def test_nothing_is_granted_by_empty_settings() -> None:
    grants = read_grants(KINDS, lambda kind, word: frozenset())
    assert set(grants.values()) == {frozenset()}


@pytest.mark.parametrize("kind", ["collection", "record"])
def test_writers_of_all_objects_below_may_do_everything(kind: str) -> None:
    assert needs(kind, "write") == {
        (kind, "read"),
        (kind, "write"),
        (kind, "create"),
        (kind, "list"),
    }


@pytest.mark.parametrize("kind", ["collection", "record"])
def test_readers_of_all_objects_below_may_list_them(kind: str) -> None:
    assert needs(kind, "read") == {(kind, "read"), (kind, "list")}


def test_writers_of_all_buckets_neither_create_nor_list_them() -> None:
    assert needs("bucket", "write") == {("bucket", "read"), ("bucket", "write")}


def test_readers_of_all_buckets_may_list_them() -> None:
    assert needs("bucket", "read") == {("bucket", "read"), ("bucket", "list")}


@pytest.mark.parametrize("kind", ["bucket", "collection", "record"])
def test_creators_may_create_and_nothing_else(kind: str) -> None:
    assert needs(kind, "create") == {(kind, "create")}


def test_grants_of_several_settings_are_joined() -> None:
    grants = read_grants(KINDS, lambda kind, word: frozenset({f"{kind} {word}"}))
    assert grants["record", "read"] == {"record read", "record write"}
