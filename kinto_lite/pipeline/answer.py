"""A request from end to end: `answer` is the whole way, `perform` is the part of it that runs
inside a transaction that is already open (batch items, the personal bucket).

Steps: is the service alive, does the URL exist, may this method be used; begin; who asks; the
handler; commit; headers common to all. Errors are turned into answers here and nowhere else.

Source: protocol, core chapters 1.2, 1.3, 1.9 and 10.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from threading import BoundedSemaphore
from typing import cast
from urllib.parse import unquote

from kinto_lite.errors import (
    BAD_REQUEST,
    MAX_SLOW_WORKS,
    METHOD_NOT_ALLOWED,
    STORAGE_FULL,
    UNAVAILABLE,
    UNEXPECTED,
    URL_NOT_FOUND,
    VERSION_NOT_FOUND,
    ApiError,
    ErrorRow,
    InvalidForm,
    SlowWork,
)
from kinto_lite.hooks import Call, Detached, Performed, Route, Service, Work
from kinto_lite.logs import CURRENT
from kinto_lite.model import Answer, ApiRequest, Asker
from kinto_lite.pipeline.common import Edition, allow_header, error_answer
from kinto_lite.pipeline.credentials import identify, is_stranger
from kinto_lite.pipeline.observing import (
    begin,
    begin_within,
    end_within,
    note_asker,
    note_route,
    report,
)
from kinto_lite.pipeline.routing import (
    PREFIX,
    Found,
    Routes,
    is_ours,
    is_query,
    is_text,
    is_versioned,
)
from kinto_lite.protocol.caching import redirect_cache
from kinto_lite.protocol.pagination import quote_path
from kinto_lite.storage.base import Conflict, Full, NeedsWrite, StorageError, TooLong, Transaction

_BAD_QUERY = (
    "A request with an incorrect encoding in the querystring wasreceived. Please make sure your "
    "requests are encoded in UTF-8: "
)

_TOO_LONG = (
    "This search takes too long: it looks at every object of the list. Name the fields that it "
    "uses in `indexes` of the collection, or ask for less with _since or _before."
)

#: Threads that do slow work at a time when it is done in place, and how long others wait.
_TURNS = 2
#: The same for errands, which only wait for another server.
_ERRAND_TURNS = 8
_TURN_SECONDS = 5.0
#: How often a write is run again because of others; a large batch may meet one at each item.
_MAX_CONFLICTS = 50

log = logging.getLogger("kinto_lite")


class Pipeline:
    """The way of all requests of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._routes = Routes(service.routes)
        self._edition = Edition(service)
        self._turns = BoundedSemaphore(_TURNS)
        self._errand_turns = BoundedSemaphore(_ERRAND_TURNS)
        service.perform = self.perform

    def answer(self, request: ApiRequest) -> Answer:
        """Answer one request. Never raises: bad input is 4xx, what goes wrong here is 5xx.

        What is slow is done in place, with no transaction open, by a few threads at a time.
        """
        for _ in range(MAX_SLOW_WORKS):
            try:
                return self.attempt(request)
            except SlowWork as work:
                refusal = self._do(work, request)
            if refusal is not None:
                return self.refuse(request, refusal)
        return self.refuse(request, ApiError(UNEXPECTED))

    def _do(self, work: SlowWork, request: ApiRequest) -> ApiError | None:
        """Do what a request needs, when it is its turn; return why that cannot be."""
        turns = self._errand_turns if work.is_errand else self._turns
        if not turns.acquire(timeout=_TURN_SECONDS):
            return self._refuse_for_now(UNAVAILABLE)
        try:
            request.done[work.key] = work.run()
        except Exception:
            log.exception("slow work failed on %r %r", request.method, request.path)
            return ApiError(UNEXPECTED)
        finally:
            turns.release()
        return None

    def attempt(self, request: ApiRequest) -> Answer:
        """Answer one request, as `answer` does, or raise SlowWork when that has to be done
        before: its result belongs into `request.done`.

        The caller tells `report` when the answer is final.
        """
        if self._service.observers:
            begin(request)
        token = CURRENT.set(request)
        try:
            return self._attempt(request)
        finally:
            CURRENT.reset(token)

    def report(self, request: ApiRequest, answer: Answer) -> None:
        """Tell those who observe about a request whose answer goes out."""
        report(self._service.observers, request, answer)

    def _attempt(self, request: ApiRequest) -> Answer:
        try:
            found = self._edition.refuse_early(request) or self._route(request)
            if isinstance(found, Answer):
                return self._edition.finish_elsewhere(request, found)
            return self._answer_route(request, found)
        except SlowWork:
            raise
        except Exception:
            log.exception("unexpected error on %r %r", request.method, request.path)
            return self._edition.finish_elsewhere(request, self._error(ApiError(UNEXPECTED)))

    def refuse(self, request: ApiRequest, error: ApiError) -> Answer:
        """Answer a request that could not even be read."""
        return self._edition.finish_elsewhere(request, self._error(error))

    def refuse_storage(self, request: ApiRequest, error: StorageError) -> Answer:
        """Answer a request whose writes were lost when they were to be committed."""
        return self.refuse(request, self._map_storage_error(error))

    def _answer_route(self, request: ApiRequest, found: Found) -> Answer:
        if request.trace is not None:
            note_route(request.trace, found)
        try:
            refusal = self._edition.preflight_or_405(request, found.route)
            answer = refusal or self._run(request, found)
        except ApiError as error:
            answer = self._error(error)
        except StorageError as error:
            answer = self._error(self._map_storage_error(error))
        except SlowWork:
            raise
        except Exception:
            log.exception("unexpected error on %r %r", request.method, request.path)
            answer = self._error(ApiError(UNEXPECTED))
        return self._edition.finish(request, found.route, answer)

    def _run(self, request: ApiRequest, found: Found) -> Answer:
        """Run the handler in a transaction of its own; as a write if it turns out to be one."""
        if self._is_detached(found.route, request):
            nobody = Asker(None, frozenset(), "[]")
            tx = cast(Transaction, Detached())
            return _handle(Call(self._service, request, found.route, found.params, tx, nobody))
        if request.method not in found.route.writes:
            try:
                return self._run_once(request, found, write=False)
            except NeedsWrite:
                pass
        return self._run_in_turn(request, found)

    def _is_detached(self, route: Route, request: ApiRequest) -> bool:
        """Tell whether a request needs no storage, so that it is answered while there is none."""
        if not route.is_detached_for_strangers:
            return route.is_detached
        return is_stranger(self._service.policies, request)

    def _run_in_turn(self, request: ApiRequest, found: Found) -> Answer:
        """Run the handler as a write, again when others wrote at the same time: each attempt
        knows more of what it has to wait for."""
        for _ in range(_MAX_CONFLICTS):
            try:
                return self._run_once(request, found, write=True)
            except Conflict:
                continue
        return self._run_once(request, found, write=True)

    def _run_once(self, request: ApiRequest, found: Found, write: bool) -> Answer:
        call: Call | None = None
        try:
            with self._service.storage.transaction(write) as tx:
                call = self._call(request, found, tx, Work())
                answer = _handle(call)
                for finish in self._service.finishers:
                    finish(call)
        except ApiError:
            if call is not None and call.started is not None:
                with self._service.storage.transaction(True) as tx:
                    tx.start_list(*call.started)
            raise
        for announce in call.work.after_commit:
            self._service.storage.when_settled(announce)
        return answer

    def _call(self, request: ApiRequest, found: Found, tx: Transaction, work: Work) -> Call:
        asker = identify(self._service.policies, request, tx)
        if request.trace is not None:
            note_asker(request.trace, asker)
        return Call(self._service, request, found.route, found.params, tx, asker, work)

    def perform(self, outer: Call, request: ApiRequest) -> Performed:
        """Run a request inside the transaction of another one. Redirects are followed, once.

        Refusals come back as answers; a failure on our side (5xx) is raised, since it ends the
        outer request too.
        """
        if outer.request.trace is None:
            return self._perform(outer, request)
        begin_within(outer.request, request)
        performed = self._perform(outer, request)
        end_within(outer.request.trace, request, performed.answer)
        return performed

    def _perform(self, outer: Call, request: ApiRequest) -> Performed:
        request, found = self._route_item(request)
        if request.trace is not None and isinstance(found, Found):
            note_route(request.trace, found)
        if isinstance(found, Answer):
            return Performed(self._edition.finish_refused_item(request, None, found), request.path)
        try:
            answer = self._edition.preflight_or_405(request, found.route)
            answer = answer or self._handle_item(outer, request, found)
        except ApiError as error:
            if error.row.status >= 500:
                raise
            answer = self._error(error)
            if not isinstance(error, InvalidForm):
                answer = self._edition.finish_refused_item(request, found.route, answer)
                return Performed(answer, request.path)
        return Performed(self._edition.finish_item(request, found.route, answer), request.path)

    def _route_item(self, request: ApiRequest) -> tuple[ApiRequest, Found | Answer]:
        """Route a request within another one; a redirect is followed to where it exists."""
        found = self._route(request)
        if not isinstance(found, Answer) or found.status != 307:
            return request, found
        location = dict(found.headers)["Location"]
        target = location.removeprefix(self._service.origin_of(request))
        # Unquoted last: an escaped question mark belongs to the path.
        followed = replace(request, path=unquote(target.partition("?")[0]))
        found = self._route(followed)
        return (request if isinstance(found, Answer) else followed), found

    def _handle_item(self, outer: Call, request: ApiRequest, found: Found) -> Answer:
        """Run a handler so that a refusal undoes what it has written, and nothing else."""
        call = self._call(request, found, outer.tx, outer.work)
        if not outer.tx.is_write:
            if request.method in found.route.writes:
                raise NeedsWrite(f"{request.method} {request.path} writes")
            return _handle(call)
        changes_before, told_before = len(outer.work.changes), len(outer.work.told)
        try:
            with outer.tx.savepoint():
                return _handle(call)
        except ApiError:
            del outer.work.changes[changes_before:]
            del outer.work.told[told_before:]
            if call.started is not None:
                outer.tx.start_list(*call.started)
            raise

    def _route(self, request: ApiRequest) -> Found | Answer:
        """Return the route of a request, a redirect, or the 404."""
        path = request.path
        if not is_text(path):
            return self._error(ApiError(BAD_REQUEST, "Invalid URL path."))
        if not is_query(request.query):
            return self._error(ApiError(BAD_REQUEST, _BAD_QUERY + request.query))
        if not is_versioned(path):
            return self._redirect_to_version(request)
        if not is_ours(path):
            return self._error(ApiError(VERSION_NOT_FOUND))
        found = self._routes.find(path[len(PREFIX) :]) if path != PREFIX else None
        if found is not None:
            return found
        return self._redirect_slash(request) or self._error(ApiError(URL_NOT_FOUND))

    def _redirect_to_version(self, request: ApiRequest) -> Answer:
        settings = self._service.settings
        if not settings["version_prefix_redirect_enabled"]:
            return self._error(ApiError(VERSION_NOT_FOUND))
        if request.method == "OPTIONS":
            return Answer(200, [("Content-Type", "text/html; charset=UTF-8")])
        ttl_seconds = settings["version_prefix_redirect_ttl_seconds"]
        return self._redirect(request, PREFIX + request.path, ttl_seconds)

    def _redirect_slash(self, request: ApiRequest) -> Answer | None:
        settings = self._service.settings
        if not settings["trailing_slash_redirect_enabled"]:
            return None
        ttl_seconds = settings["trailing_slash_redirect_ttl_seconds"]
        if request.path == PREFIX:
            return self._redirect(request, PREFIX + "/", ttl_seconds)
        if request.path.endswith("/"):
            return self._redirect(request, request.path.rstrip("/"), ttl_seconds)
        return None

    def _redirect(self, request: ApiRequest, path: str, ttl_seconds: int) -> Answer:
        query = f"?{request.query}" if request.query else ""
        location = self._service.origin_of(request) + quote_path(path) + query
        headers = [("Location", location), ("Content-Type", "text/plain; charset=UTF-8")]
        return Answer(307, [*headers, *redirect_cache(ttl_seconds, self._service.clock())])

    def _error(self, error: ApiError) -> Answer:
        return error_answer(error, self._service.settings)

    def _map_storage_error(self, error: StorageError) -> ApiError:
        if isinstance(error, TooLong):
            return self._refuse_for_now(UNAVAILABLE, _TOO_LONG)
        log.error("%s: %s", type(error).__name__, error)
        return self._refuse_for_now(STORAGE_FULL if isinstance(error, Full) else UNAVAILABLE)

    def _refuse_for_now(self, row: ErrorRow, message: str | None = None) -> ApiError:
        """Return an error that says when to come back."""
        seconds = str(self._service.settings["retry_after_seconds"])
        return ApiError(row, message, headers=[("Retry-After", seconds)])


def _handle(call: Call) -> Answer:
    handler = call.route.handlers.get(call.request.method)
    if handler is None:
        call.route.disabled[call.request.method](call)
        raise ApiError(METHOD_NOT_ALLOWED, headers=[allow_header(call.route)])
    return handler(call)
