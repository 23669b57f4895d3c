"""The files of TLS: checked before the server starts, so that their faults are told in words."""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from kinto_lite.errors import ConfigurationError


class TlsFiles(NamedTuple):
    """A certificate, with those of its issuers below it, and its key; both PEM."""

    certificate: Path
    key: Path


def read_tls(certificate: Path | None, key: Path | None) -> TlsFiles | None:
    """Return the files when they can be used, None when none are given.

    Errors: ConfigurationError, with a text that says what to do.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ConfigurationError("TLS needs both --tls-certificate FILE and --tls-key FILE.")
    files = TlsFiles(certificate.absolute(), key.absolute())
    check_readable(files)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    check_certificate(context, files.certificate)
    try:
        context.load_cert_chain(files.certificate, files.key, refuse_password)
    except ssl.SSLError as error:
        raise ConfigurationError(describe_fault(files, error)) from None
    return files


def check_readable(files: Sequence[Path]) -> None:
    """Raise ConfigurationError when a file cannot be read."""
    for path in files:
        try:
            os.close(os.open(path, os.O_RDONLY))
            if path.is_dir():
                raise IsADirectoryError(0, "it is a folder")
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None


def check_certificate(context: ssl.SSLContext, path: Path) -> None:
    """Raise ConfigurationError when a file holds no certificate."""
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise ConfigurationError(f"{path} holds no certificate in PEM format.") from None


def refuse_password() -> str:
    """Nobody is there to type one in when a server starts by itself."""
    raise ConfigurationError("The key of TLS has a password: store it without one.")


def describe_fault(files: TlsFiles, error: ssl.SSLError) -> str:
    """Return one line about files that do not work together."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"The key {files.key} belongs to another certificate than {files.certificate}."
    if error.reason and "TOO_SMALL" in error.reason:
        return f"The key of {files.certificate} is too short to be safe: make a new one."
    return f"{files.key} holds no key in PEM format for {files.certificate}."


def build_context(files: TlsFiles) -> ssl.SSLContext:
    """Return what connections of a server need: TLS 1.2 or newer, the key, the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.certificate, files.key)
    return context
