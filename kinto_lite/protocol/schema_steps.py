"""How much work it is to apply a JSON schema to an object, in steps.

Every keyword that a validator applies costs at least one step of some microseconds; keywords
whose work grows with the object or with themselves cost more. `counted` wraps the function of a
keyword so that it pays first; when nothing is left, `TooManySteps` ends the validation.

Source: protocol, part 1, chapter 12 (limits are ours).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from kinto_lite.model import Json
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.protocol.patterns import count_steps, measure_pattern

#: Steps for an object against a schema, and for a schema against its meta-schema: a quarter of
#: a second where a step takes ten microseconds.
MAX_STEPS = 20000
MAX_CHECK_STEPS = 25000

#: The function of a keyword, as validators of the library `jsonschema` have them.
Keyword = Callable[[Any, Json, Json, Json], Any]

_account = threading.local()


class TooManySteps(Exception):
    """The object and the schema together are too much work."""


def start_steps(limit: int = MAX_STEPS) -> None:
    """Begin to count for the validation that follows in this thread."""
    _account.left = limit


def spend(steps: int) -> None:
    """Take steps; TooManySteps when there are not enough."""
    _account.left -= steps
    if _account.left < 0:
        raise TooManySteps


def counted(name: str, keyword: Keyword) -> Keyword:
    """Return the keyword's function, paying for its work and for the texts of its errors."""
    weigh = _WEIGHTS.get(name)

    def apply(validator: Any, value: Json, instance: Json, schema: Json) -> Iterator[Any]:
        spend(1 if weigh is None else 1 + weigh(value, instance, schema))
        for error in keyword(validator, value, instance, schema) or ():
            spend(1 + len(error.message) // 500)
            yield error

    return apply


def canonicalize(value: Json) -> Json:
    """Return a hashable value that is equal for equal JSON: 1 is 1.0, and not true."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, list):
        spend(len(value) // 8)
        return ("array", tuple(map(canonicalize, value)))
    if isinstance(value, dict):
        spend(1 + len(value) // 4)
        return ("object", frozenset((key, canonicalize(item)) for key, item in value.items()))
    return value


def _weigh_pattern(pattern: str, instance: Json, schema: Json) -> int:
    if not isinstance(instance, str):
        return 0
    return count_steps(measure_pattern(pattern), len(instance))


def _weigh_names(patterns: Json, instance: Json) -> int:
    if not isinstance(instance, dict) or not instance:
        return 0
    longest = max(map(len, instance))
    steps = sum(count_steps(measure_pattern(pattern), longest) for pattern in patterns)
    return 1 + len(instance) * steps // 4


def _weigh_pattern_properties(patterns: Json, instance: Json, schema: Json) -> int:
    return _weigh_names(patterns, instance)


def _weigh_other_properties(value: Json, instance: Json, schema: Json) -> int:
    names = _weigh_names(schema.get("patternProperties", ()), instance)
    return names + _weigh_instance(value, instance, schema)


def _weigh_instance(value: Json, instance: Json, schema: Json) -> int:
    return len(instance) // 2 if isinstance(instance, list | dict) else 0


def _weigh_pairs(value: Json, instance: Json, schema: Json) -> int:
    """The library compares every item, or property, with all that were evaluated before."""
    if not isinstance(instance, list | dict):
        return 0
    return (
        len(instance) + len(instance) ** 2 // 100 + _weigh_other_properties(value, instance, schema)
    )


def _weigh_value(value: Json, instance: Json, schema: Json) -> int:
    return len(value) // 32 if isinstance(value, list | dict) else 0


def _weigh_equality(value: Json, instance: Json, schema: Json) -> int:
    if isinstance(instance, list | dict):
        return len(dump_json(value)) // 16
    return len(value) // 8 if isinstance(value, list) else 0


def _weigh_reference(value: Json, instance: Json, schema: Json) -> int:
    return 2 if str(value).startswith("#/") else 10


_WEIGHTS: dict[str, Callable[[Any, Json, Json], int]] = {
    "pattern": _weigh_pattern,
    "patternProperties": _weigh_pattern_properties,
    "additionalProperties": _weigh_other_properties,
    "unevaluatedProperties": _weigh_pairs,
    "unevaluatedItems": _weigh_pairs,
    "propertyNames": _weigh_instance,
    "items": _weigh_instance,
    "prefixItems": _weigh_instance,
    "additionalItems": _weigh_instance,
    "contains": _weigh_instance,
    "properties": _weigh_value,
    "required": _weigh_value,
    "dependencies": _weigh_value,
    "dependentRequired": _weigh_value,
    "dependentSchemas": _weigh_value,
    "enum": _weigh_equality,
    "const": _weigh_equality,
    "$ref": _weigh_reference,
    "$dynamicRef": _weigh_reference,
    "$recursiveRef": _weigh_reference,
}
