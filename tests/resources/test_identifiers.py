"""Ids of the core kinds (protocol, core chapter 2.3)."""

from __future__ import annotations

import pytest

from kinto_lite.resources.kinds import NAMES
from tests.resources.asking import Asking


@pytest.mark.parametrize("value", ["a", "9lives", "OK-2_x", "0", "a" * 2000])
def test_an_id_has_letters_digits_dashes_and_underscores(value: str) -> None:
    assert NAMES.is_valid(value)


@pytest.mark.parametrize("value", ["", "-x", "_x", "a b", "é", "a\n", "a.b", "a/b", "٣"])
def test_any_other_id_is_malformed(value: str) -> None:
    assert not NAMES.is_valid(value)


@pytest.mark.parametrize("value", ["", "a b", "a.b", "a\n", 1, None, []])
def test_a_malformed_id_in_a_post_answers_400(ask: Asking, value: object) -> None:
    answer = ask("POST", "/buckets", {"data": {"id": value}})
    assert (answer.status_int, answer.json["message"]) == (400, "path: Invalid object id")


def test_a_post_without_id_is_fine(ask: Asking) -> None:
    assert NAMES.is_valid(ask("POST", "/buckets", {}).json["data"]["id"])
