"""The small endpoints: hello, the load balancer's heartbeat, version, contribute.

Source: protocol, core chapters 1.4 and 1.5.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from kinto_lite.errors import URL_NOT_FOUND, ApiError, InvalidRequest
from kinto_lite.hooks import Call, Handler, Route
from kinto_lite.model import Answer, Json
from kinto_lite.protocol.caching import cache_for
from kinto_lite.protocol.json_text import dump_json, parse_json

HTTP_API_VERSION = "1.23"
_MAX_VERSION_FILE_BYTES = 1_000_000

CONTRIBUTE = {
    "name": "kinto-lite",
    "description": "A self-hosted JSON storage, sync and sharing server in one file.",
    "repository": {"url": "https://github.com/kinto-lite/kinto-lite", "license": "Apache-2.0"},
    "participate": {"home": "https://github.com/kinto-lite/kinto-lite", "docs": "README.md"},
    "bugs": {"list": "https://github.com/kinto-lite/kinto-lite/issues"},
    "keywords": ["python", "json", "storage", "sync", "kinto", "sqlite"],
}


def answer_json(call: Call, value: Json, status: int = 200) -> Answer:
    """Answer any JSON, unless the origin of the page may not read it."""
    wrong_origin = call.service.origins.errors(call.request.headers.get("origin"))
    if wrong_origin:
        raise InvalidRequest(wrong_origin)
    return Answer(status, [], dump_json(value).encode("ascii"))


def hello(call: Call) -> Answer:
    """Say what this server is, what it can do, and who asks."""
    settings = call.service.settings
    body: dict[str, Any] = {
        "project_name": settings["project_name"],
        "project_version": settings["project_version"],
        "http_api_version": HTTP_API_VERSION,
        "project_docs": settings["project_docs"],
        "url": f"{call.service.origin_of(call.request)}/v1/",
        "config": describe_config(os.environ.get("KINTO_INI")),
        "settings": {name: settings[name] for name in call.service.public_settings},
        "capabilities": dict(call.service.capabilities),
    }
    if settings["eos"] is not None:
        body["eos"] = settings["eos"]
    if call.asker.user_id is not None:
        body["user"] = _describe_user(call)
    answer = answer_json(call, body)
    if settings["readonly"]:
        answer.headers += cache_for(settings["root_cache_expires_seconds"], call.service.clock())
    return answer


def _describe_user(call: Call) -> dict[str, Any]:
    others = sorted(call.asker.principals - {call.asker.owner})
    user: dict[str, Any] = {"id": call.asker.owner, "principals": [call.asker.owner, *others]}
    for describe in call.service.describers:
        user.update(describe(call))
    return user


def describe_config(path: str | None) -> dict[str, str] | None:
    """Return path, hash and date of the configuration file that KINTO_INI names, if any."""
    if not path or not Path(path).is_file():
        return None
    file = Path(path)
    return {
        "path": path,
        "hash": hashlib.sha256(file.read_bytes()).hexdigest(),
        "modified": datetime.fromtimestamp(file.stat().st_mtime).isoformat(),
    }


def load_balancer_heartbeat(call: Call) -> Answer:
    """Tell that the process answers."""
    return answer_json(call, {})


def version(call: Call) -> Answer:
    """Show the file that the setting `version_json_path` names."""
    path = Path(call.service.settings["version_json_path"])
    try:
        if path.stat().st_size > _MAX_VERSION_FILE_BYTES:
            raise ApiError(URL_NOT_FOUND)
        content = parse_json(path.read_bytes())
    except (OSError, ValueError):
        raise ApiError(URL_NOT_FOUND) from None
    return answer_json(call, content)


def contribute(call: Call) -> Answer:
    """Say how to take part in the project."""
    return answer_json(call, CONTRIBUTE)


def _reading(handler: Handler) -> dict[str, Handler]:
    return {"GET": handler, "HEAD": handler}


UTILITY_ROUTES: tuple[Route, ...] = (
    Route("hello", "/", _reading(hello), is_detached_for_strangers=True),
    Route("lbheartbeat", "/__lbheartbeat__", _reading(load_balancer_heartbeat), is_detached=True),
    Route("version", "/__version__", _reading(version), is_detached=True),
    Route("contribute", "/contribute.json", _reading(contribute), is_detached=True),
)
