"""Shared commits: answers wait until what they rest on is on disk, and many wait for one sync.

The commit runs when the requests that have arrived together are done, or when enough answers
wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from kinto_lite.model import Answer, ApiRequest
from kinto_lite.storage.base import Storage, StorageError

#: Answers that wait for one commit, at most.
MAX_WAITING = 128


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
        try:
            self._storage.settle()
        except StorageError as error:
            for request, client, _ in waiting:
                client.answer(self._refuse(request, error))
        else:
            for _, client, answer in waiting:
                client.answer(answer)
