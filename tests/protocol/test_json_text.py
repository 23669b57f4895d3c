"""JSON text in and out (protocol, part 1, chapters 1.6 and 2.1)."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto_lite.protocol.json_text import MAX_DEPTH, dump_json, parse_json

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "NaN",
        "[Infinity]",
        "[-Infinity]",
        "[1,]",
        '{"a":1,}',
        "[01]",
        "[1e400]",
        "[-1e400]",
        "// comment",
        "\ufeff{}",
        "{'a': 1}",
        '["\t"]',
        '["\x01"]',
        r'["\ud800"]',
        r'["\udc00"]',
        r'["\udc00\ud800"]',
        r'{"\uDBFF": 1}',
        "[1] 2",
        "[+1]",
        "[.5]",
        "[1.]",
        "[" + "9" * 400 + "]",
        "[-" + "9" * 5000 + "]",
        "[" + "9" * 309 + "]",
    ],
)
def test_text_that_is_not_strict_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text.encode())


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        parse_json(b'["\xff"]')


def test_utf8_encoded_surrogates_are_refused() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        parse_json(b'["\xed\xa0\x80"]')


def test_a_million_open_brackets_are_refused_without_recursion() -> None:
    with pytest.raises(ValueError, match="levels of nesting"):
        parse_json(b"[" * 1_000_000)


def test_nesting_is_accepted_up_to_the_limit() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert dump_json(parse_json(text.encode())) == text


def test_nesting_beyond_the_limit_is_refused() -> None:
    text = '{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1)
    with pytest.raises(ValueError, match="450 levels"):
        parse_json(text.encode())


def test_brackets_in_strings_do_not_count_as_nesting() -> None:
    value = ["[" * 1000, '\\"[{' * 500, {"{" * 600: "]"}]
    assert parse_json(json.dumps(value).encode()) == value


def test_many_shallow_arrays_are_accepted() -> None:
    value = [[[index]] for index in range(1000)]
    assert parse_json(json.dumps(value).encode()) == value


def test_an_unterminated_string_of_escapes_is_refused() -> None:
    brackets = b"[]," * 500
    with pytest.raises(ValueError, match="Unterminated"):
        parse_json(b"[" + brackets + b'"' + b'\\"' * 200_000)


def test_of_duplicate_keys_the_last_wins() -> None:
    assert parse_json(b'{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18446744073709551615", 18446744073709551615),
        ("-9223372036854775808", -9223372036854775808),
        ("18446744073709551616", 1.8446744073709552e19),
        ("-9223372036854775809", -9.223372036854776e18),
        ("1.0", 1.0),
        ("1e2", 100.0),
        ("1e-400", 0.0),
        ("-0", 0),
    ],
)
def test_integers_in_64_bits_are_exact_and_others_are_doubles(text: str, value: float) -> None:
    parsed = parse_json(text.encode())
    assert (parsed, type(parsed)) == (value, type(value))


def test_a_fraction_of_many_digits_is_rounded() -> None:
    assert parse_json(b"[0." + b"3" * 100_000 + b"]") == [1 / 3]


@pytest.mark.parametrize("charset", ["latin-1", "ISO-8859-1", "windows-1252"])
def test_the_charset_is_honoured(charset: str) -> None:
    assert parse_json(b'["\xe9"]', charset) == ["é"]


@pytest.mark.parametrize("charset", ["bogus", "unicode_escape", "zip", "idna", "utf-7", ""])
def test_an_unknown_or_dangerous_charset_is_refused(charset: str) -> None:
    with pytest.raises(ValueError, match="charset is not supported"):
        parse_json(b"[]", charset)


def test_nul_characters_are_kept() -> None:
    assert parse_json(rb'{"a\u0000":"\u0000"}') == {"a\0": "\0"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("é", r'"\u00E9"'),
        ("\u2028", r'"\u2028"'),
        ("🎉", r'"\uD83C\uDF89"'),
        ("日本", r'"\u65E5\u672C"'),
        ("\\u00e9", r'"\\u00e9"'),
        ("\\é", r'"\\\u00E9"'),
        ("\\" * 3 + "é", r'"\\\\\\\u00E9"'),
        ("\x01\n", r'"\u0001\n"'),
        ("a/b", '"a/b"'),
        ("\ud7ff", r'"\uD7FF"'),
        ("a\ud800b", r'"a\uFFFDb"'),
        ("\udc00\ud83c\udf89", r'"\uFFFD\uD83C\uDF89"'),
        ({"a": [1.0, 1, None, True]}, '{"a":[1.0,1,null,true]}'),
        (1e22, "1e+22"),
    ],
)
def test_output_is_compact_ascii_with_upper_case_escapes(value: object, text: str) -> None:
    assert dump_json(value) == text


def test_what_is_not_a_number_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump_json(float("nan"))


@given(JSON_VALUES)
def test_what_is_written_reads_back_the_same(value: object) -> None:
    text = dump_json(value)
    assert text.isascii()
    assert parse_json(text.encode()) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(ValueError):
        assert dump_json(parse_json(raw))
