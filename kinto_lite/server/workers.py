"""Several worker processes on one port, kept alive by the process that was started.

Each worker is told what to do by one line of JSON on its standard input, says "ready" on its
standard output, and stops when that input ends: no worker outlives its parent, however the
parent ends. The system spreads connections over the workers.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kinto_lite.server.runner import STOP_SECONDS, watch_signals

READY = "ready"
#: A worker that lives shorter than this did not start.
SHORT_LIFE_SECONDS = 5.0
#: How often in a row a worker may fail to start before the server gives up.
MAX_FAILED_STARTS = 3


@dataclass(slots=True)
class Crew:
    """The workers of one server. `task` is what each is told; it must fit into JSON."""

    command: Sequence[str]
    environ: Mapping[str, str]
    task: Mapping[str, Any]
    count: int
    on_ready: Callable[[], None]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ready: int = 0

    async def keep(self) -> bool:
        """Keep all workers alive until a signal; return False when they do not start."""
        watch_signals(self.stop.set)
        kept = [asyncio.ensure_future(self.keep_worker()) for _ in range(self.count)]
        started = await asyncio.gather(*kept)
        return all(started)

    async def keep_worker(self) -> bool:
        """Run a worker, and another one whenever it ends, until the server stops."""
        failed_starts = 0
        while not self.stop.is_set():
            begin = time.monotonic()
            code = await self.run_worker()
            if self.stop.is_set():
                break
            is_short = time.monotonic() - begin < SHORT_LIFE_SECONDS
            failed_starts = failed_starts + 1 if is_short else 0
            if failed_starts == MAX_FAILED_STARTS:
                print("A worker does not start: giving up.", file=sys.stderr)
                self.stop.set()
                return False
            print(f"A worker ended (code {code}): starting another.", file=sys.stderr)
        return True

    async def run_worker(self) -> int:
        """Run one worker to its end; return its exit code (negative: the signal)."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=pipe,
            stdout=pipe,
            env=dict(self.environ),
            # Ctrl-C reaches the parent alone, which then stops the workers.
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(dict(self.task)).encode() + b"\n")
        ending = asyncio.ensure_future(process.wait())
        telling = asyncio.ensure_future(self.hear(process.stdout))
        stopping = asyncio.ensure_future(self.stop.wait())
        await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        process.stdin.close()
        await asyncio.wait({ending}, timeout=STOP_SECONDS * 2)
        if not ending.done():
            process.kill()
        telling.cancel()
        stopping.cancel()
        return await ending

    async def hear(self, output: asyncio.StreamReader) -> None:
        """Count the worker when it says that it is ready; tell when all of them are."""
        line = await output.readline()
        if line.strip() == READY.encode():
            self.ready += 1
            if self.ready == self.count:
                self.on_ready()
