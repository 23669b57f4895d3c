"""The asynchronous edge: a Granian (RSGI) application that calls the plain WSGI app.

A request is read whole without stopping the others (`bodies`), then the app is called, in the
one Python thread of the worker; before the answer goes out, what it rests on is made durable,
together with that of other requests (`commits`). Leaves the starting and stopping of Granian
to `runner`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from kinto_lite.errors import MAX_SLOW_WORKS, SlowWork
from kinto_lite.model import Answer
from kinto_lite.server.bodies import BodyLimits, read_body
from kinto_lite.server.chores import Chores
from kinto_lite.server.commits import Commits
from kinto_lite.server.environ import build_environ, decode_latin, read_headers
from kinto_lite.server.lane import SlowLane
from kinto_lite.server.refusals import Refusal, Reply, unexpected
from kinto_lite.server.rsgi import HttpProtocol, Scope
from kinto_lite.storage.base import Storage, StorageError

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ServedApp(Protocol):
    """What an app offers to a server, besides being a WSGI app."""

    storage: Storage

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]: ...

    def refuse(self, environ: dict[str, Any], error: StorageError) -> Answer:
        """Return the answer to a request whose writes could not be committed."""
        ...


#: Statuses whose responses have neither a body nor a length of one.
BODILESS = (204, 304)
#: Of an answer that may have been cut short.
TOO_LONG_STATUS = 503


class Edge:
    """One worker's application.

    `base` is what all environs have in common; `on_ready` is called once, when the worker
    accepts connections.
    """

    def __init__(
        self,
        app: ServedApp,
        base: Mapping[str, Any],
        limits: BodyLimits,
        lane: SlowLane,
        on_ready: Callable[[], None],
    ) -> None:
        self._app = app
        self._commits = Commits(app.storage)
        self._lane = lane
        self._chores = Chores()
        self._base = base
        self._limits = limits
        self._on_ready = on_ready

    def close(self) -> None:
        """End what still runs, and close the storage."""
        self._chores.close()
        self._app.storage.close()

    async def close_lane(self) -> None:
        """End the searches that still run; `close` is for what is left."""
        await self._lane.close()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Granian calls this just before it listens; what it does next is done first."""
        loop.call_soon(self._on_ready)

    async def __rsgi__(self, scope: Scope, protocol: HttpProtocol) -> None:
        """Answer one request."""
        try:
            reply = await self._answer(scope, protocol)
        except Refusal as refusal:
            reply = refusal.reply
        except Exception:
            logging.getLogger("kinto_lite").exception("%s %r failed", scope.method, scope.path)
            reply = unexpected()
        send(protocol, scope.method, reply)

    async def _answer(self, scope: Scope, protocol: HttpProtocol) -> Reply:
        headers = read_headers(scope.headers)
        commits = self._commits
        commits.arriving += 1
        try:
            body = await read_body(headers, protocol, self._limits)
        finally:
            commits.arriving -= 1

        done: dict[Hashable, Any] = {}
        for _ in range(MAX_SLOW_WORKS):
            environ = build_environ(self._base, scope, headers, body)
            environ["kinto_lite.done"] = done
            try:
                return await self._call(scope, environ, body)
            except SlowWork as work:
                # The write turn is not kept meanwhile; that nothing was stored is no news to a
                # request that runs again.
                with suppress(StorageError):
                    await commits.settle()
                done[work.key] = await self._chores.do(work)
        return unexpected()

    async def _call(self, scope: Scope, environ: dict[str, Any], body: bytes) -> Reply:
        """Call the app where it suits the request. Errors: SlowWork, Refusal."""
        lane = self._lane
        if lane.is_expected(scope.method, scope.path, scope.query_string):
            return await lane.run(environ, body)
        reply = call_app(self._app, environ)
        if reply.status == TOO_LONG_STATUS and lane.takes(scope):
            return await lane.run(environ, body)
        try:
            await self._commits.settle()
        except StorageError as error:
            answer = self._app.refuse(environ, error)
            return Reply(answer.status, answer.headers, answer.body)
        return reply


def call_app(app: WsgiApp, environ: dict[str, Any]) -> Reply:
    """Call a WSGI app and return its whole response.

    Errors: whatever the app raises; RuntimeError when it gives no status.
    """
    written: list[bytes] = []
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        started[:] = [(status, headers)]
        return written.append

    chunks = app(environ, start_response)
    try:
        written.extend(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    if not started:
        raise RuntimeError("the app did not call start_response")
    status, headers = started[0]
    return Reply(int(status[:3]), headers, b"".join(written))


def send(protocol: HttpProtocol, method: str, reply: Reply) -> None:
    """Hand a response to Granian, which sets `Content-Length` where there is a body."""
    headers = [
        (name, decode_latin(value))
        for name, value in reply.headers
        if name.lower() != "content-length"
    ]
    if reply.status in BODILESS:
        protocol.response_empty(reply.status, headers)
    elif method == "HEAD":
        headers.append(("Content-Length", find_length(reply)))
        protocol.response_empty(reply.status, headers)
    else:
        protocol.response_bytes(reply.status, headers, reply.body)


def find_length(reply: Reply) -> str:
    """Return the `Content-Length` that GET would have: what the app says, else the body's."""
    for name, value in reply.headers:
        if name.lower() == "content-length":
            return value
    return str(len(reply.body))
