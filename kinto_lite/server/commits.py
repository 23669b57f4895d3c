"""Shared commits: answers wait until what they rest on is on disk, and many wait for one sync.

A request that wrote, or that read through the open transaction, awaits `settle`. The commit
runs when the work that has already arrived is done, or when enough answers wait.
"""

from __future__ import annotations

import asyncio

from kinto_lite.storage.base import Storage, StorageError

#: Answers that wait for one commit, at most.
MAX_WAITING = 128
#: Turns of the event loop a commit waits for requests whose bodies are being read.
MAX_TURNS = 4


class Commits:
    """Commits for all requests of one worker, which has one thread."""

    def __init__(self, storage: Storage) -> None:
        storage.share_commits()
        self._storage = storage
        self._settled: asyncio.Future[StorageError | None] | None = None
        self._waiting = 0
        self._turns = 0
        #: Requests that have arrived and were not run yet.
        self.arriving = 0

    async def settle(self) -> None:
        """Return when what this thread has seen is on disk.

        Errors: StorageError, when nothing of it was stored.
        """
        if self._settled is None:
            if not self._storage.is_unsettled:
                return
            self._begin_waiting()
        assert self._settled is not None
        settled = self._settled
        self._waiting += 1
        if self._waiting >= MAX_WAITING:
            self._commit()
        error = await settled
        if error is not None:
            raise error

    def _begin_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        self._settled, self._waiting, self._turns = loop.create_future(), 0, 0
        loop.call_soon(self._commit_unless_busy, self._settled)

    def _commit_unless_busy(self, settled: asyncio.Future[StorageError | None]) -> None:
        """Commit, unless this was done already or more work is about to be."""
        if settled is not self._settled:
            return
        if self.arriving and self._turns < MAX_TURNS:
            self._turns += 1
            asyncio.get_running_loop().call_soon(self._commit_unless_busy, settled)
            return
        self._commit()

    def _commit(self) -> None:
        settled, self._settled = self._settled, None
        assert settled is not None
        try:
            self._storage.settle()
        except StorageError as error:
            settled.set_result(error)
        else:
            settled.set_result(None)
