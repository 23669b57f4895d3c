"""Notes what logs and metrics want to know of a request, and tells those who observe.

Nothing here runs while nobody observes. A request is reported when its answer is final: after
slow work was done, and what it wrote is on disk.

Source: protocol, plugins chapter 9.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence

from kinto_lite.hooks import Observation, Observer
from kinto_lite.logs import find_request_id
from kinto_lite.model import Answer, ApiRequest, Asker, Trace
from kinto_lite.pipeline.routing import Found, is_versioned

#: Where the notes lie that all attempts at a request share, in `ApiRequest.done`.
_FIRST_ATTEMPT = "the first attempt at this request"

log = logging.getLogger("kinto_lite")


def begin(request: ApiRequest) -> None:
    """Start the notes on a request. Id and time are those of the first attempt at it."""
    if _FIRST_ATTEMPT not in request.done:
        request.done[_FIRST_ATTEMPT] = find_request_id(request), time.perf_counter()
    request.request_id, started = request.done[_FIRST_ATTEMPT]
    request.trace = Trace(started)


def begin_within(outer: ApiRequest, request: ApiRequest) -> None:
    """Start the notes on a request within another one."""
    request.request_id = outer.request_id
    request.trace = Trace(time.perf_counter())


def end_within(outer: Trace, request: ApiRequest, answer: Answer) -> None:
    """Keep a request for the report on the one around it. Its `started` becomes its duration."""
    assert request.trace is not None
    request.trace.started -= time.perf_counter()
    outer.within.append((request, answer))


def note_route(trace: Trace, found: Found) -> None:
    """Note where a request goes."""
    route = found.route
    trace.endpoint, trace.is_alias = route.name, route.is_alias
    trace.params = dict(found.params)
    if route.kind is not None and "id" in trace.params:
        trace.params[f"{route.kind.name}_id"] = trace.params.pop("id")


def note_asker(trace: Trace, asker: Asker) -> None:
    """Note who asks."""
    trace.user_id, trace.policy = asker.user_id, asker.policy


def report(observers: Sequence[Observer], request: ApiRequest, answer: Answer) -> None:
    """Tell the observers about a request and those within it. Never raises."""
    if request.trace is None:
        begin(request)
    assert request.trace is not None
    seconds = time.perf_counter() - request.trace.started
    for observation in _observe(request, answer, seconds, ""):
        for observer in observers:
            try:
                observer(observation)
            except Exception:
                log.exception("a request cannot be observed")


def _observe(
    request: ApiRequest, answer: Answer, seconds: float, within: str
) -> Iterator[Observation]:
    """Yield what is to be known of a request, those within it first; what a failure (5xx) has
    undone is left out."""
    trace = request.trace
    assert trace is not None
    if answer.status < 500:
        place = "alias" if trace.is_alias else "batch"
        for inner, inner_answer in trace.within:
            assert inner.trace is not None
            yield from _observe(inner, inner_answer, -inner.trace.started, place)
    if trace.endpoint == "unknown" and answer.status == 307:
        trace.endpoint = "unnamed" if is_versioned(request.path) else "redirect_to_version"
    batch_size = len(trace.within) if trace.endpoint == "batch" else None
    size, errno = len(answer.body), answer.errno
    yield Observation(request, trace, answer.status, size, errno, seconds, within, batch_size)
