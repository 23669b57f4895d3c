"""What metrics say about a request, in Kinto's words: the same for every monitoring plugin.

Source: protocol, plugins chapter 9.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kinto_lite.hooks import Observation

#: Kinto's names of endpoints, where ours differ.
_ENDPOINTS = {
    "openapi_spec": "openapi",
    "user-data": "user-data-object",
    "contribute": "contribute.json",
}
#: A client may send any other word as the method: each would be a series of its own.
_METHODS = frozenset(
    ("get", "head", "post", "put", "patch", "delete", "options", "trace", "connect")
)
OTHER = "other"
#: Longer ids do not become labels.
_MAX_LABEL = 200


class Measure(NamedTuple):
    """A request as metrics count it. `parts` are the values of `metrics_matchdict_fields`, in
    their order; they are empty when the request was refused."""

    method: str
    endpoint: str
    parts: tuple[str, ...]
    status: str
    size_bytes: int
    seconds: float
    #: Policy and user id without the policy's name; "" for anonymous requests.
    policy: str
    user_id: str


def measure(seen: Observation, fields: Iterable[str]) -> Measure:
    """Return what metrics say about a request. `fields`: names such as `bucket_id`."""
    trace = seen.trace
    method = seen.request.method.lower()
    params = trace.params if seen.status < 400 else {}
    user_id = (trace.user_id or "").removeprefix(f"{trace.policy}:")
    return Measure(
        method if method in _METHODS else OTHER,
        _ENDPOINTS.get(trace.endpoint, trace.endpoint),
        tuple(_shorten(params.get(name, "")) for name in fields),
        str(seen.status),
        seen.size_bytes,
        seen.seconds,
        (trace.policy or "") if user_id else "",
        _shorten(user_id.replace(":", ".")),
    )


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_LABEL else OTHER


def has_user(seen: Observation, taken: Measure) -> bool:
    """Tell whether a request counts for its user: those within another one do not, again."""
    return bool(taken.user_id) and not seen.within
