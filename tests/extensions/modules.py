"""Modules that settings name, written where the tests can import them."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

_numbers = itertools.count()


def write_module(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> str:
    """Write a module that can be imported during this test; return its name, which is new."""
    name = f"written_by_a_test_{next(_numbers)}"
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    return name
