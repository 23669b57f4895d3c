"""An old Kinto that has data, the database that was made of it, and a command line to do so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kinto_lite.cli import main
from tests.moving_in.old_data import Ask, ask_server, fill_old_server, visit
from tests.moving_in.reference import Kinto, start_kinto

Runner = Callable[..., int]

#: Those of the old server, but for its secrets and databases.
SETTINGS = {
    "includes": "kinto.plugins.default_bucket kinto.plugins.accounts kinto.plugins.history",
    "multiauth.policies": "account basicauth",
    "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
    "account_create_principals": "system.Everyone",
    "account_write_principals": "account:admin",
    "account_read_principals": "account:admin",
    "experimental_permissions_endpoint": "true",
    "experimental_collection_schema_validation": "true",
}


class Moved(NamedTuple):
    """A Kinto, and the new database."""

    old: Kinto
    database: Path

    def ask_old(self, user: str | None) -> Ask:
        """A user of the old server."""
        return ask_server(self.old.url, user)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A function that runs a command within this process and returns its exit code."""
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return lambda *arguments: main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def kinto() -> Iterator[Kinto]:
    """A real Kinto on PostgreSQL that has some of everything."""
    with start_kinto() as running:
        fill_old_server(lambda user: ask_server(running.url, user))
        for user in ("alice", "erin"):
            visit(ask_server(running.url, user))
        yield running


@pytest.fixture
def open_app(make_wsgi: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Any]:
    """A function that opens an app on a database, without secrets in its settings."""
    return lambda path: make_wsgi(SETTINGS | {"storage_url": f"sqlite:///{path}"})
