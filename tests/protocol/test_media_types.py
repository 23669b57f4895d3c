"""Content-Type and Accept (protocol, part 1, chapter 1.8)."""

from __future__ import annotations

import pytest

from kinto_lite.errors import Detail
from kinto_lite.protocol.media_types import (
    JSON,
    MediaType,
    check_accept,
    check_media_type,
    read_media_type,
)


@pytest.mark.parametrize("text", ["", " ", JSON, "APPLICATION/JSON", "application/json ;v=1"])
def test_json_may_be_spelled_freely_or_not_at_all(text: str) -> None:
    assert read_media_type(text) == MediaType(JSON, "utf-8")


@pytest.mark.parametrize(
    "parameter", ["charset=Latin-1", ' Charset="latin-1"', "v=1;charset=latin-1"]
)
def test_the_charset_is_read(parameter: str) -> None:
    assert read_media_type(f"application/json;{parameter}").charset == "latin-1"


@pytest.mark.parametrize(
    "text",
    ["text/plain", "application/x-www-form-urlencoded", "application/vnd.api+json", "json", ";a"],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_other_types_are_refused_for_bodies(method: str, text: str) -> None:
    assert [detail.name for detail in check_media_type(method, text)] == ["Content-Type"]


def test_the_refusal_names_what_is_accepted() -> None:
    expected = "Content-Type header should be one of ['application/json']"
    assert check_media_type("PUT", "text/plain") == [Detail("Content-Type", "header", expected)]


@pytest.mark.parametrize(
    "text",
    ["", JSON, "application/merge-patch+json; charset=utf-8", "application/json-patch+json"],
)
def test_patches_have_three_types(text: str) -> None:
    assert check_media_type("PATCH", text) == []


def test_a_patch_type_is_refused_for_put() -> None:
    assert check_media_type("PUT", "application/merge-patch+json")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_methods_without_body_take_any_type(method: str) -> None:
    assert check_media_type(method, "text/plain") == []


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/*",
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "application/json;q=0.001",
        "text/html, */*;q=0.1",
        "image/png, application/json;q=0.2",
        "application/*;q=0, application/json",
        "garbage",
        "text/html;q=abc",
        "*",
        "a/b," * 2000,
    ],
)
def test_json_is_acceptable(accept: str | None) -> None:
    assert check_accept(accept) == []


@pytest.mark.parametrize(
    "accept",
    [
        "",
        ",",
        "text/html",
        "text/html,",
        "application/json;q=0",
        "application/json;q=0.000",
        "application/json;q=0, */*;q=0.5",
        "application/*;q=0",
        "*/*;q=0.0",
        "*/json",
    ],
)
def test_json_is_not_acceptable(accept: str) -> None:
    expected = "Accept header should be one of ['application/json']"
    assert check_accept(accept) == [Detail("Accept", "header", expected)]
