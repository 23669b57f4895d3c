"""The Bottle application: one catch-all route that hands every request to the pipeline, whose
route table also serves batch items. A plain WSGI callable for any server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bottle

from kinto_lite.errors import ApiError
from kinto_lite.hooks import Service
from kinto_lite.model import Answer, ApiRequest
from kinto_lite.pipeline.answer import Pipeline
from kinto_lite.storage.base import Storage
from kinto_lite.web.request import read_envelope, read_request


class App:
    """A WSGI application around one service.

    `storage` is the database it uses: `app.storage.flush()` empties it, `app.storage.close()`
    releases it. `service` holds the settings and everything that was built from them.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.storage: Storage = service.storage
        self._pipeline = Pipeline(service)
        self._max_body_bytes: int = service.settings["max_body_bytes"]
        self._bottle = bottle.Bottle(catchall=False, autojson=False)
        self._bottle.route("<path:re:.*>", method="ANY", callback=self._answer)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # Bottle decodes the path before it looks for a route, and answers HTML if it cannot.
        environ["kinto_lite.path"] = environ.get("PATH_INFO", "")
        environ["PATH_INFO"] = "/"
        chunks: Iterable[bytes] = self._bottle(environ, start_response)
        return chunks

    def _answer(self, path: str) -> bottle.HTTPResponse:
        environ = bottle.request.environ
        environ["PATH_INFO"] = environ["kinto_lite.path"]
        answer = self._run(environ)
        response = bottle.HTTPResponse(answer.body, answer.status)
        for name, value in answer.headers:
            response.add_header(name, value)
        return response

    def _run(self, environ: dict[str, Any]) -> Answer:
        try:
            request = read_request(environ, self._max_body_bytes)
        except ApiError as error:
            return self._pipeline.refuse(_bare_request(environ), error)
        return self._pipeline.answer(request)


def _bare_request(environ: dict[str, Any]) -> ApiRequest:
    """Return what can be known of a request that could not be read."""
    return read_envelope({**environ, "PATH_INFO": "/"})
