"""Shared commits: answers wait until what they rest on is on disk, and many wait for one sync.

The commit runs when the requests that have arrived together are done, or when enough answers
wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from kinto_lite.model import Answer, ApiRequest
from kinto_lite.server.refusals import unexpected
from kinto_lite.storage.base import Storage, StorageError

#: Answers that wait for one commit, at most.
MAX_WAITING = 128

log = logging.getLogger("kinto_lite")


class Answered(Protocol):
    """What waits for an answer."""

    def answer(self, answer: Answer) -> None: ...


class Commits:
    """Commits for all requests of one worker, which has one thread.

    `refuse` makes the answer to a request of which nothing was stored.
    """

    def __init__(
        self, storage: Storage, refuse: Callable[[ApiRequest, StorageError], Answer]
    ) -> None:
        storage.share_commits()
        self._storage = storage
        self._refuse = refuse
        self._waiting: list[tuple[ApiRequest, Answered, Answer]] = []
        self._is_planned = False

    def add(self, request: ApiRequest, client: Answered, answer: Answer) -> None:
        """Give an answer to its client when what this thread has seen is on disk: `settle`, or
        `plan` to do so, before more is read."""
        self._waiting.append((request, client, answer))
        if len(self._waiting) >= MAX_WAITING:
            self._commit()

    def plan(self) -> None:
        """Settle before more is read."""
        if not self._is_planned:
            self._is_planned = True
            asyncio.get_running_loop().call_soon(self._commit_as_planned)

    def _commit_as_planned(self) -> None:
        self._is_planned = False
        self.settle()

    def settle(self) -> None:
        """Commit, and close the view of the database."""
        if self._waiting or self._storage.is_open:
            self._commit()

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        failure = self._settle()
        for request, client, answer in waiting:
            try:
                client.answer(answer if failure is None else self._describe(request, failure))
            except Exception:
                # One client that cannot be answered takes nothing away from the others.
                log.exception("%s %r was not answered", request.method, request.path)

    def _settle(self) -> Exception | None:
        """Commit; return why that failed."""
        try:
            self._storage.settle()
        except StorageError as error:
            return error
        except Exception as error:
            log.exception("a commit failed")
            return error
        return None

    def _describe(self, request: ApiRequest, failure: Exception) -> Answer:
        if isinstance(failure, StorageError):
            try:
                return self._refuse(request, failure)
            except Exception:
                log.exception("%s %r was not refused", request.method, request.path)
        return unexpected()
