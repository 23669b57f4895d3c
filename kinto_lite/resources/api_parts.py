"""The parts of the API description that are the same on every server, as data: parameters,
responses, schemas, and what each method of a list or an object takes and answers.

Leaves putting them together for the routes of one server to `resources.api_description`.

Source: protocol, plugins chapter 7.5 and core chapters 2 to 10; Swagger 2.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kinto_lite.model import Json, Kind

ANY_OBJECT = {"type": "object", "additionalProperties": {}}
_TEXT = {"type": "string"}
_NAME = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT}
_INTEGER = {"type": "integer"}
_WHOLE_NUMBER = {"type": "integer", "minimum": 0, "maximum": 2**63}
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

_ENTRY = dict.fromkeys(
    ("uri", "resource_name", "bucket_id", "collection_id", "group_id", "record_id"), _TEXT
)
#: Attributes with a fixed type, by kind of object (core 2.5, 8.9; plugins 4.1, 5.2).
TYPED_ATTRIBUTES: Mapping[str, Mapping[str, Json]] = {
    "bucket": dict.fromkeys(("collection:schema", "group:schema", "record:schema"), ANY_OBJECT),
    "collection": {"schema": ANY_OBJECT, "cache_expires": {"type": "number"}},
    "group": {"members": _TEXTS},
    "account": {"password": _TEXT},
    "permissions": {**_ENTRY, "permissions": _TEXTS},
    "history": {
        **_ENTRY,
        **dict.fromkeys(("user_id", "action", "date"), _TEXT),
        "target": ANY_OBJECT,
    },
}
#: Attributes without which an object cannot be stored.
REQUIRED_ATTRIBUTES: Mapping[str, list[str]] = {"account": ["password"]}
#: What the server adds to stored objects.
_STAMPS: Mapping[str, Json] = {"id": _TEXT, "last_modified": _INTEGER}


def attributes_schema(kind: str, *, is_stamped: bool = False) -> dict[str, Json]:
    """Return the schema of `data`; stamped objects come from the server."""
    properties = {**TYPED_ATTRIBUTES.get(kind, {}), **(_STAMPS if is_stamped else {})}
    schema = {"type": "object", "title": "Data", "properties": properties}
    required = {"required": list(_STAMPS)} if is_stamped else {}
    return schema | {"additionalProperties": {}} | required


def object_schema(permissions: Sequence[str], data: Json) -> dict[str, Json]:
    """Return the schema of `data` and `permissions` together."""
    lists = _closed("Permissions", _list_texts(permissions))
    return _closed("ObjectSchema", {"data": data, "permissions": lists})


def body_schema(kind: Kind) -> dict[str, Json]:
    """Return the schema of the body that stores an object."""
    data = attributes_schema(kind.name)
    schema = object_schema(kind.permissions, data)
    if kind.name in REQUIRED_ATTRIBUTES:
        data["required"] = REQUIRED_ATTRIBUTES[kind.name]
        schema["required"] = ["data"]
    return schema


def patch_schema(kind: Kind) -> dict[str, Json]:
    """Return the schema of the body that changes an object: attributes may have any value."""
    return object_schema(kind.permissions, ANY_OBJECT)


def _list_texts(names: Sequence[str]) -> dict[str, Json]:
    return {name: {"type": "array", "title": name, "items": _NAME} for name in names}


def _closed(title: str, properties: Mapping[str, Json]) -> dict[str, Json]:
    schema = {"type": "object", "title": title, "properties": properties}
    return schema | {"additionalProperties": False}


def data_schema(data: Json) -> dict[str, Json]:
    """Return the schema of an answer that has nothing but `data`."""
    return {"type": "object", "properties": {"data": data}, "required": ["data"]}


def list_schema(data: Json) -> dict[str, Json]:
    """Return the schema of the answer of a list."""
    return data_schema({"type": "array", "items": data}) | {"title": "ListSchema"}


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
        "body": ANY_OBJECT,
    },
    "additionalProperties": False,
}
BATCH_BODY = {
    "type": "object",
    "title": "BatchPayloadSchema",
    "properties": {
        "defaults": _BATCH_REQUEST,
        "requests": {"type": "array", "items": _BATCH_REQUEST | {"required": ["path"]}},
    },
    "required": ["requests"],
    "additionalProperties": False,
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
BATCH_ANSWER = {
    "type": "object",
    "title": "BatchResponseBodySchema",
    "properties": {"responses": {"type": "array", "items": _BATCH_RESPONSE}},
    "required": ["responses"],
}

# Responses

_STAMP_HEADERS = {"ETag": _ETAG, "Last-Modified": _TEXT}
_PAGE_HEADERS = {"Next-Page": _TEXT, "Total-Objects": _INTEGER, "Total-Records": _INTEGER}


def describe(description: str, schema: Json = None) -> dict[str, Json]:
    """Return a response without headers of its own."""
    return {"description": description} | ({} if schema is None else {"schema": schema})


#: Answers whose shape does not depend on the kind of object.
ANSWERS: Mapping[str, dict[str, Json]] = {
    "304": {
        **describe("Nothing has changed since the timestamp in `If-None-Match`."),
        "headers": _STAMP_HEADERS,
    },
    "400": describe("Something in the request cannot be understood.", _ERROR),
    "401": describe("Credentials are needed here.", _ERROR),
    "403": describe("These credentials do not suffice, or nothing is here to see.", _ERROR),
    "404": describe("There is no such object.", _ERROR),
    "406": describe("`Accept` leaves out JSON, the only type there is.", _ERROR),
    "412": describe("`If-Match` or `If-None-Match` does not hold.", _ERROR),
    "415": describe("The body is of a type that is not read here.", _ERROR),
    "default": describe("Any other refusal, or a failure of the server.", _ERROR),
}
#: Answers to anything that may go wrong with requests on lists and objects.
REFUSALS = ("400", "401", "403", "406", "412", "default")
UNDOCUMENTED = {"default": describe("The plugin that answers here does not say.")}


def describe_page(description: str, schema: Json) -> dict[str, Json]:
    """Return the response that shows a page of a list."""
    return describe(description, schema) | {"headers": _STAMP_HEADERS | _PAGE_HEADERS}


def describe_object(description: str, schema: Json) -> dict[str, Json]:
    """Return a response that shows one object."""
    return describe(description, schema) | {"headers": _STAMP_HEADERS}


# Parameters


def _parameter(name: str, place: str, schema: Mapping[str, Json]) -> dict[str, Json]:
    return {"name": name, "in": place, "required": False, **schema}


PRECONDITIONS = [_parameter(name, "header", _ETAG) for name in ("If-Match", "If-None-Match")]
RESPONSE_BEHAVIOR = _parameter(
    "Response-Behavior", "header", {"type": "string", "enum": ["full", "light", "diff"]}
)
FIELDS = _parameter("_fields", "query", _TEXTS)
LAST_MODIFIED = _parameter("last_modified", "query", _WHOLE_NUMBER)
SELECTION = [
    _parameter("_limit", "query", _WHOLE_NUMBER),
    _parameter("_sort", "query", _TEXTS),
    _parameter("_token", "query", _TEXT),
    *(_parameter(name, "query", _WHOLE_NUMBER) for name in ("_since", "_to", "_before")),
    _parameter("id", "query", _TEXT),
    LAST_MODIFIED,
]


def text_parameter(name: str) -> dict[str, Json]:
    """Return a parameter of the query string that is any text."""
    return _parameter(name, "query", _TEXT)


def path_parameter(name: str, pattern: str | None) -> dict[str, Json]:
    """Return the parameter of a segment of the URL; `pattern` is for the whole of it."""
    parameter = {"name": name, "in": "path", "required": True, "type": "string"}
    return parameter | ({} if pattern is None else {"pattern": f"^(?:{pattern})$"})


def body_parameter(schema: Json, *, is_required: bool) -> dict[str, Json]:
    """Return the parameter that stands for the body; its name is the title of the schema."""
    return {"name": schema["title"], "in": "body", "required": is_required, "schema": schema}


@dataclass(frozen=True, slots=True)
class Outline:
    """What one method takes and answers on all lists, or on all objects."""

    #: "page", "object", "changes" (of an object), "tombstone" or "tombstones".
    shows: str
    #: Success codes, each with its description.
    successes: Mapping[str, str]
    #: Other codes, beside `REFUSALS`.
    others: tuple[str, ...]
    parameters: list[dict[str, Json]]
    #: Media types of the body; none: it takes no body.
    consumes: tuple[str, ...] = ()


_JSON = ("application/json",)
_PATCHES = ("application/json", "application/merge-patch+json")
_PAGE = {"200": "A page of the list."}
_FOUND = {"200": "The object."}
_STORED = {"200": "The object, as it is stored now.", "201": "The object, which is new."}
_PATCHED = {"200": "The object, or what changed in it."}
_DELETED = {"200": "What is left of what was deleted."}
_PAGING = [*SELECTION, FIELDS, *PRECONDITIONS]
_PATCHING = [*PRECONDITIONS, RESPONSE_BEHAVIOR]
_DELETING = [LAST_MODIFIED, *PRECONDITIONS]

OUTLINES: Mapping[str, Mapping[str, Outline]] = {
    "plural": {
        "GET": Outline("page", _PAGE, ("304",), _PAGING),
        "POST": Outline("object", _STORED, ("415",), PRECONDITIONS, _JSON),
        "DELETE": Outline("tombstones", _DELETED, (), [*SELECTION, *PRECONDITIONS]),
    },
    "object": {
        "GET": Outline("object", _FOUND, ("304", "404"), [FIELDS, *PRECONDITIONS]),
        "PUT": Outline("object", _STORED, ("415",), PRECONDITIONS, _JSON),
        "PATCH": Outline("changes", _PATCHED, ("404", "415"), _PATCHING, _PATCHES),
        "DELETE": Outline("tombstone", _DELETED, ("404",), _DELETING),
    },
}
