"""Where a request points and whether the asker may: the refusals 401, 403 and 404.

Stored permissions were already computed by the storage (`Place.held`); settings add their own.
A missing object is 403 for those who may not read its parent, 404 for others.

Source: protocol, core chapters 1.9, 2.3, 7.3, 8.3 and 8.4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from kinto_lite.errors import (
    FORBIDDEN,
    OBJECT_NOT_FOUND,
    PARENT_NOT_FOUND,
    UNAUTHORIZED,
    ApiError,
    Detail,
    InvalidRequest,
)
from kinto_lite.hooks import Call
from kinto_lite.model import Kind, ListRef, ObjectRef, Place, Row


def list_ref(call: Call) -> ListRef:
    """Return the list that the URL names, or that holds the object it names."""
    return ListRef(call.kind.name, _parent_uri(call, call.kind))


def object_ref(call: Call) -> ObjectRef:
    """Return the object that the URL names."""
    return ObjectRef(call.kind.name, _parent_uri(call, call.kind), call.params["id"])


def _parent_uri(call: Call, kind: Kind) -> str:
    if kind.parent is None:
        return ""
    parent = call.service.kinds[kind.parent]
    return f"{_parent_uri(call, parent)}/{parent.plural}/{call.params[f'{parent.name}_id']}"


def locate(call: Call, ref: ObjectRef) -> Place:
    """Find an object or the place where it would be. Of a missing parent, what the asker
    holds further up is still known."""
    place = call.tx.find_object(ref, call.asker)
    place = _with_needs_above(call, ref.list, place)
    return call.service.rules_of(ref.kind).see_object(call, ref, place)


def locate_list(call: Call, need: str) -> Place:
    """Find the list of the URL; `need` is what the asker may have on some of its objects."""
    ref = list_ref(call)
    place = _with_needs_above(call, ref, call.tx.find_list(ref, call.asker, need))
    return call.service.rules_of(ref.kind).see_list(call, place)


def _with_needs_above(call: Call, ref: ListRef, place: Place) -> Place:
    parent = call.kind.parent
    if place.list_key is not None or parent is None:
        return place
    above, _, plural_and_id = ref.parent_uri.rpartition(f"/{call.service.kinds[parent].plural}/")
    held = call.tx.find_object(ObjectRef(parent, above, plural_and_id), call.asker).held
    return replace(place, held=held)


def may(call: Call, place: Place, need: str) -> bool:
    """Tell whether stored permissions or settings give the asker a need here.

    `need` is read, write, create, or list: reading a whole list.
    """
    if (call.kind.name, "read" if need == "list" else need) in place.held:
        return True
    granted = call.service.grants[call.kind.name, need]
    return not granted.isdisjoint(call.asker.principals)


def refuse(call: Call) -> NoReturn:
    """Refuse for lack of permission: 401 when nobody is known, else 403."""
    if call.asker.user_id is not None:
        raise ApiError(FORBIDDEN)
    challenges = [("WWW-Authenticate", policy.challenge) for policy in call.service.policies]
    raise ApiError(UNAUTHORIZED, headers=challenges)


def require(call: Call, place: Place, need: str) -> None:
    """Refuse unless the asker has the need here."""
    if not may(call, place, need):
        refuse(call)


def require_change(call: Call, place: Place) -> None:
    """Refuse PATCH and DELETE: write on an existing object; of a missing one, being allowed to
    read there shows that it is missing (of buckets, which have no parent: to write)."""
    if place.live is not None or call.kind.parent is None:
        require(call, place, "write")
    else:
        require(call, place, "read")


def check_above(call: Call, place: Place) -> None:
    """Answer 404 errno 111 when an id above the object is malformed, or when the collection of
    a record URL is missing. (A missing bucket is hidden by 403.)"""
    if place.list_key is not None:
        return
    for kind in _ancestors(call, call.kind):
        id_ = call.params[f"{kind.name}_id"]
        if not call.service.identifiers[kind.name].is_valid(id_):
            _refuse_parent(kind.name, id_)
    parent = call.kind.parent
    if parent is not None and call.service.kinds[parent].parent is not None:
        check_parent(call, place)


def _ancestors(call: Call, kind: Kind) -> list[Kind]:
    """Return the kinds above a kind, the outermost first."""
    if kind.parent is None:
        return []
    parent = call.service.kinds[kind.parent]
    return [*_ancestors(call, parent), parent]


def check_parent(call: Call, place: Place) -> None:
    """Answer 404 errno 111 when the parent does not exist: nothing can be created there."""
    parent = call.kind.parent
    if place.list_key is None and parent is not None:
        _refuse_parent(parent, call.params[f"{parent}_id"])


def _refuse_parent(kind_name: str, id_: str) -> NoReturn:
    details = {"id": id_, "resource_name": kind_name}
    raise ApiError(PARENT_NOT_FOUND, details=details)


def check_id(call: Call, id_: object) -> None:
    """Answer 400 when an id of the object itself is malformed."""
    if not isinstance(id_, str) or not call.service.identifiers[call.kind.name].is_valid(id_):
        raise InvalidRequest([Detail(None, "path", "Invalid object id")])


def require_live(call: Call, ref: ObjectRef, place: Place) -> Row:
    """Return the object. Errors: 400 for a malformed id, 404 errno 110 when it is missing."""
    if place.live is not None:
        return place.live
    check_id(call, ref.id)
    details = {"id": ref.id, "resource_name": ref.kind}
    raise ApiError(OBJECT_NOT_FOUND, details=details)
