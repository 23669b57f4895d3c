"""Metrics of all requests for Prometheus, at `/__metrics__`.

What is counted is in `measures`; `metrics` keeps the numbers with the library, which is imported
when the plugin is on, and not before.

Source: protocol, plugins chapter 9.1.
"""

from __future__ import annotations

import importlib.util
import math
import os
import re
from collections.abc import Mapping

from kinto_lite.errors import ConfigurationError
from kinto_lite.hooks import Call, Parts, Plugin, Route, Service
from kinto_lite.model import Answer
from kinto_lite.settings import Settings

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def read_prefix(settings: Settings) -> str:
    """Return what all names begin with: `Kinto-prod.x` gives `kintoprodx_`."""
    text = str(settings["prometheus_prefix"] or settings["project_name"])
    return re.sub(r"[-. _]", "", text.lower()) + "_"


def read_disabled(settings: Settings, prefix: str) -> frozenset[str]:
    """Return the names of what is not counted, without prefix."""
    return frozenset(name.removeprefix(prefix) for name in settings["prometheus_disabled_metrics"])


def read_buckets(settings: Settings) -> tuple[float, ...]:
    """Return the upper bounds of histograms in seconds, ascending. Errors: ConfigurationError."""
    words = settings["prometheus_histogram_buckets"]
    try:
        bounds = tuple(sorted({float(word) for word in words}))
    except ValueError:
        bounds = ()
    if not bounds or any(map(math.isnan, bounds)):
        raise ConfigurationError(
            f"Setting 'prometheus_histogram_buckets' must be numbers of seconds, not {words!r}."
        )
    return bounds


def check(settings: Settings) -> None:
    """Refuse (ConfigurationError) what cannot work: no library, names no metric can have."""
    if importlib.util.find_spec("prometheus_client") is None:
        raise ConfigurationError(
            "kinto.plugins.prometheus needs the library prometheus-client: "
            "pip install 'kinto-lite[prometheus]'."
        )
    read_buckets(settings)
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is not None and not os.path.isdir(folder):
        raise ConfigurationError(f"PROMETHEUS_MULTIPROC_DIR is no folder: {folder[:200]}.")
    prefix = read_prefix(settings)
    if not re.fullmatch(r"[a-z][a-z0-9]*_", prefix):
        raise ConfigurationError(
            f"Setting 'prometheus_prefix' gives {prefix[:60]!r}: metrics begin with letters "
            "and digits."
        )
    for name in settings["metrics_matchdict_fields"]:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in ("method", "endpoint", "status"):
            raise ConfigurationError(f"Setting 'metrics_matchdict_fields': no label is {name!r}.")


def describe(settings: Settings) -> Mapping[str, object]:
    """Return the entry of `capabilities` in the hello view."""
    return {
        "description": "Metrics in the format of Prometheus.",
        "url": "https://kinto.readthedocs.io/en/latest/configuration/settings.html",
        "prefix": read_prefix(settings),
        "disabled_metrics": list(settings["prometheus_disabled_metrics"]),
    }


def _set_up(service: Service) -> Parts:
    from kinto_lite.plugins.prometheus.metrics import CONTENT_TYPE, Metrics

    settings = service.settings
    prefix = read_prefix(settings)
    metrics = Metrics(
        prefix,
        read_disabled(settings, prefix),
        settings["metrics_matchdict_fields"],
        read_buckets(settings),
        settings["prometheus_created_metrics_enabled"],
    )

    def show(_call: Call) -> Answer:
        text = metrics.write()
        return Answer(200, [("Content-Type", CONTENT_TYPE)], text) if text else Answer(204, [])

    handlers = dict.fromkeys(_METHODS, show)
    # Often reached from inside a network only: a page that is open there must not pass it on.
    pattern = "/__metrics__"
    route = Route("prometheus_metrics", pattern, handlers, is_private=True, is_detached=True)
    capabilities = {"prometheus": describe(settings)}
    return Parts(
        routes=(route,), capabilities=capabilities, observe=metrics.observe, time=metrics.time
    )


PLUGIN = Plugin("prometheus", _set_up, check=check)
