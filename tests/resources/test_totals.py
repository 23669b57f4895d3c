"""How many there are: Total-Objects and Total-Records (protocol, core chapter 5.5).

HEAD always counts. GET shows the number too when it costs nothing: the counter of an unfiltered
list, or a result that fits one page.
"""

from __future__ import annotations

import pytest

from tests.resources.asking import RECORD, RECORDS, Asking

ROWS = [
    # query, HEAD, GET
    ("", "5", "5"),
    ("?_limit=2", "5", "5"),
    ("?_sort=-n", "5", "5"),
    ("?_limit=0", "5", "5"),
    ("?n=1", "1", "1"),
    ("?n=77", "0", "0"),
    ("?gt_n=0", "4", "4"),
    ("?gt_n=0&_limit=4", "4", "4"),
    ("?gt_n=0&_limit=3", "4", None),
    ("?_since=0", "5", "5"),
    ("?_since=0&_limit=2", "5", None),
    ("?deleted=true&_since=0", "0", "0"),
    ("?not_deleted=true&_since=0", "5", "5"),
    ("?_fields=n", "5", "5"),
]


@pytest.fixture
def listed(tree: Asking) -> Asking:
    """A list of five records, n from 0 to 4, and of two tombstones."""
    tree("DELETE", RECORDS)
    for n in range(5):
        tree("PUT", f"{RECORDS}/x{n}", {"data": {"n": n}})
    return tree


@pytest.mark.parametrize(("query", "counted", "shown"), ROWS)
def test_a_list_tells_how_many_match(
    listed: Asking, query: str, counted: str, shown: str | None
) -> None:
    for method, expected in (("HEAD", counted), ("GET", shown)):
        headers = listed(method, RECORDS + query).headers
        assert headers.get("Total-Objects") == headers.get("Total-Records") == expected


def test_the_last_page_does_not_pretend_to_be_all(listed: Asking) -> None:
    first = listed("GET", RECORDS + "?gt_n=0&_limit=3")
    rest = listed("GET", first.headers["Next-Page"].partition("/v1")[2])
    assert "Total-Objects" not in rest.headers
    assert "Next-Page" not in rest.headers


def test_head_has_no_next_page(listed: Asking) -> None:
    assert "Next-Page" not in listed("HEAD", RECORDS + "?_limit=1").headers


def test_head_checks_tokens(listed: Asking) -> None:
    assert listed("HEAD", RECORDS + "?_token=x").status_int == 400


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE"])
def test_other_methods_do_not_count(listed: Asking, method: str) -> None:
    path = RECORDS if method == "POST" else RECORDS + "/x0"
    body = None if method == "DELETE" else {"data": {}}
    assert "Total-Objects" not in listed(method, path, body).headers


def test_the_counter_follows_every_write(tree: Asking) -> None:
    totals = []
    for method, path in (("DELETE", RECORD), ("PUT", RECORD), ("PUT", RECORD), ("DELETE", RECORDS)):
        tree(method, path, {} if method == "PUT" else None)
        totals.append(tree("HEAD", RECORDS).headers["Total-Objects"])
    assert totals == ["1", "2", "2", "0"]


def test_client_data_named_deleted_still_counts(tree: Asking) -> None:
    tree("PUT", RECORD, {"data": {"deleted": True}})
    assert tree("HEAD", RECORDS).headers["Total-Objects"] == "2"
    assert tree("HEAD", RECORDS + "?n=1").headers["Total-Objects"] == "1"
