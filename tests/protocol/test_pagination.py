"""Pages: their size, the URL of the next one, and tokens that nobody else can write."""

from __future__ import annotations

import json
import string
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto_lite.errors import InvalidRequest
from kinto_lite.model import MISSING, Filter, Row, Sort
from kinto_lite.protocol.pagination import (
    Seal,
    complete_position,
    decode_token,
    describe_scope,
    encode_token,
    find_last_object,
    next_page_url,
    page_size,
    position_of,
    refuse_used_token,
)
from kinto_lite.protocol.querystring import decode_value

SORT = (Sort("v"), Sort("last_modified", True))
SEAL = Seal(b"secret", "scope", SORT)


def make_row(data, key=7):
    return Row(key, "an-id", 1_795_281_727_053, json.dumps(data))


def refuse(seal, text):
    with pytest.raises(InvalidRequest) as refusal:
        decode_token(seal, text)
    assert refusal.value.message == "querystring: _token has invalid content"
    return refusal.value.details


@pytest.mark.parametrize(
    ("limit", "paginate_by", "size"),
    [
        (None, None, 100),
        (None, 10, 10),
        (5, 10, 5),
        (20, 10, 10),
        (20, None, 20),
        (500, None, 100),
        (None, 500, 100),
        (0, 10, 100),
        (2**63, None, 100),
    ],
)
def test_the_size_of_a_page(limit, paginate_by, size):
    assert page_size(limit, paginate_by, 100) == size


def test_the_next_page_is_the_same_request_with_limit_and_token():
    pairs = [("_limit", "9"), ("n", "é b"), ("_token", "old"), ("n", "2"), ("_sort", "a,-b")]
    url = next_page_url("http://host", "/v1/buckets/é b/x", pairs, 5, "v1new")
    assert url.startswith("http://host/v1/buckets/%C3%A9%20b/x?")
    expected = [("n", "é b"), ("n", "2"), ("_sort", "a,-b"), ("_limit", "5"), ("_token", "v1new")]
    assert parse_qsl(urlsplit(url).query) == expected


def test_a_position_has_the_value_of_each_key_and_the_row():
    row = make_row({"a": {"b": None}})
    sort = (Sort("a.b"), Sort("zz"), Sort("id"), Sort("last_modified"))
    assert position_of(row, sort) == (None, MISSING, "an-id", row.last_modified, 7)


@pytest.mark.parametrize(
    "value", [None, True, 0, 1.5, 2**64 - 1, "", "é\U0001f600", [1, [2]], {"a": {"b": 1.0}}]
)
def test_a_token_keeps_its_position(value):
    row = make_row({"v": value})
    token = decode_token(SEAL, encode_token(SEAL, row))
    assert (token.after, token.nonce, token.is_shortened) == (position_of(row, SORT), None, False)
    assert type(token.after[0]) is type(value)


def test_a_token_knows_missing_values_and_its_nonce():
    token = decode_token(SEAL, encode_token(SEAL, make_row({}), nonce="once"))
    assert token.after[0] is MISSING
    assert token.nonce == "once"


def test_a_token_is_plain_text_and_no_json():
    for key in range(50):
        text = encode_token(SEAL, make_row({"v": "?>"}, key))
        assert set(text) <= set(string.ascii_letters + string.digits + "-_")
        assert decode_value(text) == text


@pytest.mark.parametrize(
    "seal",
    [
        Seal(b"other", "scope", SORT),
        Seal(b"secret", "other", SORT),
        Seal(b"secret", "scope", (Sort("v", True), SORT[1])),
        Seal(b"secret", "scope", SORT[1:]),
    ],
)
def test_a_token_is_bound_to_secret_list_and_sort(seal):
    refuse(seal, encode_token(SEAL, make_row({"v": 1})))


@pytest.mark.parametrize(
    "text", ["", "abc", "e30=", "v1", "v1é", "v1 ", "v2e30", "v1" + "A" * 100_000]
)
def test_other_texts_are_refused(text):
    assert refuse(SEAL, text)[0]["name"] is None


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_changed_token_is_refused(position, character):
    text = encode_token(SEAL, make_row({"v": 1}))
    position %= len(text)
    changed = text[:position] + character + text[position + 1 :]
    if changed != text:
        refuse(SEAL, changed)


def test_the_scope_is_a_path_and_filters_in_any_order():
    one, two = Filter("a", "eq", 1), Filter("a", "eq", "1")
    assert describe_scope("/p", [one, two]) == describe_scope("/p", [two, one])
    scopes = {describe_scope(path, [item]) for path in ("/p", "/q") for item in (one, two)}
    assert len(scopes) == 4


def test_a_used_token_has_its_own_error():
    assert refuse_used_token().message == "querystring: _token was already used or has expired."


# Values that are too long for a URL


LONG = "\U0001f600" * 5000


@pytest.mark.parametrize("value", [LONG, [LONG], {LONG: 1}, ["x"] * 5000])
def test_long_values_are_shortened_and_completed_from_the_object(value):
    row = make_row({"v": value})
    text = encode_token(SEAL, row)
    token = decode_token(SEAL, text)
    assert len(text) < 3000
    assert token.is_shortened
    assert complete_position(token, SORT, [make_row({"v": 1}, 6), row]) == position_of(row, SORT)


def test_the_object_of_a_shortened_token_is_found_by_its_timestamp():
    row = make_row({"v": LONG})
    query = find_last_object(decode_token(SEAL, encode_token(SEAL, row)), SORT)
    assert query.filters == (Filter("last_modified", "eq", row.last_modified),)


@pytest.mark.parametrize("is_descending", [False, True])
def test_without_the_object_a_shortened_position_comes_before_it(is_descending):
    seal = SEAL._replace(sort=(Sort("v", is_descending), SORT[1]))
    token = decode_token(seal, encode_token(seal, make_row({"v": "a" * 5000})))
    (start, *_) = complete_position(token, seal.sort, [])
    assert (start > "a" * 5000) if is_descending else (start < "a" * 5000)


@pytest.mark.parametrize(
    ("value", "ascending", "descending"), [(["x"] * 5000, [], {}), ({LONG: 1}, {}, MISSING)]
)
def test_a_shortened_array_or_object_becomes_the_bound_of_its_type(value, ascending, descending):
    for is_descending, expected in ((False, ascending), (True, descending)):
        seal = SEAL._replace(sort=(Sort("v", is_descending), SORT[1]))
        token = decode_token(seal, encode_token(seal, make_row({"v": value})))
        assert token.after[0] == expected


def test_a_token_of_many_long_values_stays_short():
    sort = tuple(Sort(f"f{number}") for number in range(31)) + SORT[1:]
    seal = SEAL._replace(sort=sort)
    text = encode_token(seal, make_row({f"f{number}": LONG for number in range(31)}))
    assert len(text) < 6000
    assert decode_token(seal, text).is_shortened
