"""Builds indexes on fields beside the requests: a thread, one short transaction a step."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from kinto_lite.storage.base import Busy, StorageError

#: Between two steps, so that writers come in; and before one that failed is tried again.
PAUSE_SECONDS = 0.002
RETRY_SECONDS = 1.0

log = logging.getLogger("kinto_lite")


class Builder:
    """The thread of one storage. `build_step` does a step and tells whether more may follow."""

    def __init__(self, build_step: Callable[[], bool]) -> None:
        self._build_step = build_step
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Build what is not built yet, from the next commit on."""
        self._woken.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="indexes", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread between two steps; what is left is built after the next start."""
        self._stopped.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._woken.wait() and not self._stopped.is_set():
            self._woken.clear()
            # The transaction that asked for an index commits before this one gets its turn.
            while self._step() and not self._stopped.wait(PAUSE_SECONDS):
                pass

    def _step(self) -> bool:
        try:
            return self._build_step()
        except Busy:
            return not self._stopped.wait(RETRY_SECONDS)
        except StorageError as error:
            log.error("an index cannot be built now: %s", error)
            return False
