"""Response bodies, as bytes. Stored JSON is spliced, never decoded: an object's text gets its
`id` and `last_modified` joined on, and lists are joined texts.

Source: protocol, core chapters 1.6, 2.1 and 10.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kinto_lite.errors import ApiError
from kinto_lite.model import Row
from kinto_lite.protocol.json_text import dump_json


def splice_row(row: Row) -> str:
    """Return the JSON text of a stored object, `id` and `last_modified` included."""
    return splice_rows((row,))[0]


def splice_rows(rows: Iterable[Row]) -> list[str]:
    """Return the same of each row. Written out, since calls would take twice the time."""
    return [
        f'{data[:-1]},"id":"{id_}","last_modified":{last_modified}}}'
        if data != "{}"
        else f'{{"id":"{id_}","last_modified":{last_modified}}}'
        for _, id_, last_modified, data, _ in rows
    ]


def object_body(row: Row, permissions: Mapping[str, list[str]] | None) -> bytes:
    """Return `{"permissions": …, "data": …}`; permissions the asker may not see are `{}`."""
    shown = dump_json(permissions) if permissions else "{}"
    return f'{{"permissions":{shown},"data":{splice_row(row)}}}'.encode("ascii")


def data_body(text: str) -> bytes:
    """Return `{"data": …}` around a JSON text."""
    return f'{{"data":{text}}}'.encode("ascii")


def list_body(texts: Iterable[str]) -> bytes:
    """Return `{"data": [ … ]}` around the JSON texts of the objects."""
    return f'{{"data":[{",".join(texts)}]}}'.encode("ascii")


def error_body(error: ApiError, info: str | None = None) -> bytes:
    """Return the body of an error: code, errno, error, and what it has beyond them."""
    body: dict[str, Any] = {
        "code": error.row.status,
        "errno": error.row.errno,
        "error": error.row.title,
    }
    if error.message is not None:
        body["message"] = error.message
    if info is not None:
        body["info"] = info
    if error.details is not None:
        body["details"] = error.details
    return dump_json(body).encode("ascii")
