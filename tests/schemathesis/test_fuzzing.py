"""A few random requests for every operation that the API description names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from schemathesis import GenerationMode

from tests.schemathesis.fuzzing import ROUNDS, Fuzzer


@pytest.fixture
def fuzzer() -> Iterator[Fuzzer]:
    """An app with some objects, and somebody who asks."""
    fuzzer = Fuzzer()
    yield fuzzer
    fuzzer.close()


@pytest.mark.parametrize(("edition", "mode"), ROUNDS)
def test_answers_are_what_the_description_says(
    fuzzer: Fuzzer, edition: int, mode: GenerationMode
) -> None:
    for number, pair in enumerate(fuzzer.list_pairs(edition, mode)):
        fuzzer.run(pair, 4, number)
    assert [str(finding) for finding in fuzzer.findings.values()] == []


def test_most_requests_with_known_ids_succeed(fuzzer: Fuzzer) -> None:
    for number, pair in enumerate(fuzzer.list_pairs(0, GenerationMode.POSITIVE)):
        fuzzer.run(pair, 2, number)
    succeeded = fuzzer.statuses[200] + fuzzer.statuses[201]
    assert succeeded > fuzzer.asked / 2


def test_a_failure_of_the_server_is_noticed(
    fuzzer: Fuzzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzzer.app.service.storage, "is_healthy", lambda: 1 / 0)
    pairs = fuzzer.list_pairs(0, GenerationMode.POSITIVE)
    fuzzer.run(next(pair for pair in pairs if pair[0].path == "/__heartbeat__"), 1, 1)
    (finding,) = fuzzer.findings.values()
    assert "status 500 is not documented: ZeroDivisionError" in str(finding)
