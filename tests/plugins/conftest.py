"""Fixtures of this room: someone who asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.resources.asking import Asking, ask, make_ask, plain_app, tree

__all__ = ["ask", "make_ask", "open_file", "plain_app", "tree"]


@pytest.fixture
def open_file(make_ask: Callable[..., Asking], tmp_path: Path) -> Callable[..., Asking]:
    """A function from settings to someone who asks an app on one file, the same each time."""

    def open_again(**given: str) -> Asking:
        return make_ask(storage_url=f"sqlite:///{tmp_path}/test.db", **given)

    return open_again
