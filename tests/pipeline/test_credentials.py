"""Who asks: user ids and headers that name nobody (protocol, core chapter 7)."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from kinto_lite.pipeline.credentials import BasicAuth, read_basic_credentials
from tests.resources.asking import Asking, credentials, user_id


def encode(text: str | bytes) -> str:
    """The payload of a header."""
    raw = text.encode() if isinstance(text, str) else text
    return base64.b64encode(raw).decode("ascii")


LATIN_1 = encode("é:x".encode("latin-1"))

VECTORS = [
    (
        "some-secret-string",
        "alice:pw",
        "basicauth:a0f8560867ff5843c511adcb46e4658f5c4e788153189ad25d5d44377c5e57b1",
    ),
    ("", "a:b", "basicauth:a54aae8c19ce0c04a8aa9a21925717501ca877af0ce2f51896c1396b9aec287e"),
]


@pytest.mark.parametrize(("secret", "pair", "expected"), VECTORS)
def test_the_id_of_a_user(
    make_ask: Callable[..., Asking], secret: str, pair: str, expected: str
) -> None:
    ask = make_ask(userid_hmac_secret=secret)
    reply = ask("GET", "/", headers={"Authorization": f"Basic {encode(pair)}"})
    assert reply.json["user"]["id"] == expected


def test_a_secret_of_digits_is_a_text(make_ask: Callable[..., Asking]) -> None:
    assert make_ask(userid_hmac_secret="12345")("GET", "/").status_int == 200


KNOWN = [
    (f"Basic {encode('a:b')}", ("a", "b")),
    (f"basic {encode('a:b')}", ("a", "b")),
    (f"BASIC    {encode('a:b')}", ("a", "b")),
    (f"Basic {encode('a:')}", ("a", "")),
    (f"Basic {encode('a:b:c:')}", ("a", "b:c:")),
    (f"Basic {encode(' a : b ')}", (" a ", " b ")),
    (f"Basic {encode('é:ü')}", ("é", "ü")),
    (f"Basic {LATIN_1}", ("é", "x")),
    (f"Basic {encode('a:bc')} and more", ("a", "bc")),
]


@pytest.mark.parametrize(("header", "pair"), KNOWN)
def test_a_header_that_names_somebody(header: str, pair: tuple[str, str]) -> None:
    assert read_basic_credentials(header) == pair


UNKNOWN = [
    "", " ", "Basic", "Basic ", "Bearer x", f"Bearer {encode('a:b')}", "Basic !!!", "Basic é",
    f"Basic {encode('nocolon')}", f"Basic {encode(':pw')}", f"Basic {encode('')}", "Basic a",
    f"{encode('a:b')}", "Basic " + "A" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("header", UNKNOWN)
def test_a_header_that_names_nobody(header: str) -> None:
    assert read_basic_credentials(header) is None


def test_the_name_of_the_policy_is_the_prefix() -> None:
    assert BasicAuth("other", "Realm", "x").challenge == 'Basic realm="Realm"'


def test_the_first_policy_that_knows_the_user_wins(make_ask: Callable[..., Asking]) -> None:
    use = "kinto.core.authentication.BasicAuthAuthenticationPolicy"
    ask = make_ask(**{"multiauth.policies": "other basicauth", "multiauth.policy.other.use": use})
    user = ask("GET", "/").json["user"]["id"]
    assert user == user_id("alice").replace("basicauth:", "other:")


def test_two_passwords_are_two_users(ask: Asking) -> None:
    ids = {
        ask("GET", "/", headers={"Authorization": f"Basic {encode(pair)}"}).json["user"]["id"]
        for pair in ("a:1", "a:2", "a:", "A:1")
    }
    assert len(ids) == 4


def test_groups_of_all_buckets_are_principals(ask: Asking) -> None:
    for bucket in "ab":
        ask("PUT", f"/buckets/{bucket}", {})
        members = {"data": {"members": [user_id("bob")]}}
        ask("PUT", f"/buckets/{bucket}/groups/g", members)
    user = ask("GET", "/", headers={"Authorization": credentials("bob")}).json["user"]
    assert {"/buckets/a/groups/g", "/buckets/b/groups/g"} <= set(user["principals"])


@pytest.mark.parametrize("member", ["system.Authenticated", "x", "system.everyone"])
def test_anonymous_requests_are_in_no_group(ask: Asking, member: str) -> None:
    ask("PUT", "/buckets/b", {})
    ask("PUT", "/buckets/b/groups/g", {"data": {"members": [member]}})
    ask("PATCH", "/buckets/b", {"permissions": {"read": ["/buckets/b/groups/g"]}})
    assert ask("GET", "/buckets/b", user="").status_int == 401


@pytest.mark.parametrize("name", ["/buckets/b/groups/g", "system.Everyone", "basicauth:x"])
def test_nobody_becomes_a_principal_by_name(ask: Asking, name: str) -> None:
    ask("PUT", "/buckets/b", {"permissions": {"read": [name] if "Every" not in name else []}})
    header = {"Authorization": f"Basic {encode(f'{name}:x')}"}
    assert ask("GET", "/buckets/b", headers=header).status_int == 403
