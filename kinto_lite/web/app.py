"""The Bottle application: one catch-all route that hands every request to the pipeline, whose
route table also serves batch items. A plain WSGI callable for any server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import bottle

from kinto_lite.errors import ApiError
from kinto_lite.hooks import Service
from kinto_lite.model import Answer, ApiRequest
from kinto_lite.pipeline.answer import Pipeline
from kinto_lite.storage.base import Storage, StorageError
from kinto_lite.web.proxies import TrustedProxies
from kinto_lite.web.request import check_url, read_envelope, read_request

_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_Environ = dict[str, Any]


class App:
    """An application around one service: a WSGI callable, and `respond` for a server of ours.

    `storage` is the database it uses: `app.storage.flush()` empties it, `app.storage.close()`
    releases it. `service` holds the settings and everything that was built from them.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.storage: Storage = service.storage
        self._pipeline = Pipeline(service)
        self._max_body_bytes: int = service.settings["max_body_bytes"]
        self._proxies = TrustedProxies(service.settings["trusted_proxies"])
        self._bottle = bottle.Bottle()
        self._bottle.config.update({"catchall": False, "json.disable": True})
        self._bottle.route("<path:re:.*>", method="ANY", callback=self._answer)

    def __call__(self, environ: _Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        # Bottle answers in HTML what it cannot decode, so it routes a path that says nothing.
        environ["kinto_lite.path"] = environ.get("PATH_INFO", "")
        environ["PATH_INFO"] = "/"

        def start(_status: str, _headers: list[tuple[str, str]], *rest: Any) -> Any:
            # Bottle spells header names its own way (`Etag`); these go out as they were given.
            answer: Answer = environ["kinto_lite.answer"]
            return start_response(_STATUS_LINES[answer.status], answer.headers, *rest)

        chunks: Iterable[bytes] = self._bottle(environ, start)
        return chunks

    def close(self) -> None:
        """End what plugins still do, and release the storage."""
        for close in self.service.closers:
            close()
        self.storage.close()

    def _answer(self, path: str) -> bytes:
        environ: _Environ = bottle.request.environ
        environ["PATH_INFO"] = environ["kinto_lite.path"]
        answer = environ["kinto_lite.answer"] = self._run(environ)
        return answer.body

    def _run(self, environ: _Environ) -> Answer:
        try:
            request = read_request(environ, self._max_body_bytes)
        except ApiError as error:
            request = read_envelope({**environ, "PATH_INFO": "/"})
            answer = self._pipeline.refuse(request, error)
        else:
            if self._proxies:
                self._proxies.rewrite(request)
            answer = self._pipeline.answer(request)
        self.report(request, answer)
        return answer

    @property
    def is_observed(self) -> bool:
        """Whether a server has to `report` its answers."""
        return bool(self.service.observers)

    def report(self, request: ApiRequest, answer: Answer) -> None:
        """Tell logs and metrics about a request whose answer goes out now."""
        if self.service.observers:
            self._pipeline.report(request, answer)

    def respond(self, request: ApiRequest) -> Answer:
        """Answer a request of a server that does slow work beside other requests: what is
        missing in `request.done` is raised as SlowWork. It knows when an answer is final, and
        tells `report` then."""
        refusal = self._prepare(request)
        return self._pipeline.attempt(request) if refusal is None else refusal

    def answer(self, request: ApiRequest) -> Answer:
        """Answer a request of a server that does one thing after the other."""
        answer = self._prepare(request) or self._pipeline.answer(request)
        self.report(request, answer)
        return answer

    def refuse(self, request: ApiRequest, error: StorageError) -> Answer:
        """Return the answer to a request whose writes could not be committed afterwards."""
        return self._pipeline.refuse_storage(request, error)

    def _prepare(self, request: ApiRequest) -> Answer | None:
        """Make a request what it is behind trusted proxies; refuse one that cannot be read.

        May be called again with the same request.
        """
        try:
            check_url(request)
        except ApiError as error:
            return self._pipeline.refuse(request, error)
        if self._proxies:
            self._proxies.rewrite(request)
        return None
