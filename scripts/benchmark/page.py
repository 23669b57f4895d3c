"""The frame of the tables: machine, versions, command; and their place in the documentation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from scripts.benchmark.client import BenchmarkError
from scripts.benchmark.installation import ROOT
from scripts.benchmark.peer import Peer
from scripts.benchmark.rounds import Course

PAGE = ROOT / "docs" / "performance.md"
BEGIN = "<!-- Written by scripts/bench --write from here ... -->"
END = "<!-- ... to here. -->"


def describe_run(course: Course, machine: str, arguments: Sequence[str]) -> str:
    """Return when, where, how and with whom it was measured, as Markdown."""
    command = " ".join(["scripts/bench", *arguments])
    lines = [
        f"- {time.strftime('%Y-%m-%d', time.gmtime())}, `{command}`",
        f"- Machine: {machine}; `wrk` on the same machine, 2 threads",
        f"- {course.data.count:,} records, {course.rounds} rounds of {course.seconds} s, "
        "interleaved; every request authenticated and permission-checked",
        *(describe_peer(peer) for peer in course.peers),
    ]
    return "\n".join(lines)


def describe_peer(peer: Peer) -> str:
    """Return how a peer is served, and what its acknowledgement of a write means."""
    return f"- {peer.title}: {peer.served}. A write is {peer.durability}."


def replace_results(page: str, results: str) -> str:
    """Return the page with other results between its markers. Errors: BenchmarkError."""
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchmarkError(f"the page needs the lines '{BEGIN}' and '{END}'")
    return f"{before}{BEGIN}\n\n{results}\n\n{END}{after}"


def write_page(results: str, path: Path = PAGE) -> None:
    """Put the results into the documentation. Errors: BenchmarkError."""
    path.write_text(replace_results(path.read_text("utf-8"), results), "utf-8")
