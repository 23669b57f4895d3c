"""The measuring: fills the peers, then runs each measurement on one after the other, in rounds.

A B C D, A B C D: what disturbs the machine for a while disturbs all of them. A measurement whose
answers are not the expected ones is an error, never a number.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.benchmark.client import (
    BenchmarkError,
    Client,
    MissingError,
    NoAnswerError,
    RefusedError,
)
from scripts.benchmark.limits import count_bare_answers, count_syncs
from scripts.benchmark.peer import Peer
from scripts.benchmark.plans import Call, Data, Measurement, Plan
from scripts.benchmark.processes import read_cpu_seconds
from scripts.benchmark.wrk import Load, run_wrk

#: Before each measurement; wrk counts whole seconds.
WARM_UP_SECONDS = 1
SYNC_SECONDS = 1.0
#: After the restart, before the memory of an idle server is read.
IDLE_SECONDS = 1.0
#: A server that gives fewer answers per connection than this is measured so many times longer.
ENOUGH_ANSWERS = 5
LONGER = 5


@dataclass(frozen=True)
class Sample:
    """One measurement of one server in one round. CPU time is the server's, per answer."""

    load: Load
    cpu_us: float


@dataclass
class Results:
    """All that was measured. Keys are names of measurements and of peers."""

    samples: dict[tuple[str, str], list[Sample]] = field(default_factory=dict)
    cold_starts: dict[str, list[float]] = field(default_factory=dict)
    idle_bytes: dict[str, int] = field(default_factory=dict)
    loaded_bytes: dict[str, int] = field(default_factory=dict)
    record_bytes: dict[str, float] = field(default_factory=dict)
    syncs: list[float] = field(default_factory=list)
    bare_answers: list[float] = field(default_factory=list)
    #: Shares of the requests that were refused.
    refusals: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    #: What should not have happened.
    errors: dict[tuple[str, str], list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Course:
    """What a run does."""

    peers: Sequence[Peer]
    measurements: Sequence[Measurement]
    rounds: int
    seconds: int
    data: Data
    wrk: str
    folder: Path
    #: Measure cold starts, too.
    with_starts: bool


def run_course(course: Course, results: Results) -> None:
    """Fill the peers and measure everything. Errors: BenchmarkError when a peer does not work."""
    for peer in course.peers:
        show(f"filling {peer.title}")
        try:
            fill_peer(peer, course.data, results)
        except BenchmarkError as error:
            raise BenchmarkError(f"{peer.title}: {error}") from None
    for number in range(1, course.rounds + 1):
        run_round(course, number, results)
    for peer in course.peers:
        results.loaded_bytes[peer.name] = peer.measure_memory()
    show("")


def fill_peer(peer: Peer, data: Data, results: Results) -> None:
    """Start a peer with the data; note bytes on disk per record and the memory when idle."""
    peer.prepare()
    peer.start()
    peer.api.set_up(data)
    empty = restart(peer)
    stored = peer.api.load()
    full = restart(peer)
    if empty is not None and full is not None:
        results.record_bytes[peer.name] = (full - empty) / stored
    time.sleep(IDLE_SECONDS)
    results.idle_bytes[peer.name] = peer.measure_memory()


def restart(peer: Peer) -> int | None:
    """Restart a peer, if its data outlast that; return the bytes of its data in between."""
    if not peer.keeps_data:
        return None
    peer.stop()
    size = peer.measure_disk()
    peer.start()
    return size


def run_round(course: Course, number: int, results: Results) -> None:
    """Measure everything once."""
    where = f"round {number} of {course.rounds}"
    show(f"{where}: limits of the machine")
    results.syncs.append(count_syncs(course.folder, SYNC_SECONDS))
    results.bare_answers.append(count_bare_answers(course.wrk, course.folder, 32, course.seconds))
    for measurement in course.measurements:
        for peer in course.peers:
            show(f"{where}: {measurement.name}, {peer.title}")
            note_sample(course, measurement, peer, results)
    if course.with_starts:
        for peer in course.peers:
            show(f"{where}: cold start, {peer.title}")
            results.cold_starts.setdefault(peer.name, []).append(peer.time_cold_start())


def note_sample(course: Course, measurement: Measurement, peer: Peer, results: Results) -> None:
    """Measure, and keep the number; a failure is kept as such."""
    try:
        sample = measure(course, measurement, peer)
    except BenchmarkError as error:
        note_failure(error, measurement, peer, results)
        return
    if sample is not None:
        results.samples.setdefault((measurement.name, peer.name), []).append(sample)


def note_failure(
    error: BenchmarkError, measurement: Measurement, peer: Peer, results: Results
) -> None:
    """Keep the share of requests that were refused, and all that should not have happened."""
    key = (measurement.name, peer.name)
    has_conflicts = peer.has_conflicts and measurement.writes
    # In a batch that is answered 200, single writes may be refused.
    refused = False
    if isinstance(error, RefusedError) or (isinstance(error, MissingError) and has_conflicts):
        results.refusals.setdefault(key, []).append(error.share)
        refused = True
    if not (refused and has_conflicts):
        results.errors.setdefault(key, []).append(str(error))


def measure(course: Course, measurement: Measurement, peer: Peer) -> Sample | None:
    """Return what one measurement says; None when the peer has no such thing.

    Errors: BenchmarkError when an answer is wrong, or acknowledged records are not there.
    """
    plan = peer.api.make_plan(measurement.name)
    if plan is None:
        return None
    check_answers(plan, peer.port)
    with contextlib.suppress(NoAnswerError):
        load_peer(course, measurement, peer, plan, WARM_UP_SECONDS)
    with contextlib.suppress(NoAnswerError):
        sample = sample_load(course, measurement, peer, plan, course.seconds)
        if sample.load.requests >= measurement.connections * ENOUGH_ANSWERS:
            return sample
    # What is under way at the end does not count, which would be unfair to a slow server.
    return sample_load(course, measurement, peer, plan, course.seconds * LONGER)


def sample_load(
    course: Course, measurement: Measurement, peer: Peer, plan: Plan, seconds: int
) -> Sample:
    """Return what one run of wrk says. Errors: see `measure`."""
    count = peer.api.count_written() if plan.adds else 0
    cpu = read_cpu_seconds(peer.find_roots())
    load = load_peer(course, measurement, peer, plan, seconds)
    cpu = read_cpu_seconds(peer.find_roots()) - cpu
    if plan.adds:
        grown = peer.api.count_written() - count
        check_growth(grown, plan.adds, load.requests, measurement.connections)
    check_answers(plan, peer.port)
    return Sample(load, cpu / load.requests * 1e6)


def load_peer(
    course: Course, measurement: Measurement, peer: Peer, plan: Plan, seconds: int
) -> Load:
    """Run wrk on a peer. Errors: BenchmarkError."""
    return run_wrk(course.wrk, plan, peer.port, measurement.connections, seconds, course.folder)


def check_answers(plan: Plan, port: int) -> None:
    """Send some requests of a plan and look at the answers. Errors: BenchmarkError."""
    client = Client(port, plan.headers)
    try:
        for call in choose_samples(plan.calls):
            wrong = call.check(client.send(call.method, call.path, call.body))
            if wrong:
                raise BenchmarkError(f"{call.method} {call.path}: {wrong}")
    except OSError as error:
        raise BenchmarkError(f"no answer: {error}") from None
    finally:
        client.close()


def choose_samples(calls: Sequence[Call]) -> list[Call]:
    """Return the first and the last request of each method."""
    methods = {call.method for call in calls}
    chosen = []
    for method in sorted(methods):
        same = [call for call in calls if call.method == method]
        chosen += [same[0], same[-1]]
    return chosen


def check_growth(grown: int, adds: int, answered: int, connections: int) -> None:
    """Compare the records that are there with the answers that said so.

    Requests that were under way when wrk stopped may have been stored or not.

    Errors: MissingError.
    """
    least, most = answered * adds, (answered + 2 * connections) * adds
    if not least <= grown <= most:
        raise MissingError(answered, grown, least)


def show(text: str) -> None:
    """Say where we are, if somebody is looking."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()
