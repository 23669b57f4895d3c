"""JSON Schema: which schemas may be stored, and whether an object fits one.

The one door of the library `jsonschema`, which is imported when a schema is first met: that
takes a fifth of a second. References never leave the schema and the built-in meta-schemas.
Leaves to the caller which schemas an object has to fit, in which order.

Source: protocol, part 1, chapter 12.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from kinto_lite.errors import Detail
from kinto_lite.model import Json
from kinto_lite.protocol import descriptions
from kinto_lite.protocol.schema_limits import find_excess, find_oversize, iterate_objects
from kinto_lite.protocol.schema_steps import (
    MAX_CHECK_STEPS,
    TooManySteps,
    canonicalize,
    counted,
    start_steps,
)

#: What a validator can raise for a schema whose references lead to something else than schemas.
_FAILURES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    re.error,
)
_SHOWN = 2000

#: Keywords of the dialects after Draft 7, which its meta-schema does not check.
_LATER_KEYWORDS: dict[str, type | tuple[type, ...]] = {
    "$defs": dict,
    "$anchor": str,
    "$dynamicAnchor": str,
    "$dynamicRef": str,
    "$recursiveRef": str,
    "dependentRequired": dict,
    "dependentSchemas": dict,
    "maxContains": (int, float),
    "minContains": (int, float),
    "prefixItems": list,
    "unevaluatedItems": (dict, bool),
    "unevaluatedProperties": (dict, bool),
}


def check_schema(value: Json, field: str) -> list[Detail]:
    """Return the error of a schema that cannot be stored: not valid under Draft 7, or too
    much work to apply (chapter 12.1)."""
    if not isinstance(value, dict):
        return [Detail(field, "body", descriptions.describe_not_mapping(value))]
    if not value:
        return []
    text = _find_refusal(value)
    return [Detail(field, "body", text)] if text else []


def validate_object(
    schema_text: str, kind: str, data: dict[str, Json], id: str | None
) -> list[Detail]:
    """Return the error of an object that does not fit a stored schema, the first one only.

    `schema_text` is the JSON of the schema; `kind` the kind of the object, by name; `data` all
    its attributes without `id` and `last_modified`; `id` None as long as it has none.
    Source: protocol, part 1, chapters 12.2 and 12.4.
    """
    try:
        validator = _compile(schema_text, kind == "record")
        start_steps()
        return _validate(validator, _select_visible(validator.schema, kind, data, id))
    except TooManySteps:
        return [_describe_failure("the object is too complex for its schema")]
    except _FAILURES as error:
        return [_describe_failure(f"the schema cannot be applied: {type(error).__name__}: {error}")]


def _find_refusal(schema: dict[str, Json]) -> str | None:
    reason = find_oversize(schema)
    if reason is None:
        try:
            error = _check_form(_get_dialect("Draft7Validator"), schema)
        except TooManySteps:
            reason = "it is too large"
        except _FAILURES as failure:
            reason = f"it cannot be read: {type(failure).__name__}"
        else:
            if error is not None:
                place = error.path[-1] if error.path else ""
                return _cut(f"{place}{error.message}")
            reason = find_excess(schema)
    return _cut(f"The schema is refused: {reason}") if reason else None


def _check_form(dialect: Any, schema: dict[str, Json]) -> Any:
    """Return the best error that the meta-schema of a dialect finds, or None."""
    from jsonschema.exceptions import best_match

    start_steps(MAX_CHECK_STEPS)
    checker = dialect.FORMAT_CHECKER
    return best_match(dialect(dialect.META_SCHEMA, format_checker=checker).iter_errors(schema))


def _validate(validator: Any, visible: dict[str, Json]) -> list[Detail]:
    from referencing.exceptions import Unresolvable

    try:
        error = next(validator.iter_errors(visible), None)
    except Unresolvable as unresolvable:
        return [_describe_failure(str(unresolvable))]
    if error is None:
        return []
    return [Detail(_name_error(error), "body", _cut(error.message))]


def _name_error(error: Any) -> str | int:
    """Return the name of an error (chapter 12.4)."""
    name: str | int
    if error.path:
        name = error.path[-1]
    elif error.validator == "required" and isinstance(error.validator_value, list):
        name = str(error.validator_value[-1])
    else:
        name = error.validator or (error.schema_path[0] if error.schema_path else "schema")
    return name


def _select_visible(
    schema: Json, kind: str, data: dict[str, Json], id: str | None
) -> dict[str, Json]:
    """Leave out the fields that schemas do not see (chapter 12.2)."""
    visible = {key: value for key, value in data.items() if key not in _hidden_names(schema, kind)}
    if id is not None and "id" in schema.get("properties", {}):
        visible["id"] = id
    return visible


def _hidden_names(schema: dict[str, Json], kind: str) -> set[str]:
    hidden = {"last_modified"}
    if kind == "record":
        hidden.add("schema")
    if "id" not in schema.get("properties", {}):
        hidden.add("id")
    return hidden


@lru_cache(maxsize=32)
def _compile(schema_text: str, is_record: bool) -> Any:
    """Make the validator of a schema; what is hidden is no longer required.

    The limits are looked at again, since a database may hold schemas that came another way.
    """
    schema: dict[str, Json] = json.loads(schema_text)
    if excess := find_excess(schema):
        raise ValueError(excess)
    hidden = _hidden_names(schema, "record" if is_record else "")
    if isinstance(schema.get("required"), list):
        schema["required"] = [name for name in schema["required"] if name not in hidden]
    dialect = _choose_dialect(schema)
    return dialect(schema, _resolver=_make_resolver(dialect, schema))


def _make_resolver(dialect: Any, schema: dict[str, Json]) -> Any:
    """Make a resolver that knows the schema and the meta-schemas, and cannot retrieve more.

    Crawled once here: otherwise every reference to an anchor would go through the whole schema.
    """
    import referencing.jsonschema
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

    specification = referencing.jsonschema.specification_with(
        dialect.ID_OF(dialect.META_SCHEMA) or ""
    )
    resource = specification.create_resource(schema)
    uri = resource.id() or ""
    return REGISTRY.with_resource(uri, resource).crawl().resolver(base_uri=uri)


def _choose_dialect(schema: dict[str, Json]) -> Any:
    """Return the dialect that `$schema` names, else 2020-12; Draft 7 where it does not fit."""
    from jsonschema import validators

    name = validators.validator_for(schema, default=validators.Draft202012Validator).__name__
    is_late = name in ("Draft201909Validator", "Draft202012Validator")
    if is_late:
        fits = all(_fits_later_dialects(part, name) for part in iterate_objects(schema))
    else:
        fits = name == "Draft7Validator" or _check_form(_get_dialect(name), schema) is None
    return _get_dialect(name if fits else "Draft7Validator")


def _fits_later_dialects(part: dict[str, Json], name: str) -> bool:
    """Tell whether an object may be a subschema of a dialect whose meta-schema is too slow to ask.

    Draft 7 has accepted it already, so only what came or changed later is looked at.
    """
    if name == "Draft202012Validator" and isinstance(part.get("items"), list):
        return False
    for keyword, types in _LATER_KEYWORDS.items():
        if keyword in part and not isinstance(part[keyword], types):
            return False
    below = [*part.get("$defs", {}).values(), *part.get("dependentSchemas", {}).values()]
    return all(isinstance(schema, dict | bool) for schema in [*below, *part.get("prefixItems", [])])


@lru_cache
def _get_dialect(name: str) -> Any:
    """Return a validator class of the library whose keywords count steps."""
    from jsonschema import validators

    base = getattr(validators, name)
    keywords = {key: counted(key, function) for key, function in base.VALIDATORS.items()}
    keywords["uniqueItems"] = counted("uniqueItems", _check_unique_items)
    extend: Any = validators.extend
    dialect = extend(base, keywords)
    dialect.evolve = _evolve
    return dialect


def _evolve(self: Any, **changes: Any) -> Any:
    """Replaces the library's method, which leaves the counting class wherever a subschema has a
    `$schema` of its own."""
    return type(self)(
        changes.get("schema", self.schema),
        format_checker=self.format_checker,
        registry=self._registry,
        _resolver=changes.get("_resolver", self._resolver),
    )


def _check_unique_items(
    validator: Any, is_wanted: Json, instance: Json, schema: Json
) -> Iterator[Any]:
    """Replaces the library's function, which compares objects pair by pair."""
    from jsonschema.exceptions import ValidationError

    if not is_wanted or not isinstance(instance, list):
        return
    if len(set(map(canonicalize, instance))) < len(instance):
        yield ValidationError(f"{instance!r} has non-unique elements")


def _describe_failure(text: str) -> Detail:
    return Detail("schema", "body", _cut(text))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
