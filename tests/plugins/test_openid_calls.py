"""Single calls to a provider: what ends them, and whom they trust."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kinto_lite.plugins.openid import fetching
from kinto_lite.plugins.openid.addresses import check_url
from kinto_lite.plugins.openid.fetching import Unreachable, fetch

Behave = Callable[[socket.socket, threading.Event], None]
OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def listening(behave: Behave, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Answer one connection in some way; yield the host and port to call."""
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            try:
                wire = plain if context is None else context.wrap_socket(plain, server_side=True)
            except OSError:
                plain.close()
                return
            with wire:
                try:
                    wire.recv(65536)
                    behave(wire, is_over)
                except OSError:
                    # The caller has gone.
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            is_over.set()
            thread.join()


def answering(text: bytes) -> Behave:
    """Answer with these bytes."""

    def behave(wire: socket.socket, _: threading.Event) -> None:
        wire.sendall(text)

    return behave


def dripping(start: bytes, drop: bytes) -> Behave:
    """Answer with these bytes, and then with others from time to time, for ever."""

    def behave(wire: socket.socket, is_over: threading.Event) -> None:
        wire.sendall(start)
        while not is_over.wait(0.01):
            wire.sendall(drop)

    return behave


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"H"),
        (OK, b"X: y\r\n"),
        (OK + b"Content-Length: 100000\r\n\r\n", b"x"),
        (OK + b"\r\n", b"x"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_an_answer_that_drips_is_cut(start: bytes, drop: bytes) -> None:
    with listening(dripping(start, drop)) as place, pytest.raises(Unreachable):
        fetch(f"http://{place}/", timeout_seconds=0.2)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SSH-2.0\r\n",
        OK + b"Content-Length: 10\r\n\r\nshort",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz",
        OK + b"X" * 70_000,
        OK + b"\r\n" + b"x" * (fetching.MAX_BODY_BYTES + 1),
    ],
)
def test_an_answer_that_makes_no_sense_is_none(text: bytes) -> None:
    with listening(answering(text)) as place, pytest.raises(Unreachable):
        fetch(f"http://{place}/")


def test_a_host_that_does_not_exist_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        fetch("https://nowhere.invalid/")


@pytest.fixture
def tls(root: Path) -> ssl.SSLContext:
    """How a server shows a certificate that no authority has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    folder = root / "tests" / "server" / "tls"
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


def test_a_certificate_has_to_be_trusted(tls: ssl.SSLContext) -> None:
    behave = answering(OK + b"Content-Length: 2\r\n\r\n{}")
    with listening(behave, tls) as place, pytest.raises(Unreachable, match="certificate"):
        fetch(f"https://{place}/")


def test_a_certificate_that_the_machine_trusts_is_good(
    tls: ssl.SSLContext, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(
        cafile=root / "tests" / "server" / "tls" / "certificate.pem"
    )
    monkeypatch.setattr(fetching, "_tls", lambda: trusting)
    with listening(answering(OK + b"Content-Length: 2\r\n\r\n{}"), tls) as place:
        assert fetch(f"https://{place.replace('127.0.0.1', 'localhost')}/x?y") == (200, b"{}")


@pytest.mark.parametrize(
    "url",
    ["https://idp.test", "https://idp.test:8443/a?b", "http://localhost:1/x", "http://[::1]/x"],
)
def test_url_may_be_called(url: str) -> None:
    check_url(url, may_be_plain=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.test/",
        "http://169.254.169.254/latest",
        "https://idp.test\\@evil.test/",
        "https://user:pw@idp.test/",
        "https://idp.test/a b",
        "https://idp.test/\r\nX: y",
        "https://idp.test:0/",
        "gopher://localhost/",
        "//idp.test/",
        "https://idp.test/" + "a" * 2048,
    ],
)
def test_url_may_not_be_called(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        check_url(url, may_be_plain=True)


def test_a_secure_issuer_leads_to_no_plain_endpoint() -> None:
    with pytest.raises(ValueError, match="https"):
        check_url("http://127.0.0.1/token", may_be_plain=False)
