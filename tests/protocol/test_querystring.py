"""Reading the query string: types, all errors at once, nothing about meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto_lite.protocol.querystring import (
    MAX_PARAMETERS,
    Condition,
    decode_query,
    decode_value,
    read_delete_parameters,
    read_list_parameters,
    read_object_parameters,
    to_integer,
)


def read(query, method="GET"):
    parameters, errors = read_list_parameters(query, method)
    assert errors == []
    return parameters


def complain(query, method="GET"):
    _, errors = read_list_parameters(query, method)
    assert all(error.location == "querystring" for error in errors)
    return [(error.name, error.description) for error in errors]


# Decoding


def test_plus_is_a_space_and_percent_is_utf8():
    assert decode_query("a+b=c%20d&%C3%A9=%2B") == [("a b", "c d"), ("é", "+")]


def test_raw_bytes_are_utf8_too():
    assert decode_query("name=Zo\u00c3\u00ab") == [("name", "Zoë")]


def test_semicolons_separate_and_empty_parts_are_dropped():
    assert decode_query("a=1;b=2&&c&=&") == [("a", "1"), ("b", "2"), ("c", ""), ("", "")]


@pytest.mark.parametrize("query", ["%ff=1", "a=%ff", "a=%ED%A0%80", "\udcff"])
def test_what_is_not_utf8_is_refused(query):
    with pytest.raises(UnicodeDecodeError):
        decode_query(query)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ('"1"', "1"),
        ("abc", "abc"),
        ("true", True),
        ("null", None),
        ("[1,2]", [1, 2]),
        ("01", "01"),
        ("NaN", "NaN"),
        ("'x'", "'x'"),
        ('"abc', '"abc'),
        ("1e0", 1.0),
        ("", ""),
        (" 5", 5),
        ("1e400", "1e400"),
        ('"\\ud800"', '"\\ud800"'),
        ("Infinity", "Infinity"),
    ],
)
def test_a_value_is_json_where_it_can_be(text, value):
    decoded = decode_value(text)
    assert (decoded, type(decoded)) == (value, type(value))


def test_deep_nesting_is_taken_as_text():
    assert decode_value("[" * 100_000) == "[" * 100_000


def test_a_million_digits_are_not_a_number():
    assert to_integer("9" * 1_000_000) is None
    assert complain("_limit=%22" + "9" * 5000 + "%22")[0][0] == "_limit"


# Lists


def test_nothing_is_asked_for_by_default():
    parameters = read("")
    assert (parameters.limit, parameters.sort, parameters.token) == (None, None, None)
    assert (parameters.fields, parameters.conditions, parameters.uses_to) == (None, (), False)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("5", 5),
        ("0", 0),
        ("1.5", 1),
        ("%223%22", 3),
        ("%205", 5),
        ("1e2", 100),
        ("-0.5", 0),
        ("", None),
        ("null", None),
        ("[]", None),
        ("9223372036854775808", 2**63),
        ("1_000", 1000),
        ("%D9%A3", 3),
    ],
)
def test_limit_is_an_integer_or_ignored(text, limit):
    assert read(f"_limit={text}").limit == limit


@pytest.mark.parametrize("name", ["_limit", "_since", "_before", "_to", "last_modified"])
@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("abc", '"abc" is not a number'),
        ("%22abc%22", '"abc" is not a number'),
        ("true", '"true" is not a number'),
        ("5,6", '"5,6" is not a number'),
        ("'5'", "\"'5'\" is not a number"),
        ("[null]", '"[None]" is not a number'),
        ("1__0", '"1__0" is not a number'),
        pytest.param("9" * 5000, f'"{"9" * 5000}" is not a number', id="5000 digits"),
        ("-1", "-1 is less than minimum value 0"),
        ("9223372036854775809", f"{2**63 + 1} is greater than maximum value {2**63}"),
        ("99999999999999999999", f"{10**20} is greater than maximum value {2**63}"),
    ],
)
def test_what_is_no_integer_or_out_of_range_is_an_error(name, text, description):
    assert complain(f"{name}={text}") == [(name, description)]


def test_an_integer_given_twice_is_an_error():
    assert complain("_limit=2&_limit=3") == [("_limit", "\"['2', '3']\" is not a number")]


def test_all_errors_are_collected():
    names = [name for name, _ in complain("_limit=x&_since=abc&id=1&_token=12&like_a=1")]
    assert sorted(names) == ["_limit", "_since", "_token", "id"]


@pytest.mark.parametrize(
    ("query", "description"),
    [
        ("id=5", "5 is not a string: {'id': ''}"),
        ("id=1.5", "1.5 is not a string: {'id': ''}"),
        ("id=a&id=b", "['a', 'b'] is not a string: {'id': ''}"),
        ("_token=12", "12 is not a string: {'_token': ''}"),
    ],
)
def test_id_and_token_must_be_strings(query, description):
    assert complain(query) == [(query.partition("=")[0], description)]


@pytest.mark.parametrize(
    ("text", "value"),
    [("fig", "fig"), ("%221%22", "1"), ("true", "true"), ("null", None), ("", None), ("[]", None)],
)
def test_id_is_read_as_a_string(text, value):
    assert read(f"id={text}").conditions == (Condition("id", value),)


@pytest.mark.parametrize("text", ["", "null", "[]", "%7B%7D"])
def test_an_empty_token_is_none(text):
    assert read(f"_token={text}").token is None


def test_null_timestamps_are_as_if_absent():
    parameters = read("_since=null&_before=null&_to=null")
    assert (parameters.conditions, parameters.uses_to) == ((), True)


def test_conditions_keep_their_order_and_their_raw_text():
    parameters = read("gt_n=5&_since=%227%22&a=1&a=2&_expected=9&+b+=")
    assert parameters.conditions == (
        Condition("gt_n", "5"),
        Condition("_since", 7),
        Condition("a", ["1", "2"]),
        Condition("b", ""),
    )


def test_lists_join_when_they_are_repeated():
    parameters = read("_sort=a&_sort=-b&_fields=a,,b&_fields=c")
    assert (parameters.sort, parameters.fields) == ("a,-b", ("a", "b", "c"))


def test_fields_without_a_name_select_everything():
    assert read("_fields=,").fields is None
    assert read("_fields=").fields is None


def test_delete_ignores_fields():
    assert read("_fields=a", "DELETE").fields is None


def test_a_field_that_is_too_deep_is_an_error():
    assert [name for name, _ in complain("_fields=" + "a." * 40)] == ["_fields"]


def test_too_many_parameters_are_an_error():
    assert read("&".join(["a=1"] * MAX_PARAMETERS)).conditions
    ((name, description),) = complain("&".join(["a=1"] * (MAX_PARAMETERS + 1)))
    assert (name, description) == (None, "The query string has more than 200 parameters")


@given(st.text(st.sampled_from('_limtsncehdab=&;%0f5"[]{}-+., \u00e9'), max_size=60))
def test_no_query_string_is_a_surprise(query):
    try:
        parameters, errors = read_list_parameters(query, "GET")
    except UnicodeDecodeError:
        return
    assert len(errors) <= len(parameters.pairs)


# Objects


def test_reading_an_object_looks_at_fields_only():
    assert read_object_parameters("_fields=a,b.c&_limit=abc&id=1", "GET") == (("a", "b.c"), [])
    assert read_object_parameters("_limit=abc", "HEAD") == (None, [])
    assert read_object_parameters("", "GET") == (None, [])


def test_writing_an_object_ignores_fields():
    assert read_object_parameters("_fields=a", "PUT") == (None, [])


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("", None),
        ("foo=1", None),
        ("last_modified=null", None),
        ("last_modified=12", 12),
        ("last_modified=%2212%22", 12),
        ("last_modified=-1", -1),
    ],
)
def test_deleting_an_object_may_have_a_timestamp(query, value):
    assert read_delete_parameters(query) == (value, [])


@pytest.mark.parametrize("text", ["abc", "", "true", "[]"])
def test_a_timestamp_of_deletion_must_be_a_number(text):
    _, (error,) = read_delete_parameters(f"last_modified={text}")
    assert error == ("last_modified", "querystring", f'"{text}" is not a number')
