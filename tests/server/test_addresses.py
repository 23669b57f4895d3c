"""Addresses: what a name stands for, and how an address is written down."""

from __future__ import annotations

import pytest

from kinto_lite.errors import ConfigurationError
from kinto_lite.server.addresses import Address, is_loopback, resolve_host


def test_a_host_name_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is not known: choose another one with --host"):
        resolve_host("no host")


def test_localhost_is_ipv4_and_loopback() -> None:
    assert resolve_host("localhost") == "127.0.0.1"
    assert is_loopback(Address("127.0.0.1", 1))
    assert is_loopback(Address("::1", 1))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_addresses_are_not_loopback(host: str) -> None:
    assert not is_loopback(Address(host, 1))


def test_an_ipv6_address_has_brackets_in_the_url() -> None:
    assert Address("::1", 8888).url == "http://[::1]:8888/v1/"


def test_a_unix_socket_is_not_for_everybody_since_a_proxy_may_stand_before_it() -> None:
    assert not is_loopback(Address("", 0, "/run/kinto.sock"))


def test_a_unix_socket_is_written_as_its_path() -> None:
    assert Address("", 0, "/run/kinto.sock").url_with("https") == "unix:/run/kinto.sock"
