"""What settings grant, whatever is stored (protocol, core chapter 8.5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.resources.asking import BUCKET, GROUP, Asking, build_tree, user_id
from tests.resources.test_outcomes import PLACES, describe, send

#: For each setting, what bob gets: request about an object, outcome as in the tables of 8.4.
BUCKETS = {
    "bucket_create": """
        b POST new 201 +
        b PUT missing 201 +
        b GET list 200 []
        b DELETE list 200 []
        b GET 403
        b PUT 403
        b GET missing 403
        b DELETE missing 403
        c GET list 403""",
    "bucket_write": """
        b GET 200 {}
        b PUT 200 +
        b PATCH 200 +
        b DELETE 200
        b DELETE list 200 [b]
        b GET missing 404/110
        b PATCH missing 404/110
        b DELETE missing 404/110
        b GET list 403
        b POST new 403
        b PUT missing 403
        b PUT, If-None-Match 403
        g GET list 403
        c GET 403
        r POST new 403""",
    "bucket_read": """
        b GET 200 {}
        b POST existing 200 {}
        b GET list 200 [b]
        b GET missing 404/110
        b PATCH missing 403
        b DELETE missing 403
        b PUT 403
        b DELETE 403
        b POST new 403
        g GET 403
        c GET list 403""",
}
_BELOW = {
    "{kind}_create": """
        {x} POST new 201 +
        {x} PUT missing 201 +
        {x} PUT, If-None-Match 412
        {x} GET list 200 []
        {x} DELETE list 200 []
        {x} GET 403
        {x} PUT 403
        {x} GET missing 403
        b GET 403""",
    "{kind}_write": """
        {x} GET 200 {}
        {x} POST existing 200 {}
        {x} PUT 200 +
        {x} PATCH 200 +
        {x} DELETE 200
        {x} POST new 201 +
        {x} PUT missing 201 +
        {x} PUT, If-None-Match 412
        {x} GET list 200 [{x},{x}2]
        {x} DELETE list 200 [{x},{x}2]
        {x} GET missing 404/110
        {x} PATCH missing 404/110
        {x} DELETE missing 404/110
        b GET 403
        b PUT 403""",
    "{kind}_read": """
        {x} GET 200 {}
        {x} GET list 200 [{x},{x}2]
        {x} GET missing 404/110
        {x} PATCH missing 404/110
        {x} DELETE missing 404/110
        {x} PUT 403
        {x} DELETE 403
        {x} DELETE list 403
        {x} POST new 403
        b GET 403""",
}
GRANTS = BUCKETS | {
    name.replace("{kind}", kind): text.replace("{x}", kind[0])
    for kind in ("group", "collection", "record")
    for name, text in _BELOW.items()
}


def read_row(line: str) -> tuple[str, str, str]:
    """Split a row into the place, the name of the request and the outcome."""
    words = line.split()
    at = next(index for index, word in enumerate(words) if word[0].isdigit())
    return words[0], " ".join(words[1:at]), " ".join(words[at:])


CASES = [
    pytest.param(setting, *read_row(line), id=f"{setting}: {line.strip()}")
    for setting, text in GRANTS.items()
    for line in text.strip().splitlines()
]


def grant(setting: str, *users: str) -> dict[str, str]:
    """Settings under which alice makes buckets, and these users hold the grant."""
    names = " ".join(user_id(user) for user in users)
    settings = {"bucket_create_principals": user_id("alice")}
    key = f"{setting}_principals"
    return settings | {key: f"{settings.get(key, '')} {names}".strip()}


@pytest.mark.parametrize(("setting", "place", "name", "outcome"), CASES)
def test_a_setting_grants_what_its_row_says(
    make_ask: Callable[..., Asking], setting: str, place: str, name: str, outcome: str
) -> None:
    ask = make_ask(**grant(setting, "bob"))
    build_tree(ask)
    assert describe(send(ask, PLACES[place], name, "bob")) == outcome


@pytest.mark.parametrize("setting", ["collection_write", "record_write"])
def test_grants_do_not_reach_the_children(make_ask: Callable[..., Asking], setting: str) -> None:
    ask = make_ask(**grant(setting, "bob"))
    build_tree(ask)
    other = PLACES["r" if setting == "collection_write" else "c"]
    assert ask("GET", other, user="bob").status_int == 403


def test_a_setting_may_grant_to_a_group(make_ask: Callable[..., Asking]) -> None:
    ask = make_ask(bucket_create_principals=user_id("alice"), bucket_read_principals=GROUP)
    build_tree(ask)
    assert ask("GET", BUCKET, user="bob").status_int == 403
    ask("PUT", GROUP, {"data": {"members": [user_id("bob")]}})
    assert ask("GET", BUCKET, user="bob").status_int == 200


def test_a_setting_may_grant_to_everyone(make_ask: Callable[..., Asking]) -> None:
    ask = make_ask(bucket_create_principals="system.Everyone")
    assert ask("PUT", BUCKET, {"data": {}}, user="").status_int == 201
    assert ask.permissions(BUCKET, user="") == {"write": {"system.Everyone"}}


def test_holders_of_a_grant_see_that_a_bucket_is_missing(make_ask: Callable[..., Asking]) -> None:
    ask = make_ask(**grant("collection_write", "bob"))
    path = "/buckets/none/collections"
    replies = [ask("GET", path, user="bob"), ask("GET", path + "/c", user="bob")]
    assert [describe(reply) for reply in replies] == ["200 []", "404/110"]


@pytest.mark.parametrize(("method", "rest"), [("POST", ""), ("PUT", "/c")])
def test_nothing_is_created_below_a_missing_bucket(
    make_ask: Callable[..., Asking], method: str, rest: str
) -> None:
    ask = make_ask(**grant("collection_write", "bob"))
    reply = ask(method, f"/buckets/none/collections{rest}", {"data": {}}, user="bob")
    assert (describe(reply), reply.json["details"]) == (
        "404/111",
        {"id": "none", "resource_name": "bucket"},
    )


def test_a_missing_collection_is_told_to_holders_of_a_record_grant(
    make_ask: Callable[..., Asking],
) -> None:
    ask = make_ask(**grant("record_read", "bob"))
    build_tree(ask)
    path = "/buckets/b/collections/none/records"
    replies = [ask("GET", path, user="bob"), ask("GET", path + "/r", user="bob")]
    assert [describe(reply) for reply in replies] == ["404/111", "404/111"]


@pytest.mark.parametrize(("method", "rest"), [("POST", ""), ("PUT", "/c")])
def test_preconditions_come_before_the_missing_bucket(
    make_ask: Callable[..., Asking], method: str, rest: str
) -> None:
    ask = make_ask(**grant("collection_write", "bob"))
    path = f"/buckets/none/collections{rest}"
    reply = ask(method, path, {"data": {}}, user="bob", headers={"If-Match": '"5"'})
    assert reply.status_int == 412


def test_a_wrong_id_comes_before_the_missing_bucket(make_ask: Callable[..., Asking]) -> None:
    ask = make_ask(**grant("collection_write", "bob"))
    reply = ask("PUT", "/buckets/none/collections/c", {"data": {"id": "x"}}, user="bob")
    assert (reply.status_int, reply.json["details"][0]["name"]) == (400, "id")
