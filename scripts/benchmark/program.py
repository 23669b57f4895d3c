"""The command line of the comparison: options, the temporary folder, the order of things."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts.benchmark.client import BenchmarkError
from scripts.benchmark.installation import ENVIRONMENT, describe_machine, find_wrk, install_peers
from scripts.benchmark.page import describe_run, write_page
from scripts.benchmark.peer import Peer, Place
from scripts.benchmark.peers import PEERS
from scripts.benchmark.plans import MEASUREMENTS, Data, Measurement
from scripts.benchmark.report import Report
from scripts.benchmark.rounds import Course, Results, run_course, show

PEER_NAMES = tuple(peer.name for peer in PEERS)
COLD_START = "cold-start"
NAMES = (*(measurement.name for measurement in MEASUREMENTS), COLD_START)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Compares kinto-lite with PocketBase and Kinto on this machine. Installs "
        "them the first time; needs wrk, and PostgreSQL for kinto-postgresql.",
        epilog=f"Measurements: {', '.join(NAMES)}. A beginning (post) means all that have it.",
    )
    parser.add_argument("--rounds", type=read_count(1, 99), default=3, metavar="N")
    parser.add_argument(
        "--seconds", type=read_count(1, 600), default=4, metavar="N", help="per measurement"
    )
    parser.add_argument(
        "--records", type=read_count(100, 10**6), default=10000, metavar="N", help="in each server"
    )
    parser.add_argument("--only", type=read_only, default=NAMES, metavar="NAME,...")
    parser.add_argument("--peers", type=read_peers, default=PEER_NAMES, metavar="NAME,...")
    parser.add_argument(
        "--auth",
        choices=("basicauth", "account"),
        default="basicauth",
        help="who may sign in to Kinto and kinto-lite (PocketBase: its own accounts)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("/var/tmp"),
        help="where the data go while it runs: a file system on a disk (default: %(default)s)",
    )
    parser.add_argument(
        "--write", action="store_true", help="put the tables into docs/performance.md"
    )
    return parser.parse_args(arguments)


def read_count(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of numbers within bounds."""

    def read(text: str) -> int:
        if len(text) <= 7 and text.isdecimal() and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not a number from {least} to {most}")

    return read


def read_only(text: str) -> tuple[str, ...]:
    """Return the measurements that a list of names or beginnings means."""
    chosen: set[str] = set()
    for part in text.split(","):
        found = [name for name in NAMES if name == part or name.startswith(f"{part}-")]
        if not found:
            raise argparse.ArgumentTypeError(f"'{part}' is none of {', '.join(NAMES)}")
        chosen.update(found)
    return tuple(name for name in NAMES if name in chosen)


def read_peers(text: str) -> tuple[str, ...]:
    """Return the peers of a list of names."""
    chosen = text.split(",")
    for name in chosen:
        if name not in PEER_NAMES:
            raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(PEER_NAMES)}")
    return tuple(chosen)


def main(arguments: Sequence[str]) -> int:
    """Run the comparison; return the exit code."""
    options = parse_arguments(arguments)
    # Whoever ends this program ends the servers: as Ctrl-C does, in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(options, arguments)
    except (BenchmarkError, OSError) as error:
        show("")
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        show("")
        return 130


def run(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Measure and print in a temporary folder. Errors: BenchmarkError."""
    wrk = find_wrk()
    if not all(name.startswith("kinto-lite") for name in options.peers):
        install_peers()
    folder = Path(tempfile.mkdtemp(prefix="kinto-lite-bench-", dir=options.folder))
    # PostgreSQL may have to run as another user, who passes through.
    folder.chmod(0o711)
    peers: list[Peer] = []
    try:
        place = Place(ENVIRONMENT / "bin", folder, options.auth == "account")
        for make in PEERS:
            if make.name in options.peers:
                peers.append(make(place))
        course = make_course(options, peers, wrk, folder)
        results = Results()
        run_course(course, results)
        report = write_report(course, results, describe_machine(folder), arguments)
    finally:
        clean_up(peers, folder)
    print(report)
    for key, errors in results.errors.items():
        print(f"bench: {', '.join(key)}: {errors[0]}", file=sys.stderr)
    if options.write and not results.errors:
        write_page(report)
    return 1 if results.errors else 0


def make_course(
    options: argparse.Namespace, peers: Sequence[Peer], wrk: str, folder: Path
) -> Course:
    """Return what the options ask for."""
    return Course(
        peers=peers,
        measurements=choose_measurements(options.only),
        rounds=options.rounds,
        seconds=options.seconds,
        data=Data(options.records),
        wrk=wrk,
        folder=folder,
        with_starts=COLD_START in options.only,
    )


def choose_measurements(names: Sequence[str]) -> list[Measurement]:
    """Return the measurements of these names."""
    return [measurement for measurement in MEASUREMENTS if measurement.name in names]


def write_report(course: Course, results: Results, machine: str, arguments: Sequence[str]) -> str:
    """Return the whole report."""
    titles = {peer.name: peer.title for peer in course.peers}
    tables = Report(results, course.measurements, titles).write()
    return f"{describe_run(course, machine, arguments)}\n\n{tables}"


def clean_up(peers: Sequence[Peer], folder: Path) -> None:
    """End all servers and remove the folder, whatever happens."""
    # A second Ctrl-C would leave servers behind.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for peer in peers:
        peer.clean_up()
    shutil.rmtree(folder, ignore_errors=True)
