"""DELETE on `/__user_data__/{principal}`: for administrators, forget a user.

What only this user could write is deleted; from everything else the user's permissions and
memberships are taken away.

Source: protocol, core chapter 6.5.
"""

from __future__ import annotations

from kinto_lite.hooks import Call, Route
from kinto_lite.model import Answer, ListRef, ObjectRef, Place
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.protocol.timestamps import next_timestamp
from kinto_lite.resources.access import refuse
from kinto_lite.resources.conditions import check_request
from kinto_lite.settings import Settings


def delete_user_data(call: Call) -> Answer:
    """Answer DELETE on the user data of a principal."""
    allowed = call.service.settings.principals("user-data", "delete")
    if allowed.isdisjoint(call.asker.principals):
        refuse(call)
    check_request(call, [])
    principal = call.params["principal"]
    # Parents come first in the table of kinds: what lies below them goes with them.
    for kind in call.service.kinds.values():
        _delete_owned(call, principal, kind.name)
    call.tx.remove_principal(principal)
    body = f'{{"data":{{"principal":{dump_json(principal)}}}}}'
    return Answer(200, [], body.encode("ascii"))


def _delete_owned(call: Call, principal: str, kind: str) -> None:
    reached: dict[ListRef, int] = {}
    for ref, place in call.tx.list_owned_alone(principal, kind):
        counter = reached.get(ref, place.list_timestamp)
        reached[ref], _ = next_timestamp(call.service.clock(), counter)
        _delete(call, ref, place, reached[ref])


def _delete(call: Call, ref: ListRef, place: Place, timestamp: int) -> None:
    assert place.row is not None
    assert place.list_key is not None
    (tombstone,) = call.tx.delete_objects(place.list_key, ref.kind, [place.row], [timestamp])
    call.tell("delete", ObjectRef(*ref, place.row.id), place.row, tombstone)


def user_data_routes(settings: Settings) -> tuple[Route, ...]:
    """Return the routes; on a read-only server they have no method."""
    handlers = {} if settings["readonly"] else {"DELETE": delete_user_data}
    return (
        Route("user-data", "/__user_data__/{principal}", handlers),
        Route("user-data-plural", "/__user_data__", {}),
    )
