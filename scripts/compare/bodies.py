"""Requests whose body is malformed, or unusual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compare.exchanges import Raw
from compare.generator import Generator
from compare.objects import make_precondition
from compare.values import pick

BAD_BODIES: Sequence[Any] = (
    Raw(b""), Raw(b"  "), Raw(b"null"), Raw(b"1"), Raw(b'"x"'), Raw(b"true"), Raw(b"[]"),
    Raw(b"[1]"),
    Raw(b"{"), Raw(b"{'a': 1}"), Raw(b'{"data": NaN}'), Raw(b'{"data": {"a": Infinity}}'),
    Raw(b'\xef\xbb\xbf{"data": {}}'), Raw(b'{"data": {"a": "\xff"}}'), Raw(b'{"data": {},}'),
    Raw(b'{"data": {"a": 1e400}}'), Raw(b'{"data": {"a": 01}}'), Raw(b'{"data": {}} x'),
    Raw(b'{"data": {"a": 1, "a": 2}}'), Raw(b'{"data": {"a": "\\ud800"}}'),
    Raw(b'{"data": {"a": 18446744073709551615}}'),
    Raw(b'{"data": {"a": 1E2, "b": -0.0, "c": 1e-7}}'),
    Raw(b'{"data": {"a": "\\ud83d\\ude00\\u00e9\\u001f\\/"}}'),
    Raw('{"data": {"é": "ü"}}'.encode()),
    {"foo": 1}, {"data": {}, "foo": None}, {"data": None}, {"data": 1}, {"data": "x"}, {"data": []},
    {"permissions": None}, {"permissions": 1}, {"permissions": []}, {"data": 1,
    "permissions": {"bogus": []}},
    {"data": True, "foo": {"a": [1]}}, {"data": {"__permissions__": {"read": ["x"]}}},
    {"data": {"deleted": False}},
)  # fmt: skip


def ask_body(g: Generator) -> None:
    """A body that is malformed, or unusual, with any verb."""
    path = g.pick_object()
    method = pick(g.rng, {"PUT": 4, "PATCH": 3, "POST": 4, "GET": 1, "DELETE": 1})
    body = g.rng.choice(BAD_BODIES)
    headers = {"Content-Type": "application/json"} if g.chance(0.7) else {}
    if isinstance(body, dict) and method in ("GET", "DELETE"):
        body = Raw(b"{}")
    if method == "POST" and isinstance(body, Raw) and g.with_names:
        method = "PUT"
    if method == "POST":
        path = path.rpartition("/")[0]
    elif g.chance(0.1):
        headers.update(make_precondition(g, path))
    g.add(method, path, body, headers)
