"""Events: what listeners hear of, as records. `dispatcher` makes and delivers them, `announcer`
calls those who hear after the commit.

Of one transaction (a batch is one), there is one event for each list and action. Payload:

    timestamp      of the list, in milliseconds, after the first of the changes
    action         create, update, delete or read
    uri            path of the object; of the list, for requests on lists; of the first when merged
    user_id        with the prefix of its policy, or None
    resource_name  name of the kind: bucket, collection, group, record, account ...
    bucket_id ...  ids in that path

Objects are complete, with `id` and `last_modified` (`_fields` selects what a read event shows),
but for secret attributes such as passwords.

Source: protocol, plugins chapters 14.1 and 14.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from kinto_lite.model import ApiRequest, Json
from kinto_lite.storage.base import Transaction


@dataclass(frozen=True, slots=True)
class ResourceRead:
    """Objects were read; inside the transaction, before the answer."""

    payload: dict[str, Json]
    read_objects: list[dict[str, Json]]
    request: ApiRequest
    tx: Transaction


@dataclass(frozen=True, slots=True)
class ResourceChanged:
    """Objects were changed; inside the transaction, which an exception undoes.

    `impacted_objects` have "new" (of a deletion, the tombstone) and, but for creations, "old".
    """

    payload: dict[str, Json]
    impacted_objects: list[dict[str, Json]]
    request: ApiRequest
    tx: Transaction


@dataclass(frozen=True, slots=True)
class ServerFlushed:
    """Everything was deleted through `/__flush__`; inside the transaction."""

    request: ApiRequest
    tx: Transaction


@dataclass(frozen=True, slots=True)
class AfterResourceRead:
    """Objects were read, and the transaction has ended well."""

    payload: dict[str, Json]
    read_objects: list[dict[str, Json]]
    request: ApiRequest


@dataclass(frozen=True, slots=True)
class AfterResourceChanged:
    """Objects were changed, and that is on disk."""

    payload: dict[str, Json]
    impacted_objects: list[dict[str, Json]]
    request: ApiRequest
