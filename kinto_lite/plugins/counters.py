"""Counts all objects and tombstones of the server.

Source: protocol, plugins chapter 7.2.
"""

from __future__ import annotations

from kinto_lite.hooks import Call, Parts, Plugin, Route, Service
from kinto_lite.model import Answer
from kinto_lite.protocol.json_text import dump_json

_CAPABILITY = {
    "description": "Counts the objects and tombstones of the whole server.",
    "url": "https://docs.kinto-storage.org/en/latest/configuration/settings.html",
}


def count(call: Call) -> Answer:
    """Answer GET on `/__counters__`; kinds without objects are left out, and what plugins keep for
    themselves."""
    objects, tombstones = call.tx.count_all()
    for kind in call.service.kinds.values():
        if kind.is_derived or not kind.permissions:
            objects.pop(kind.name, None)
    body = {"objects": objects, "tombstones": tombstones}
    return Answer(200, [], dump_json(body).encode("ascii"))


def _set_up(service: Service) -> Parts:
    route = Route("counters", "/__counters__", {"GET": count, "HEAD": count})
    return Parts(routes=(route,), capabilities={"counters_endpoint": _CAPABILITY})


PLUGIN = Plugin("counters", _set_up)
