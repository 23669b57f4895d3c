"""GET and HEAD on `/__api__`: what this server answers, as a Swagger 2.0 document.

The document is put together from the table of routes that serves the requests, so a plugin's
lists and objects are in it without further ado, and its other routes at least by name. What
passes requests on to other URLs, and what takes any path (files), is left out.

Source: protocol, plugins chapter 7.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kinto_lite.errors import InvalidRequest
from kinto_lite.hooks import Call, Identifiers, Policy, Route, Service
from kinto_lite.model import Answer, Json, Kind
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.resources import api_parts as parts
from kinto_lite.resources.utilities import HTTP_API_VERSION

_PARAMETER = re.compile(r"\{(\w+)\}")
_JSON = "application/json"
_VERBS = {
    "GET": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
#: Pages and figures for people and machines that are no clients of this API.
_HIDDEN = frozenset({"admin", "prometheus_metrics"})


@dataclass(frozen=True, slots=True)
class Named:
    """What is known of a route that is neither a list nor an object of some kind."""

    tag: str
    responses: Mapping[str, Json]
    #: None: the verb of the method and the name of the route.
    operation_id: str | None = None
    is_public: bool = True
    #: Schema of the body; None: it takes no body.
    body: Json = None
    parameters: list[dict[str, Json]] = field(default_factory=list)
    #: Where the pattern of the route does not say it all.
    path: str | None = None


def _utility(operation_id: str, answer: str, **others: Json) -> Named:
    responses = {"200": parts.describe(answer, parts.ANY_OBJECT), **others}
    return Named("Utilities", responses, operation_id)


def _select(*codes: str) -> dict[str, Json]:
    return {code: parts.ANSWERS[code] for code in codes}


def _login(name: str, *parameters: str) -> Named:
    """Describe a step of a login through an OpenID provider."""
    return Named(
        f"Openid_{name}",
        {"307": parts.describe("To the next step."), **_select("400", "default")},
        operation_id=f"get_openid_{name}",
        parameters=[parts.text_parameter(parameter) for parameter in parameters],
    )


_USER = {"type": "object", "properties": {"principal": {"type": "string"}}}
_USER_DATA = parts.data_schema(_USER)
_PERMISSIONS = parts.list_schema(parts.attributes_schema("permissions"))
_RECORDS = parts.list_schema(parts.attributes_schema("record", is_stamped=True))

#: By name of the route.
NAMED: Mapping[str, Named] = {
    "hello": _utility("server_info", "What this server is and can do, and who asks."),
    "heartbeat": _utility(
        "__heartbeat__",
        "All parts of the server work.",
        **{"503": parts.describe("Some part of it does not work.", parts.ANY_OBJECT)},
    ),
    "lbheartbeat": _utility("__lbheartbeat__", "The server answers."),
    "version": _utility("__version__", "Which version was installed.", **_select("404")),
    "contribute": _utility("contribute", "How to take part in the project."),
    "openapi_spec": _utility("get_openapi_spec", "This document."),
    "batch": Named(
        "Batch",
        {
            "200": parts.describe("The responses, in order.", parts.BATCH_ANSWER),
            **_select("400", "415", "default"),
        },
        operation_id="batch",
        body=parts.BATCH_BODY,
    ),
    "permissions-plural": Named(
        "Permissionss",
        {
            "200": parts.describe_page("What the user has permissions on.", _PERMISSIONS),
            **_select(*parts.REFUSALS),
        },
        operation_id="get_permissionss",
        is_public=False,
        parameters=[*parts.SELECTION, parts.FIELDS, *parts.PRECONDITIONS],
    ),
    "user-data": Named(
        "User-datas",
        {
            "200": parts.describe("The user is forgotten.", _USER_DATA),
            **_select(*parts.REFUSALS),
        },
        is_public=False,
        parameters=parts.PRECONDITIONS,
    ),
    "openid_login": _login("login", "callback", "scope", "prompt"),
    "openid_token": _login("token", "state", "code", "error", "error_description"),
    "flush": Named("Flush", {"202": parts.describe("Everything is gone.", parts.ANY_OBJECT)}),
    "counters": Named(
        "Counters", {"200": parts.describe("How many objects there are.", parts.ANY_OBJECT)}
    ),
    "history_snapshot": Named(
        "History_snapshot",
        {
            "200": parts.describe("The records as they were then.", _RECORDS),
            **_select("400", "401", "403", "404", "default"),
        },
        is_public=False,
        path="/buckets/{bucket_id}/snapshot/collections/{collection_id}@{timestamp}",
    ),
}


class ApiDescription:
    """The document of one service, put together when somebody first asks for it."""

    def __init__(self) -> None:
        self._text: str | None = None

    def answer(self, call: Call) -> Answer:
        """Answer GET and HEAD. Only the address depends on the request."""
        wrong_origin = call.service.origins.errors(call.request.headers.get("origin"))
        if wrong_origin:
            raise InvalidRequest(wrong_origin)
        if self._text is None:
            self._text = dump_json(describe_service(call.service))
        scheme, _, host = call.service.origin_of(call.request).partition("://")
        address = dump_json({"host": host, "schemes": [scheme]})
        return Answer(200, [], f"{address[:-1]},{self._text[1:]}".encode("ascii"))


def api_description_route() -> Route:
    """Return the route of the document; every service needs its own."""
    description = ApiDescription()
    handlers = {"GET": description.answer, "HEAD": description.answer}
    return Route("openapi_spec", "/__api__", handlers, is_detached=True)


def describe_service(service: Service) -> dict[str, Json]:
    """Return the document without `host` and `schemes`.

    Shape: a Swagger 2.0 document; its paths are below `basePath`, which is the version prefix.
    """
    security = describe_security(service.policies)
    methods = ("GET",) if service.settings["readonly"] else tuple(_VERBS)
    paths: dict[str, dict[str, Json]] = {}
    for route in service.routes:
        operations = _describe_operations(route, methods, list(security))
        if operations:
            shared = _path_parameters(route, service.identifiers)
            paths.setdefault(_path(route), shared).update(operations)
    return {
        "swagger": "2.0",
        "info": {"title": service.settings["project_name"], "version": HTTP_API_VERSION},
        "basePath": "/v1",
        "securityDefinitions": security,
        "tags": [{"name": tag} for tag in _list_tags(paths.values())],
        "paths": paths,
        "definitions": parts.DEFINITIONS,
    }


def describe_security(policies: Iterable[Policy]) -> dict[str, Json]:
    """Return the security definition of each way to authenticate.

    Accounts add none. A policy with an `authorization_url` is an OAuth 2 one.
    """
    definitions: dict[str, Json] = {}
    for policy in policies:
        url: str | None = getattr(policy, "authorization_url", None)
        if url is not None:
            oauth = {"type": "oauth2", "flow": "implicit", "authorizationUrl": url, "scopes": {}}
            definitions[policy.name] = oauth
        elif policy.name != "account" and policy.challenge.startswith("Basic"):
            definitions[policy.name] = {"type": "basic"}
    return definitions


def _list_tags(items: Iterable[Mapping[str, Json]]) -> list[str]:
    operations = [value for item in items for name, value in item.items() if name != "parameters"]
    return list(dict.fromkeys(tag for operation in operations for tag in operation["tags"]))


def _path(route: Route) -> str:
    named = NAMED.get(route.name)
    return (named.path if named is not None else None) or route.pattern


def _path_parameters(route: Route, identifiers: Mapping[str, Identifiers]) -> dict[str, Json]:
    """Return the member of a path that holds for all its operations."""
    own_kind = route.kind.name if route.kind is not None else ""
    parameters = []
    for name in _PARAMETER.findall(_path(route)):
        ids = identifiers.get(own_kind if name == "id" else name.removesuffix("_id"))
        parameters.append(parts.path_parameter(name, None if ids is None else ids.pattern.pattern))
    return {"parameters": parameters} if parameters else {}


def _describe_operations(
    route: Route, methods: Sequence[str], security: Sequence[str]
) -> dict[str, Json]:
    """Return the operations of a route by method, in lower case."""
    if route.is_alias or route.name in _HIDDEN or route.pattern.endswith("*}"):
        return {}
    served = [method for method in methods if method in route.handlers]
    return {method.lower(): _describe_operation(route, method, security) for method in served}


def _describe_operation(route: Route, method: str, security: Sequence[str]) -> dict[str, Json]:
    outline = parts.OUTLINES.get(route.shape, {}).get(method)
    if route.kind is not None and outline is not None:
        operation = _describe_method(route.kind, route.shape, method, outline)
        is_public = False
    else:
        named = NAMED.get(route.name) or Named(route.name.capitalize(), parts.UNDOCUMENTED)
        operation = _describe_named(route, method, named)
        is_public = named.is_public
    wanted: list[Json] = [] if is_public else [{name: []} for name in security]
    return operation | {"produces": [_JSON], "security": wanted}


def _describe_named(route: Route, method: str, named: Named) -> dict[str, Json]:
    operation: dict[str, Json] = {
        "operationId": named.operation_id or f"{_VERBS[method]}_{route.name}",
        "tags": [named.tag],
        "parameters": named.parameters,
        "responses": named.responses,
    }
    if named.body is not None:
        operation["consumes"] = [_JSON]
        operation["parameters"] = [parts.body_parameter(named.body, is_required=True)]
    return operation


def _describe_method(
    kind: Kind, shape: str, method: str, outline: parts.Outline
) -> dict[str, Json]:
    """Describe a method of a list or of an object."""
    is_about_all = shape == "plural" and method != "POST"
    operation: dict[str, Json] = {
        "operationId": f"{_VERBS[method]}_{kind.plural if is_about_all else kind.name}",
        "tags": [kind.plural.capitalize()],
        "parameters": outline.parameters,
        "responses": dict(_describe_responses(kind, outline)),
    }
    if outline.consumes:
        is_patch = method == "PATCH"
        schema = parts.patch_schema(kind) if is_patch else parts.body_schema(kind)
        body = parts.body_parameter(schema, is_required=is_patch or "required" in schema)
        operation["consumes"] = list(outline.consumes)
        operation["parameters"] = [*outline.parameters, body]
    return operation


def _describe_responses(kind: Kind, outline: parts.Outline) -> Iterator[tuple[str, Json]]:
    schema = _shown_schema(kind, outline.shows)
    describe = parts.describe_page if outline.shows == "page" else parts.describe_object
    for code, description in outline.successes.items():
        yield code, describe(description, schema)
    yield from _select(*sorted((*outline.others, *parts.REFUSALS))).items()


def _shown_schema(kind: Kind, shows: str) -> Json:
    """Return the schema of what a successful request shows."""
    if shows == "tombstone":
        return parts.data_schema(parts.TOMBSTONE)
    if shows == "tombstones":
        return parts.list_schema(parts.TOMBSTONE)
    data = parts.attributes_schema(kind.name, is_stamped=shows != "changes")
    if shows == "page":
        return parts.list_schema(data)
    return parts.object_schema(kind.permissions, data)
