"""The random comparison with Kinto, and of the engines with each other: a short one, always of the
same requests. `scripts/compare-with-kinto` runs longer ones.

Kinto is installed into an environment of its own the first time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import postgres_server

#: What does not depend on how fast either server is. (Entries of the history get their time a
#: little after what they tell of, or in the same millisecond.)
TOPICS = ("verbs", "preconditions", "patches", "permissions", "filters", "pages", "deletions")

#: One after the other: they share Kinto's environment.
pytestmark = pytest.mark.xdist_group("comparison")

PATIENCE_SECONDS = 900
NOTHING_FOUND = " exchanges, 0 mismatches in 0 groups"


def compare(root: Path, topic: str, *options: str) -> str:
    """Run the comparison; return its last line. Skip where Kinto cannot be installed."""
    asked = ("--topic", topic, "--seed", "always", "--exchanges", "250")
    done = subprocess.run(
        [sys.executable, "-m", "compare", *asked, *options],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "scripts"), str(root)])},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    if "No matching distribution" in done.stderr and not os.environ.get("CI"):
        pytest.skip("Kinto cannot be installed: no package index is in reach")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("topic", TOPICS)
def test_kinto_answers_as_we_do(root: Path, topic: str) -> None:
    assert compare(root, topic).endswith(NOTHING_FOUND)


@pytest.mark.parametrize("topic", TOPICS)
def test_kinto_answers_as_we_do_on_postgresql(root: Path, topic: str) -> None:
    assert compare(root, topic, "--storage", postgres_server.make_url()).endswith(NOTHING_FOUND)


@pytest.mark.parametrize("topic", TOPICS)
def test_both_engines_answer_the_same(root: Path, topic: str) -> None:
    url = postgres_server.make_url()
    assert compare(root, topic, "--engines", "--storage", url).endswith(NOTHING_FOUND)
