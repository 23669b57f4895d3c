"""Replays what the reference server answered, one test per scenario, on each storage engine.

A scenario named in `pending.txt` is expected to fail, strictly: when it starts to match, the
test says so and the line has to go.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import replay

from tests import postgres_server

HERE = Path(__file__).parent


def read_pending() -> dict[str, str]:
    """Return the reason for each scenario that is not expected to match."""
    lines = (HERE / "pending.txt").read_text("utf-8").splitlines()
    entries = (line.partition(":") for line in lines if line.strip() and line[0] != "#")
    return {name.strip(): reason.strip() for name, _, reason in entries}


PENDING = read_pending()
TRANSCRIPTS = replay.load_transcripts()


def as_parameter(transcript: dict[str, Any]) -> Any:
    """Return a scenario as pytest wants it, marked when it is pending."""
    name = transcript["name"]
    if name not in PENDING:
        return pytest.param(transcript, id=name)
    return pytest.param(
        transcript, id=name, marks=pytest.mark.xfail(strict=True, reason=PENDING[name])
    )


@pytest.mark.parametrize("transcript", [as_parameter(one) for one in TRANSCRIPTS])
def test_scenario_is_answered_as_the_reference_did(
    transcript: dict[str, Any], make_wsgi: Callable[[dict[str, Any]], Any]
) -> None:
    replay.check_transcript(transcript, make_wsgi)


@pytest.mark.parametrize("transcript", [as_parameter(one) for one in TRANSCRIPTS])
def test_scenario_is_answered_so_from_postgresql_too(
    transcript: dict[str, Any], make_wsgi: Callable[[dict[str, Any]], Any]
) -> None:
    def make_app(settings: dict[str, Any]) -> Any:
        stored = {"storage_url": postgres_server.make_url()}
        others = {name: value for name, value in settings.items() if "storage_backend" not in name}
        return make_wsgi(others | stored)

    replay.check_transcript(transcript, make_app)


def test_every_pending_line_names_a_scenario_and_a_reason() -> None:
    names = {transcript["name"] for transcript in TRANSCRIPTS}
    wrong = [name for name, reason in PENDING.items() if name not in names or not reason]
    assert wrong == []
