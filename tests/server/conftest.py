"""Servers around the tiny app of `tiny`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import Server, start_server

TINY = (str(Path(__file__).with_name("tiny.py")),)


@pytest.fixture(scope="module", params=[(), ("--plain",)], ids=["httptools", "h11"])
def tiny(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server, shared by the tests of a module; with each of the parsers."""
    folder = tmp_path_factory.mktemp("tiny")
    with start_server(folder, *request.param, command=TINY) as server:
        yield server


@pytest.fixture(scope="module")
def port(tiny: Server) -> int:
    """The port of that server."""
    return tiny.port
