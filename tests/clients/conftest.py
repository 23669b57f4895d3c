"""A server for the tests with real clients, and users that no other test has."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import kinto_http
import pytest

from tests.live import start_server

MakeClient = Callable[[str], kinto_http.Client]


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a running server, version prefix included."""
    with start_server(tmp_path_factory.mktemp("clients")) as server:
        yield f"{server.url}/v1"


@pytest.fixture
def make_client(url: str) -> MakeClient:
    """A function from a name to a client; the same name is the same user within one test."""
    password = uuid.uuid4().hex

    def make(name: str) -> kinto_http.Client:
        return kinto_http.Client(server_url=url, auth=(name, password), collection="tasks")

    return make


@pytest.fixture
def client(make_client: MakeClient) -> kinto_http.Client:
    """A client of somebody with a personal bucket and the collection `tasks`."""
    return make_client("user")
