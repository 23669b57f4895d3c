"""The tree of routes, and the texts that begin paths (protocol, core chapters 1.1 to 1.3)."""

from __future__ import annotations

import pytest

from kinto_lite.hooks import Route
from kinto_lite.pipeline.routing import Routes, is_ours, is_text, is_versioned

PATTERNS = [
    "/",
    "/batch",
    "/buckets",
    "/buckets/{id}",
    "/buckets/default",
    "/buckets/default/{rest*}",
    "/buckets/{bucket_id}/groups",
    "/buckets/{bucket_id}/groups/{id}",
    "/files/{id}/{rest*}",
    "/files/{id}/about",
]
ROUTES = Routes(Route(pattern, pattern, {}) for pattern in PATTERNS)

FOUND = [
    ("/", "/", {}),
    ("/batch", "/batch", {}),
    ("/buckets", "/buckets", {}),
    ("/buckets/b", "/buckets/{id}", {"id": "b"}),
    ("/buckets/ b", "/buckets/{id}", {"id": " b"}),
    ("/buckets/default", "/buckets/default", {}),
    ("/buckets/defaults", "/buckets/{id}", {"id": "defaults"}),
    ("/buckets/Default", "/buckets/{id}", {"id": "Default"}),
    ("/buckets/default/x", "/buckets/default/{rest*}", {"rest": "x"}),
    ("/buckets/default/x/y/z", "/buckets/default/{rest*}", {"rest": "x/y/z"}),
    ("/buckets/default/groups", "/buckets/default/{rest*}", {"rest": "groups"}),
    ("/buckets/b/groups", "/buckets/{bucket_id}/groups", {"bucket_id": "b"}),
    ("/buckets/b/groups/g", "/buckets/{bucket_id}/groups/{id}", {"bucket_id": "b", "id": "g"}),
    ("/files/1/about", "/files/{id}/about", {"id": "1"}),
    ("/files/1/about/x", "/files/{id}/{rest*}", {"id": "1", "rest": "about/x"}),
    ("/files/1/x", "/files/{id}/{rest*}", {"id": "1", "rest": "x"}),
]


@pytest.mark.parametrize(("path", "pattern", "params"), FOUND)
def test_a_path_leads_to_its_route(path: str, pattern: str, params: dict[str, str]) -> None:
    found = ROUTES.find(path)
    assert found is not None
    assert (found.route.pattern, found.params) == (pattern, params)


NOT_FOUND = [
    "",
    "//",
    "/buckets/",
    "//buckets",
    "/buckets//groups",
    "/buckets/b/",
    "/buckets/b/groups/",
    "/buckets/b/groups//",
    "/buckets/b/groups/g/h",
    "/buckets/b/other",
    "/Buckets",
    "/BATCH",
    "/batch/",
    "/batch/x",
    "/files/1",
    "/files/1/",
    "/buckets/default/",
    "/buckets/default/x/",
]


@pytest.mark.parametrize("path", NOT_FOUND)
def test_other_paths_lead_nowhere(path: str) -> None:
    assert ROUTES.find(path) is None


def test_a_very_long_path_leads_nowhere_without_ado() -> None:
    assert ROUTES.find("/x" * 30_000) is None
    assert ROUTES.find("/buckets/b/groups" * 1000) is None


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v2", "/v2/x", "/v12/x", "/v0"])
def test_paths_with_a_version(path: str) -> None:
    assert is_versioned(path)


@pytest.mark.parametrize("path", ["/", "/buckets", "/vx", "/V1/", "/v", "/vv1", "/ v1"])
def test_paths_without_a_version(path: str) -> None:
    assert not is_versioned(path)


@pytest.mark.parametrize(
    ("path", "expected"), [("/v1", True), ("/v1/x", True), ("/v2", False), ("/v2/v1/", False)]
)
def test_paths_of_our_version(path: str, expected: bool) -> None:
    assert is_ours(path) is expected


@pytest.mark.parametrize(("path", "expected"), [("/é", True), ("/\udcff", False), ("/a", True)])
def test_bytes_that_are_no_text_are_seen(path: str, expected: bool) -> None:
    assert is_text(path) is expected
