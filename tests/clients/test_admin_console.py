"""Kinto's own admin console in a browser, against a server without any configuration.

Set KINTO_LITE_TEST_PICTURES to a folder to keep a picture of each page.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import kinto_http

from tests.clients.browser import Person, find_console, open_browser
from tests.live import run_command, start_server

RECORDS = {"bucket": "library", "collection": "books"}


def test_somebody_keeps_and_shares_a_library_with_the_admin_console(tmp_path: Path) -> None:
    (tmp_path / "kinto-lite-admin").symlink_to(find_console())
    made = run_command(tmp_path, "create-user", "-u", "alice", "-p", "wonderland")
    assert made.returncode == 0, made.stderr
    with start_server(tmp_path) as server, open_browser(tmp_path) as driver:
        alice = Person(driver, server.url)
        bob = kinto_http.Client(server_url=f"{server.url}/v1", auth=("bob", "secret"))
        try:
            for step in STEPS:
                step(alice, bob)
                keep_picture(alice, step.__name__)
        except BaseException:
            keep_picture(alice, "failed")
            raise
        assert server.errors() == ""


def keep_picture(person: Person, name: str) -> None:
    folder = os.environ.get("KINTO_LITE_TEST_PICTURES")
    if folder:
        person.shoots(Path(folder, f"{name}.png"))


def sign_in(alice: Person, _bob: kinto_http.Client) -> None:
    alice.visit("/")
    alice.chooses("Kinto Account Auth")
    alice.types("root_credentials_username", "alice")
    alice.types("root_credentials_password", "wonderland")
    alice.presses("Sign in using")
    alice.sees("account:alice")
    alice.sees("Server heartbeat status is healthy")


def make_a_bucket(alice: Person, _bob: kinto_http.Client) -> None:
    alice.visit("/buckets/create")
    alice.types("root_id", "library")
    alice.presses("Create bucket")
    alice.sees("Edit library bucket attributes")
    alice.reload()
    alice.sees("library bucket")


def make_a_collection_with_a_schema(alice: Person, _bob: kinto_http.Client) -> None:
    alice.visit("/buckets/library/collections/create")
    # The form comes with a schema: texts `title` and `content`.
    alice.types("root_id", "books")
    alice.presses("Create collection")
    alice.sees("This collection has no records.")


def make_a_record(alice: Person, _bob: kinto_http.Client) -> None:
    alice.visit("/buckets/library/collections/books/records/create")
    alice.types("root_title", "Emma")
    alice.types("root_content", "by Jane Austen")
    alice.presses("Create record")
    alice.sees("Records (1)")


def change_the_record(alice: Person, _bob: kinto_http.Client) -> None:
    alice.opens("/books/records/", "/attributes")
    alice.sees("by Jane Austen")
    alice.types("root_title", "Persuasion")
    alice.presses("Update record")
    alice.sees("Records of library/books")
    alice.sees("Persuasion")


def look_at_the_history(alice: Person, _bob: kinto_http.Client) -> None:
    alice.visit("/buckets/library/collections/books/history")
    alice.sees("History for library/books")
    for action in ("update record", "create record", "create collection"):
        alice.sees(action)


def share_the_collection(alice: Person, bob: kinto_http.Client) -> None:
    def bob_may_read() -> bool:
        return read_titles(bob) == ["Persuasion"]

    assert read_titles(bob) == "403"
    alice.visit("/buckets/library/collections/books/permissions")
    alice.ticks("root_authenticated-0")
    alice.presses("Submit")
    alice.waits_for(bob_may_read)
    schema = bob.get_collection(bucket="library", id="books")["data"]["schema"]
    assert set(schema["properties"]) == {"title", "content"}


def read_titles(client: kinto_http.Client) -> list[str] | str:
    """Return the titles of all books, or the status of the refusal."""
    try:
        return [record["title"] for record in client.get_records(**RECORDS)]
    except kinto_http.KintoException as refusal:
        return str(refusal.response.status_code)


def delete_the_record(alice: Person, _bob: kinto_http.Client) -> None:
    alice.visit("/buckets/library/collections/books/records")
    alice.opens("/books/records/", "/attributes")
    alice.presses("Delete record")
    alice.agrees()
    alice.sees("This collection has no records.")


def have_nothing_to_complain_about(alice: Person, _bob: kinto_http.Client) -> None:
    assert alice.complaints() == []


STEPS: list[Callable[[Person, kinto_http.Client], None]] = [
    sign_in,
    make_a_bucket,
    make_a_collection_with_a_schema,
    make_a_record,
    change_the_record,
    look_at_the_history,
    share_the_collection,
    delete_the_record,
    have_nothing_to_complain_about,
]
