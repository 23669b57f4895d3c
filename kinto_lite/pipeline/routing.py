"""Finds the route of a path: one table for requests, batch items and the API description.

A tree of path segments; literal segments win over parameters. Also the redirects for
paths without version prefix and with a trailing slash.

Source: protocol, core chapters 1.1 to 1.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from kinto_lite.hooks import Route
from kinto_lite.protocol.querystring import decode_query

PREFIX = "/v1"
_VERSIONED = re.compile(r"/v[0-9]")
_PARAMETER = re.compile(r"\{(\w+)(\*?)\}")


class Found(NamedTuple):
    """A route and the values of its parameters."""

    route: Route
    params: dict[str, str]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    routes: list[tuple[tuple[str, ...], Route]] = field(default_factory=list)
    rest: tuple[tuple[str, ...], Route] | None = None


class Routes:
    """The routes of a service, found by path (without version prefix)."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        for segment in route.pattern.split("/")[1:]:
            match = _PARAMETER.fullmatch(segment)
            if match is None:
                node = node.literals.setdefault(segment, _Node())
                continue
            names.append(match[1])
            if match[2]:
                node.rest = (tuple(names), route)
                return
            node.parameter = node.parameter or _Node()
            node = node.parameter
        node.routes.append((tuple(names), route))

    def find(self, path: str) -> Found | None:
        """Return the route of a path below the version prefix, such as `/buckets/b`.

        A path with a trailing slash is nobody's: it is redirected to the one without.
        """
        segments = path.split("/")[1:]
        return _walk(self._root, segments) or _search(self._root, segments, 0, ())


def _walk(node: _Node, segments: list[str]) -> Found | None:
    """Find a route the straight way, which is that of nearly all requests: a literal where there
    is one, else a parameter, and never back."""
    values = []
    for segment in segments:
        below = node.literals.get(segment)
        if below is None:
            below = node.parameter
            if below is None or not segment:
                return None
            values.append(segment)
        node = below
    if not node.routes:
        return None
    names, route = node.routes[0]
    return Found(route, dict(zip(names, values, strict=True)))


def _search(node: _Node, segments: list[str], index: int, values: tuple[str, ...]) -> Found | None:
    if index == len(segments):
        if not node.routes:
            return None
        names, route = node.routes[0]
        return Found(route, dict(zip(names, values, strict=True)))
    segment = segments[index]
    literal = node.literals.get(segment)
    found = _search(literal, segments, index + 1, values) if literal else None
    if found is None and node.parameter is not None and segment:
        found = _search(node.parameter, segments, index + 1, (*values, segment))
    if found is None and node.rest is not None and segments[-1]:
        names, route = node.rest
        rest = "/".join(segments[index:])
        found = Found(route, dict(zip(names, (*values, rest), strict=True)))
    return found


def is_versioned(path: str) -> bool:
    """Tell whether a path names an API version, ours or another one."""
    return _VERSIONED.match(path) is not None


def is_ours(path: str) -> bool:
    """Tell whether a path is below our version prefix."""
    return path == PREFIX or path.startswith(PREFIX + "/")


def is_text(path: str) -> bool:
    """Tell whether a decoded path was UTF-8; bytes that were not stand in it as surrogates."""
    return path.isascii() or not any("\ud800" <= character <= "\udfff" for character in path)


def is_query(query: str) -> bool:
    """Tell whether a raw query string is UTF-8 once it is decoded."""
    if query.isascii() and "%" not in query:
        return True
    try:
        decode_query(query)
    except UnicodeDecodeError:
        return False
    return True
