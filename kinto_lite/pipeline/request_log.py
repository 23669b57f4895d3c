"""One line of log for each request and each item of a batch, when the log level asks for it.

What a line holds is bounded and has no secrets: no headers but those of agent and language, no
bodies, and no values of parameters whose name says that they are secret.

Source: protocol, plugins chapter 9.3.
"""

from __future__ import annotations

import logging
import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from kinto_lite.hooks import Observation, Observer
from kinto_lite.logs import ITEMS, REQUESTS

_SECRET = re.compile(
    r"pass|token|secret|auth|session|cookie|credential|signature|(^|[_-])(key|code|state|sig|nonce)$",
    re.IGNORECASE,
)
_HIDDEN = "[hidden]"
#: What clients send is cut to this many characters; of more parameters than that, the rest
#: is left out.
_MAX_PATH, _MAX_WORD, _MAX_PARAMETERS = 1000, 200, 20

_requests, _items = logging.getLogger(REQUESTS), logging.getLogger(ITEMS)


def find_request_log() -> Observer | None:
    """Return what writes the lines, None when nobody wants them."""
    return log_request if _requests.isEnabledFor(logging.INFO) else None


def log_request(seen: Observation) -> None:
    """Write the line of a request; what the personal bucket passed on has none of its own."""
    if seen.within == "alias":
        return
    log = _items if seen.within else _requests
    fields = describe(seen)
    log.info("", extra={"rid": seen.request.request_id, "fields": fields})


def describe(seen: Observation) -> dict[str, Any]:
    """Return what a line says. `t` is in milliseconds."""
    headers, trace = seen.request.headers, seen.trace
    fields = {
        "method": seen.request.method[:_MAX_WORD],
        "path": hide_in_path(seen),
        "code": seen.status,
        "errno": seen.errno,
        "t": round(seen.seconds * 1000, 3),
        "uid": trace.user_id,
        "authn_type": trace.policy,
        "agent": headers.get("user-agent", "")[:_MAX_WORD] or None,
        "lang": headers.get("accept-language", "")[:_MAX_WORD] or None,
        "querystring": read_parameters(seen.request.query) or None,
        "batch_size": seen.batch_size,
        "time": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def hide_in_path(seen: Observation) -> str:
    """Return the path; a part that the route calls a token or a key is hidden."""
    path = seen.request.path
    for name, value in seen.trace.params.items():
        if value and _SECRET.search(name):
            path = path.replace(value, _HIDDEN)
    return path[:_MAX_PATH]


def read_parameters(query: str) -> dict[str, str]:
    """Return the parameters of a raw query string, without secrets."""
    pairs = query[: _MAX_PARAMETERS * _MAX_WORD].split("&")[:_MAX_PARAMETERS]
    found = {}
    for name, value in parse_qsl("&".join(pairs), keep_blank_values=True, errors="replace"):
        shown = _HIDDEN if _SECRET.search(name) else value[:_MAX_WORD]
        found[name[:_MAX_WORD]] = shown
    return found
