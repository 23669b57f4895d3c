"""The edge of the app: what becomes of a request of any connection.

The app is called in the one Python thread of the worker. Requests that arrive together wait until
everything has been read that has arrived with them: they share one view of the database, which must
be newer than the last byte of each. An answer goes out at once, or when what it rests on is on disk
(`commits`), or after slow work (`chores`, `lane`), while others are answered. Leaves bytes and
clients to `connections`, starting and stopping to `runner`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Protocol

from kinto_lite.errors import MAX_SLOW_WORKS, SlowWork
from kinto_lite.model import Answer, ApiRequest
from kinto_lite.server.chores import ERRAND_THREADS, Chores
from kinto_lite.server.commits import Commits
from kinto_lite.server.connections import Connection
from kinto_lite.server.lane import SlowLane
from kinto_lite.server.limits import Limits
from kinto_lite.server.refusals import Refusal, unexpected
from kinto_lite.server.requests import Origin
from kinto_lite.storage.base import Storage, StorageError

#: Of an answer that may have been cut short.
TOO_LONG_STATUS = 503
#: How often connections are looked at whose clients keep them waiting.
SWEEP_SECONDS = 0.1

log = logging.getLogger("kinto_lite")


class ServedApp(Protocol):
    """What an app offers to this server."""

    storage: Storage

    @property
    def is_observed(self) -> bool:
        """Whether somebody wants to hear of answers, by `report`."""
        ...

    def report(self, request: ApiRequest, answer: Answer) -> None:
        """Hear that an answer is final, and goes out."""
        ...

    def respond(self, request: ApiRequest) -> Answer:
        """Answer a request. Errors: SlowWork, whose result belongs into `request.done`."""
        ...

    def close(self) -> None:
        """End what still runs for the app, and release its storage."""
        ...

    def refuse(self, request: ApiRequest, error: StorageError) -> Answer:
        """Return the answer to a request whose writes could not be committed."""
        ...


class Client(Protocol):
    """What waits for an answer: a connection, or a `Reporter` before one."""

    def answer(self, answer: Answer) -> None: ...


class Reporter:
    """Stands before a connection when somebody observes, and tells the app what is answered."""

    def __init__(self, app: ServedApp, request: ApiRequest, connection: Connection) -> None:
        self._app = app
        self._request = request
        self._connection = connection
        #: The process of the lane has told its own log already.
        self.is_told = False

    def answer(self, answer: Answer) -> None:
        """Pass an answer on."""
        try:
            if not self.is_told:
                self._app.report(self._request, answer)
        except Exception:
            log.exception("%s %r was not reported", self._request.method, self._request.path)
        self._connection.answer(answer)


class Edge:
    """One worker's connections, and its app."""

    def __init__(self, app: ServedApp, origin: Origin, limits: Limits, lane: SlowLane) -> None:
        self._app = app
        self._storage = app.storage
        self._commits = Commits(app.storage, app.refuse)
        self._lane = lane
        self._chores = Chores()
        self._errands = Chores(ERRAND_THREADS)
        self._tasks: set[asyncio.Task[None]] = set()
        #: Requests that have arrived in this turn of the event loop.
        self._arrived: list[tuple[ApiRequest, Connection]] = []
        self.origin = origin
        self.limits = limits
        self.connections: set[Connection] = set()

    def handle(self, request: ApiRequest, connection: Connection) -> None:
        """Answer a request of a connection, soon or later."""
        self._arrived.append((request, connection))
        if len(self._arrived) == 1:
            asyncio.get_running_loop().call_soon(self._handle_arrived)

    def _handle_arrived(self) -> None:
        """Answer what has arrived in the last turn. Neither the write turn nor the view of the
        database is kept when more is read."""
        arrived, self._arrived = self._arrived, []
        is_observed = self._app.is_observed
        for request, connection in arrived:
            client = Reporter(self._app, request, connection) if is_observed else connection
            try:
                self._handle(request, client)
            except Exception:
                log.exception("%s %r could not be answered", request.method, request.path)
                connection.answer(unexpected())
        self._commits.settle()

    def _handle(self, request: ApiRequest, connection: Client) -> None:
        try:
            if self._lane.is_expected(request):
                self._begin(self._run_in_lane(request, connection))
            else:
                self._respond(request, connection)
        except SlowWork as work:
            self._begin(self._work_and_run(work, request, connection))
        except Exception:
            log.exception("%s %r failed", request.method, request.path)
            self._finish(request, connection, unexpected())

    def _respond(self, request: ApiRequest, connection: Client) -> None:
        answer = self._app.respond(request)
        if answer.status == TOO_LONG_STATUS and self._lane.takes(request):
            self._begin(self._run_in_lane(request, connection))
        else:
            self._finish(request, connection, answer)

    def _finish(self, request: ApiRequest, connection: Client, answer: Answer) -> None:
        """Give an answer when what it rests on is on disk."""
        if self._storage.is_unsettled:
            self._commits.add(request, connection, answer)
        else:
            connection.answer(answer)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_in_lane(self, request: ApiRequest, connection: Client) -> None:
        answer = await self._try(self._answer_in_lane(request, connection))
        connection.answer(answer or unexpected())

    async def _answer_in_lane(self, request: ApiRequest, connection: Client) -> Answer:
        answer = await self._lane.run(request)
        if isinstance(connection, Reporter):
            connection.is_told = True
        return answer

    async def _work_and_run(self, work: SlowWork, request: ApiRequest, connection: Client) -> None:
        """Do what a request needs before it can be answered; then it begins anew."""
        if len(request.done) >= MAX_SLOW_WORKS or work.key in request.done:
            log.error("%s %r asks for slow work without end", request.method, request.path)
            connection.answer(unexpected())
            return
        refusal = await self._try(self._do(work, request))
        if refusal is None:
            self._handle(request, connection)
            self._commits.plan()
        else:
            connection.answer(refusal)

    async def _do(self, work: SlowWork, request: ApiRequest) -> None:
        chores = self._errands if work.is_errand else self._chores
        request.done[work.key] = await chores.do(work)

    async def _try(self, work: Coroutine[Any, Any, Answer | None]) -> Answer | None:
        """Return what a work returns, or the answer that its failure is."""
        try:
            return await work
        except Refusal as refusal:
            return refusal.answer
        except Exception:
            log.exception("slow work failed")
            return unexpected()

    async def sweep(self) -> None:
        """Look after clients that keep the server waiting, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.check(loop.time())

    def check(self, now: float) -> None:
        """Look after all clients once; end those that keep the most when there is too much."""
        held = 0
        for connection in tuple(self.connections):
            try:
                connection.check(now)
                held += connection.held_bytes
            except Exception:
                log.exception("a connection failed")
                connection.abort()
        if held > self.limits.held_bytes:
            self._shed(held - self.limits.held_bytes)

    def _shed(self, excess: int) -> None:
        for connection in sorted(self.connections, key=lambda each: -each.held_bytes):
            if excess <= 0:
                return
            excess -= connection.held_bytes
            connection.abort()

    def stop(self) -> None:
        """Let connections end as soon as they have nothing under way."""
        for connection in tuple(self.connections):
            connection.stop()

    async def close_lane(self) -> None:
        """End the searches that still run; `close` is for what is left."""
        await self._lane.close()

    def close(self) -> None:
        """End what still runs, and close the storage."""
        self._chores.close()
        self._errands.close()
        self._app.close()
