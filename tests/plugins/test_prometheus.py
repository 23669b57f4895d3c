"""Metrics at `/__metrics__`, read by Prometheus's own parser (plugins chapter 9.1)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from webtest import TestApp

from kinto_lite.errors import ConfigurationError
from kinto_lite.plugins.prometheus import metrics as metrics_module
from tests.extensions.modules import write_module

AUTH = {"Authorization": "Basic dTpw"}
PLUGINS = "kinto.plugins.prometheus kinto.plugins.default_bucket"
Samples = dict[str, list[tuple[dict[str, str], float]]]


@pytest.fixture
def make(make_client: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function from settings to a server with metrics."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)

    def start(**given: Any) -> TestApp:
        return make_client({"includes": PLUGINS, **given})

    yield start
    metrics_module.prometheus.enable_created_metrics()


def scrape(http: TestApp) -> Samples:
    """Return the numbers by the names of series."""
    found: Samples = {}
    for family in text_string_to_metric_families(http.get("/v1/__metrics__").text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def count(samples: Samples, name: str, **labels: str) -> float:
    """Return the sum of the series that have these labels."""
    series = samples.get(name, [])
    return sum(value for own, value in series if labels.items() <= own.items())


LISTENER = """
from kinto_lite.events import ResourceChanged
from kinto_lite.hooks import Listener, Parts, Plugin

def load_from_config(config, prefix):
    return lambda event: None

PLUGIN = Plugin("deaf", lambda service: Parts(listeners=(Listener(ResourceChanged, print),)))
"""


def test_listeners_and_metrics_go_together(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = write_module(tmp_path, monkeypatch, LISTENER)
    http = make(
        includes=f"{PLUGINS} kinto.plugins.history {module}",
        event_listeners="audit",
        **{"event_listeners.audit.use": module},
    )
    http.put("/v1/buckets/b", headers=AUTH)
    samples = scrape(http)
    assert count(samples, "kinto_listeners_audit_seconds_count") == 1
    assert count(samples, "kinto_plugins_history_seconds_count") == 1


def test_requests_are_counted_with_their_ids(make: Any) -> None:
    http = make()
    http.put("/v1/buckets/b1/collections/c", headers=AUTH, status=403)
    http.put("/v1/buckets/b1", headers=AUTH)
    http.put("/v1/buckets/b1/collections/c", headers=AUTH)
    http.put("/v1/buckets/b1/collections/c/records/r", headers=AUTH)
    samples = scrape(http)
    labels = {
        "method": "put",
        "endpoint": "record-object",
        "bucket_id": "b1",
        "collection_id": "c",
        "group_id": "",
        "record_id": "r",
    }
    name = "kinto_request_summary_total"
    assert count(samples, name, **labels, status="201") == 1
    refused = {"endpoint": "collection-object", "bucket_id": "", "status": "403"}
    assert count(samples, name, **refused) == 1
    assert count(samples, "kinto_request_duration_seconds_count", **labels) == 1
    assert count(samples, "kinto_request_duration_seconds_bucket", **labels, le="+Inf") == 1
    assert count(samples, "kinto_request_size_sum", **labels) > 50


def test_users_are_counted_once_for_a_batch(make: Any) -> None:
    http = make()
    items = [{"path": "/v1/buckets"}] * 3
    http.post_json("/v1/batch", {"requests": items}, headers=AUTH)
    http.get("/v1/")
    samples = scrape(http)
    assert count(samples, "kinto_users_total", auth="basicauth") == 1
    assert count(samples, "kinto_authentication_total", type="basicauth") == 1
    assert count(samples, "kinto_request_summary_total", endpoint="bucket-plural") == 3


def test_the_personal_bucket_counts_twice(make: Any) -> None:
    http = make()
    http.get("/v1/buckets/default", headers=AUTH)
    samples = scrape(http)
    assert count(samples, "kinto_request_summary_total", endpoint="default_bucket") == 1
    assert count(samples, "kinto_request_summary_total", endpoint="bucket-object") == 1


def test_policies_and_plugins_are_timed(make: Any) -> None:
    http = make(includes=f"{PLUGINS} kinto.plugins.history")
    http.put("/v1/buckets/b", headers=AUTH)
    samples = scrape(http)
    labels = {"method": "authenticated_userid"}
    assert count(samples, "kinto_authentication_basicauth_seconds_count", **labels) == 1
    assert count(samples, "kinto_plugins_history_seconds_count") == 1


def test_a_timer_may_be_left_out(make: Any) -> None:
    http = make(prometheus_disabled_metrics="kinto_authentication_basicauth_seconds")
    http.get("/v1/buckets", headers=AUTH)
    assert "kinto_authentication_basicauth_seconds_count" not in scrape(http)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/v1/", "hello"),
        ("/v1/__api__", "openapi"),
        ("/v1/contribute.json", "contribute.json"),
        ("/v1/__lbheartbeat__", "lbheartbeat"),
        ("/v1/nothing", "unknown"),
        ("/buckets", "redirect_to_version"),
    ],
)
def test_endpoints_have_the_names_of_kinto(make: Any, path: str, endpoint: str) -> None:
    http = make()
    http.get(path, status="*")
    assert count(scrape(http), "kinto_request_summary_total", endpoint=endpoint) == 1


def test_pages_of_other_origins_cannot_read_them(make: Any) -> None:
    answer = make().get("/v1/__metrics__", headers={"Origin": "https://example.org"})
    assert [name for name in answer.headers if name.startswith("Access-Control")] == []


def test_the_description_of_the_api_leaves_them_out(make: Any) -> None:
    assert "/__metrics__" not in make().get("/v1/__api__").json["paths"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_any_method_shows_them_to_anybody(make: Any, method: str) -> None:
    answer = make().request("/v1/__metrics__", method=method)
    assert answer.status_int == 200
    assert answer.headers["Content-Type"] == "text/plain; version=1.0.0; charset=utf-8"


def test_numbers_of_the_process_are_included(make: Any) -> None:
    assert {"python_info", "process_cpu_seconds_total"} <= set(scrape(make()))


def test_settings_change_names_labels_and_buckets(make: Any) -> None:
    http = make(
        prometheus_prefix="Kinto-prod.x",
        prometheus_disabled_metrics="request_size kintoprodx_users",
        prometheus_histogram_buckets="0.1 2",
        metrics_matchdict_fields="bucket_id",
        prometheus_created_metrics_enabled=False,
    )
    http.put("/v1/buckets/b", headers=AUTH)
    samples = scrape(http)
    bounds = {own["le"] for own, _ in samples["kintoprodx_request_duration_seconds_bucket"]}
    assert bounds == {"0.1", "2.0", "+Inf"}
    (labels, _), *_ = samples["kintoprodx_request_summary_total"]
    assert set(labels) == {"method", "endpoint", "bucket_id", "status"}
    own = {name for name in samples if name.startswith("kinto")}
    assert not {name for name in own if "size" in name or "users" in name or "created" in name}


def test_the_capability_tells_prefix_and_what_is_left_out(make: Any) -> None:
    http = make(project_name="My Notes", prometheus_disabled_metrics="request_size")
    capability = http.get("/v1/").json["capabilities"]["prometheus"]
    assert capability["prefix"] == "mynotes_"
    assert capability["disabled_metrics"] == ["request_size"]
    assert set(capability) == {"description", "url", "prefix", "disabled_metrics"}


def test_ids_that_clients_make_up_do_not_fill_the_memory(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_module, "MAX_SERIES", 5)
    http = make()
    for number in range(20):
        http.put(f"/v1/buckets/b{number}", headers=AUTH)
    samples = scrape(http)
    name = "kinto_request_summary_total"
    assert len(samples[name]) == 6
    assert count(samples, name) == 20
    assert count(samples, name, bucket_id="") == 15


def test_methods_that_clients_make_up_are_one_series(make: Any) -> None:
    http = TestApp(make().app, lint=False)
    for method in ("FOO", "BAR"):
        http.request("/v1/", method=method, status=405)
    assert count(scrape(http), "kinto_request_summary_total", method="other") == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prometheus_prefix", "9lives"),
        ("prometheus_prefix", "é"),
        ("prometheus_histogram_buckets", "fast slow"),
        ("prometheus_histogram_buckets", "nan"),
        ("metrics_matchdict_fields", "bucket-id"),
        ("metrics_matchdict_fields", "method"),
    ],
)
def test_settings_that_no_metric_can_have_stop_the_start(make: Any, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        make(**{name: value})


def test_a_folder_that_is_not_there_stops_the_start(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="PROMETHEUS_MULTIPROC_DIR"):
        make()


def test_a_folder_that_is_gone_leaves_nothing_to_show(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    http = make()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "gone"))
    http.get("/v1/__metrics__", status=204)


def test_the_library_is_imported_when_the_plugin_is_on() -> None:
    code = (
        "import sys; from kinto_lite import make_app; make_app({}).storage.close(); "
        "assert 'prometheus_client' not in sys.modules"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert finished.returncode == 0, finished.stderr
