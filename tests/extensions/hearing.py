"""A plugin that listens, put together in a test."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from kinto_lite.hooks import Listener, Parts, Plugin
from tests.resources.asking import Asking

MakeAsk = Callable[..., Asking]

_numbers = itertools.count()


def include(monkeypatch: pytest.MonkeyPatch, *listeners: Listener, **parts: Any) -> str:
    """Make a plugin with these parts importable; return its name."""
    name = f"made_by_a_test_{next(_numbers)}"
    module = ModuleType(name)
    plugin = Plugin(name, lambda service: Parts(listeners=listeners, **parts))
    vars(module)["PLUGIN"] = plugin
    monkeypatch.setitem(sys.modules, name, module)
    return name


def hear_all(*events: type[Any], **filters: frozenset[str]) -> tuple[list[Any], list[Listener]]:
    """Return a list, and listeners that put each event of these types into it."""
    heard: list[Any] = []
    return heard, [Listener(event, heard.append, **filters) for event in events]
