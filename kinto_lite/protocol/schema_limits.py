"""Which JSON schemas are refused when they are stored, because applying them could take long.

Looks at the JSON only and knows no validator. What depends on the record as well is bounded by
the steps of `protocol.schemas` when the record is written.

Source: protocol, part 1, chapter 12 (limits are ours).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from kinto_lite.model import Json
from kinto_lite.protocol.descriptions import show_value
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.protocol.patterns import MAX_PATTERN, measure_pattern

MAX_BYTES = 131072
MAX_DEPTH = 64
#: Characters of all patterns together; compiling takes some microseconds for each.
MAX_PATTERNS = 8000
#: Subschemas that apply to one and the same value, references followed, and how deep they nest.
MAX_EXPANSION = 1000
MAX_EXPANSION_DEPTH = 32

_ALTERNATIVES = ("allOf", "anyOf", "oneOf", "extends", "disallow", "type")
_BRANCHES = ("not", "if", "then", "else", "extends")
_DEPENDENCIES = ("dependentSchemas", "dependencies")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
#: Values that are data and no schemas.
_DATA = ("enum", "const", "default", "examples")


def find_oversize(schema: dict[str, Json]) -> str | None:
    """Return why a schema is too large to be looked at, or None."""
    if len(dump_json(schema)) > MAX_BYTES:
        return f"it has more than {MAX_BYTES} bytes"
    if _measure_depth(schema) > MAX_DEPTH:
        return f"it has more than {MAX_DEPTH} levels"
    lengths = [len(pattern) for pattern in _iterate_patterns(schema)]
    if max(lengths, default=0) > MAX_PATTERN:
        return f"it has a pattern of more than {MAX_PATTERN} characters"
    if sum(lengths) > MAX_PATTERNS:
        return f"its patterns have more than {MAX_PATTERNS} characters"
    return None


def find_excess(schema: dict[str, Json]) -> str | None:
    """Return why a well-formed schema could take too long to apply, or None."""
    for pattern in _iterate_patterns(schema):
        try:
            measure_pattern(pattern)
        except (ValueError, re.error) as error:
            return f"its pattern {show_value(pattern)} is refused: {error}"
    if '"unevaluated' in dump_json(schema) and _has_remote_reference(schema):
        return "it has unevaluated keywords together with references other than '#/...'"
    return _Expansion(schema).find_excess()


def iterate_objects(value: Json) -> Iterator[dict[str, Json]]:
    """Yield all objects of a schema that may be subschemas, the schema itself included."""
    if isinstance(value, dict):
        yield value
        for key, member in value.items():
            if key not in _DATA or isinstance(member, dict):
                yield from iterate_objects(member)
    elif isinstance(value, list):
        for item in value:
            yield from iterate_objects(item)


def _measure_depth(schema: Json) -> int:
    depth, level = 0, [schema]
    while level:
        depth += 1
        level = [child for value in level for child in _children(value)]
    return depth


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _iterate_patterns(schema: dict[str, Json]) -> Iterator[str]:
    for value in iterate_objects(schema):
        pattern, patterns = value.get("pattern"), value.get("patternProperties")
        if isinstance(pattern, str):
            yield pattern
        if isinstance(patterns, dict):
            yield from patterns


def _has_remote_reference(schema: dict[str, Json]) -> bool:
    for value in iterate_objects(schema):
        if value is not schema and isinstance(value.get("$id"), str):
            return True
        for key in _REFERENCES:
            target = value.get(key)
            if isinstance(target, str) and target != "#" and not target.startswith("#/"):
                return True
    return False


class _Expansion:
    """Counts, for each subschema, how many subschemas apply to the same value with it.

    Without that limit, references to subschemas that have two references each would double the work
    at every level, and a reference to itself would never end.
    """

    def __init__(self, schema: dict[str, Json]) -> None:
        self.schema = schema
        #: By identity of the subschema: how many apply, how deep they nest. None while counting.
        self.sizes: dict[int, tuple[int, int] | None] = {}

    def find_excess(self) -> str | None:
        try:
            for value in iterate_objects(self.schema):
                self.measure(value)
        except (ValueError, RecursionError) as error:
            return str(error) if isinstance(error, ValueError) else "it refers too deeply"
        return None

    def measure(self, value: Json) -> tuple[int, int]:
        if not isinstance(value, dict):
            return 1, 1
        key = id(value)
        if key in self.sizes:
            known = self.sizes[key]
            if known is None:
                raise ValueError("it refers to itself without end")
            return known
        self.sizes[key] = None
        parts = [self.measure(part) for part in self.iterate_parts(value)]
        size = 1 + sum(part[0] for part in parts)
        depth = 1 + max((part[1] for part in parts), default=0)
        if size > MAX_EXPANSION or depth > MAX_EXPANSION_DEPTH:
            raise ValueError("too many of its subschemas apply to one value")
        self.sizes[key] = size, depth
        return size, depth

    def iterate_parts(self, value: dict[str, Json]) -> Iterator[Json]:
        for key in _ALTERNATIVES:
            if isinstance(value.get(key), list):
                yield from value[key]
        for key in _BRANCHES:
            if isinstance(value.get(key), dict):
                yield value[key]
        for key in _DEPENDENCIES:
            if isinstance(value.get(key), dict):
                yield from value[key].values()
        for key in _REFERENCES:
            if isinstance(value.get(key), str):
                yield self.resolve(value[key])

    def resolve(self, reference: str) -> Json:
        """Return what a local pointer leads to; None for any other reference."""
        if reference != "#" and not reference.startswith("#/"):
            return None
        found: Json = self.schema
        for segment in unquote(reference[1:]).split("/")[1:]:
            name = segment.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdecimal() and len(name) < 6:
                found = found[int(name)] if int(name) < len(found) else None
            else:
                found = found.get(name) if isinstance(found, dict) else None
        return found
