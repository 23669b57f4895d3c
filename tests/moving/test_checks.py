"""What `check` finds in a database that somebody has broken, and what it can mend."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from tests.moving.conftest import AppOpener, Runner, check, read_rows
from tests.moving.mixed import sign_in

#: What somebody does to the file, and what the finding says.
BREAKAGES = {
    "UPDATE list SET live_count = live_count + 1 WHERE kind = 'record'": "count their objects",
    "UPDATE list SET last_modified = 5 WHERE kind = 'record'": "older than an object",
    "UPDATE object SET data = '[1]' WHERE key = :record": "no JSON object",
    "UPDATE object SET data = '{' WHERE key = :record": "no JSON object",
    "UPDATE object SET deleted = 1 WHERE key = :collection": "something that is deleted",
    "UPDATE list SET parent_uri = parent_uri || 'x' WHERE kind = 'record'": "is somewhere else",
    "UPDATE list SET grandparent = 0 WHERE kind = 'record'": "is somewhere else",
    "UPDATE permission SET list = list + 1": "another list or another kind",
    "UPDATE object SET deleted = 1, data = '{\"deleted\":true}'": "belong to a deleted object",
    "UPDATE membership SET group_principal = member": "under another name",
    "UPDATE OR IGNORE membership SET group_key = :record": "what is no group",
    "DELETE FROM principal": "refer to a principal that is not there",
    "DELETE FROM object WHERE key = :collection": "refer to a object that is not there",
    "UPDATE field_value SET last_modified = 7": "belong to no live object of their list",
    "DELETE FROM field_value": "are not in an index",
}
FIND_ONE = """
SELECT min(object.key) FROM object JOIN list ON list.key = object.list
WHERE list.kind = ? AND object.deleted = 0
"""


def break_database(path: Path, statement: str) -> None:
    """Change a file in a way that the engine never would."""
    with apsw.Connection(str(path)) as connection:
        places = {}
        for kind in ("record", "collection"):
            ((places[kind],),) = connection.execute(FIND_ONE, (kind,))
        connection.execute(statement, places)
    connection.close()


@pytest.mark.parametrize("statement", BREAKAGES)
def test_what_somebody_broke_is_found(
    statement: str, mixed: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    break_database(mixed, statement)
    assert run("check", "--db", mixed) == 1
    assert BREAKAGES[statement] in capsys.readouterr().out


def test_a_sound_database_has_nothing_to_find(
    mixed: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", "--db", mixed) == 0
    assert capsys.readouterr().out == "Nothing is wrong.\n"


def test_damaged_pages_are_found(
    mixed: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(mixed.read_bytes())
    content[8192:20480] = bytes(12288)
    mixed.write_bytes(content)
    assert run("check", "--db", mixed, "--repair") == 1
    assert "SQLite finds damage" in capsys.readouterr().out
    assert mixed.read_bytes() == content


def test_counters_and_timestamps_can_be_mended(mixed: Path, run: Runner) -> None:
    break_database(mixed, "UPDATE list SET live_count = 3, last_modified = 5")
    assert run("check", "--db", mixed, "--repair") == 0
    assert check(mixed) == []


def test_what_cannot_be_computed_stays_and_is_an_error(
    mixed: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    break_database(mixed, "UPDATE membership SET group_principal = member")
    before = read_rows(mixed)
    assert run("check", "--db", mixed, "--repair") == 1
    assert "1 of them are left" in capsys.readouterr().out
    assert read_rows(mixed) == before


def test_it_runs_beside_a_server(mixed: Path, run: Runner, open_app: AppOpener) -> None:
    client = sign_in(open_app(mixed), "alice")
    client.put_json("/v1/buckets/new", {})
    assert run("check", "--db", mixed) == 0
    client.put_json("/v1/buckets/newer", {}, status=201)


def test_only_some_of_many_are_named(
    mixed: Path, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    break_database(mixed, "UPDATE object SET data = '7' WHERE deleted = 0")
    run("check", "--db", mixed)
    assert ", ..." in capsys.readouterr().out


def test_a_database_that_is_not_there_is_not_made(mixed: Path, tmp_path: Path, run: Runner) -> None:
    assert run("check", "--db", tmp_path / "none.db") == 1
    assert not (tmp_path / "none.db").exists()
