"""Tables of what was measured: medians, ranges, ratios. Markdown, which reads well on a terminal.

Pure: records in, text out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from scripts.benchmark.plans import Measurement
from scripts.benchmark.rounds import Results, Sample

#: Ours: as it comes, and with a worker for each processor.
OURS = "kinto-lite"
SHORT_NAMES = {
    OURS: "one worker",
    f"{OURS}-workers": "all processors",
    f"{OURS}-postgresql": "PostgreSQL",
}
NOTHING = "-"
FAILED = "error"


def format_number(value: float) -> str:
    """Return a number with three digits that matter, and separators: 12,300, 4.56."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def format_range(values: Sequence[float]) -> str:
    """Return the median, and the smallest and largest value in parentheses."""
    if len(values) == 1:
        return format_number(values[0])
    least, most = format_number(min(values)), format_number(max(values))
    return f"{format_number(median(values))} ({least} to {most})"


def format_ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Return how many times the median of theirs goes into ours; "-" when it cannot be said."""
    if not ours or not theirs or not median(theirs):
        return NOTHING
    return f"{median(ours) / median(theirs):.2f} x"


def format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown with columns of equal width."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in [head, *rows]
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


class Report:
    """The tables of a run. `titles` are the peers' names and what they are called."""

    def __init__(
        self, results: Results, measurements: Sequence[Measurement], titles: Mapping[str, str]
    ) -> None:
        self._results = results
        self._measurements = measurements
        self._titles = titles

    def write(self) -> str:
        """Return all tables, with headings."""
        parts = [
            ("Limits of the machine", self._write_limits()),
            (
                "Answers per second: median (smallest to largest)",
                self._write_samples(read_rate),
            ),
            ("kinto-lite's answers per second, as a multiple", self._write_ratios(read_rate)),
            (
                "CPU of the server per request, microseconds (user and system, all processes)",
                self._write_samples(read_cpu),
            ),
            ("CPU of kinto-lite per request, as a multiple", self._write_ratios(read_cpu)),
            (
                "99 of 100 answers came within, milliseconds",
                self._write_samples(read_p99),
            ),
            ("Start, memory, disk", self._write_footprint()),
        ]
        return "\n\n".join(f"### {head}\n\n{table}" for head, table in parts if table)

    def _write_limits(self) -> str:
        rows = [
            ["`fdatasync` of 4 KiB per second", format_range(self._results.syncs)],
            [
                "constant answers per second through the same edge, 32 connections",
                format_range(self._results.bare_answers),
            ],
        ]
        return format_table(["what", "median (smallest to largest)"], rows)

    def _find_values(
        self, measurement: Measurement, peer: str, read: Callable[[Sample], float]
    ) -> list[float]:
        """Return the numbers of all rounds; none when a round failed."""
        key = (measurement.name, peer)
        if key in self._results.errors or key in self._results.refusals:
            return []
        return [read(sample) for sample in self._results.samples.get(key, ())]

    def _write_samples(self, read: Callable[[Sample], float]) -> str:
        rows = []
        for measurement in self._measurements:
            row = [measurement.title, str(measurement.connections)]
            for peer in self._titles:
                values = self._find_values(measurement, peer, read)
                row.append(format_range(values) if values else self._explain(measurement, peer))
            rows.append(row)
        if not rows:
            return ""
        return format_table(["what", "connections", *self._titles.values()], rows)

    def _explain(self, measurement: Measurement, peer: str) -> str:
        """Return why there is no number: it failed, or there is no such thing."""
        key = (measurement.name, peer)
        shares = self._results.refusals.get(key)
        if shares:
            return f"{median(shares):.1%} refused"
        return FAILED if key in self._results.errors else NOTHING

    def _write_ratios(self, read: Callable[[Sample], float]) -> str:
        ours = [name for name in self._titles if name.startswith(OURS)]
        pairs = [(name, peer) for peer in self._titles if peer not in ours for name in ours]
        if not pairs or not self._measurements:
            return ""
        rows = []
        for measurement in self._measurements:
            values = {name: self._find_values(measurement, name, read) for name in self._titles}
            ratios = [format_ratio(values[name], values[peer]) for name, peer in pairs]
            rows.append([measurement.title, str(measurement.connections), *ratios])
        shown = [f"{SHORT_NAMES[name]} of {self._titles[peer]}" for name, peer in pairs]
        return format_table(["what", "connections", *shown], rows)

    def _write_footprint(self) -> str:
        results = self._results
        starts = {
            name: format_range([seconds * 1000 for seconds in values])
            for name, values in results.cold_starts.items()
        }
        lines: list[tuple[str, Mapping[str, str]]] = [
            ("start to first answer, ms", starts),
            ("memory when idle, MB", format_megabytes(results.idle_bytes)),
            ("memory after the load, MB", format_megabytes(results.loaded_bytes)),
            (
                "bytes on disk per record",
                {name: format_number(size) for name, size in results.record_bytes.items()},
            ),
        ]
        rows = [
            [title, *(cells.get(name, NOTHING) for name in self._titles)] for title, cells in lines
        ]
        return format_table(["what", *self._titles.values()], rows)


def read_rate(sample: Sample) -> float:
    """Return the answers per second."""
    return sample.load.per_second


def read_cpu(sample: Sample) -> float:
    """Return the microseconds of CPU per request."""
    return sample.cpu_us


def read_p99(sample: Sample) -> float:
    """Return the milliseconds within which 99 of 100 answers came."""
    return sample.load.p99_ms


def format_megabytes(sizes: Mapping[str, int]) -> dict[str, str]:
    """Return sizes in bytes as megabytes."""
    return {name: format_number(size / 1e6) for name, size in sizes.items()}
