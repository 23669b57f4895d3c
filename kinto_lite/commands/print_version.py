"""`version`: prints the version."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from kinto_lite.version import VERSION


def add_options(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: there are no options of its own."""


def run(_options: argparse.Namespace, _given: Mapping[str, str]) -> int:
    """Print it."""
    print(VERSION)
    return 0
