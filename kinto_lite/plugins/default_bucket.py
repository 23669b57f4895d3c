"""The personal bucket: `/buckets/default` is a bucket of one's own, made when first used.

A request below it is passed on to the real bucket id; the bucket, and the collection that the
path names, are created first when they are missing.

Source: protocol, plugins chapter 3.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from kinto_lite.errors import METHOD_NOT_ALLOWED, ApiError, Detail, InvalidRequest
from kinto_lite.hooks import Call, Parts, Plugin, Route, Service
from kinto_lite.model import Answer, ObjectRef
from kinto_lite.protocol.json_text import dump_json, parse_json
from kinto_lite.resources.access import refuse
from kinto_lite.resources.storing import Wanted, store
from kinto_lite.storage.base import NeedsWrite

_CAPABILITY = {
    "description": "The default bucket is an alias for a personal bucket where collections are "
    "created implicitly.",
    "url": "https://kinto.readthedocs.io/en/latest/api/1.x/buckets.html#personal-bucket-default",
}
_ALIAS = "/v1/buckets/default"
_METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "TRACE")
#: Stands for the bucket in preflights, which create nothing.
_PLACEHOLDER = "00000000-0000-0000-0000-000000000000"


class DefaultBucket:
    """The alias, for one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._secret = _read_secret(service).encode("utf-8")
        self.bucket_id = lru_cache(maxsize=4096)(self._bucket_id)

    def _bucket_id(self, user_id: str) -> str:
        """Return the id of a user's bucket (plugins 3.1)."""
        digest = hmac.new(self._secret, user_id.encode("utf-8"), hashlib.sha256).hexdigest()
        ends = (0, 8, 12, 16, 20, 32)
        return "-".join(digest[start:end] for start, end in pairwise(ends))

    def describe_user(self, call: Call) -> dict[str, str]:
        """Tell the id in the hello view."""
        return {"bucket": self.bucket_id(call.asker.owner)}

    def answer(self, call: Call) -> Answer:
        """Pass a request on, after creating what it implies."""
        if call.request.method == "OPTIONS":
            return self._pass_on(call, _PLACEHOLDER)
        if call.asker.user_id is None:
            refuse(call)
        if call.service.settings["readonly"]:
            raise ApiError(METHOD_NOT_ALLOWED)
        bucket_id = self.bucket_id(call.asker.user_id)
        self._create_implied(call, bucket_id)
        return self._pass_on(call, bucket_id)

    def _create_implied(self, call: Call, bucket_id: str) -> None:
        segments = call.params.get("rest", "").split("/")
        is_put = call.request.method == "PUT"
        if segments == [""]:
            if not is_put:
                self._create(call, ObjectRef("bucket", "", bucket_id))
            return
        names_collection = segments[0] == "collections" and len(segments) >= 2
        implies_collection = names_collection and not (is_put and len(segments) == 2)
        if implies_collection:
            self._check_collection_id(segments[1])
        self._create(call, ObjectRef("bucket", "", bucket_id))
        if implies_collection:
            self._create(call, ObjectRef("collection", f"/buckets/{bucket_id}", segments[1]))

    def _check_collection_id(self, id_: str) -> None:
        if not self._service.identifiers["collection"].is_valid(id_):
            raise InvalidRequest([Detail(None, "path", "Invalid collection id")])

    def _create(self, call: Call, ref: ObjectRef) -> None:
        row = call.tx.find_row(ref)
        if row is not None and not row.is_deleted:
            return
        if not call.tx.is_write:
            raise NeedsWrite(f"{ref.uri} is created")
        place = call.tx.find_object(ref, call.asker)
        if place.live is not None:
            return
        route = next(r for r in self._service.routes if r.name == f"{ref.kind}-object")
        params = {"id": ref.id, "bucket_id": ref.parent_uri.rpartition("/")[2]}
        store(replace(call, route=route, params=params), ref, place, Wanted({}))

    def _pass_on(self, call: Call, bucket_id: str) -> Answer:
        outer = call.request
        path = f"/v1/buckets/{bucket_id}{outer.path[len(_ALIAS) :]}"
        body = outer.body
        if outer.method == "PUT" and outer.path == _ALIAS:
            body = _name_bucket(body, bucket_id)
        inner = replace(outer, path=path, body=body)
        return self._service.perform(call, inner).answer


def _name_bucket(body: bytes, bucket_id: str) -> bytes:
    """Put the real id where the body says `default` (D-8: there only)."""
    if b"default" not in body:
        return body
    try:
        document = parse_json(body)
    except ValueError:
        return body
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict) or data.get("id") != "default":
        return body
    data["id"] = bucket_id
    return dump_json(document).encode("ascii")


def _read_secret(service: Service) -> str:
    """Return the secret behind bucket ids. Kinto's is empty unless it is set; a server that
    was given no secrets at all keeps one of its own."""
    settings = service.settings
    if settings.is_given("default_bucket_hmac_secret") or settings.is_given("userid_hmac_secret"):
        return str(settings["default_bucket_hmac_secret"])
    return service.storage.read_secret("default_bucket_hmac_secret")


def _set_up(service: Service) -> Parts:
    alias = DefaultBucket(service)
    handlers = dict.fromkeys(_METHODS, alias.answer)
    return Parts(
        routes=(
            Route("default_bucket", "/buckets/default", handlers, is_alias=True),
            Route("default_bucket_collection", "/buckets/default/{rest*}", handlers, is_alias=True),
        ),
        capabilities={"default_bucket": _CAPABILITY},
        describe_user=alias.describe_user,
    )


PLUGIN = Plugin("default_bucket", _set_up)
