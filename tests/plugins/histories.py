"""Short words for the tests of the history: requests that leave entries, and reading them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.resources.asking import Asking

MakeAsk = Callable[..., Asking]
PLUGIN = {"includes": "kinto.plugins.history"}
HISTORY = "/buckets/b/history"
OLDEST_FIRST = HISTORY + "?_sort=last_modified"


def tell(ask: Asking, query: str = "", user: str = "alice") -> list[tuple[str, str]]:
    """What the entries tell, the oldest first: (action, last segment of the URI)."""
    entries = ask.data(f"{OLDEST_FIRST}&{query}", user)
    return [(entry["action"], entry["uri"].rpartition("/")[2]) for entry in entries]


def newest(ask: Asking, query: str = "", user: str = "alice") -> dict[str, Any]:
    """The newest entry that matches."""
    entry: dict[str, Any] = ask.data(f"{HISTORY}?{query}", user)[0]
    return entry


def send_batch(ask: Asking, *items: tuple[str, str, Any], user: str = "alice") -> list[int]:
    """Send requests (method, path, body) as one batch, and return what was answered."""
    requests = [{"method": m, "path": p, **({"body": b} if b else {})} for m, p, b in items]
    reply = ask("POST", "/batch", {"requests": requests}, user=user)
    return [response["status"] for response in reply.json["responses"]]
