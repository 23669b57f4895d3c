"""Empties the whole server with one request. For tests and demonstrations.

Source: protocol, plugins chapter 7.1.
"""

from __future__ import annotations

from kinto_lite.events import ServerFlushed
from kinto_lite.hooks import Call, Parts, Plugin, Route, Service
from kinto_lite.model import Answer

_CAPABILITY = {
    "description": "Empties the server: POST on the endpoint deletes everything.",
    "url": "https://docs.kinto-storage.org/en/latest/api/1.x/flush.html",
}


def flush(call: Call) -> Answer:
    """Answer POST on `/__flush__`: everything is gone."""
    call.tx.flush()
    for listener in call.service.event_listeners:
        if listener.event is ServerFlushed:
            listener.hear(ServerFlushed(call.request, call.tx))
    return Answer(202, [], b"{}")


def _set_up(service: Service) -> Parts:
    route = Route("flush", "/__flush__", {"POST": flush})
    return Parts(routes=(route,), capabilities={"flush_endpoint": _CAPABILITY})


PLUGIN = Plugin("flush", _set_up)
