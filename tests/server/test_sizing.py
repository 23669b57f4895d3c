"""How many workers a machine gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinto_lite.server.runner import MAX_CONNECTIONS, limit_connections
from kinto_lite.server.sizing import (
    choose_workers,
    count_cores,
    count_memory,
    read_limit,
    suggest_workers,
)

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("cores", "megabytes", "workers"),
    [
        pytest.param(4, 427, 1, id="Raspberry Pi Zero 2"),
        pytest.param(4, 512, 1, id="512 MB"),
        pytest.param(4, 920, 1, id="Raspberry Pi with 1 GB"),
        pytest.param(4, 1900, 3, id="Raspberry Pi with 2 GB"),
        pytest.param(4, 7800, 4, id="Raspberry Pi with 8 GB"),
        pytest.param(1, 7800, 1, id="one core"),
        pytest.param(64, 99999, 8, id="a large machine"),
    ],
)
def test_the_number_of_workers_follows_cores_and_memory(
    cores: int, megabytes: int, workers: int
) -> None:
    assert choose_workers(cores, megabytes * MB) == workers


def test_a_machine_that_tells_nothing_gets_one() -> None:
    assert choose_workers(4, None) == 1


def test_the_limits_of_a_container_count(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    (tmp_path / "memory.max").write_text("268435456\n")
    assert (count_cores(tmp_path), count_memory(tmp_path)) == (1, 256 * MB)


def test_a_container_without_limits_has_those_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    missing = tmp_path / "missing"
    assert count_cores(tmp_path) == count_cores(missing)
    assert count_memory(tmp_path) == count_memory(missing)
    assert read_limit(missing) == ""


def test_this_machine_gets_one_at_least() -> None:
    assert suggest_workers() >= 1


@pytest.mark.parametrize(
    ("memory_bytes", "connections"), [(512 * MB, 1024), (8192 * MB, 4000), (None, 4000), (1, 1)]
)
def test_the_headers_of_all_connections_fit_into_memory(
    memory_bytes: int | None, connections: int
) -> None:
    assert limit_connections(MAX_CONNECTIONS, memory_bytes) == connections
