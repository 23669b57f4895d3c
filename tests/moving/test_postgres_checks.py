"""What `check` finds in a PostgreSQL database that somebody has changed, and what it can mend."""

from __future__ import annotations

import pytest

from kinto_lite.storage.postgres import checks
from tests import postgres_server
from tests.moving.conftest import AppOpener, Runner, at, check, read_rows
from tests.moving.mixed import sign_in

#: What somebody does, and what the finding says.
BREAKAGES = {
    "UPDATE list SET live_count = live_count + 1 WHERE kind = 'record'": "count their objects",
    "UPDATE list SET last_modified = 5 WHERE kind = 'record'": "older than an object",
    "UPDATE object SET data = '[1]' WHERE key = %(record)s": "no JSON object",
    "UPDATE object SET data = '{' WHERE key = %(record)s": "no JSON object",
    "UPDATE object SET data = '{\"x\":NaN}' WHERE key = %(record)s": "no JSON object",
    'UPDATE object SET data = \'{"x":"\\ud800"}\' WHERE key = %(record)s': "no JSON object",
    "UPDATE object SET data = '{}' WHERE deleted": "no JSON object",
    "UPDATE object SET data = '{\"n\":5}' WHERE key = %(record)s": "other fields than they have",
    "UPDATE object SET fields = '{}' WHERE data LIKE '%%u0000%%'": "other fields than they have",
    "UPDATE object SET deleted = true WHERE key = %(collection)s": "something that is deleted",
    "DELETE FROM object WHERE key = %(collection)s": "something that is deleted",
    "UPDATE list SET parent_uri = parent_uri || 'x' WHERE kind = 'record'": "is somewhere else",
    "UPDATE list SET grandparent = 0 WHERE kind = 'record'": "is somewhere else",
    "DELETE FROM list WHERE kind = 'record'": "refer to a list that is not there",
    "UPDATE permission SET list = list + 1": "another list or another kind",
    "DELETE FROM object WHERE key = %(record)s": "belong to a deleted object",
    "DELETE FROM principal": "or to nobody",
    "DELETE FROM permission_name": "belong to a deleted object, another list or another kind",
    "UPDATE membership SET group_principal = member": "under another name",
    "UPDATE membership SET group_key = %(record)s"
    " WHERE ctid = (SELECT min(ctid) FROM membership)": "what is no group",
    "UPDATE field_value SET last_modified = 7": "belong to no live object of their list",
    "DELETE FROM field_value": "are not in an index",
}
FIND_ONE = """
SELECT min(object.key) FROM object JOIN list ON list.key = object.list
JOIN permission ON permission.object = object.key
WHERE list.kind = %s AND NOT object.deleted
"""


def break_database(url: str, statement: str) -> None:
    """Change a database in a way that the engine never would."""
    with postgres_server.connect_to(url) as connection:
        places = {}
        for kind in ("record", "collection"):
            ((places[kind],),) = connection.execute(FIND_ONE, (kind,)).fetchall()
        assert connection.execute(statement, places).rowcount > 0


@pytest.mark.parametrize("statement", BREAKAGES)
def test_what_somebody_broke_is_found(
    statement: str, stored: str, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    break_database(stored, statement)
    assert run("check", *at(stored)) == 1
    assert BREAKAGES[statement] in capsys.readouterr().out


def test_a_sound_database_has_nothing_to_find(
    stored: str, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", *at(stored)) == 0
    assert capsys.readouterr().out.endswith("Nothing is wrong.\n")


def test_counters_timestamps_and_fields_can_be_mended(stored: str, run: Runner) -> None:
    rows = read_rows(stored)
    break_database(stored, "UPDATE list SET live_count = 3, last_modified = 5")
    break_database(stored, "UPDATE object SET fields = '{}'")
    assert run("check", "--repair", *at(stored)) == 0
    assert check(stored) == []
    assert [row for row in read_rows(stored) if hasattr(row, "key")] == [
        row for row in rows if hasattr(row, "key")
    ]


def test_what_cannot_be_computed_stays_and_is_an_error(
    stored: str, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    break_database(stored, "UPDATE membership SET group_principal = member")
    before = read_rows(stored)
    assert run("check", "--repair", *at(stored)) == 1
    assert "1 of them are left" in capsys.readouterr().out
    assert read_rows(stored) == before


@pytest.mark.parametrize("repair", [(), ("--repair",)])
def test_it_runs_beside_a_server(
    repair: tuple[str, ...], stored: str, run: Runner, open_app: AppOpener
) -> None:
    client = sign_in(open_app(stored), "alice")
    client.put_json("/v1/buckets/new", {})
    assert run("check", *repair, *at(stored)) == 0
    client.put_json("/v1/buckets/newer", {}, status=201)


def test_only_some_of_many_are_named(
    stored: str, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    break_database(stored, "UPDATE object SET data = '7' WHERE NOT deleted")
    run("check", *at(stored))
    assert ", ..." in capsys.readouterr().out


def test_everything_is_looked_at_page_by_page(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PAGE_SIZE", 7)
    break_database(stored, "UPDATE object SET fields = '{\"x\":1}' WHERE NOT deleted")
    total = sum(hasattr(row, "key") and not row.is_deleted for row in read_rows(stored))
    assert any(text.startswith(f"{total} objects are found by") for text in check(stored))
