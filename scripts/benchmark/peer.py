"""What all compared servers have in common: a folder, a process, a first answer, memory, disk."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scripts.benchmark.client import BenchmarkError, Client
from scripts.benchmark.plans import Data, Plan
from scripts.benchmark.processes import (
    Process,
    find_free_port,
    measure_folder,
    read_memory_bytes,
)

START_SECONDS = 120


class Api(Protocol):
    """What a server can be asked, see `kinto_api` and `pocketbase_api`."""

    def set_up(self, data: Data) -> None: ...
    def load(self) -> int: ...
    def count_written(self) -> int: ...
    def make_plan(self, name: str) -> Plan | None: ...


@dataclass(frozen=True)
class Place:
    """Where peers are: programs of those from PyPI, folder for all data, who signs in."""

    programs: Path
    folder: Path
    has_accounts: bool


class Peer(ABC):
    """A server that can be started, in a folder of its own."""

    name: str
    #: What an acknowledged write has survived.
    durability: str
    #: Answered 200 as soon as the server works.
    hello: str
    #: Whether the data outlast a restart.
    keeps_data = True
    #: Whether it is known to refuse some of several writes at once to one collection.
    has_conflicts = False
    api: Api

    def __init__(self, place: Place) -> None:
        self.place = place
        self.folder = place.folder / self.name
        self.spare = place.folder / f"{self.name}-spare"
        self.port = find_free_port()
        self._process: Process | None = None

    @property
    @abstractmethod
    def title(self) -> str:
        """Name and version."""

    @property
    @abstractmethod
    def served(self) -> str:
        """How it is served, in words."""

    @abstractmethod
    def make_folder(self, folder: Path) -> None:
        """Write what a server needs in an empty folder before it starts."""

    @abstractmethod
    def make_command(self, folder: Path, port: int) -> list[str]:
        """Return the command that serves a folder at a port."""

    def make_environ(self) -> dict[str, str]:
        """Return variables that the command needs."""
        return {}

    def prepare(self) -> None:
        """Make the folders for the server and for the cold starts. Errors: BenchmarkError."""
        for folder in (self.folder, self.spare):
            folder.mkdir()
            self.make_folder(folder)

    def start(self) -> None:
        """Start it and wait for its first answer. Errors: BenchmarkError."""
        self._process = self._launch(self.folder, self.port)
        wait_for_answer(self._process, self.port, self.hello)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def clean_up(self) -> None:
        """End all of it."""
        self.stop()

    def find_roots(self) -> list[int]:
        """Return the processes whose trees are the server."""
        assert self._process is not None
        return [self._process.pid]

    def measure_disk(self) -> int | None:
        """Return the bytes of its data; None when it keeps none."""
        return measure_folder(self.folder)

    def measure_memory(self) -> int:
        """Return the bytes of memory of the server."""
        return read_memory_bytes(self.find_roots())

    def time_cold_start(self) -> float:
        """Start a second server, without records, and return the seconds to its first answer."""
        port = find_free_port()
        begun = time.perf_counter()
        process = self._launch(self.spare, port)
        try:
            wait_for_answer(process, port, self.hello)
            return time.perf_counter() - begun
        finally:
            process.stop()

    def _launch(self, folder: Path, port: int) -> Process:
        command = self.make_command(folder, port)
        return Process(command, folder, folder.with_suffix(".log"), self.make_environ())


def wait_for_answer(process: Process, port: int, path: str) -> None:
    """Return when the server answers 200. Errors: BenchmarkError when it does not in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        process.raise_if_ended()
        client = Client(port)
        try:
            if client.send("GET", path).status == 200:
                return
        except OSError:
            time.sleep(0.001)
        finally:
            client.close()
    raise BenchmarkError(f"the server does not answer after {START_SECONDS} s")
