"""A dump of one bucket is put beside what is there, and nothing else moves with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kinto_lite.storage.moving import ObjectRow
from tests.moving.conftest import AppOpener, Runner, check, read_rows
from tests.moving.mixed import SETTINGS, sign_in


@pytest.fixture
def bucket_dump(mixed: Path, tmp_path: Path, run: Runner) -> Path:
    """A dump of one bucket of the database with some of everything."""
    path = tmp_path / "b1.jsonl.gz"
    assert run("dump", path, "--bucket", "b1", "--db", mixed) == 0
    return path


@pytest.fixture
def busy(tmp_path: Path, open_app: AppOpener) -> Any:
    """An app that serves from another database, with a bucket of its own."""
    app = open_app(tmp_path / "busy.db")
    sign_in(app, "alice").put_json("/v1/buckets/own/collections/c", {}, status=403)
    sign_in(app, "alice").put_json("/v1/buckets/own", {})
    sign_in(app, "alice").put_json("/v1/buckets/own/collections/c", {})
    return app


def without_keys(path: Path) -> list[ObjectRow]:
    """The objects of the bucket, but for what is new about them in each database."""
    rows = [row for row in read_rows(path, "b1") if isinstance(row, ObjectRow)]
    moved = [row._replace(key=0) for row in rows]
    return sorted(row._replace(last_modified=0) if row.kind == "bucket" else row for row in moved)


def test_a_bucket_arrives_beside_others_while_the_server_runs(
    bucket_dump: Path, busy: Any, mixed: Path, tmp_path: Path, run: Runner
) -> None:
    target = tmp_path / "busy.db"
    assert run("load", bucket_dump, "--db", target) == 0
    assert without_keys(target) == without_keys(mixed)
    assert check(target) == []
    assert len(sign_in(busy, "alice").get("/v1/buckets/own/collections").json["data"]) == 1


def test_clients_that_follow_the_list_of_buckets_hear_of_it(
    bucket_dump: Path, busy: Any, tmp_path: Path, run: Runner
) -> None:
    with busy.storage.transaction(write=True) as tx:
        tx.add_permission(1, 1, "bucket", "read", "system.Everyone")
    client = sign_in(busy, "alice")
    tag = client.get("/v1/buckets").headers["ETag"]
    run("load", bucket_dump, "--db", tmp_path / "busy.db")
    rows = read_rows(tmp_path / "busy.db", "b1")
    ((time,),) = [(row.last_modified,) for row in rows if getattr(row, "id", "") == "b1"]
    assert time > int(tag.strip('"'))
    assert client.get("/v1/buckets").headers["ETag"] == f'"{time}"'


def test_the_order_of_objects_of_one_time_is_kept(
    bucket_dump: Path, busy: Any, mixed: Path, tmp_path: Path, run: Runner
) -> None:
    run("load", bucket_dump, "--db", tmp_path / "busy.db")
    orders = []
    for path in (mixed, tmp_path / "busy.db"):
        rows = sorted(row for row in read_rows(path, "b1") if isinstance(row, ObjectRow))
        orders.append([(row.parent_uri, row.id) for row in rows])
    assert orders[0] == orders[1]


def test_a_bucket_that_is_there_is_refused(
    bucket_dump: Path, mixed: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_rows(mixed)
    assert run("load", bucket_dump, "--db", mixed) == 1
    assert "'b1' is there already" in capsys.readouterr().err
    assert read_rows(mixed) == before


def test_a_deleted_bucket_comes_back(
    bucket_dump: Path, mixed: Path, run: Runner, open_app: AppOpener
) -> None:
    app, wanted = open_app(mixed), without_keys(mixed)
    sign_in(app, "alice").delete("/v1/buckets/b1")
    assert run("load", bucket_dump, "--db", mixed) == 0
    assert without_keys(mixed) == wanted
    assert check(mixed) == []


def test_it_makes_a_database_where_there_is_none(
    bucket_dump: Path, mixed: Path, tmp_path: Path, run: Runner
) -> None:
    assert run("load", bucket_dump, "--db", tmp_path / "new.db") == 0
    assert without_keys(tmp_path / "new.db") == without_keys(mixed)


def test_a_bucket_from_a_server_without_plugins_has_what_they_need_afterwards(
    busy: Any, tmp_path: Path, run: Runner, open_app: AppOpener, make_wsgi: Any
) -> None:
    plain = make_wsgi(
        {"multiauth.policies": "basicauth", "storage_url": f"sqlite:///{tmp_path / 'plain.db'}"}
        | {"bucket_create_principals": "system.Everyone", "userid_hmac_secret": "s"}
    )
    sign_in(plain, "alice").put_json(
        "/v1/buckets/b1", {"permissions": {"write": ["system.Everyone"]}}
    )
    run("dump", tmp_path / "plain.jsonl", "--bucket", "b1", "--db", tmp_path / "plain.db")
    ini = tmp_path / "kinto.ini"
    lines = [f"{name} = {value}" for name, value in SETTINGS.items()]
    ini.write_text("\n".join(["[app:main]", *lines]))
    words = ("--ini", ini, "--db", tmp_path / "busy.db")
    assert run("load", tmp_path / "plain.jsonl", *words) == 0
    client = sign_in(busy, "bob")
    client.put_json("/v1/buckets/b1/collections/c", {}, status=201)
    assert len(client.get("/v1/buckets/b1/history").json["data"]) == 1


def test_secrets_and_other_buckets_stay_where_they_are(bucket_dump: Path, mixed: Path) -> None:
    import gzip

    text = gzip.decompress(bucket_dump.read_bytes()).decode("utf-8")
    assert '{"secret"' not in text
    assert "/buckets/b0" not in text


def test_a_bucket_that_does_not_exist_cannot_be_dumped(
    mixed: Path, tmp_path: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("dump", tmp_path / "x.jsonl", "--bucket", "gone", "--db", mixed) == 1
    assert capsys.readouterr().err == "There is no bucket 'gone'.\n"
    assert not (tmp_path / "x.jsonl").exists()


def test_loading_with_other_settings_leaves_the_rules_of_the_server_alone(
    bucket_dump: Path, tmp_path: Path, run: Runner, make_wsgi: Any
) -> None:
    plain = make_wsgi({"storage_url": f"sqlite:///{tmp_path / 'plain.db'}"})
    rules = "SELECT granted_by, need FROM inheritance"
    before = list(plain.storage.connection().execute(rules))
    assert run("load", bucket_dump, "--db", tmp_path / "plain.db") == 0
    assert list(plain.storage.connection().execute(rules)) == before
