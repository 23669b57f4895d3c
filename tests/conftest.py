"""What all tests share: how Hypothesis behaves, and apps that close their storage.

With `KINTO_LITE_TEST_ENGINE=postgresql`, apps whose test says nothing about storage use PostgreSQL.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from webtest import TestApp

from tests import postgres_server

#: A slow machine is no failure, and a run can be repeated.
settings.register_profile("kinto-lite", deadline=None, derandomize=True, database=None)
settings.load_profile("kinto-lite")

ROOT = Path(__file__).resolve().parent.parent

#: Basic authentication, with a secret so that user ids are the same in every run.
PLAIN_SETTINGS = {"multiauth.policies": "basicauth", "userid_hmac_secret": "a secret of tests"}

AppMaker = Callable[..., Any]

#: Loggers that commands set up, which in a test end with the test and not with the process.
LOGGERS = (None, "kinto_lite", "request.summary", "subrequest.summary")


@pytest.fixture(autouse=True)
def _restore_loggers() -> Iterator[None]:
    """Leave Python's loggers as they were."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers = handlers


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


def choose_storage() -> dict[str, str]:
    """Return the settings that say where apps store."""
    if os.environ.get("KINTO_LITE_TEST_ENGINE") != "postgresql":
        return {}
    return {"storage_url": postgres_server.make_url()}


@pytest.fixture
def make_wsgi() -> Iterator[AppMaker]:
    """A function from settings to a WSGI app; storages are closed after the test."""
    from kinto_lite import make_app

    with ExitStack() as stack:

        def make(given: dict[str, Any]) -> Any:
            app = make_app(choose_storage() | given)
            stack.callback(app.storage.close)
            return app

        yield make


@pytest.fixture
def make_client(make_wsgi: AppMaker) -> AppMaker:
    """A function from settings (joined to plain ones) to a webtest client of a new app."""

    def make(given: dict[str, Any] | None = None) -> TestApp:
        return TestApp(make_wsgi(PLAIN_SETTINGS | (given or {})))

    return make


@pytest.fixture
def client(make_client: AppMaker) -> TestApp:
    """A webtest client of a new, empty app with basic authentication."""
    return make_client()
