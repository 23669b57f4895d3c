"""Who is in a group, kept in step with the group's `members`.

Within a batch, who leaves a group loses its rights at once, and who enters gains them when the
batch ends, as in the reference.

Source: protocol, core chapters 2.5, 7.4 and 9.2.
"""

from __future__ import annotations

import json

from kinto_lite.hooks import Call
from kinto_lite.model import Json, ObjectRef, Row


def store_members(call: Call, ref: ObjectRef, old: Row | None, new: Row) -> None:
    """Make the members of a stored group known to the permissions."""
    members = read_members(new)
    if call.work.pending_groups is not None:
        call.work.pending_groups[ref.uri] = ref
        before = set(read_members(old)) if old is not None else set()
        members = [member for member in members if member in before]
    call.tx.replace_members(ref, new.key, members)


def admit_new_members(call: Call) -> None:
    """At the end of a batch: let the members of all groups it wrote be members."""
    for ref in (call.work.pending_groups or {}).values():
        group = call.tx.find_object(ref, call.asker).live
        if group is not None:
            call.tx.replace_members(ref, group.key, read_members(group))


def read_members(group: Row) -> list[str]:
    """Return the members that a stored group names."""
    data: dict[str, Json] = json.loads(group.data)
    members: list[str] = data.get("members", [])
    return members
