"""Keeps the numbers, with prometheus-client; nothing else imports it.

Under the server's own command line, all processes keep them in files of one folder, which hold
the numbers of those that have ended, too; whichever process is asked adds all of them up. In
an app of another server they are this process's own, unless `PROMETHEUS_MULTIPROC_DIR` is set.

Source: protocol, plugins chapter 9.1.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from kinto_lite.hooks import Observation
from kinto_lite.plugins.measures import has_user, measure
from kinto_lite.shared_folder import find_folder, is_owner

_FOLDER = find_folder()
if _FOLDER is not None:
    # The library reads this when it is imported.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_FOLDER))

import prometheus_client as prometheus  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402

CONTENT_TYPE = prometheus.CONTENT_TYPE_LATEST

_HELP = {
    "request_summary": "Requests, those within batches included.",
    "request_duration_seconds": "Time from request to answer.",
    "request_size": "Bytes of response bodies.",
    "users": "Requests by user.",
    "authentication": "Requests of users, by policy.",
}

#: Series of one metric in one process. Ids and users come from clients: where there are more, the
#: rest is counted together, without them.
MAX_SERIES = 2000


class Series:
    """The series of one metric, about MAX_SERIES of them at most.

    `free` are the positions of the labels whose values clients choose.
    """

    def __init__(self, metric: Any, free: Collection[int]) -> None:
        self._metric = metric
        self._free = free
        self._found: dict[tuple[str, ...], Any] = {}

    def find(self, values: tuple[str, ...]) -> Any:
        """Return the series of these label values; without the free ones when there are too
        many."""
        series = self._found.get(values)
        if series is not None:
            return series
        if len(self._found) >= MAX_SERIES:
            values = tuple("" if at in self._free else one for at, one in enumerate(values))
        series = self._found[values] = self._metric.labels(*values)
        return series


class Metrics:
    """The metrics of one service. `disabled`: names without prefix; `fields`: parts of URLs that
    become labels; `buckets`: seconds."""

    def __init__(
        self,
        prefix: str,
        disabled: Collection[str],
        fields: Sequence[str],
        buckets: Sequence[float],
        has_created: bool,
    ) -> None:
        self._fields = tuple(fields)
        self._is_shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        # One switch for the whole process.
        if has_created:
            prometheus.enable_created_metrics()  # type: ignore[no-untyped-call]
        else:
            prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = prometheus.CollectorRegistry()
        self._prefix, self._disabled = prefix, disabled
        labels, free = ("method", "endpoint", *self._fields), range(2, 2 + len(self._fields))
        counter, summary = prometheus.Counter, prometheus.Summary
        histogram = self._histogram = partial(prometheus.Histogram, buckets=buckets)
        self._timers: dict[str, Any] = {}
        self._summary = self._make(counter, "request_summary", (*labels, "status"), free)
        self._duration = self._make(histogram, "request_duration_seconds", labels, free)
        self._size = self._make(summary, "request_size", labels, free)
        self._users = self._make(counter, "users", ("auth", "userid"), (1,))
        self._logins = self._make(counter, "authentication", ("type",), ())

    def _make(
        self, maker: Any, name: str, labels: Sequence[str], free: Collection[int]
    ) -> Series | None:
        """Return the series of a metric, None when it is disabled."""
        if name in self._disabled:
            return None
        full_name = self._prefix + name
        return Series(maker(full_name, _HELP[name], labels, registry=self._registry), free)

    def time(self, name: str, method: str, seconds: float) -> None:
        """Count a step within a request. `name` as in `hooks.Timer`, of the settings' making."""
        if name not in self._timers:
            self._timers[name] = self._make_timer(name, bool(method))
        timer = self._timers[name]
        if timer is not None:
            (timer.labels(method) if method else timer).observe(seconds)

    def _make_timer(self, name: str, has_method: bool) -> Any:
        own_name = re.sub(r"[^a-z0-9]", "_", name.lower()) + "_seconds"
        if own_name in self._disabled:
            return None
        labels = ("method",) if has_method else ()
        full_name = self._prefix + own_name
        return self._histogram(full_name, "Time of a step.", labels, registry=self._registry)

    def observe(self, seen: Observation) -> None:
        """Count a request."""
        taken = measure(seen, self._fields)
        labels = (taken.method, taken.endpoint, *taken.parts)
        if self._summary is not None:
            self._summary.find((*labels, taken.status)).inc()
        if self._duration is not None:
            self._duration.find(labels).observe(taken.seconds)
        if self._size is not None:
            self._size.find(labels).observe(taken.size_bytes)
        if not has_user(seen, taken):
            return
        if self._users is not None:
            self._users.find((taken.policy, taken.user_id)).inc()
        if self._logins is not None:
            self._logins.find((taken.policy,)).inc()

    def write(self) -> bytes:
        """Return all numbers of the server, in Prometheus's text format; nothing when the shared
        folder is gone."""
        if not self._is_shared:
            return prometheus.generate_latest(self._registry) + write_process()
        if not os.path.isdir(os.environ["PROMETHEUS_MULTIPROC_DIR"]):
            return b""
        registry = prometheus.CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        shared = prometheus.generate_latest(registry)
        # One of several processes says nothing about the others.
        return shared + write_process() if is_owner() else shared


def write_process() -> bytes:
    """Return the numbers of Python and of this process."""
    registry = prometheus.CollectorRegistry()
    prometheus.ProcessCollector(registry=registry)
    prometheus.PlatformCollector(registry=registry)
    prometheus.GCCollector(registry=registry)
    return prometheus.generate_latest(registry)
