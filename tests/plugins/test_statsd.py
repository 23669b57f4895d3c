"""Metrics as datagrams, in Kinto's lines (plugins chapter 9.2)."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from kinto_lite.errors import ConfigurationError
from kinto_lite.plugins.statsd import MAX_BYTES, Sender, clean, read_url

AUTH = {"Authorization": "Basic dTpw"}


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    """Somebody who listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        yield listener


@pytest.fixture
def make(make_client: Any, receiver: socket.socket) -> Any:
    """A function from settings to a server that sends there."""
    url = f"udp://127.0.0.1:{receiver.getsockname()[1]}"

    def start(**given: Any) -> Any:
        return make_client({"includes": "kinto.plugins.statsd", "statsd_url": url, **given})

    return start


def receive(receiver: socket.socket) -> list[str]:
    """Return the lines about the next request; timers come before it."""
    lines = [""]
    while "request_summary" not in lines[0]:
        lines = receive_any(receiver)
    return lines


def receive_any(receiver: socket.socket) -> list[str]:
    return receiver.recv(65536).decode("ascii").split("\n")


def test_steps_within_a_request_are_sent(make: Any, receiver: socket.socket) -> None:
    make(includes="kinto.plugins.statsd kinto.plugins.history").put("/v1/buckets/b", headers=AUTH)
    first, second = receive_any(receiver) + receive_any(receiver)
    assert re.fullmatch(
        r"kinto\.authentication\.basicauth\.seconds\.method\.authenticated_userid:[0-9.e-]+\|ms",
        first,
    )
    assert re.fullmatch(r"kinto\.plugins\.history\.seconds:[0-9.e-]+\|ms", second)


def test_a_request_is_sent_in_the_lines_of_kinto(make: Any, receiver: socket.socket) -> None:
    make().put("/v1/buckets/b1", headers=AUTH)
    place = "method.put.endpoint.bucket-object.bucket_id.b1.collection_id..group_id..record_id."
    lines = receive(receiver)
    assert [re.sub(r"\.[0-9a-f]{64}|:[0-9.]+\|", "#", line) for line in lines] == [
        f"kinto.request_summary:{place}.status.201|s",
        f"kinto.request_duration_seconds.{place}#ms",
        "kinto.request_size#g",
        "kinto.users:auth.basicauth.userid#|s",
        "kinto.authentication:type.basicauth|s",
    ]


def test_names_begin_with_the_project(make: Any, receiver: socket.socket) -> None:
    make(project_name="my notes", metrics_matchdict_fields="").get("/v1/")
    line, *_ = receive(receiver)
    assert line == "my_notes.request_summary:method.get.endpoint.hello.status.200|s"


def test_the_prefix_is_for_servers_without_a_name(make: Any, receiver: socket.socket) -> None:
    make(project_name="", statsd_prefix="mine").get("/v1/")
    assert receive(receiver)[0].startswith("mine.request_summary:")


def test_the_url_alone_sends_nothing(make: Any) -> None:
    http = make(includes="")
    assert http.app.service.observers == []


def test_the_plugin_without_a_url_sends_nothing(make_client: Any) -> None:
    http = make_client({"includes": "kinto.plugins.statsd"})
    assert http.app.service.observers == []


def test_nobody_who_listens_is_no_failure(make: Any, receiver: socket.socket) -> None:
    http = make()
    receiver.close()
    assert [http.get("/v1/").status_int for _ in range(3)] == [200, 200, 200]


def test_many_lines_are_several_datagrams(receiver: socket.socket) -> None:
    sent = [f"line{number}:{'x' * 500}|s" for number in range(6)]
    Sender(socket.AF_INET, receiver.getsockname()).send(iter(sent))
    packets = [receiver.recv(65536) for _ in range(3)]
    assert b"\n".join(packets).decode().split("\n") == sent
    assert max(map(len, packets)) <= MAX_BYTES


def test_what_clients_send_cannot_be_a_metric_of_its_own() -> None:
    assert clean("a:1|c\nfake:9|c") == "a_1_c_fake_9_c"


@pytest.mark.parametrize("url", ["http://host:1", "udp://", "udp://host:99999", "host:8125"])
def test_a_url_that_is_none_stops_the_start(make_client: Any, url: str) -> None:
    with pytest.raises(ConfigurationError, match="statsd_url"):
        make_client({"includes": "kinto.plugins.statsd", "statsd_url": url})


def test_the_port_has_a_default() -> None:
    assert read_url("udp://[::1]") == ("::1", 8125)


def test_a_host_that_is_not_known_is_a_warning(
    make_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    http = make_client({"includes": "kinto.plugins.statsd", "statsd_url": "udp://nowhere.invalid"})
    assert http.get("/v1/").status_int == 200
    assert "No metrics are sent" in caplog.text
