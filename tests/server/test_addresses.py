"""Taking a port."""

from __future__ import annotations

import socket

import pytest

from kinto_lite.errors import ConfigurationError
from kinto_lite.server.addresses import Address, is_loopback, reserve_port, resolve_host


def test_port_zero_takes_a_free_port() -> None:
    with reserve_port(Address("127.0.0.1", 0)) as reserved:
        assert reserved.getsockname()[1] > 0


def test_a_port_that_is_listened_on_is_refused_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError) as caught:
            reserve_port(Address("127.0.0.1", port))
    assert str(caught.value) == (
        f"Port {port} on 127.0.0.1 is in use: "
        "stop the other program or choose another port with --port."
    )


def test_a_reserved_port_can_be_shared_by_a_socket_that_asks_for_it() -> None:
    with reserve_port(Address("127.0.0.1", 0)) as reserved, socket.socket() as worker:
        worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        worker.bind(reserved.getsockname())
        assert worker.getsockname() == reserved.getsockname()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not an address of this machine"):
        reserve_port(Address("192.0.2.1", 8888))


def test_a_host_name_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is not known: choose another one with --host"):
        resolve_host("no host")


def test_localhost_is_ipv4_and_loopback() -> None:
    assert resolve_host("localhost") == "127.0.0.1"
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_addresses_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_an_ipv6_address_has_brackets_in_the_url() -> None:
    assert Address("::1", 8888).url == "http://[::1]:8888/v1/"
