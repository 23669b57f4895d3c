"""What an entry of the history says about a change. Pure: text in, text out.

Source: protocol, plugins chapter 5.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from kinto_lite.model import Change, ObjectRef, Row
from kinto_lite.protocol.json_text import dump_json


def describe_change(change: Change, row: Row, permissions: Mapping[str, list[str]]) -> str:
    """Return the attributes of an entry as JSON text, without its own id and timestamp.

    `row` is what the change left: an object or a tombstone. `permissions` are those that the
    object has at the end of the request.
    """
    # Ids and names are plain ASCII, so they need no escapes.
    ids = "".join(f'"{name}":"{id_}",' for name, id_ in name_ids(change.ref))
    date = datetime.now(UTC).isoformat(timespec="microseconds")
    return (
        f'{{"uri":"{change.ref.uri}","resource_name":"{change.ref.kind}",{ids}'
        f'"user_id":{dump_json(change.user_id)},"action":"{change.action}","date":"{date}",'
        f'"target":{{"data":{write_target(row)},"permissions":{dump_json(permissions)}}}}}'
    )


def name_ids(ref: ObjectRef) -> Iterator[tuple[str, str]]:
    """Yield attribute and id of the collection of a record, and of the object itself."""
    if ref.kind == "record":
        yield "collection_id", ref.parent_uri.rpartition("/")[2]
    yield f"{ref.kind}_id", ref.id


def write_target(row: Row) -> str:
    """Return the JSON text of an object; its id and timestamp come first, since snapshots look
    for them where a client may have stored anything."""
    head = f'{{"id":"{row.id}","last_modified":{row.last_modified}'
    return f"{head}}}" if row.data == "{}" else f"{head},{row.data[1:]}"
