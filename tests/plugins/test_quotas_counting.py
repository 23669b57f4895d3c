"""The counters of quotas are exact: under any sequence of writes, for what was there before, and
after a rebuild (protocol, plugins chapter 7.7)."""

from __future__ import annotations

import io
import random
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webtest import TestApp

from kinto_lite import make_app
from kinto_lite.commands.rebuild_quotas import report_rebuild
from kinto_lite.model import ObjectRef
from kinto_lite.plugins.quotas.counters import Counters
from kinto_lite.plugins.quotas.usage import Usage
from tests.conftest import PLAIN_SETTINGS
from tests.live import run_command
from tests.plugins.holdings import (
    PLUGIN,
    check_counters,
    held,
    list_wrong,
    put_parents,
)
from tests.resources.asking import BUCKET, COLLECTION, RECORD, RECORDS, Asking, build_tree

OpenFile = Callable[..., Asking]
BIG = {"data": {"text": "x" * 300}}
HISTORY_TOO = f"{PLUGIN} kinto.plugins.history"

PATHS = (
    "/buckets",
    BUCKET,
    f"{BUCKET}/groups",
    f"{BUCKET}/groups/g",
    f"{BUCKET}/collections",
    COLLECTION,
    f"{BUCKET}/collections/d",
    RECORDS,
    RECORD,
    f"{RECORDS}/s",
    f"{BUCKET}/collections/d/records/r",
)
#: Deletions are rarer than writes, so that there is something to delete.
METHODS = ("PUT", "PUT", "PUT", "PATCH", "POST", "DELETE")
WRITE = st.tuples(st.sampled_from(METHODS), st.sampled_from(PATHS), st.integers(0, 99))


def as_request(method: str, path: str, length: int) -> dict[str, Any]:
    """One write as an item of a batch."""
    body = {} if method == "DELETE" else {"body": {"data": {"text": "é" * length}}}
    return {"method": method, "path": path, **body}


def play(ask: Asking, batches: list[list[tuple[str, str, int]]]) -> None:
    """Send writes, alone or in batches; whatever is refused is refused."""
    for writes in batches:
        requests = [as_request(*write) for write in writes]
        if len(requests) == 1:
            ask(requests[0]["method"], requests[0]["path"], requests[0].get("body"))
        else:
            assert ask("POST", "/batch", {"requests": requests}).status_int in (200, 507)


@pytest.fixture(scope="module")
def counted() -> Any:
    """An app that counts, with low limits, for all examples."""
    limits = {"quotas.bucket_max_bytes": "900", "quotas.collection_max_items": "3"}
    app = make_app(PLAIN_SETTINGS | limits | {"includes": PLUGIN})
    yield app
    app.storage.close()


# Any sequence of writes


@given(st.lists(st.lists(WRITE, min_size=1, max_size=6), max_size=12))
def test_counters_agree_with_what_is_there(
    counted: Any, batches: list[list[tuple[str, str, int]]]
) -> None:
    counted.storage.flush()
    ask = put_parents(Asking(TestApp(counted)))
    play(ask, batches)
    assert list_wrong(ask) == []


def test_counters_agree_after_a_thousand_writes(make_ask: OpenFile) -> None:
    ask = put_parents(make_ask(includes=HISTORY_TOO))
    choose = random.Random(20)
    for _ in range(200):
        number = choose.choice((1, 1, 4, 14))
        picked = [
            (choose.choice(METHODS), choose.choice(PATHS), choose.randrange(99))
            for _ in range(number)
        ]
        play(ask, [picked])
    assert list_wrong(ask) == []
    put_parents_again(ask)
    assert held(ask).bytes > 0


def put_parents_again(ask: Asking) -> None:
    """Make sure that there is something to count."""
    for path in (BUCKET, COLLECTION, RECORD):
        assert ask("PUT", path, {}).status_int in (200, 201)


def test_writers_side_by_side_never_pass_a_limit(open_file: OpenFile) -> None:
    ask = put_parents(open_file(includes=PLUGIN, quotas__collection_max_items="20"))
    answers: list[int] = []

    def write() -> None:
        answers.extend(ask("POST", RECORDS, {}).status_int for _ in range(10))

    threads = [threading.Thread(target=write) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (answers.count(201), answers.count(507)) == (20, 30)
    assert held(ask, "c").records == len(ask.data(RECORDS)) == 20


# What was there before


def test_a_bucket_from_before_is_counted_by_its_first_write(open_file: OpenFile) -> None:
    before = open_file()
    build_tree(before)
    before.storage.close()
    ask = open_file(includes=PLUGIN, quotas__collection_max_items="3")
    assert ask("PUT", RECORD + "3", {}).status_int == 201
    assert held(ask, "c").records == 3
    assert ask("PUT", RECORD + "4", {}).status_int == 507


def test_the_first_write_may_be_refused_and_counts_nothing(open_file: OpenFile) -> None:
    before = open_file()
    build_tree(before)
    before.storage.close()
    ask = open_file(includes=PLUGIN, quotas__collection_max_items="2")
    for _ in range(2):
        assert ask("PUT", RECORD + "3", {}).status_int == 507
    assert list_wrong(ask, is_dry_run=True) == ["b"]


@pytest.mark.parametrize("scope", ["bucket", "collection"])
def test_the_first_write_may_shrink_what_is_beyond_a_limit(open_file: OpenFile, scope: str) -> None:
    before = put_parents(open_file())
    for path in (RECORD, RECORD + "2"):
        before("PUT", path, BIG)
    before.storage.close()
    ask = open_file(includes=PLUGIN, **{f"quotas__{scope}_max_bytes": "10"})
    assert ask("PATCH", RECORD, {"data": {"text": "x"}}).status_int == 200
    assert ask("PATCH", RECORD, {"data": {"text": "xx"}}).status_int == 507
    assert ask("DELETE", COLLECTION).status_int == 200


def test_writes_while_the_plugin_was_off_are_counted(open_file: OpenFile) -> None:
    ask = put_parents(open_file(includes=PLUGIN))
    ask.storage.close()
    off = open_file()
    off("PUT", RECORD, BIG)
    off("PUT", f"{BUCKET}/collections/d", {})
    off("PUT", "/buckets/other", {})
    off.storage.close()
    ask = open_file(includes=PLUGIN)
    ask("PUT", RECORD + "2", {})
    ask("PUT", "/buckets/other/collections/c", {})
    assert held(ask, "c").records == 2
    assert set(check_counters(ask, "other").stored) == {None, "c"}


def test_a_server_with_the_plugin_survives_one_without(open_file: OpenFile) -> None:
    ask = put_parents(open_file(includes=PLUGIN))
    other = open_file()
    other("PUT", RECORD, {})
    ask("PUT", RECORD + "2", {})
    assert held(ask, "c").records == 2


def test_a_bucket_without_place_for_counters_is_not_written_to(
    open_file: OpenFile, caplog: pytest.LogCaptureFixture
) -> None:
    ask = put_parents(open_file(includes=PLUGIN))
    open_file()("PUT", "/buckets/other", {})
    assert ask("PUT", "/buckets/other/groups/g", {}).status_int == 503
    assert "restart" in caplog.text
    assert open_file(includes=PLUGIN)("PUT", "/buckets/other/groups/g", {}).status_int == 201


# Rebuild


def falsify(ask: Asking) -> None:
    """Let the counters of a bucket say what is not so."""
    with ask.storage.transaction(write=True) as tx:
        counters = Counters(tx, BUCKET)
        counters.replace({None: Usage(5, 1), "c": Usage(1, 1), "gone": Usage(4, 0)})


def test_a_rebuild_corrects_all_counters(make_ask: OpenFile) -> None:
    ask = make_ask(includes=PLUGIN)
    build_tree(ask)
    right = held(ask)
    falsify(ask)
    assert list_wrong(ask) == ["b"]
    assert held(ask) == right
    assert list_wrong(ask) == []


def test_a_dry_run_corrects_nothing(make_ask: OpenFile) -> None:
    ask = make_ask(includes=PLUGIN)
    build_tree(ask)
    falsify(ask)
    assert list_wrong(ask, is_dry_run=True) == list_wrong(ask, is_dry_run=True) == ["b"]


def test_a_rebuild_reads_long_lists_to_their_end(make_ask: OpenFile) -> None:
    ask = put_parents(make_ask(includes=PLUGIN, batch_max_requests="1200"))
    items = [{"method": "POST", "path": RECORDS, "body": {}} for _ in range(1100)]
    assert ask("POST", "/batch", {"requests": items}).status_int == 200
    falsify(ask)
    list_wrong(ask)
    assert held(ask, "c").records == 1100


def test_a_counter_lost_is_found_missing_and_all_counted_again(make_ask: OpenFile) -> None:
    ask = make_ask(includes=PLUGIN)
    build_tree(ask)
    with ask.storage.transaction(write=True) as tx:
        Counters(tx, BUCKET).forget(["c"])
        assert tx.find_row(ObjectRef("quota", BUCKET, "collection/c")) is None
    ask("DELETE", COLLECTION)
    assert set(check_counters(ask).stored) == {None, "c2"}


# The command


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    """A configuration with quotas."""
    path = tmp_path / "kinto.ini"
    path.write_text(
        f"[app:main]\nincludes = {PLUGIN}\nstorage_url = sqlite:///{tmp_path}/test.db\n"
    )
    return path


def test_the_command_counts_what_was_there_before(
    open_file: OpenFile, ini: Path, tmp_path: Path
) -> None:
    before = open_file()
    build_tree(before)
    before.storage.close()
    dry, wet, again = (
        run_command(tmp_path, "rebuild-quotas", "--ini", str(ini), *options)
        for options in (["--dry-run"], [], [])
    )
    assert dry.stdout.startswith("Bucket b: 2 records, ")
    assert dry.stdout.endswith(" (was not counted)\n1 buckets counted, 1 would be corrected.\n")
    assert wet.stdout.endswith("1 buckets counted, 1 corrected.\n")
    assert again.stdout == "1 buckets counted, 0 corrected.\n"
    assert (again.stderr.count("\n"), again.returncode) == (1, 0)
    assert held(open_file(includes=PLUGIN)).records == 2


@pytest.mark.parametrize(
    ("lines", "code", "reason"),
    [
        (f"includes = {PLUGIN}\nreadonly = true", 51, "readonly"),
        ("includes = kinto.plugins.history", 52, "not installed"),
    ],
)
def test_the_command_says_why_it_cannot(
    tmp_path: Path, ini: Path, lines: str, code: int, reason: str
) -> None:
    ini.write_text(f"[app:main]\nstorage_url = sqlite:///{tmp_path}/test.db\n{lines}\n")
    finished = run_command(tmp_path, "rebuild-quotas", "--ini", str(ini))
    assert finished.returncode == code
    assert reason in finished.stderr
    assert not (tmp_path / "test.db").exists()


def test_a_terminal_shows_how_far_it_is_and_whole_lines(
    make_ask: OpenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = make_ask(includes=PLUGIN)
    build_tree(ask)
    falsify(ask)
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", screen)
    report_rebuild(ask.storage, is_dry_run=False)
    wiped, bar, said, _ = screen.getvalue().split("\n")
    assert re.search("\r\x1b\\[KBucket b: 2 records, ", wiped)
    assert bar.endswith(f"Counting buckets: [{'#' * 30}] 100% 1/1\x1b[K")
    assert said == "1 buckets counted, 1 corrected."


class Screen(io.StringIO):
    """A terminal that somebody looks at."""

    def isatty(self) -> bool:
        return True
