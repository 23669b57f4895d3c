"""Makes events of what a request did, and delivers them at its end: before the commit to those
who may undo it, after the commit to the others.

What nobody hears of leaves no trace here, and costs one look into a table.

Source: protocol, plugins chapter 14.3.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from kinto_lite.events import (
    AfterResourceChanged,
    AfterResourceRead,
    ResourceChanged,
    ResourceRead,
)
from kinto_lite.events.announcer import Announcer
from kinto_lite.hooks import Call, Listener, Service
from kinto_lite.model import Asker, Change, Json, ListRef, Row
from kinto_lite.protocol.fields import select_fields
from kinto_lite.protocol.payloads import splice_row

#: Listeners may change objects, of which listeners hear again, so many times.
MAX_ROUNDS = 100
#: Asks for the timestamp of a list, and for nothing that depends on who asks.
_NOBODY = Asker(None, frozenset(), "[]")

Event = ResourceRead | ResourceChanged | AfterResourceRead | AfterResourceChanged

log = logging.getLogger("kinto_lite")


class Told(NamedTuple):
    """Something that listeners are to hear of, when the request ends."""

    ref: ListRef
    action: str
    call: Call
    #: Complete for the first of its list and action; None for what is joined to it.
    payload: dict[str, Json] | None
    objects: list[dict[str, Json]]


class Dispatcher:
    """Delivers the events of one service. It is there only where somebody listens."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._listeners = tuple(service.event_listeners)
        self._announcer = Announcer()
        self._plurals = {kind.plural: kind.name for kind in service.kinds.values()}
        self._heard: dict[tuple[str, str], bool] = {}

    def connect(self) -> None:
        """Let the service tell of what somebody hears.

        Listeners come before all other plugins that are told that a request ends, since what
        they change is a change like any other; and after them, for what those have changed.
        """
        service, listeners = self._service, self._listeners
        if any(listener.event in (ResourceChanged, AfterResourceChanged) for listener in listeners):
            service.listeners.append(self.hear_change)
        if any(listener.event in (ResourceRead, AfterResourceRead) for listener in listeners):
            service.readers.append(self.hear_read)
        service.finishers[:] = [self.finish, *service.finishers, self.finish]
        service.closers.append(self._announcer.close)

    def hear_change(self, call: Call, change: Change) -> None:
        """Remember a change, if somebody is to hear of it."""
        kind, is_single = change.ref.kind, "id" in call.params
        if not self._is_heard(kind, change.action):
            return
        pair = {"new": self._show(kind, change.new), "old": self._show(kind, change.old)}
        shown = {name: value for name, value in pair.items() if value is not None}
        own_id = change.ref.id if is_single else None
        self._remember(call, change.ref.list, change.action, own_id, [shown])

    def hear_read(
        self, call: Call, ref: ListRef, rows: Sequence[Row], fields: Sequence[str] | None
    ) -> None:
        """Remember what was read, if somebody is to hear of it."""
        if not self._is_heard(ref.kind, "read"):
            return
        shown = [value for row in rows if (value := self._show(ref.kind, row)) is not None]
        if fields is not None:
            shown = [select_fields(value, tuple(fields)) for value in shown]
        self._remember(call, ref, "read", call.params.get("id"), shown)

    def _is_heard(self, kind: str, action: str) -> bool:
        known = self._heard.get((kind, action))
        if known is None:
            known = self._heard[kind, action] = any(
                wants(listener, kind, action) for listener in self._listeners
            )
        return known

    def _show(self, kind_name: str, row: Row | None) -> dict[str, Json] | None:
        """Return an object as listeners see it: all of it but for secrets."""
        if row is None:
            return None
        kind = self._service.kinds.get(kind_name)
        # What is not stored as such (an entry of the list of permissions) is complete.
        shown: dict[str, Json] = json.loads(row.data if kind is None else splice_row(row))
        for name in () if kind is None else kind.secret_fields:
            shown.pop(name, None)
        return shown

    def _remember(
        self,
        call: Call,
        ref: ListRef,
        action: str,
        own_id: str | None,
        objects: list[dict[str, Json]],
    ) -> None:
        told = call.work.told
        is_joined = any(one.ref == ref and one.action == action for one in reversed(told))
        payload = None if is_joined else self._describe(call, ref, action, own_id)
        told.append(Told(ref, action, call, payload, objects))

    def _describe(
        self, call: Call, ref: ListRef, action: str, own_id: str | None
    ) -> dict[str, Json]:
        """Return the payload of an event."""
        kind = self._service.kinds.get(ref.kind)
        plural = ref.kind if kind is None else kind.plural
        uri = f"{ref.parent_uri}/{plural}"
        own = {} if own_id is None else {f"{ref.kind}_id": own_id}
        timestamp = 0 if kind is None else call.tx.find_list(ref, _NOBODY, "read").list_timestamp
        return {
            "timestamp": timestamp,
            "action": action,
            "uri": uri if own_id is None else f"{uri}/{own_id}",
            "user_id": call.asker.user_id,
            "resource_name": ref.kind,
            **dict(self._name_parents(ref.parent_uri)),
            **own,
        }

    def _name_parents(self, uri: str) -> Iterator[tuple[str, str]]:
        segments = uri.split("/")[1:]
        for plural, id_ in zip(segments[::2], segments[1::2], strict=True):
            yield f"{self._plurals[plural]}_id", id_

    def finish(self, call: Call) -> None:
        """Deliver the events of a request, in its transaction. What a listener changes makes
        events of its own, after these.

        Errors: what a listener raises; RuntimeError when they go on for ever.
        """
        for _ in range(MAX_ROUNDS):
            told: list[Told] = call.work.told
            if not told:
                return
            call.work.told = []
            groups = list(merge(told))
            for first, objects in groups:
                self._deliver(first, build_event(first, objects))
            later = [build_late_event(first, objects) for first, objects in groups]
            announce = partial(self._announcer.announce, partial(self._deliver_late, later))
            call.work.after_commit.append(announce)
        raise RuntimeError(f"listeners changed objects {MAX_ROUNDS} times in one request")

    def _deliver(self, first: Told, event: Event) -> None:
        for listener in self._listeners:
            if isinstance(event, listener.event) and wants(listener, first.ref.kind, first.action):
                listener.hear(event)

    def _deliver_late(self, events: Iterable[AfterResourceRead | AfterResourceChanged]) -> None:
        """Deliver events after the commit, when nothing can go wrong for the client any more."""
        for event in events:
            kind, action = event.payload["resource_name"], event.payload["action"]
            for listener in self._listeners:
                if isinstance(event, listener.event) and wants(listener, kind, action):
                    hear_safely(listener, event)


def wants(listener: Listener, kind: str, action: str) -> bool:
    """Tell whether a listener is to hear of an action on a kind of objects."""
    is_of_reads = listener.event in (ResourceRead, AfterResourceRead)
    return (
        is_of_reads == (action == "read")
        and (not listener.resources or kind in listener.resources)
        and (not listener.actions or action in listener.actions)
    )


def merge(told: Iterable[Told]) -> Iterator[tuple[Told, list[dict[str, Json]]]]:
    """Yield the first of each list and action, in order, with the objects of all of them."""
    groups: dict[tuple[ListRef, str], list[Told]] = {}
    for one in told:
        groups.setdefault((one.ref, one.action), []).append(one)
    for group in groups.values():
        yield group[0], [shown for one in group for shown in one.objects]


def build_event(first: Told, objects: list[dict[str, Json]]) -> ResourceRead | ResourceChanged:
    """Return the event before the commit."""
    assert first.payload is not None
    make = ResourceRead if first.action == "read" else ResourceChanged
    return make(first.payload, objects, first.call.request, first.call.tx)


def build_late_event(
    first: Told, objects: list[dict[str, Json]]
) -> AfterResourceRead | AfterResourceChanged:
    """Return the event after the commit."""
    assert first.payload is not None
    make = AfterResourceRead if first.action == "read" else AfterResourceChanged
    return make(first.payload, objects, first.call.request)


def hear_safely(listener: Listener, event: Any) -> None:
    """Let a listener hear; what it raises is only logged."""
    try:
        listener.hear(event)
    except Exception:
        log.exception("Unable to notify a listener of %s", type(event).__name__)
