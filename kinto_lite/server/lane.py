"""A lane beside the worker, for reads that search much.

The worker's thread gives each read a short time to search. A read that needs more is undone and
runs again here, with the full time that a setting allows, while the worker goes on. Reads that
look like one that was slow a moment ago go here at once.

The lane is a process of its own, since a thread would share the interpreter with the worker's. It
starts when it is needed, ends when it has been idle, runs one request at a time, and gives way to
all other processes. How many requests may wait for it is bounded.
"""

from __future__ import annotations

import asyncio
import json
import marshal
import os
import struct
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any
from urllib.parse import parse_qsl

from kinto_lite.model import Answer, ApiRequest
from kinto_lite.server.processes import build_environment, worker_command
from kinto_lite.server.refusals import too_busy
from kinto_lite.storage.base import Storage

#: How long the worker's thread lets a read search.
FIRST_TRY_SECONDS = 0.05
#: Requests in the lane: the one that runs, and those that wait.
MAX_REQUESTS = 128
#: How long the process stays when nobody needs it.
IDLE_SECONDS = 60
#: How long, and how many, slow requests are remembered.
MEMORY_SECONDS = 60
MAX_REMEMBERED = 256
#: How much the process gives way to others (19 is the most).
NICENESS = 10
#: Parameters that an index serves. A client can make up any number of others.
INDEXED = frozenset({"_before", "_fields", "_limit", "_since", "_to", "_token"})

_Shape = tuple[str, tuple[str, ...] | None]
_LENGTH = struct.Struct(">I")


class SlowLane:
    """The lane of one worker. `task` is what its process is told, see `worker`. Where reads wait
    for each other in any case, there is none."""

    def __init__(self, storage: Storage, task: Mapping[str, Any]) -> None:
        self._storage = storage
        self._task = task
        self._slow: OrderedDict[_Shape, float] = OrderedDict()
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._requests = 0
        self._last_use = 0.0
        self._is_open = storage.reads_side_by_side
        if self._is_open:
            storage.limit_reads(FIRST_TRY_SECONDS)

    def is_expected(self, request: ApiRequest) -> bool:
        """Tell whether a request looks like one that was slow a moment ago."""
        if not self._slow or request.method not in ("GET", "HEAD"):
            return False
        return self._slow.get(find_shape(request.path, request.query), 0) > time.monotonic()

    def takes(self, request: ApiRequest) -> bool:
        """Tell whether the last request of the worker's thread was cut short, and is to run
        again here; remember what it looks like."""
        if not self._is_open or not self._storage.was_cut:
            return False
        shape = find_shape(request.path, request.query)
        self._slow[shape] = time.monotonic() + MEMORY_SECONDS
        self._slow.move_to_end(shape)
        if len(self._slow) > MAX_REMEMBERED:
            self._slow.popitem(last=False)
        return True

    async def run(self, request: ApiRequest) -> Answer:
        """Run a request in the process of the lane.

        Errors: Refusal when too many wait, or the process ends before it answers.
        """
        if self._requests >= MAX_REQUESTS:
            raise too_busy()
        self._requests += 1
        try:
            async with self._turn:
                return await self._exchange(pack_request(request))
        finally:
            self._requests -= 1

    async def _exchange(self, message: bytes) -> Answer:
        process = await self._find_process()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(message)
            head = await process.stdout.readexactly(_LENGTH.size)
            reply = await process.stdout.readexactly(*_LENGTH.unpack(head))
        except (OSError, EOFError):
            await end_process(process)
            raise too_busy() from None
        except BaseException:
            # What this request would have read must not become the answer to the next one.
            self.kill()
            raise
        return Answer(*marshal.loads(reply))

    async def _find_process(self) -> asyncio.subprocess.Process:
        """Return the process of the lane; start it when it does not run."""
        loop = asyncio.get_running_loop()
        self._last_use = loop.time()
        if self._process is not None and self._process.returncode is None:
            return self._process
        pipe = asyncio.subprocess.PIPE
        process = self._process = await asyncio.create_subprocess_exec(
            *worker_command(), stdin=pipe, stdout=pipe, env=build_environment()
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps({**self._task, "is_lane": True}).encode() + b"\n")
        loop.call_later(IDLE_SECONDS, self._end_when_idle)
        return process

    def _end_when_idle(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._requests and loop.time() - self._last_use >= IDLE_SECONDS:
            self.kill()
        elif self._process is not None:
            loop.call_later(IDLE_SECONDS, self._end_when_idle)

    def kill(self) -> None:
        """End the process. It only reads, so nothing is lost."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        self._process = None

    async def close(self) -> None:
        """End the process, and wait for its end."""
        process, self._is_open = self._process, False
        self.kill()
        if process is not None:
            await process.communicate()


async def end_process(process: asyncio.subprocess.Process) -> None:
    """End a process that does not answer any more, so that the next request gets another."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    await process.wait()


def find_shape(path: str, query: str) -> _Shape:
    """Return what requests that take about as long have in common."""
    names = {name for name, _ in parse_qsl(query, keep_blank_values=True)} if query else set()
    return path, tuple(sorted(names)) if names <= INDEXED else None


def pack_request(request: ApiRequest) -> bytes:
    """Return a request as a message. What was done for it is done again there."""
    return pack(
        request.method,
        request.path,
        request.query,
        dict(request.headers),
        request.body,
        request.origin,
        request.remote_address,
        {},
        request.request_id,
    )


def pack(*values: Any) -> bytes:
    """Return a message: its length, and plain values."""
    text = marshal.dumps(values)
    return _LENGTH.pack(len(text)) + text


def give_way() -> None:
    """Let other processes go first, from now on."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def serve_lane(answer: Callable[[ApiRequest], Answer], source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer the requests that come as messages, until their source ends."""
    while head := source.read(_LENGTH.size):
        request = ApiRequest(*marshal.loads(source.read(*_LENGTH.unpack(head))))
        found = answer(request)
        sink.write(pack(found.status, found.headers, found.body))
        sink.flush()
