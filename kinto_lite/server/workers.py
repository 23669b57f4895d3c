"""Several worker processes on one port, kept alive by the process that was started.

Each worker is told what to do by one line of JSON on its standard input, says "ready" on its
standard output, and stops when that input ends: no worker outlives its parent, however the
parent ends. The sockets belong to the parent: when a worker dies, what it had accepted is lost,
and connections that were still waiting are served by the next one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kinto_lite.errors import ConfigurationError
from kinto_lite.server.runner import STOP_SECONDS
from kinto_lite.server.signals import watch_signals

log = logging.getLogger("kinto_lite")

READY = "ready"
#: How often in a row a worker may fail to start before the server gives up.
MAX_FAILED_STARTS = 3


class Worker:
    """One worker process. `ending` gives its exit code (negative: the signal), `ready` whether
    it came to serve before it ended."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.ending = asyncio.ensure_future(process.wait())
        self.ready = asyncio.ensure_future(self._hear())

    async def _hear(self) -> bool:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        return line.strip() == READY.encode()

    async def stop(self) -> None:
        """Let it answer what it has, and end; kill it when that takes too long."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait({self.ending}, timeout=STOP_SECONDS * 2)
        if not self.ending.done():
            self._process.kill()
        await self.ending


@dataclass(slots=True)
class Crew:
    """The workers of one server, one for each socket.

    `read_task` returns what each is told; it must fit into JSON, and may raise
    ConfigurationError. It is asked again at a restart.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    read_task: Callable[[], Mapping[str, Any]]
    listeners: Sequence[socket.socket]
    on_ready: Callable[[], None]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _current: dict[int, Worker] = field(default_factory=dict)
    _leaving: set[asyncio.Task[None]] = field(default_factory=set)
    _task: Mapping[str, Any] = field(default_factory=dict)

    async def keep(self) -> bool:
        """Keep all workers alive until a signal; return False when they do not start."""
        self._task = self.read_task()
        watch_signals(self.stop.set, self.restart)
        slots = range(len(self.listeners))
        kept = [asyncio.ensure_future(self.keep_worker(slot)) for slot in slots]
        telling = asyncio.ensure_future(self.tell_ready())
        started = await asyncio.gather(*kept)
        telling.cancel()
        await asyncio.gather(*self._leaving)
        return all(started)

    async def tell_ready(self) -> None:
        """Call `on_ready` when every slot has a worker that serves."""
        for slot in range(len(self.listeners)):
            while not (slot in self._current and await self._current[slot].ready):
                await asyncio.sleep(0.05)
        self.on_ready()

    async def keep_worker(self, slot: int) -> bool:
        """Run a worker, and another one whenever it ends, until the server stops."""
        failed_starts = 0
        worker = self._current[slot] = await self.launch(slot)
        stopping = asyncio.ensure_future(self.stop.wait())
        while True:
            await asyncio.wait({worker.ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self.stop.is_set():
                await worker.stop()
                return True
            if self._current[slot] is worker:
                failed_starts = 0 if await worker.ready else failed_starts + 1
                if failed_starts == MAX_FAILED_STARTS:
                    return self.give_up()
                code = worker.ending.result()
                log.warning("A worker ended (code %s): starting another.", code)
                self._current[slot] = await self.launch(slot)
            worker = self._current[slot]

    def give_up(self) -> bool:
        """Stop the server, since a worker does not start."""
        log.error("A worker does not start: giving up.")
        self.stop.set()
        return False

    async def launch(self, slot: int) -> Worker:
        """Start a worker on the socket of a slot."""
        pipe = asyncio.subprocess.PIPE
        descriptor = self.listeners[slot].fileno()
        process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=pipe,
            stdout=pipe,
            env=dict(self.environ),
            pass_fds=(descriptor,),
            # Ctrl-C reaches the parent alone, which then stops the workers.
            start_new_session=True,
        )
        assert process.stdin is not None
        task = {**self._task, "listener": descriptor}
        process.stdin.write(json.dumps(task).encode() + b"\n")
        return Worker(process)

    def restart(self) -> None:
        """Replace the workers, one after the other, if the settings can be read."""
        try:
            self._task = self.read_task()
        except ConfigurationError as error:
            log.error("The server goes on as it is: %s", error)
            return
        self.follow(self.replace_all())

    async def replace_all(self) -> None:
        """Replace each worker by a new one; when a new one does not start, the rest stay."""
        for slot in range(len(self.listeners)):
            if self.stop.is_set() or not await self.replace(slot):
                return

    async def replace(self, slot: int) -> bool:
        """Start another worker beside the one of a slot; stop that one when the other serves."""
        worker = await self.launch(slot)
        if not await worker.ready or self.stop.is_set():
            log.error("A new worker does not serve: the old ones stay.")
            await worker.stop()
            return False
        old, self._current[slot] = self._current[slot], worker
        self.follow(old.stop())
        return True

    def follow(self, work: Any) -> None:
        """Run something beside all else, and wait for it at the end."""
        task = asyncio.ensure_future(work)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
