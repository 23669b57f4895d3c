"""kinto_http reads and purges the history of a bucket (protocol, plugins chapter 17.1)."""

from __future__ import annotations

import uuid

import pytest
from kinto_http import Client


@pytest.fixture
def shelf(client: Client) -> Client:
    """A client of a bucket of its own with two books, one of them changed."""
    shelf = client.clone(bucket=f"shelf-{uuid.uuid4()}", collection="books")
    shelf.create_bucket()
    shelf.create_collection()
    for id_ in ("dune", "emma"):
        shelf.create_record(id=id_, data={"read": False})
    shelf.patch_record(id="emma", data={"read": True})
    return shelf


def test_the_history_is_read_and_purged(shelf: Client) -> None:
    bucket = shelf.bucket_name
    assert len(shelf.get_history(bucket=bucket)) == 5
    assert len(shelf.purge_history(bucket=bucket)) == 5
    assert shelf.get_history(bucket=bucket) == []


def test_the_history_is_filtered(shelf: Client) -> None:
    entries = shelf.get_history(bucket=shelf.bucket_name, record_id="emma")
    told = [(entry["action"], entry["target"]["data"]["read"]) for entry in entries]
    assert told == [("update", True), ("create", False)]


def test_a_part_of_the_history_is_purged(shelf: Client) -> None:
    shelf.purge_history(bucket=shelf.bucket_name, action="create")
    (entry,) = shelf.get_history(bucket=shelf.bucket_name)
    assert entry["action"] == "update"
