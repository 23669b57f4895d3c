"""Writes a mismatch for a person to read: the requests that lead to it, and both answers."""

from __future__ import annotations

import json
from typing import Any

from compare.exchanges import Raw, Request, Response
from compare.play import Found
from compare.topics import BASE
from compare.values import USERS, get_credentials, get_user_id

#: Longer bodies are cut.
BODY_LENGTH = 700
SHOWN_HEADERS = ("etag", "last-modified", "next-page", "location", "allow", "content-type")


def name_users(text: str) -> str:
    """Return a text with the ids of users replaced by their names."""
    for user in USERS:
        text = text.replace(get_user_id(user), f"<{user}>")
    return text


def format_body(body: Any) -> str:
    """Return the body of a request as one line."""
    if body is None:
        return ""
    if isinstance(body, Raw):
        return f"  raw {body.data!r}"
    return "  " + json.dumps(body, ensure_ascii=False)[:BODY_LENGTH]


def format_request(request: Request) -> str:
    """Return a request as one line: number, user, method, URL, headers, body."""
    names = {get_credentials(user): user for user in USERS}
    headers = dict(request.headers)
    user = names.get(headers.get("Authorization", ""), "nobody")
    if user != "nobody":
        del headers["Authorization"]
    shown = "".join(f"  {name}: {value!r}" for name, value in headers.items())
    return name_users(
        f"  {request.number:3} {user:6} {request.method} {request.path}"
        f"{shown}{format_body(request.body)}"
    )


def format_response(name: str, response: Response) -> str:
    """Return an answer as one line."""
    text = name_users(response.text)[:BODY_LENGTH]
    shown = [f"{key}: {value}" for key, value in response.headers if key in SHOWN_HEADERS]
    return f"  {name:9} {response.status} {text}\n            {'; '.join(shown)}"


def format_found(found: Found, count: int) -> str:
    """Return a mismatch as a paragraph; `count` is how often its like was met."""
    changed = {
        name: found.session.settings.get(name)
        for name in {*BASE, *found.session.settings}
        if BASE.get(name) != found.session.settings.get(name)
    }
    lines = [f"== {count} x {name_users(found.group)}"]
    if changed:
        lines.append(f"  settings {name_users(json.dumps(changed, sort_keys=True))}")
    lines.extend(format_request(request) for request in found.session.requests)
    lines.append(format_response("reference", found.case.reference))
    lines.append(format_response("ours", found.case.ours))
    for where, reference, ours in found.mismatches[:5]:
        values = f"{json.dumps(reference)[:300]} is {json.dumps(ours)[:300]} here"
        lines.append(name_users(f"  -> {where}: {values}"))
    return "\n".join(lines) + "\n"
