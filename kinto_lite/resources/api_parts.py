"""The parts of the API description that are the same on every server, as data: parameters,
responses, schemas, and what each method of a list or an object takes and answers.

Leaves putting them together for the routes of one server to `resources.api_description`.

Source: protocol, plugins chapter 7.5 and core chapters 2 to 10; Swagger 2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kinto_lite.model import Json

_ANY_OBJECT = {"type": "object", "additionalProperties": {}}
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_INTEGER = {"type": "integer"}
_TIMESTAMP = {"type": "integer", "minimum": 0, "maximum": 2**63}
_ETAG = {"type": "string", "pattern": '^("[0-9]+"|\\*)$'}

# Schemas

DEFINITIONS = {
    "ErrorSchema": {
        "type": "object",
        "properties": {
            "code": {"type": "integer", "description": "The HTTP status."},
            "errno": {"type": "integer", "description": "What went wrong, as a number."},
            "error": {"type": "string", "description": "The name of the HTTP status."},
            "message": {"type": "string", "description": "What went wrong, in words."},
            "info": {"type": "string", "description": "A link to more about it."},
            "details": {"description": "What is wrong with which part of the request."},
        },
        "required": ["code", "errno", "error"],
    }
}
_ERROR = {"$ref": "#/definitions/ErrorSchema"}

_ENTRY = {name: _TEXT for name in ("uri", "resource_name", "bucket_id", "collection_id")} | {
    name: _TEXT for name in ("group_id", "record_id")
}
#: Attributes with a fixed type, by kind of object (core 2.5, 8.9; plugins 4.1, 5.2).
TYPED_ATTRIBUTES: Mapping[str, Mapping[str, Json]] = {
    "bucket": dict.fromkeys(("collection:schema", "group:schema", "record:schema"), _ANY_OBJECT),
    "collection": {"schema": _ANY_OBJECT, "cache_expires": _INTEGER},
    "group": {"members": _TEXTS},
    "account": {"password": _TEXT},
    "permissions": {**_ENTRY, "permissions": _TEXTS},
    "history": {
        **_ENTRY,
        **dict.fromkeys(("user_id", "action", "date"), _TEXT),
        "target": _ANY_OBJECT,
    },
}
#: Attributes that have to be sent, by kind of object.
REQUIRED_ATTRIBUTES: Mapping[str, list[str]] = {"account": ["password"]}
#: What the server adds to stored objects.
_STAMPS: Mapping[str, Json] = {"id": _TEXT, "last_modified": _INTEGER}


def attributes_schema(kind: str, *, is_stamped: bool = False) -> dict[str, Json]:
    """Return the schema of `data`; stamped objects come from the server."""
    properties = {**(_STAMPS if is_stamped else {}), **TYPED_ATTRIBUTES.get(kind, {})}
    schema: dict[str, Json] = {"type": "object", "title": "Data", "additionalProperties": {}}
    return schema | ({"properties": properties} if properties else {})


def object_schema(kind: str, permissions: tuple[str, ...], data: Json) -> dict[str, Json]:
    """Return the schema of `data` and `permissions` together."""
    lists = {"type": "object", "title": "Permissions"}
    properties = {"data": data, "permissions": lists | {"properties": _name(permissions)}}
    return {"type": "object", "title": "ObjectSchema", "properties": properties}


def _name(permissions: tuple[str, ...]) -> dict[str, Json]:
    return {name: {"type": "array", "title": name, "items": _TEXT} for name in permissions}


def list_schema(data: Json) -> dict[str, Json]:
    """Return the schema of the answer of a list."""
    items = {"type": "array", "items": data}
    return {
        "type": "object",
        "title": "ListSchema",
        "properties": {"data": items},
        "required": ["data"],
    }


#: What a deletion answers. Other members of a stored object are gone.
TOMBSTONE = {
    "type": "object",
    "title": "Tombstone",
    "properties": {**_STAMPS, "deleted": {"type": "boolean"}},
    "required": ["id", "last_modified", "deleted"],
}

_METHODS = ["GET", "HEAD", "DELETE", "TRACE", "POST", "PUT", "PATCH"]
_BATCH_REQUEST = {
    "type": "object",
    "properties": {
        "method": {"type": "string", "enum": _METHODS},
        "path": {"type": "string", "pattern": "^/"},
        "headers": {"type": "object", "additionalProperties": _TEXT},
        "body": _ANY_OBJECT,
    },
}
BATCH_BODY = {
    "type": "object",
    "title": "BatchPayloadSchema",
    "properties": {
        "defaults": _BATCH_REQUEST,
        "requests": {"type": "array", "items": _BATCH_REQUEST | {"required": ["path"]}},
    },
    "required": ["requests"],
}
#: `body` has no type: what HEAD answers is an empty text.
_BATCH_RESPONSE = {
    "type": "object",
    "properties": {
        "status": _INTEGER,
        "path": _TEXT,
        "headers": {"type": "object", "additionalProperties": _TEXT},
        "body": {},
    },
    "required": ["status", "path", "headers", "body"],
}
_BATCH_ANSWER = {
    "type": "object",
    "title": "BatchResponseBodySchema",
    "properties": {"responses": {"type": "array", "items": _BATCH_RESPONSE}},
    "required": ["responses"],
}

# Responses

_STAMP_HEADERS = {"ETag": _ETAG, "Last-Modified": _TEXT}
_PAGE_HEADERS = {"Next-Page": _TEXT, "Total-Objects": _INTEGER, "Total-Records": _INTEGER}


def _describe(description: str, schema: Json = None) -> dict[str, Json]:
    return {"description": description} | ({} if schema is None else {"schema": schema})


#: Answers whose shape does not depend on the kind of object.
ANSWERS: Mapping[str, dict[str, Json]] = {
    "304": {
        **_describe("Nothing has changed since the timestamp in `If-None-Match`."),
        "headers": _STAMP_HEADERS,
    },
    "400": _describe("Something in the request cannot be understood.", _ERROR),
    "401": _describe("Credentials are needed here.", _ERROR),
    "403": _describe("These credentials do not suffice, or nothing is here to see.", _ERROR),
    "404": _describe("There is no such object.", _ERROR),
    "406": _describe("`Accept` leaves out JSON, the only type there is.", _ERROR),
    "412": _describe("`If-Match` or `If-None-Match` does not hold.", _ERROR),
    "415": _describe("The body is of a type that is not read here.", _ERROR),
    "default": _describe("Any other refusal, or a failure of the server.", _ERROR),
}
#: Answers to anything that may go wrong with requests on lists and objects.
REFUSALS = ("400", "401", "403", "406", "412", "default")
UNDOCUMENTED = {"default": _describe("The plugin that answers here does not say.")}


def describe_page(schema: Json) -> dict[str, Json]:
    """Return the response of GET on a list."""
    headers = {"headers": _STAMP_HEADERS | _PAGE_HEADERS}
    return _describe("A page of the list.", schema) | headers


def describe_object(description: str, schema: Json) -> dict[str, Json]:
    """Return a response that shows one object, or what is left of several."""
    return _describe(description, schema) | {"headers": _STAMP_HEADERS}


# Parameters


def _parameter(name: str, place: str, schema: Mapping[str, Json]) -> dict[str, Json]:
    return {"name": name, "in": place, "required": False, **schema}


PRECONDITIONS = [_parameter(name, "header", _ETAG) for name in ("If-Match", "If-None-Match")]
RESPONSE_BEHAVIOR = _parameter(
    "Response-Behavior", "header", {"type": "string", "enum": ["full", "light", "diff"]}
)
FIELDS = _parameter("_fields", "query", _TEXTS)
LAST_MODIFIED = _parameter("last_modified", "query", _TIMESTAMP)
SELECTION = [
    _parameter("_limit", "query", _TIMESTAMP),
    _parameter("_sort", "query", _TEXTS),
    _parameter("_token", "query", _TEXT),
    *(_parameter(name, "query", _TIMESTAMP) for name in ("_since", "_to", "_before")),
    _parameter("id", "query", _TEXT),
    LAST_MODIFIED,
]


def path_parameter(name: str) -> dict[str, Json]:
    """Return the parameter of a segment of the URL."""
    return {"name": name, "in": "path", "required": True, "type": "string"}


def body_parameter(schema: Json, *, is_required: bool) -> dict[str, Json]:
    """Return the parameter that stands for the body; its name is the title of the schema."""
    return {"name": schema["title"], "in": "body", "required": is_required, "schema": schema}


@dataclass(frozen=True, slots=True)
class Outline:
    """What one method takes and answers on all lists, or on all objects."""

    #: Success codes, each with its description.
    successes: Mapping[str, str]
    #: "page", "object", "changes" (of an object), "tombstone" or "tombstones".
    shows: str
    refusals: tuple[str, ...]
    parameters: list[dict[str, Json]]
    #: Media types of the body; none: it takes no body.
    consumes: tuple[str, ...] = ()


_JSON = ("application/json",)
_STORED = {"200": "The object, as it is stored now.", "201": "The object, which is new."}

OUTLINES: Mapping[str, Mapping[str, Outline]] = {
    "plural": {
        "GET": Outline(
            {"200": "A page of the list."},
            "page",
            ("304", *REFUSALS),
            [*SELECTION, FIELDS, *PRECONDITIONS],
        ),
        "POST": Outline(_STORED, "object", ("415", *REFUSALS), PRECONDITIONS, _JSON),
        "DELETE": Outline(
            {"200": "What is left of the objects."},
            "tombstones",
            REFUSALS,
            [*SELECTION, *PRECONDITIONS],
        ),
    },
    "object": {
        "GET": Outline(
            {"200": "The object."}, "object", ("304", "404", *REFUSALS), [FIELDS, *PRECONDITIONS]
        ),
        "PUT": Outline(_STORED, "object", ("415", *REFUSALS), PRECONDITIONS, _JSON),
        "PATCH": Outline(
            {"200": "The object, or what changed in it."},
            "changes",
            ("404", "415", *REFUSALS),
            [*PRECONDITIONS, RESPONSE_BEHAVIOR],
            ("application/json", "application/merge-patch+json"),
        ),
        "DELETE": Outline(
            {"200": "What is left of the object."},
            "tombstone",
            ("404", *REFUSALS),
            [LAST_MODIFIED, *PRECONDITIONS],
        ),
    },
}


@dataclass(frozen=True, slots=True)
class Named:
    """What is known of a route that is neither a list nor an object of some kind."""

    tag: str
    responses: Mapping[str, Json]
    #: None: the verb of the method and the name of the route.
    operation_id: str | None = None
    is_public: bool = True
    #: Schema of the body.
    body: Json = None
    parameters: list[dict[str, Json]] = field(default_factory=list)
    #: Where the pattern of the route does not say it all.
    path: str | None = None


def _utility(operation_id: str, answer: str, **others: Json) -> Named:
    responses = {"200": _describe(answer, _ANY_OBJECT), **others}
    return Named("Utilities", responses, operation_id)


_PERMISSIONS_PAGE = describe_page(list_schema(attributes_schema("permissions")))
_USER = {"type": "object", "properties": {"principal": _TEXT}, "required": ["principal"]}

#: By name of the route.
NAMED: Mapping[str, Named] = {
    "hello": _utility("server_info", "What this server is and can do, and who asks."),
    "heartbeat": _utility(
        "__heartbeat__",
        "All parts of the server work.",
        **{"503": _describe("Some part of the server does not work.", _ANY_OBJECT)},
    ),
    "lbheartbeat": _utility("__lbheartbeat__", "The server answers."),
    "version": _utility(
        "__version__", "What was installed.", **{"404": _describe("Nobody said.", _ERROR)}
    ),
    "contribute": _utility("contribute", "How to take part in the project."),
    "openapi_spec": _utility("get_openapi_spec", "This document."),
    "batch": Named(
        "Batch",
        {
            "200": _describe("The responses, in the order of the requests.", _BATCH_ANSWER),
            **{code: ANSWERS[code] for code in ("400", "415", "default")},
        },
        "batch",
        body=BATCH_BODY,
    ),
    "permissions-plural": Named(
        "Permissionss",
        {"200": _PERMISSIONS_PAGE, **{code: ANSWERS[code] for code in ("304", *REFUSALS)}},
        "get_permissionss",
        is_public=False,
        parameters=[*SELECTION, FIELDS, *PRECONDITIONS],
    ),
    "user-data": Named(
        "User-datas",
        {
            "200": _describe(
                "The user is forgotten.",
                {"type": "object", "properties": {"data": _USER}, "required": ["data"]},
            ),
            **{code: ANSWERS[code] for code in ("404", *REFUSALS)},
        },
        is_public=False,
        parameters=PRECONDITIONS,
    ),
    "flush": Named("Flush", {"202": _describe("Everything is gone.", _ANY_OBJECT)}),
    "counters": Named("Counters", {"200": _describe("How many there are.", _ANY_OBJECT)}),
    "history_snapshot": Named(
        "History_snapshot",
        {
            "200": _describe(
                "The records as they were then.", list_schema(attributes_schema("record"))
            ),
            **{code: ANSWERS[code] for code in ("401", "403", "404", "default")},
        },
        is_public=False,
        path="/buckets/{bucket_id}/snapshot/collections/{collection_id}@{timestamp}",
    ),
}
