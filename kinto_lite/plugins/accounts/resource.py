"""What the API shows of accounts, and who may do what with them.

The verbs and the permissions are those of all objects. What is special: a user, other than an
administrator, sees one account only, the own one, and its timestamps; passwords are stored as
hashes; an account belongs to itself, whoever made it.

Source: protocol, plugins chapter 4.1 to 4.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from kinto_lite.errors import ApiError, Detail, ErrorRow, InvalidRequest, SlowWork
from kinto_lite.hooks import Call, Handler, Route, Rules, Service
from kinto_lite.model import MISSING, Answer, Filter, Json, ObjectRef, Place, Row
from kinto_lite.plugins.accounts.names import (
    ACCOUNT,
    account_ref,
    bare_id,
    principal_of,
)
from kinto_lite.plugins.accounts.passwords import hash_password
from kinto_lite.plugins.accounts.privileges import refuse_privileged
from kinto_lite.plugins.accounts.stored import read_hash
from kinto_lite.plugins.accounts.throttle import find_network
from kinto_lite.protocol.bodies import read_envelope
from kinto_lite.resources.access import refuse
from kinto_lite.resources.conditions import content_type
from kinto_lite.resources.routes import object_routes

#: Strangers have no account to list; this refusal has no message.
NOTHING_TO_LIST = ErrorRow(401, 999, "Cannot read accounts.")

_NO_ID = "Accounts must have an ID."
_OTHERS = "Username and account ID do not match."
_READ = frozenset({("account", "read")})


class AccountRules(Rules):
    """See `hooks.Rules`; stateless, but for what the settings say."""

    shows_permissions = True

    def __init__(self, service: Service) -> None:
        self._started_ms = service.started_ms
        self._admins = service.grants["account", "write"]

    def is_bound(self, call: Call) -> bool:
        """Tell whether the asker is a user who has to do with one account only."""
        return call.asker.user_id is not None and not self.is_admin(call)

    def is_admin(self, call: Call) -> bool:
        """Tell whether settings let the asker act on all accounts."""
        return not self._admins.isdisjoint(call.asker.principals)

    def see_object(self, call: Call, ref: ObjectRef, place: Place) -> Place:
        """Hide other accounts, also those whose owners share them (D-4). Each account has its
        own timestamps, as if it were alone in its list."""
        if self.is_bound(call) and ref.id != bare_id(call.asker):
            place = replace(place, row=None, permissions=None, held=place.held & _READ)
        return replace(place, list_timestamp=self._find_timestamp(place.row))

    def see_list(self, call: Call, place: Place) -> Place:
        """Let the list have the timestamp of the only account in it."""
        if not self.is_bound(call):
            return place
        own = call.tx.find_row(account_ref(bare_id(call.asker)))
        return replace(place, list_timestamp=self._find_timestamp(own))

    def _find_timestamp(self, row: Row | None) -> int:
        return self._started_ms if row is None else row.last_modified

    def narrow_list(self, call: Call) -> tuple[Filter, ...]:
        """Leave the own account in the list."""
        return (Filter("id", "eq", bare_id(call.asker)),) if self.is_bound(call) else ()

    def owner(self, call: Call, ref: ObjectRef) -> str:
        """Return the account itself; a user of another policy who has that name, as such."""
        is_namesake = bare_id(call.asker) == ref.id
        return call.asker.owner if is_namesake else principal_of(ref.id)

    def prepare(
        self, call: Call, ref: ObjectRef, old: Row | None, data: dict[str, Json]
    ) -> dict[str, Json]:
        """Put the hash in place of the password; the hash itself, sent back, stays as it is."""
        if self.is_bound(call) and ref.id != bare_id(call.asker):
            raise InvalidRequest([Detail("data.id", "body", _OTHERS if ref.id else _NO_ID)])
        if old is None and not self.is_admin(call):
            refuse_privileged(call, ref)
        password = data["password"]
        if old is not None and password == read_hash(old.data):
            return data
        return data | {"password": _find_new_hash(call, ref, password)}


def _find_new_hash(call: Call, ref: ObjectRef, password: str) -> str:
    """Return the hash that was made for this request. Errors: SlowWork when there is none."""
    key = ("new password", ref.id, password)
    if key not in call.request.done:
        client = find_network(call.request.remote_address)
        raise SlowWork(key, partial(hash_password, password), client)
    return str(call.request.done[key])


def account_routes(service: Service, rules: AccountRules) -> Iterator[Route]:
    """Yield the routes of the list and of single accounts."""

    def guard_list(handler: Handler) -> Handler:
        return lambda call: handler(call) if call.asker.user_id else _refuse_stranger(call)

    def guard_creation(handler: Handler) -> Handler:
        return lambda call: _create(call, rules, handler)

    guards = {"GET": guard_list, "HEAD": guard_list, "DELETE": guard_list, "POST": guard_creation}
    plural, single = object_routes(ACCOUNT, service.kinds, service.settings)
    handlers: Mapping[str, Handler] = {
        method: guards[method](handler) for method, handler in plural.handlers.items()
    }
    yield replace(plural, handlers=handlers)
    yield single


def _refuse_stranger(call: Call) -> Answer:
    """Never list accounts to anonymous requests, whatever is shared with everyone."""
    if "system.Everyone" in call.service.grants["account", "create"]:
        raise ApiError(NOTHING_TO_LIST)
    refuse(call)


def _create(call: Call, rules: AccountRules, handler: Handler) -> Answer:
    """Answer POST. Who may make accounts of any name has to give it, before all else."""
    if not rules.is_bound(call):
        envelope, _ = read_envelope(call.request.body, content_type(call), call.kind)
        if envelope.id is MISSING:
            raise InvalidRequest([Detail("data.id", "body", "data.id in body: Required")])
    return handler(call)
