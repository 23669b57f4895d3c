"""JSON Schema: which schemas are accepted."""

from __future__ import annotations

from kinto_lite.errors import Detail
from kinto_lite.model import Json
from kinto_lite.protocol import descriptions


def check_schema(value: Json, field: str) -> list[Detail]:
    """Return the error of a schema that cannot be stored (chapter 12.1)."""
    from jsonschema import Draft7Validator  # type: ignore[import-untyped]

    if not isinstance(value, dict):
        return [Detail(field, "body", descriptions.describe_not_mapping(value))]
    for error in Draft7Validator(Draft7Validator.META_SCHEMA).iter_errors(value):
        return [Detail(field, "body", f"{error.path[-1] if error.path else ''}{error.message}")]
    return []
