"""What the machine allows: syncs of the disk, and answers of the bare server."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from scripts.benchmark.installation import ROOT
from scripts.benchmark.peer import wait_for_answer
from scripts.benchmark.plans import Call, Plan, expect_status
from scripts.benchmark.processes import Process, find_free_port
from scripts.benchmark.wrk import run_wrk

PAGE_BYTES = 4096


def count_syncs(folder: Path, seconds: float) -> float:
    """Return how often in a second 4096 new bytes can be made durable, one after the other."""
    path = folder / "syncs"
    page = b"x" * PAGE_BYTES
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        begun = time.perf_counter()
        count = 0
        while time.perf_counter() - begun < seconds:
            os.write(descriptor, page)
            os.fdatasync(descriptor)
            count += 1
        return count / (time.perf_counter() - begun)
    finally:
        os.close(descriptor)
        path.unlink()


def count_bare_answers(wrk: str, folder: Path, connections: int, seconds: int) -> float:
    """Return how many constant answers a second kinto-lite's edge gives.

    Errors: BenchmarkError.
    """
    port = find_free_port()
    options = ["--port", str(port), "--db", str(folder / "bare.db"), "-q"]
    command = [sys.executable, "-m", "scripts.benchmark.bare", *options]
    process = Process(command, folder, folder / "bare.log", {"PYTHONPATH": str(ROOT)})
    try:
        wait_for_answer(process, port, "/")
        plan = Plan([Call("GET", "/v1/", expect_status(200))], {})
        return run_wrk(wrk, plan, port, connections, seconds, folder).per_second
    finally:
        process.stop()
