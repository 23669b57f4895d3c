"""Which JSON schemas an object has to fit: its collection's, then those of its bucket.

Source: protocol, core chapters 12.2 and 12.3.
"""

from __future__ import annotations

import json
from functools import lru_cache

from kinto_lite.errors import InvalidRequest
from kinto_lite.hooks import Call
from kinto_lite.model import Json, ObjectRef, Row
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.protocol.schemas import validate_object


def validate_against_schemas(
    call: Call, ref: ObjectRef, id_: str | None, data: dict[str, Json]
) -> dict[str, Json]:
    """Return the attributes to store: those given, and the `schema` of a validated record.

    `id_` is None when the server makes one up. Nothing is checked on buckets.
    Errors: InvalidRequest, with the first rule that is broken.
    """
    if not call.service.settings["experimental_collection_schema_validation"]:
        return data
    if ref.kind == "record":
        data = _validate_record(call, ref, id_, data)
    bucket = _find_bucket(call, ref)
    if bucket is not None:
        _check(read_schema(bucket.data, f"{ref.kind}:schema"), ref, id_, data)
    return data


def _validate_record(
    call: Call, ref: ObjectRef, id_: str | None, data: dict[str, Json]
) -> dict[str, Json]:
    """Check the collection's schema; a record that fits says which state of it it fits."""
    bucket_uri, _, collection_id = ref.parent_uri.rpartition("/collections/")
    parent = ObjectRef("collection", bucket_uri, collection_id)
    collection = _find_live(call, parent)
    schema = None if collection is None else read_schema(collection.data, "schema")
    if collection is None or schema is None:
        return data
    _check(schema, ref, id_, data)
    return data | {"schema": collection.last_modified}


def _find_bucket(call: Call, ref: ObjectRef) -> Row | None:
    if ref.kind not in ("record", "collection", "group"):
        return None
    bucket_id = ref.parent_uri.split("/")[2]
    return _find_live(call, ObjectRef("bucket", "", bucket_id))


def _find_live(call: Call, ref: ObjectRef) -> Row | None:
    """Look at an object that this request leaves alone."""
    row = call.tx.find_row(ref)
    return None if row is None or row.is_deleted else row


@lru_cache(maxsize=256)
def read_schema(data: str, field: str) -> str | None:
    """Return the text of a schema in the stored attributes of an object; None when it has none."""
    if f'"{field}":' not in data:
        return None
    schema = json.loads(data).get(field)
    return None if schema is None else dump_json(schema)


def _check(schema: str | None, ref: ObjectRef, id_: str | None, data: dict[str, Json]) -> None:
    if schema is None:
        return
    details = validate_object(schema, ref.kind, data, id_)
    if details:
        raise InvalidRequest(details)
