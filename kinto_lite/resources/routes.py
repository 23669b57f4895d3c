"""The table of URLs of the four kinds: one row for each list and each object endpoint.

Source: protocol, core chapters 1.1 and 1.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kinto_lite.hooks import Call, Handler, Route
from kinto_lite.model import MISSING, Kind, ObjectRef
from kinto_lite.protocol.bodies import read_envelope
from kinto_lite.resources.access import check_above, check_id, list_ref, locate
from kinto_lite.resources.api_description import api_description_route
from kinto_lite.resources.conditions import content_type
from kinto_lite.resources.create_object import create_object
from kinto_lite.resources.delete_object import delete_object
from kinto_lite.resources.delete_objects import delete_objects
from kinto_lite.resources.heartbeat import heartbeat_route
from kinto_lite.resources.list_objects import list_objects
from kinto_lite.resources.patch_object import patch_object
from kinto_lite.resources.read_object import read_object
from kinto_lite.resources.replace_object import replace_object
from kinto_lite.resources.utilities import UTILITY_ROUTES
from kinto_lite.settings import Settings

_PLURAL: dict[str, Handler] = {
    "HEAD": list_objects,
    "GET": list_objects,
    "POST": create_object,
    "DELETE": delete_objects,
}
_OBJECT: dict[str, Handler] = {
    "GET": read_object,
    "HEAD": read_object,
    "PUT": replace_object,
    "PATCH": patch_object,
    "DELETE": delete_object,
}
_HANDLERS = {"plural": _PLURAL, "object": _OBJECT}
#: Methods whose place is looked at before anything else.
_CHECKED_FIRST = {"plural": ("POST",), "object": ("PUT", "PATCH", "DELETE")}


def core_routes(kinds: Mapping[str, Kind], settings: Settings) -> Iterator[Route]:
    """Yield the routes of the small endpoints, and of all lists and objects."""
    yield from UTILITY_ROUTES
    yield heartbeat_route()
    yield api_description_route()
    for kind in kinds.values():
        yield from object_routes(kind, kinds, settings)


def object_routes(kind: Kind, kinds: Mapping[str, Kind], settings: Settings) -> Iterator[Route]:
    """Yield the routes of the list and of the objects of one kind."""
    pattern = f"{_parent_pattern(kind, kinds)}/{kind.plural}"
    yield _make_route(kind, settings, "plural", pattern)
    yield _make_route(kind, settings, "object", f"{pattern}/{{id}}")


def _make_route(kind: Kind, settings: Settings, shape: str, pattern: str) -> Route:
    handlers = _HANDLERS[shape]
    enabled = select_methods(handlers, shape, kind, settings)
    disabled = {
        method: check_place
        for method in _CHECKED_FIRST[shape]
        if method not in enabled and not settings["readonly"]
    }
    return Route(f"{kind.name}-{shape}", pattern, enabled, kind, shape, disabled=disabled)


def check_place(call: Call) -> None:
    """Answer 404 for what is missing above the object, and 400 for a malformed new id: both
    come before the 405 of a method that settings took away (core 1.9)."""
    check_above(call, locate(call, ObjectRef(*list_ref(call), call.params.get("id", ""))))
    if call.request.method == "POST":
        envelope, _ = read_envelope(call.request.body, content_type(call), call.kind)
        if envelope.id is not MISSING:
            check_id(call, envelope.id)


def _parent_pattern(kind: Kind, kinds: Mapping[str, Kind]) -> str:
    if kind.parent is None:
        return ""
    parent = kinds[kind.parent]
    return f"{_parent_pattern(parent, kinds)}/{parent.plural}/{{{parent.name}_id}}"


def select_methods(
    handlers: Mapping[str, Handler], shape: str, kind: Kind, settings: Settings
) -> dict[str, Handler]:
    """Leave out the methods that settings disable, and on a read-only server all writes."""
    return {
        method: handler
        for method, handler in handlers.items()
        if settings.is_enabled(shape, kind.name, method.lower())
        and not (settings["readonly"] and method not in ("GET", "HEAD"))
    }
