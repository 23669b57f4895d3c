"""The API description: a valid document, and one that says what the routes do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator
from webtest import TestApp

from kinto_lite.hooks import Parts, Plugin, Route, Service
from kinto_lite.model import Answer, Kind
from kinto_lite.resources import api_description
from kinto_lite.resources.api_description import describe_security, describe_service

Json = Any
Describe = Callable[..., Json]
EVERYTHING = {
    "includes": "kinto.plugins.default_bucket kinto.plugins.flush",
    "experimental_permissions_endpoint": "true",
}
RECORDS = "/buckets/{bucket_id}/collections/{collection_id}/records"


@dataclass(frozen=True)
class SomePolicy:
    """What a description looks at in a policy."""

    name: str
    challenge: str
    authorization_url: str | None = None


@pytest.fixture
def describe(make_client: Callable[..., TestApp]) -> Describe:
    """A function from settings to the document of a server with them."""

    def get(**given: str) -> Json:
        return make_client(EVERYTHING | given).get("/v1/__api__").json

    return get


@pytest.fixture
def service(make_wsgi: Callable[..., Any]) -> Service:
    """A server without plugins or users."""
    found: Service = make_wsgi({}).service
    return found


def add_routes(service: Service, *routes: Route) -> Json:
    service.add_plugin(Plugin("extra", lambda _: Parts(routes=routes)))
    return describe_service(service)["paths"]


def list_names(parameters: list[Json], place: str) -> list[str]:
    return [parameter["name"] for parameter in parameters if parameter["in"] == place]


def list_operation_ids(paths: Json) -> set[str]:
    operations = [item[method] for item in paths.values() for method in set(item) - {"parameters"}]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    return set(ids)


def test_document_is_valid_swagger(describe: Describe) -> None:
    OpenAPIV2SpecValidator(describe()).validate()


def test_document_of_a_server_without_users_is_valid(service: Service) -> None:
    document = {**describe_service(service), "host": "localhost", "schemes": ["http"]}
    OpenAPIV2SpecValidator(document).validate()


def test_document_says_what_the_server_is(describe: Describe) -> None:
    document = describe(project_name="Notes")
    assert document["swagger"] == "2.0"
    assert document["info"] == {"title": "Notes", "version": "1.23"}
    assert document["basePath"] == "/v1"
    assert document["securityDefinitions"] == {"basicauth": {"type": "basic"}}
    assert {"name": "Buckets"} in document["tags"]


def test_address_is_that_of_the_request(client: TestApp) -> None:
    for host in ("a.example", "b.example:8888"):
        document = client.get("/v1/__api__", headers={"Host": host}).json
        assert (document["host"], document["schemes"]) == (host, ["http"])


def test_address_of_the_settings_wins(describe: Describe) -> None:
    document = describe(http_scheme="https", http_host="data.example")
    assert (document["host"], document["schemes"]) == ("data.example", ["https"])


def test_document_is_made_once(client: TestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get("/v1/__api__", headers={"Host": "a.example"}).json
    monkeypatch.setattr(api_description, "describe_service", lambda _: pytest.fail("again"))
    second = client.get("/v1/__api__", headers={"Host": "b.example"}).json
    assert second["paths"] == first["paths"]


def test_head_has_the_length_of_get(client: TestApp) -> None:
    found = client.head("/v1/__api__")
    assert found.headers["Content-Length"] == client.get("/v1/__api__").headers["Content-Length"]


def test_document_is_there_when_the_database_is_not(make_wsgi: Callable[..., Any]) -> None:
    app = make_wsgi({})
    app.storage.close()
    assert TestApp(app).get("/v1/__api__").json["swagger"] == "2.0"


def test_origin_that_is_not_allowed_is_refused(make_client: Callable[..., TestApp]) -> None:
    client = make_client({"cors_origins": "http://good.example"})
    client.get("/v1/__api__", headers={"Origin": "http://evil.example"}, status=400)


def test_operations_have_the_ids_that_clients_know(describe: Describe) -> None:
    ids = list_operation_ids(describe()["paths"])
    for kind in ("bucket", "group", "collection", "record"):
        assert {f"get_{kind}s", f"create_{kind}", f"delete_{kind}s"} <= ids
        assert {f"{verb}_{kind}" for verb in ("get", "update", "patch", "delete")} <= ids
    assert {"server_info", "batch", "get_permissionss", "delete_user-data", "create_flush"} <= ids
    assert {"__version__", "__heartbeat__", "__lbheartbeat__"} <= ids
    assert {"contribute", "get_openapi_spec"} <= ids


def test_paths_are_below_the_version_prefix(describe: Describe) -> None:
    paths = describe()["paths"]
    assert {"/", "/batch", "/buckets", "/buckets/{id}", RECORDS, f"{RECORDS}/{{id}}"} <= set(paths)
    assert [path for path in paths if path.startswith("/v1")] == []


def test_parameters_of_the_path_are_shared(describe: Describe) -> None:
    parameters = describe()["paths"][f"{RECORDS}/{{id}}"]["parameters"]
    assert list_names(parameters, "path") == ["bucket_id", "collection_id", "id"]
    assert [(part["required"], part["type"]) for part in parameters] == [(True, "string")] * 3
    assert re.fullmatch(parameters[0]["pattern"], "a-b")
    assert not re.fullmatch(parameters[0]["pattern"], "a b")


def test_names_of_users_may_be_anything(describe: Describe) -> None:
    (principal,) = describe()["paths"]["/__user_data__/{principal}"]["parameters"]
    assert principal == {"name": "principal", "in": "path", "required": True, "type": "string"}


def test_lists_take_what_selects_objects(describe: Describe) -> None:
    item = describe()["paths"][RECORDS]
    wanted = ["_limit", "_sort", "_token", "_since", "_to", "_before", "id", "last_modified"]
    assert list_names(item["get"]["parameters"], "query") == [*wanted, "_fields"]
    assert list_names(item["delete"]["parameters"], "query") == wanted
    assert list_names(item["post"]["parameters"], "query") == []


def test_writes_take_one_body_of_data_and_permissions(describe: Describe) -> None:
    operation = describe()["paths"]["/buckets/{id}"]["put"]
    (body,) = (part for part in operation["parameters"] if part["in"] == "body")
    assert body["name"] == "ObjectSchema"
    assert set(body["schema"]["properties"]) == {"data", "permissions"}
    names = {"read", "write", "collection:create", "group:create"}
    assert set(body["schema"]["properties"]["permissions"]["properties"]) == names
    assert operation["consumes"] == ["application/json"]


@pytest.mark.parametrize(
    ("method", "codes"),
    [
        ("get", "200 304 400 401 403 404 406 412 default"),
        ("put", "200 201 400 401 403 406 412 415 default"),
        ("patch", "200 400 401 403 404 406 412 415 default"),
        ("delete", "200 400 401 403 404 406 412 default"),
    ],
)
def test_responses_of_objects_are_listed(describe: Describe, method: str, codes: str) -> None:
    assert list(describe()["paths"]["/buckets/{id}"][method]["responses"]) == codes.split()


def test_public_endpoints_need_no_credentials(describe: Describe) -> None:
    paths = describe()["paths"]
    assert [paths[path]["get"]["security"] for path in ("/", "/__api__")] == [[], []]
    assert paths["/batch"]["post"]["security"] == []
    assert paths["/buckets"]["get"]["security"] == [{"basicauth": []}]


def test_personal_bucket_is_not_described(describe: Describe) -> None:
    assert [path for path in describe()["paths"] if "default" in path or "rest" in path] == []


def test_read_only_server_describes_no_writes(describe: Describe) -> None:
    paths = describe(readonly="true")["paths"]
    assert {method for item in paths.values() for method in item} == {"get", "parameters"}
    assert "/batch" not in paths


def test_method_that_is_disabled_is_not_described(describe: Describe) -> None:
    paths = describe(plural_bucket_delete_enabled="false")["paths"]
    assert set(paths["/buckets"]) == {"get", "post"}


def test_route_of_a_plugin_has_at_least_a_name(service: Service) -> None:
    handlers = {"GET": lambda _: Answer(200, []), "OPTIONS": lambda _: Answer(200, [])}
    paths = add_routes(service, Route("sea_level", "/sea/{place}/level", handlers))
    assert set(paths["/sea/{place}/level"]) == {"parameters", "get"}
    assert paths["/sea/{place}/level"]["get"]["operationId"] == "get_sea_level"
    assert list(paths["/sea/{place}/level"]["get"]["responses"]) == ["default"]


def test_objects_of_a_plugin_are_described_like_others(service: Service) -> None:
    kind = Kind("story", "stories", "bucket", ("read", "write"))
    pattern = "/buckets/{bucket_id}/stories"
    handlers = {method: lambda _: Answer(200, []) for method in ("GET", "POST", "DELETE")}
    paths = add_routes(service, Route("story-plural", pattern, handlers, kind, "plural"))
    ids = {paths[pattern][method]["operationId"] for method in ("get", "post", "delete")}
    assert ids == {"get_stories", "create_story", "delete_stories"}
    OpenAPIV2SpecValidator({**describe_service(service), "host": "localhost"}).validate()


def test_files_and_pages_of_a_plugin_are_not_described(service: Service) -> None:
    handlers = {"GET": lambda _: Answer(200, [])}
    files = Route("admin_files", "/admin/{rest*}", handlers)
    paths = add_routes(service, Route("admin", "/admin", handlers), files)
    assert [path for path in paths if "admin" in path] == []


def test_accounts_add_no_way_to_authenticate() -> None:
    policies = [SomePolicy("account", 'Basic realm="Realm"'), SomePolicy("other", "Basic")]
    assert describe_security(policies) == {"other": {"type": "basic"}}


def test_provider_of_identities_is_described_by_its_address() -> None:
    url = "https://login.example/authorize"
    definitions = describe_security([SomePolicy("login", 'Bearer realm="Realm"', url)])
    assert definitions["login"]["type"] == "oauth2"
    assert definitions["login"]["authorizationUrl"] == url
