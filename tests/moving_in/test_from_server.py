"""Reading a running server over HTTP. Here that is kinto-lite itself, which speaks like Kinto."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from kinto_lite.commands import kinto_client
from kinto_lite.commands.kinto_client import ATTEMPTS, KintoClient, basic_authorization
from kinto_lite.commands.kinto_server import KintoServer
from kinto_lite.storage.base import Unavailable
from kinto_lite.storage.moving import Refused
from tests.moving_in.conftest import SETTINGS, Runner
from tests.moving_in.old_data import (
    PASSWORD,
    ask_app,
    compare,
    fill_old_server,
    list_questions,
    must,
)

Wsgi = Callable[..., Any]
SECRETS = {"userid_hmac_secret": "a secret", "default_bucket_hmac_secret": "another"}
GIVEN = ("--userid-hmac-secret", "a secret", "--default-bucket-hmac-secret", "another")


class QuietHandler(WSGIRequestHandler):
    """Prints nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Keep silent."""


@contextmanager
def serve(app: Wsgi) -> Iterator[str]:
    """Serve a WSGI app; yields its address with version."""
    with make_server("127.0.0.1", 0, app, WSGIServer, QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


def answer(status: str, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> Wsgi:
    """An app that always answers the same."""

    def app(_environ: Any, start: Callable[..., Any]) -> list[bytes]:
        start(status, [("Content-Type", "application/json"), *(headers or {}).items()])
        return [body]

    return app


@pytest.fixture
def old(make_wsgi: Callable[..., Any], tmp_path: Path) -> Any:
    """An old server with some of everything."""
    app = make_wsgi(SETTINGS | SECRETS | {"storage_url": f"sqlite:///{tmp_path / 'old.db'}"})
    fill_old_server(lambda user: ask_app(app, user))
    return app


@contextmanager
def read(app: Wsgi, user: str | None = "alice") -> Iterator[KintoServer]:
    """What a user may read of an app."""
    authorization = basic_authorization(user, PASSWORD) if user else None
    with serve(app) as url, closing(KintoClient(url, authorization, pytest.fail)) as client:
        yield KintoServer(client)


def test_all_that_a_user_may_read_moves(
    old: Any, tmp_path: Path, run: Runner, make_wsgi: Callable[..., Any]
) -> None:
    target = f"sqlite:///{tmp_path / 'new.db'}"
    with serve(old) as url:
        auth = ("--auth", f"alice:{PASSWORD}")
        assert run("migrate-from-kinto", url, target, *auth, *GIVEN) == 0
    new = ask_app(make_wsgi(SETTINGS | {"storage_url": target}), "alice")
    own = [path for path in list_questions() if path.startswith(("/buckets/b", "/buckets/d"))]
    assert list(compare(ask_app(old, "alice"), new, own)) == []


def test_tombstones_permissions_and_members_are_read(old: Any) -> None:
    with read(old) as source:
        found = {one.uri: one for one in source.objects()}
    assert found["/buckets/b0/collections/shared/records/r3"].is_deleted
    assert "account:erin" in found["/buckets/b0/groups/friends"].members
    shared = ("write", "/buckets/b0/groups/friends")
    assert shared in found["/buckets/b0/collections/shared"].permissions


def test_each_list_is_read_page_by_page(old: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with read(old) as source:
        at_once = list(source.objects())
    monkeypatch.setattr(
        "kinto_lite.commands.kinto_server.QUERY", "_since=0&_sort=last_modified&_limit=2"
    )
    with read(old) as source:
        assert list(source.objects()) == at_once


def test_a_server_without_batches_is_read_one_by_one(
    old: Any, make_wsgi: Callable[..., Any]
) -> None:
    with read(old) as source:
        at_once = list(source.objects())
    url = old.service.settings["storage_url"]
    readonly = make_wsgi(SETTINGS | SECRETS | {"storage_url": url, "readonly": "true"})
    with read(readonly) as source:
        assert list(source.objects()) == at_once


def test_a_change_meanwhile_is_noticed(old: Any) -> None:
    with read(old) as source:
        objects = source.objects()
        next(objects)
        must(ask_app(old, "alice")("PUT", "/buckets/b1/collections/open/records/late", {}))
        must(ask_app(old, "alice")("PUT", "/buckets/b0/collections/unused/records/late", {}))
        must(ask_app(old, "alice")("PUT", "/buckets/b3", {}))
        with pytest.raises(Refused, match="was changed while it was read"):
            list(objects)


def test_nothing_is_written_when_something_changes(
    old: Any, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(environ: Any, start: Callable[..., Any]) -> Any:
        if environ["PATH_INFO"] == "/v1/buckets/b2/groups":
            must(ask_app(old, "alice")("PUT", "/buckets/b9", {}))
        return old(environ, start)

    with serve(change) as url:
        target = f"sqlite:///{tmp_path / 'new.db'}"
        assert run("migrate-from-kinto", url, target, "--auth", f"alice:{PASSWORD}") == 1
    assert "/buckets was changed while it was read" in capsys.readouterr().err
    assert not (tmp_path / "new.db").exists()


def test_permissions_that_are_not_shown_are_counted(old: Any) -> None:
    with read(old, "bob") as source:
        list(source.objects())
        told = source.describe_losses()
    assert any(line.startswith("Permissions of 3 of the kind 'bucket'") for line in told)


def test_lists_that_may_not_be_read_are_named(old: Any) -> None:
    with read(old, "carol") as source:
        list(source.objects())
        told = source.describe_losses()
    assert "/buckets/b0/groups: the user may not read this list." in told


def test_credentials_that_nobody_knows_are_refused(old: Any) -> None:
    with (
        serve(old) as url,
        closing(KintoClient(url, "Bearer nonsense")) as client,
        pytest.raises(Refused, match="does not know these credentials"),
    ):
        KintoServer(client)


def test_what_is_no_kinto_is_refused() -> None:
    with (
        pytest.raises(Refused, match="is no Kinto"),
        read(answer("200 OK", b'{"hello": "world"}')),
    ):
        pytest.fail("it was taken for a Kinto")


def test_a_list_of_something_else_is_refused() -> None:
    hello = b'{"http_api_version": "1.23", "user": {"id": "x"}, "data": [{"no": "id"}]}'
    with (
        read(answer("200 OK", hello)) as source,
        pytest.raises(Refused, match="without id and last_modified"),
    ):
        list(source.objects())


@pytest.mark.parametrize("url", ["ftp://kinto/v1", "https:///v1", "kinto"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="looks like https"):
        KintoClient(url)


def test_credentials_are_not_sent_elsewhere() -> None:
    app = answer("302 Found", headers={"Location": "http://elsewhere/v1/"})
    with (
        serve(app) as url,
        closing(KintoClient(url, "Bearer x")) as client,
        pytest.raises(Refused, match="points to http://elsewhere"),
    ):
        client.get("/")


def test_a_busy_server_gets_the_time_that_it_asks_for() -> None:
    waits: list[float] = []
    replies = iter(
        [
            answer("429 Too Many Requests", headers={"Retry-After": "7"}),
            answer("503 Service Unavailable"),
            answer("503 Service Unavailable", headers={"Backoff": "100000"}),
            answer("200 OK", b'{"a": 1}', {"Backoff": "3"}),
        ]
    )
    with (
        serve(lambda *given: next(replies)(*given)) as url,
        closing(KintoClient(url, None, waits.append)) as client,
    ):
        assert client.get("/").body == {"a": 1}
    assert waits == [7.0, 4.0, 300.0, 3.0]


def test_a_server_that_stays_busy_is_given_up() -> None:
    waits: list[float] = []
    with (
        serve(answer("503 Service Unavailable")) as url,
        closing(KintoClient(url, None, waits.append)) as client,
        pytest.raises(Unavailable, match="cannot be read: it answers 503"),
    ):
        client.get("/")
    assert len(waits) == ATTEMPTS - 1


def test_a_server_that_is_gone_is_given_up() -> None:
    with serve(answer("200 OK")) as url:
        pass
    with pytest.raises(Unavailable, match="cannot be read"):
        KintoClient(url, None, lambda _seconds: None).get("/")


def test_a_huge_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinto_client, "MAX_BODY_BYTES", 1000)
    with (
        serve(answer("200 OK", b'"' + b"x" * 1000 + b'"')) as url,
        closing(KintoClient(url)) as client,
        pytest.raises(Refused, match="too large"),
    ):
        client.get("/")


def test_credentials_may_stand_in_the_address(old: Any) -> None:
    with serve(old) as url:
        with_user = url.replace("//", "//erin:password%3A%20of%20tests%20%C3%A9@")
        with closing(KintoClient(with_user)) as client:
            assert KintoServer(client).user_id == "account:erin"
