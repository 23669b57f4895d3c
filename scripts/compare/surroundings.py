"""Requests about everything around the objects: media types, CORS, URLs, hello, batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from compare.exchanges import Raw, Request
from compare.generator import Generator, get_kind
from compare.lists import ask_list
from compare.objects import ask_precondition, ask_verb
from compare.values import PERMISSION_NAMES, get_credentials, get_user_id, pick

CONTENT_TYPES = (
    "application/json", "application/json; charset=utf-8", "text/plain", "text/html", "",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/vnd.api+json",
    "application/merge-patch+json", "application/json-patch+json", "bogus", "*/*", "application/*",
    "APPLICATION/JSON", "application/merge-patch+json; charset=utf-8",
)  # fmt: skip
ACCEPTS = (
    "application/json", "*/*", "application/*", "text/html", "", "application/json;q=0",
    "text/*;q=0.5",
    "text/html, application/json;q=0.1", "bogus", "application/json; charset=utf-8",
    "image/png, */*;q=0.1",
    "application/json;q=0, */*",
)  # fmt: skip


def ask_media(g: Generator) -> None:
    """Odd `Accept` and `Content-Type` headers."""
    headers = {}
    if g.chance(0.6):
        headers["Content-Type"] = g.rng.choice(CONTENT_TYPES)
    if g.chance(0.6):
        headers["Accept"] = g.rng.choice(ACCEPTS)
    method = pick(g.rng, {"PUT": 3, "PATCH": 3, "POST": 3, "GET": 3, "DELETE": 1, "HEAD": 1})
    path = g.pick_object() if g.chance(0.9) else g.rng.choice(["/", "/__heartbeat__", "/nowhere"])
    if method == "POST":
        path = path.rpartition("/")[0] or "/"
    body: Any = None
    if method in ("PUT", "PATCH", "POST"):
        body = [] if "json-patch" in headers.get("Content-Type", "") else {"data": {}}
    g.add(method, path, body, headers)


ORIGINS = (
    "https://app.example.com",
    "http://ok.org",
    "http://evil",
    "null",
    "",
    "https://example.com",
)


def ask_cors(g: Generator) -> None:
    """A request with an `Origin`, or a preflight."""
    headers = {"Origin": g.rng.choice(ORIGINS)} if g.chance(0.95) else {}
    paths = [
        "/",
        "/batch",
        "/nowhere",
        "/contribute.json",
        g.pick_list(),
        g.pick_object(),
        "!/buckets",
        "!/v1",
    ]
    path = g.rng.choice([*paths, g.pick_object(), g.pick_list()])
    if g.chance(0.5):
        ask_preflight(g, path, headers)
        return
    method = pick(g.rng, {"GET": 5, "PUT": 2, "PATCH": 1, "DELETE": 1, "HEAD": 1, "POST": 2})
    body: Any = {"requests": []} if path == "/batch" else {"data": {}}
    g.add(method, path, body if method in ("PUT", "PATCH", "POST") else None, headers)


def ask_preflight(g: Generator, path: str, headers: dict[str, str]) -> None:
    """OPTIONS as a browser sends it before another request."""
    if g.chance(0.9):
        methods = {
            "GET": 3,
            "PUT": 3,
            "POST": 2,
            "DELETE": 2,
            "PATCH": 2,
            "get": 1,
            "BOGUS": 1,
            "": 1,
        }
        headers["Access-Control-Request-Method"] = pick(g.rng, methods)
    if g.chance(0.5):
        headers["Access-Control-Request-Headers"] = g.rng.choice(
            ["authorization,content-type", "X-One, x-two", "", "ETag"]
        )
    g.add("OPTIONS", path, None, headers, user=g.rng.choice(["", "alice"]))


PATHS = (
    "!/", "!/v1", "!/buckets", "!/buckets?x=1", "!/v1/buckets/", "!/v1/buckets//",
    "!/v1//buckets", "!/v2/buckets",
    "!/v0", "!/vx", "!/V1/", "!/v1/unknown/", "!/v1/unknown", "!/v1/buckets/blog/",
    "!/v1/buckets/blog/x",
    "!/v1/buckets/blog/collections/articles/records/r1/x", "!/v1/Buckets", "!/v1/buckets/a%2Fb",
    "!/v1/buckets/%FF",
    "!/v1/buckets?x=%FF", "!/v1/batch", "!/v1/__heartbeat__", "!/v1/__lbheartbeat__",
    "!/v1/__user_data__",
    "!/v1/__version__/", "!/v1/__version__", "!/v1/contribute.json", "!/v1/__api__",
    "!/v1/permissions/",
    "!/v1/batch/", "!/v1/buckets/%20",
    "!/v1/buckets/blog?", "!/v12/", "!/v1/__heartbeat__?x", "!/v1/buckets/%C3%A9/groups",
    "!/v1/?_x=é",
)  # fmt: skip


def ask_url(g: Generator) -> None:
    """A URL that is unknown, redirected or seldom used, with any method."""
    method = pick(
        g.rng,
        {"GET": 6, "POST": 3, "PUT": 2, "DELETE": 1, "PATCH": 1, "HEAD": 1, "TRACE": 1, "BOGUS": 1},
    )
    path = g.rng.choice(PATHS)
    if g.chance(0.25):
        path, method = (g.pick_object(), "POST") if g.chance(0.5) else (g.pick_list(), "PUT")
    body: Any = {"data": {}} if method in ("POST", "PUT", "PATCH") else None
    accept = {"Accept": "application/json"} if g.chance(0.3) else {}
    g.add(method, path, body, accept)


BAD_CREDENTIALS = (
    "Basic", "Basic !!!", "Bearer x", "Basic Zm9v", "Basic OnB3", "basic YWxpY2U6cHc=",
    "BASIC  YWxpY2U6cHc=",
    "Basic YWxpY2U6", "", "Basic YWxpY2U6cHc= x", "Basic YWxpY2U6cDp3", "Basic w6k6w6k=",
    "Basic 6Tpw",
)  # fmt: skip


def ask_credentials(g: Generator) -> None:
    """Who am I? With credentials of every quality."""
    path = g.rng.choice(["/", "/", g.pick_object(), g.pick_list()])
    headers = {"Authorization": g.rng.choice(BAD_CREDENTIALS)} if g.chance(0.7) else {}
    g.add(g.rng.choice(["GET", "GET", "HEAD"]), path, None, headers)


def ask_user_data(g: Generator) -> None:
    """All that belongs to a user goes away."""
    name = g.rng.choice([get_user_id("bob"), get_user_id("carol"), "nobody", "system.Everyone"])
    g.add(pick(g.rng, {"DELETE": 5, "GET": 1}), f"/__user_data__/{name}")
    if g.with_names:
        g.add("GET", "/permissions", user="alice")
    g.add("GET", "/buckets/blog/collections/articles/records?_since=0", user="alice")


def ask_personal(g: Generator) -> None:
    """Something of the personal bucket."""
    tail = g.rng.choice(
        ["", "/collections", "/collections/tasks", "/collections/tasks/records", "/groups",
        "/groups/g1",
         "/collections/tasks/records/r1", "/collections/-bad", "/collections/-bad/records",
         "/unknown", "/",
         "/collections/tasks/", "/collections/notes/records/nope",
         "/collections/e/records/nope"]
    )  # fmt: skip
    path = f"/buckets/default{tail}"
    verbs = {"GET": 5, "PUT": 4, "PATCH": 2, "DELETE": 1, "HEAD": 1, "POST": 3, "OPTIONS": 1}
    method = pick(g.rng, verbs)
    kind = get_kind(path) if get_kind(path) in PERMISSION_NAMES else "record"
    body = g.make_body(f"/{kind}s/x") if method in ("PUT", "PATCH", "POST") else None
    if body and g.chance(0.15):
        body.setdefault("data", {})["id"] = g.rng.choice(["default", "r1", "tasks"])
    headers = {"If-None-Match": "*"} if g.chance(0.15) else {}
    if tail.endswith("records") and method in ("GET", "DELETE") and g.chance(0.4):
        path += f"?_limit={g.rng.randint(1, 2)}"
    # The reference creates objects before it redirects or refuses such a URL.
    is_odd = path.endswith("/") or "-bad" in path
    g.add(method, path, body, headers, user="" if is_odd else None)


BAD_BATCHES: Sequence[Any] = (
    {}, {"requests": None}, {"requests": 1}, {"requests": [1]}, {"requests": [{}]}, {"foo": 1,
    "requests": []},
    {"requests": [{"path": "x"}]}, {"requests": [{"path": 1}]}, {"requests": [{"path": "/",
    "method": "get"}]},
    {"requests": [{"path": "/", "foo": 1}]}, {"requests": [{"path": "/", "headers": {"a": 1}}]},
    {"requests": [{"path": "/", "body": []}]}, {"requests": [{"path": "/batch", "method": "POST"}]},
    {"requests": [], "defaults": 1}, {"requests": [{"path": "/"}], "defaults": {"foo": 1}},
    {"requests": [{"path": "/"}], "defaults": {"method": "x"}}, {"requests": [{"path": "/",
    "method": None}]},
    {"requests": [{"path": "/", "headers": []}, {"path": None}]}, {"requests": {}},
    {"requests": []},
    Raw(b"{"), Raw(b"[]"), Raw(b"null"), Raw(b""), {"requests": [{"path": "/"}] * 26},
)  # fmt: skip


def make_item(g: Generator, request: Request) -> dict[str, Any]:
    """Return a request as an item of a batch."""
    item: dict[str, Any] = {"method": request.method, "path": request.path}
    if g.chance(0.4):
        item["path"] = request.path.removeprefix("/v1")
    headers = {
        name: value for name, value in request.headers if name != "Authorization" or g.chance(0.15)
    }
    if headers:
        item["headers"] = headers
    if isinstance(request.body, dict):
        item["body"] = request.body
    if item["method"] == "GET" and g.chance(0.5):
        del item["method"]
    return item


def ask_batch(g: Generator) -> None:
    """Several requests at once."""
    if g.chance(0.15):
        g.add("POST", "/batch", g.rng.choice(BAD_BATCHES))
        return
    asks: list[Callable[[Generator], None]] = [ask_verb, ask_verb, ask_precondition, ask_list]
    items: list[dict[str, Any]] = []
    for _ in range(g.rng.randint(1, 5)):
        captured = g.capture(g.rng.choice(asks))
        items.extend(
            make_item(g, request) for request in captured if not isinstance(request.body, Raw)
        )
    body: dict[str, Any] = {"requests": items}
    if g.chance(0.3):
        body["defaults"] = g.rng.choice(
            [{"method": "PUT", "body": {"data": {"n": 9}}}, {"headers": {"If-None-Match": "*"}},
            {"path": "/"},
             {"method": "GET", "headers": {"Accept": "text/html"}},
             {"body": {"permissions": {"read": ["x"]}}},
             {"headers": {"Authorization": get_credentials("bob")}}, {}, None]
        )  # fmt: skip
    g.add("POST", "/batch", body)
