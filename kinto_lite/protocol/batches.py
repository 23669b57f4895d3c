"""The body of a batch: from bytes to the requests in it.

Leaves prefixing paths, merging the headers of the outer request and running the requests to
`pipeline.batch`.

Source: protocol, part 1, chapter 9.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from kinto_lite.errors import Detail
from kinto_lite.model import Json
from kinto_lite.protocol import descriptions
from kinto_lite.protocol.bodies import MAX_DETAILS, read_json

METHODS = ("GET", "HEAD", "DELETE", "TRACE", "POST", "PUT", "PATCH")

_FIELDS = ("method", "path", "headers", "body")
_BATCH_PATHS = ("/batch", "/v1/batch")


@dataclass(frozen=True, slots=True)
class SubRequest:
    """One request of a batch. Header names are in lower case; `path` is as the client wrote it."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Json] | None


def read_batch(
    body: bytes, content_type: str, max_requests: int | None
) -> tuple[tuple[SubRequest, ...], list[Detail]]:
    """Read a batch body; with details there are no requests. No limit when `max_requests` is 0
    or None.

    More requests than allowed are reported before the errors of single requests, so that
    the work for a refused batch does not grow with it.
    """
    document, details = read_json(body, content_type)
    details = details or _check_document(document, max_requests)
    if details:
        return (), details
    defaults = document.get("defaults", {})
    items = [merge_defaults(defaults, item) for item in document["requests"]]
    details = _check_item(defaults, "defaults") if defaults else []
    for index, item in enumerate(items):
        if len(details) < MAX_DETAILS:
            details += _check_item(item, f"requests.{index}", is_path_required=True)
    if not details and any(_is_batch(item["path"]) for item in items):
        details = [_refuse_requests("Recursive call on /batch endpoint is forbidden.")]
    return ((), details) if details else (tuple(map(_make_request, items)), [])


def merge_defaults(defaults: Json, item: Json) -> Json:
    """Return the item with what it lacks of the defaults, at any depth; what it has wins."""
    if not isinstance(defaults, dict) or not isinstance(item, dict):
        return item
    merged = dict(item)
    for key, default in defaults.items():
        merged[key] = merge_defaults(default, item[key]) if key in item else default
    return merged


def _check_document(document: Json, max_requests: int | None) -> list[Detail]:
    if not isinstance(document, dict):
        return [Detail("", "body", descriptions.describe_not_mapping(document))]
    unknown = {k: v for k, v in document.items() if k not in ("defaults", "requests")}
    if unknown:
        return [Detail("", "body", descriptions.describe_unknown_keys(unknown))]
    details = []
    defaults = document.get("defaults", {})
    if not isinstance(defaults, dict):
        text = descriptions.describe_not_mapping(defaults)
        details.append(Detail("defaults", "body", text))
    if "requests" not in document:
        return [*details, _refuse_requests(descriptions.REQUIRED)]
    requests = document["requests"]
    if not isinstance(requests, list):
        return [*details, _refuse_requests(descriptions.describe_not_iterable(requests))]
    if not details and max_requests and len(requests) > max_requests:
        return [_refuse_requests(f"Number of requests is limited to {max_requests}")]
    return details


def _refuse_requests(text: str) -> Detail:
    return Detail("requests", "body", text)


def _check_item(item: Json, name: str, is_path_required: bool = False) -> list[Detail]:
    if not isinstance(item, dict):
        return [Detail(name, "body", descriptions.describe_not_mapping(item))]
    unknown = {key: value for key, value in item.items() if key not in _FIELDS}
    if unknown:
        return [Detail(name, "body", descriptions.describe_unknown_keys(unknown))]
    texts = {
        "method": _check_method(item.get("method")),
        "path": _check_path(item.get("path"), is_path_required),
        "headers": _check_headers(item.get("headers", {})),
        "body": _check_body(item.get("body", {})),
    }
    return [Detail(f"{name}.{field}", "body", text) for field, text in texts.items() if text]


def _check_method(method: Json) -> str | None:
    if not method or method in METHODS:
        return None
    if not isinstance(method, str):
        return descriptions.describe_not_string(method, "method")
    return descriptions.describe_choice(method, METHODS)


def _check_path(path: Json, is_required: bool) -> str | None:
    if not path:
        return descriptions.REQUIRED if is_required else None
    if not isinstance(path, str):
        return descriptions.describe_not_string(path, "path")
    return None if path.startswith("/") else descriptions.PATTERN


def _check_headers(headers: Json) -> str | None:
    if not isinstance(headers, dict):
        return descriptions.describe_not_mapping(headers)
    if all(isinstance(value, str) for value in headers.values()):
        return None
    return f"{descriptions.show_value(headers)} contains non string value"


def _check_body(body: Json) -> str | None:
    return None if isinstance(body, dict) else descriptions.describe_not_mapping(body)


def _is_batch(path: str) -> bool:
    """Tell whether a path leads to the batch endpoint, redirections included."""
    return unquote(path.partition("?")[0]).rstrip("/") in _BATCH_PATHS


def _make_request(item: dict[str, Json]) -> SubRequest:
    headers: dict[str, str] = {}
    for name, value in item.get("headers", {}).items():
        # The item's own headers come before those of the defaults.
        headers.setdefault(name.lower(), value)
    return SubRequest(item.get("method") or "GET", item["path"], headers, item.get("body"))
