"""TLS: files that do not fit stop the start with a word about why; those that fit serve https."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from kinto_lite.errors import ConfigurationError
from kinto_lite.server.certificates import TlsFiles, read_tls
from tests.live import run_command, start_server
from tests.server.wire import PATIENCE_SECONDS, exchange_on

FILES = Path(__file__).with_name("tls")
CERTIFICATE, KEY = FILES / "certificate.pem", FILES / "key.pem"
OPTIONS = ("--tls-certificate", str(CERTIFICATE), "--tls-key", str(KEY))


def test_without_files_there_is_no_tls() -> None:
    assert read_tls(None, None) is None


def test_files_that_fit_are_taken() -> None:
    assert read_tls(CERTIFICATE, KEY) == TlsFiles(CERTIFICATE, KEY)


@pytest.mark.parametrize(
    ("certificate", "key", "text"),
    [
        (CERTIFICATE, None, "needs both --tls-certificate FILE and --tls-key FILE"),
        (None, KEY, "needs both --tls-certificate FILE and --tls-key FILE"),
        (FILES / "missing.pem", KEY, "missing.pem cannot be read: No such file or directory."),
        (CERTIFICATE, FILES / "missing.pem", "missing.pem cannot be read: No such file"),
        (CERTIFICATE, FILES, "cannot be read: it is a folder."),
        (KEY, KEY, "key.pem holds no certificate in PEM format."),
        (FILES / "README.md", KEY, "README.md holds no certificate in PEM format."),
        (CERTIFICATE, CERTIFICATE, "certificate.pem holds no key in PEM format"),
        (CERTIFICATE, FILES / "another-key.pem", "belongs to another certificate than"),
        (CERTIFICATE, FILES / "locked-key.pem", "has a password: store it without one."),
    ],
)
def test_files_that_do_not_fit_are_refused(
    certificate: Path | None, key: Path | None, text: str
) -> None:
    with pytest.raises(ConfigurationError, match=text):
        read_tls(certificate, key)


def test_the_start_stops_with_one_line(tmp_path: Path) -> None:
    done = run_command(tmp_path, "--port", "0", "--tls-key", str(KEY))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_https_is_served_and_says_so(tmp_path: Path, workers: str) -> None:
    with start_server(tmp_path, *OPTIONS, "--workers", workers) as server:
        assert server.url.startswith("https://127.0.0.1:")
        with connect_tls(server.port, ssl.create_default_context(cafile=CERTIFICATE)) as connection:
            answer = exchange_on(connection, "GET /v1/ HTTP/1.1")
        assert answer.json["url"] == "https://localhost/v1/"


def test_tls_1_2_is_good_enough_for_old_clients(tmp_path: Path) -> None:
    context = ssl.create_default_context(cafile=CERTIFICATE)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        start_server(tmp_path, *OPTIONS) as server,
        connect_tls(server.port, context) as connection,
    ):
        assert connection.version() == "TLSv1.2"
        assert exchange_on(connection, "GET /v1/ HTTP/1.1").status == 200


def test_clients_that_never_shake_hands_do_not_stop_the_others(tmp_path: Path) -> None:
    with start_server(tmp_path, *OPTIONS) as server:
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
        context = ssl.create_default_context(cafile=CERTIFICATE)
        with connect_tls(server.port, context) as connection:
            assert exchange_on(connection, "GET /v1/ HTTP/1.1").status == 200
        for each in silent:
            each.close()


def connect_tls(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Open a connection and shake hands."""
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
    return context.wrap_socket(plain, server_hostname="localhost")
