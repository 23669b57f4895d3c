"""The admin console: the files of a folder at `/v1/admin/`, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp

from kinto_lite.errors import ConfigurationError
from kinto_lite.plugins.admin import assets
from tests.conftest import AppMaker

INCLUDES = {"includes": "kinto.plugins.admin"}
PAGE = b"<!DOCTYPE html><title>console</title>"
SCRIPT = "/v1/admin/assets/index-BnpThPtk.js"

MakeConsole = Callable[..., TestApp]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small console, beside a file that is none of it."""
    build = tmp_path / "build"
    (build / "assets").mkdir(parents=True)
    (build / "index.html").write_bytes(PAGE)
    (build / "VERSION").write_text("6.2.0\n")
    (build / "assets" / "index-BnpThPtk.js").write_text("let a = 1")
    (build / "assets" / "some-document.css").write_text("b {}")
    (tmp_path / "secret.txt").write_text("secret")
    return build


@pytest.fixture
def make_console(make_client: AppMaker, folder: Path) -> MakeConsole:
    """A function from settings to a client of a server with that console."""

    def make(**settings: Any) -> TestApp:
        return make_client({**INCLUDES, "admin_assets_path": str(folder), **settings})

    return make


@pytest.fixture
def console(make_console: MakeConsole) -> TestApp:
    return make_console()


def test_the_page_is_shown(console: TestApp) -> None:
    answer = console.get("/v1/admin/")
    assert answer.body == PAGE
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"


@pytest.mark.parametrize("path", ["/v1/admin", "/v1/admin?a=b"])
def test_the_address_without_slash_leads_to_the_page(console: TestApp, path: str) -> None:
    answer = console.get(path, status=307)
    assert answer.headers["Location"] == "http://localhost/v1/admin/"


def test_the_address_without_version_leads_to_the_page(console: TestApp) -> None:
    assert console.get("/admin", status=307).follow(status=307).follow().body == PAGE


def test_the_version_is_told_in_the_capability(console: TestApp) -> None:
    assert console.get("/v1/").json["capabilities"]["admin"]["version"] == "6.2.0"


def test_a_console_without_version_is_shown_too(make_console: MakeConsole, folder: Path) -> None:
    (folder / "VERSION").unlink()
    console = make_console()
    assert console.get("/v1/").json["capabilities"]["admin"]["version"] is None
    assert console.get("/v1/admin/").body == PAGE


@pytest.mark.parametrize("setting", ["true", "false"])
def test_the_permissions_endpoint_is_on(make_console: MakeConsole, setting: str) -> None:
    console = make_console(experimental_permissions_endpoint=setting)
    assert "permissions_endpoint" in console.get("/v1/").json["capabilities"]
    assert console.get("/v1/permissions").json == {"data": []}


def test_files_have_their_types(console: TestApp) -> None:
    script = console.get(SCRIPT)
    assert (script.text, script.content_type) == ("let a = 1", "text/javascript")
    assert console.get("/v1/admin/assets/some-document.css").content_type == "text/css"
    assert console.get("/v1/admin/VERSION").content_type == "application/octet-stream"


def test_head_tells_the_length(console: TestApp) -> None:
    answer = console.head(SCRIPT)
    assert (answer.headers["Content-Length"], answer.body) == ("9", b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/v1/admin", "/v1/admin/", SCRIPT])
def test_there_is_nothing_to_write(console: TestApp, method: str, path: str) -> None:
    answer = console.request(path, method=method, status=405)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_only_names_with_a_hash_are_kept_for_good(console: TestApp) -> None:
    def caching(path: str) -> str:
        return str(console.get(path).headers["Cache-Control"])

    assert caching(SCRIPT) == "public, max-age=31536000, immutable"
    assert caching("/v1/admin/assets/some-document.css") == "max-age=3600"
    assert caching("/v1/admin/VERSION") == "max-age=3600"
    assert caching("/v1/admin/") == "no-cache"


@pytest.mark.parametrize("path", ["/v1/admin/", SCRIPT])
@pytest.mark.parametrize("known", ["{}", 'W/{}, "x"', '"x", {}', "*"])
def test_what_the_browser_has_is_not_sent_again(console: TestApp, path: str, known: str) -> None:
    etag = console.get(path).headers["ETag"]
    answer = console.get(path, headers={"If-None-Match": known.format(etag)}, status=304)
    assert (answer.body, answer.headers["ETag"]) == (b"", etag)


def test_what_has_changed_is_sent(make_console: MakeConsole, folder: Path) -> None:
    etag = make_console().get("/v1/admin/").headers["ETag"]
    (folder / "index.html").write_text("another")
    answer = make_console().get("/v1/admin/", headers={"If-None-Match": etag})
    assert answer.text == "another"


def test_the_date_counts_without_an_etag(console: TestApp) -> None:
    date = console.get(SCRIPT).headers["Last-Modified"]
    console.get(SCRIPT, headers={"If-Modified-Since": date}, status=304)
    console.get(SCRIPT, headers={"If-Modified-Since": date, "If-None-Match": '"x"'}, status=200)


def test_the_page_runs_its_own_scripts_only(console: TestApp) -> None:
    answer = console.get("/v1/admin/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self' 'unsafe-eval';" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_page_that_is_kept_keeps_its_policy(console: TestApp) -> None:
    fresh = console.get("/v1/admin/")
    kept = console.get("/v1/admin/", headers={"If-None-Match": fresh.headers["ETag"]}, status=304)
    for name in ("Content-Security-Policy", "Cache-Control", "X-Content-Type-Options"):
        assert kept.headers[name] == fresh.headers[name]


def test_other_files_can_do_nothing_as_a_page(console: TestApp) -> None:
    headers = console.get(SCRIPT).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; frame-")
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["buckets", "buckets/b/collections/c"])
def test_an_address_within_the_page_shows_the_page(console: TestApp, path: str) -> None:
    answer = console.get(f"/v1/admin/{path}", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.body == PAGE
    console.get(f"/v1/admin/{path}", headers={"Accept": "*/*"}, status=404)


ESCAPES = (
    "../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt",
    "assets/../VERSION", "assets/../../secret.txt", "assets%2f..%2f..%2fsecret.txt",
    "..%5csecret.txt", "/etc/passwd", "%2fetc/passwd", "index.html%00", "%00", "a%00.js",
    "assets//index-BnpThPtk.js", "./VERSION", "missing.js", "assets", "VERSION%20", "x" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES)
def test_no_name_leads_out_of_the_folder(console: TestApp, path: str) -> None:
    answer = console.get(f"/v1/admin/{path}", status=404)
    assert answer.json["errno"] == 111


def test_a_name_that_is_no_text_is_refused(console: TestApp) -> None:
    console.get("/v1/admin/%ff", status=400)


def test_links_out_of_the_folder_and_hidden_files_are_left_out(
    make_console: MakeConsole, folder: Path
) -> None:
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "linked").symlink_to(folder.parent)
    (folder / "inside.css").symlink_to("assets/some-document.css")
    (folder / ".env").write_text("secret")
    os.mkfifo(folder / "pipe")
    console = make_console()
    for name in ("link.txt", "linked/secret.txt", ".env", "pipe"):
        console.get(f"/v1/admin/{name}", status=404)
    assert console.get("/v1/admin/inside.css").text == "b {}"


def test_what_is_put_there_later_is_not_served(console: TestApp, folder: Path) -> None:
    (folder / "later.txt").write_text("later")
    console.get("/v1/admin/later.txt", status=404)


def test_nobody_has_to_be_known(console: TestApp) -> None:
    answer = console.get("/v1/admin/", headers={"Authorization": "Basic bm9ib2R5OndoYXQ="})
    assert answer.body == PAGE


def test_there_is_no_console_within_a_batch(console: TestApp) -> None:
    paths = ("/admin/", "/admin/VERSION", SCRIPT)
    answer = console.post_json("/v1/batch", {"requests": [{"path": path} for path in paths]})
    assert [part["status"] for part in answer.json["responses"]] == [404, 404, 404]


def test_the_description_of_the_api_leaves_the_console_out(console: TestApp) -> None:
    paths = console.get("/v1/__api__").json["paths"]
    assert "/permissions" in paths
    assert [path for path in paths if path.startswith("/admin")] == []


@pytest.mark.parametrize("path", ["", "missing", "empty", "build/index.html", "loop"])
def test_without_a_console_a_page_says_how_to_get_one(
    make_client: AppMaker, folder: Path, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    (folder.parent / "empty").mkdir()
    (folder.parent / "loop").symlink_to("loop")
    given = str(folder.parent / path) if path else ""
    client = make_client({**INCLUDES, "admin_assets_path": given})
    answer = client.get("/v1/admin/")
    assert "kinto-lite fetch-admin" in answer.text
    assert str(folder.parent) not in answer.text
    assert ("admin_assets_path" in caplog.text) == bool(path)
    client.get("/v1/admin/VERSION", status=404)
    assert client.get("/v1/").json["capabilities"]["admin"]["version"] is None


def test_a_console_beside_the_database_is_found(make_client: AppMaker, folder: Path) -> None:
    folder.rename(folder.with_name("kinto-lite-admin"))
    url = f"sqlite:///{folder.parent}/my.db"
    assert make_client({**INCLUDES, "storage_url": url}).get("/v1/admin/").body == PAGE


@pytest.mark.parametrize("limit", ["MAX_ENTRIES", "MAX_BYTES"])
def test_a_folder_that_is_too_large_stops_the_start(
    make_console: MakeConsole, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(assets, limit, 3)
    with pytest.raises(ConfigurationError, match="folder of an admin console and nothing else"):
        make_console()


def test_a_path_that_is_none_stops_the_start(make_client: AppMaker) -> None:
    with pytest.raises(ConfigurationError, match="admin_assets_path"):
        make_client({**INCLUDES, "admin_assets_path": "a\0b"})


def test_the_plugin_is_off_unless_included(make_client: AppMaker, folder: Path) -> None:
    client = make_client({"admin_assets_path": str(folder)})
    client.get("/v1/admin/VERSION", status=404)
    assert "admin" not in client.get("/v1/").json["capabilities"]
