"""The application: hands every request to the pipeline, whose route table also serves batch
items. Our own server calls `respond`; to any other it is a plain WSGI callable (`wsgi`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kinto_lite.errors import ApiError
from kinto_lite.hooks import Service
from kinto_lite.model import Answer, ApiRequest
from kinto_lite.pipeline.answer import Pipeline
from kinto_lite.storage.base import Storage, StorageError
from kinto_lite.web.proxies import TrustedProxies
from kinto_lite.web.request import check_url, read_envelope, read_request

if TYPE_CHECKING:
    from kinto_lite.web.wsgi import WsgiDoor


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

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        return self._door(environ, start_response)

    @cached_property
    def _door(self) -> WsgiDoor:
        from kinto_lite.web.wsgi import WsgiDoor

        return WsgiDoor(self._run)

    def close(self) -> None:
        """End what plugins still do, and release the storage."""
        for close in self.service.closers:
            close()
        self.storage.close()

    def _run(self, environ: dict[str, Any]) -> Answer:
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
