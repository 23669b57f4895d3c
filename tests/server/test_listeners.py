"""Taking a port or a path, and sharing it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from kinto_lite.errors import ConfigurationError
from kinto_lite.server.addresses import Address, address_of
from kinto_lite.server.listeners import HANDED_OVER, reserve_port, share_port, take_over


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


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not an address of this machine"):
        reserve_port(Address("192.0.2.1", 8888))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they share one socket")
def test_each_of_several_workers_has_a_socket_of_its_own_on_the_same_port() -> None:
    with reserve_port(Address("127.0.0.1", 0)) as reserved:
        shared = share_port(reserved, 3)
        assert len({one.fileno() for one in shared}) == 3
        assert len({one.getsockname() for one in shared}) == 1
        for one in shared:
            one.close()


def test_the_sockets_of_several_workers_do_not_let_another_server_in() -> None:
    with reserve_port(Address("127.0.0.1", 0)) as reserved:
        shared = share_port(reserved, 2)
        with pytest.raises(ConfigurationError, match="is in use"):
            reserve_port(address_of(reserved))
        for one in shared:
            one.close()


# --- unix sockets --------------------------------------------------------------------------


def test_a_socket_that_a_dead_server_left_is_replaced(tmp_path: Path) -> None:
    address = Address("", 0, str(tmp_path / "s"))
    reserve_port(address).close()
    with reserve_port(address) as reserved:
        assert address_of(reserved) == address


def test_a_socket_that_is_listened_on_is_refused(tmp_path: Path) -> None:
    address = Address("", 0, str(tmp_path / "s"))
    with reserve_port(address) as first:
        first.listen()
        with pytest.raises(ConfigurationError, match=r"A server listens on .* with --unix"):
            reserve_port(address)


def test_a_file_in_the_place_of_the_socket_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(ConfigurationError, match="it is not a socket"):
        reserve_port(Address("", 0, str(path)))
    assert path.read_text() == "data"


def test_a_path_that_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="too long"):
        reserve_port(Address("", 0, str(tmp_path / ("s" * 200))))
    with pytest.raises(ConfigurationError, match="No such file or directory"):
        reserve_port(Address("", 0, str(tmp_path / "missing" / "s")))


# --- handing over --------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "1:0", "x", "{}:", "{}:-1"])
def test_what_another_process_left_in_the_environment_is_not_taken_over(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HANDED_OVER, text.format(os.getpid()))
    assert take_over() is None
    assert HANDED_OVER not in os.environ
