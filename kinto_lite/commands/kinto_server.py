"""Reads what a user may read of a running Kinto, through its public API.

Implements `kinto_objects.KintoSource`. Lists are read page by page, permissions by batches; in
the end every list is asked for its timestamp again, so that what was read is what was there at
one moment. Leaves the connection to `kinto_client`.

Source: protocol, core chapters 5, 7, 8 and 9; plugins chapters 4 and 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from kinto_lite.commands.kinto_client import KintoClient, Reply
from kinto_lite.plugins.accounts.passwords import is_bcrypt_hash
from kinto_lite.storage.kinto_objects import BELOW, PLURALS, KintoList, KintoObject
from kinto_lite.storage.moving import Refused

#: Objects that are asked for at once.
PAGE = 200
#: All with tombstones, the oldest first, so that keys grow with age.
QUERY = f"_since=0&_sort=last_modified&_limit={PAGE}"
#: Requests in a batch when the server does not say.
BATCH = 25
#: Kinds whose permissions an object endpoint shows.
HAS_PERMISSIONS = frozenset({"bucket", "group", "collection", "record", "account"})


@dataclass
class OpenList:
    """A plural endpoint whose first page was asked for; None when it may not be read."""

    kind: str
    parent_uri: str
    path: str
    timestamp: int
    first: Reply | None


class KintoServer:
    """A `KintoSource` for one user of a server."""

    def __init__(self, client: KintoClient) -> None:
        self._client = client
        hello = client.get("/")
        body = hello.body if isinstance(hello.body, dict) else {}
        if hello.status != 200 or "http_api_version" not in body:
            raise Refused(f"This address is no Kinto (it answers {hello.status}): is /v1 missing?")
        self.user_id: str | None = (body.get("user") or {}).get("id")
        if client.has_credentials and self.user_id is None:
            raise Refused("The server does not know these credentials.")
        self._capabilities = set(body.get("capabilities") or {})
        asked = (body.get("settings") or {}).get("batch_max_requests")
        self._batch = max(1, min(asked, BATCH)) if isinstance(asked, int) else BATCH
        self._can_batch = True
        self._buckets = self._open("bucket", "")
        if self._buckets.first is None:
            raise Refused("The list of buckets may not be read without credentials: --auth USER.")
        self._accounts = self._open("account", "") if "accounts" in self._capabilities else None
        self._opened = [self._buckets]
        self._unreadable: list[str] = []
        self._hidden: Counter[str] = Counter()
        self._passwords = 0

    def count_objects(self) -> None:
        """See `KintoSource`: nobody knows."""
        return

    def root_lists(self) -> list[KintoList]:
        """See `KintoSource`."""
        roots = [self._buckets, self._accounts]
        return [KintoList(root.kind, root.timestamp) for root in roots if root]

    def objects(self) -> Iterator[KintoObject]:
        """See `KintoSource`. Errors: Refused when something changed meanwhile."""
        yield from self._read(self._buckets)
        if self._accounts is not None:
            yield from self._read(self._accounts)
        self._refuse_changes()

    # Lists

    def _open(self, kind: str, parent_uri: str) -> OpenList:
        path = f"{parent_uri}/{PLURALS[kind]}"
        reply = self._client.get(f"{quote(path)}?{QUERY}")
        is_readable = reply.status == 200 and isinstance(reply.body, dict)
        timestamp = reply.timestamp if is_readable else 0
        return OpenList(kind, parent_uri, path, timestamp, reply if is_readable else None)

    def _open_below(self, kind: str, uri: str) -> list[OpenList]:
        opened = [
            self._open(below, uri)
            for below in BELOW.get(kind, ())
            if below != "history" or "history" in self._capabilities
        ]
        self._unreadable += [one.path for one in opened if one.first is None]
        self._opened += [one for one in opened if one.first is not None]
        return opened

    def _read(self, opened: OpenList) -> Iterator[KintoObject]:
        """Yield the objects of a list, each followed by all that is below it."""
        for page in self._pages(opened):
            permissions = self._read_permissions(opened, page)
            for item in page:
                found = make_found(opened, item, permissions.get(item["id"]))
                self._note(found, permissions)
                below = [] if found.is_deleted else self._open_below(found.kind, found.uri)
                lists = [KintoList(one.kind, one.timestamp) for one in below]
                yield found._replace(lists=lists)
                for one in below:
                    yield from self._read(one)

    def _pages(self, opened: OpenList) -> Iterator[list[dict[str, Any]]]:
        # Pages are forgotten as soon as they were read.
        reply, opened.first = opened.first, None
        while reply is not None:
            yield read_items(reply, opened.path)
            following = reply.headers.get("Next-Page")
            if not following:
                return
            # Only what it asks: behind a proxy, the server may not know its own address.
            reply = self._client.get(f"{quote(opened.path)}?{urlsplit(following).query}")
            if reply.status != 200:
                raise Refused(f"{opened.path} could not be read to its end ({reply.status}).")

    # Permissions

    def _read_permissions(
        self, opened: OpenList, page: Sequence[dict[str, Any]]
    ) -> dict[str, dict[str, list[str]]]:
        """Return the permissions of the live objects of a page, as far as the user sees them."""
        if opened.kind not in HAS_PERMISSIONS:
            return {}
        live = {item["id"]: item for item in page if not item.get("deleted")}
        paths = [f"{quote(opened.path)}/{quote(id_, safe='')}" for id_ in live]
        found = {}
        for item, reply in zip(live.values(), self._ask(paths), strict=True):
            shown = reply.body if isinstance(reply.body, dict) else {}
            now = shown.get("data") or {}
            # Some may be listed, and not read alone.
            if reply.status == 200 and now.get("last_modified") != item["last_modified"]:
                raise Refused(CHANGED.format(f"{opened.path}/{item['id']}"))
            # To those who may not see them, permissions are shown as if there were none.
            if isinstance(shown.get("permissions"), dict) and shown["permissions"]:
                found[item["id"]] = shown["permissions"]
        return found

    def _ask(self, paths: Sequence[str]) -> Iterator[Reply]:
        """Yield what each path answers, many at once where the server lets us."""
        for start in range(0, len(paths), self._batch):
            part = paths[start : start + self._batch]
            replies = self._ask_at_once(part) if self._can_batch else None
            if replies is None:
                replies = [self._client.get(path) for path in part]
            yield from replies

    def _ask_at_once(self, paths: Sequence[str]) -> list[Reply] | None:
        """Return the answers of a batch; None when there are no batches (read-only servers)."""
        requests = [{"method": "GET", "path": self._version + path} for path in paths]
        reply = self._client.send("POST", "/batch", {"requests": requests})
        answers = reply.body.get("responses") if isinstance(reply.body, dict) else None
        if reply.status != 200 or not isinstance(answers, list) or len(answers) != len(paths):
            self._can_batch = False
            return None
        return [
            Reply(one.get("status", 0), one.get("headers") or {}, one.get("body"))
            for one in answers
        ]

    @property
    def _version(self) -> str:
        """`/v1`: proxies may have put more before it, which the server does not know of."""
        return "/" + self._client.base.rpartition("/")[2]

    # What was, and what was not there

    def _note(self, found: KintoObject, permissions: dict[str, dict[str, list[str]]]) -> None:
        if found.is_deleted or found.kind not in HAS_PERMISSIONS:
            return
        if found.id not in permissions:
            self._hidden[found.kind] += 1
        if found.kind == "account":
            self._passwords += is_bcrypt_hash(str(found.data.get("password", "")))

    def _refuse_changes(self) -> None:
        """Look whether a list has changed since it was opened. Errors: Refused."""
        paths = [f"{quote(opened.path)}?_limit=1" for opened in self._opened]
        for opened, reply in zip(self._opened, self._ask(paths), strict=True):
            if reply.timestamp != opened.timestamp:
                raise Refused(CHANGED.format(opened.path))

    def describe_losses(self) -> list[str]:
        """See `KintoSource`."""
        user = self.user_id or "an anonymous user"
        losses = [
            f"What {user} may not read, and objects in buckets that this user may not list.",
            "Tombstones of lists that the user may read in part only.",
            "Who may read single history entries: those who may read the bucket still may.",
            "The secrets of the server.",
        ]
        if self._accounts is not None:
            losses.append(
                f"Passwords of accounts other than the {self._passwords} that the user may read."
            )
        losses += [f"{path}: the user may not read this list." for path in self._unreadable]
        losses += [
            f"Permissions of {count} of the kind {kind!r}: only who is named as a writer sees them."
            for kind, count in sorted(self._hidden.items())
        ]
        return losses


CHANGED = (
    "{} was changed while it was read. Make sure that nobody writes to the old server "
    "meanwhile, and run this again."
)


def read_items(reply: Reply, path: str) -> list[dict[str, Any]]:
    """Return the objects of a page. Errors: Refused for what no Kinto would answer."""
    items = reply.body.get("data") if isinstance(reply.body, dict) else None
    if not isinstance(items, list):
        raise Refused(f"{path}: the server answers something else than a list.")
    for item in items:
        is_object = isinstance(item, dict) and isinstance(item.get("id"), str) and item["id"]
        if not is_object or type(item.get("last_modified")) is not int:
            raise Refused(f"{path}: the server lists something without id and last_modified.")
    return items


def make_found(
    opened: OpenList, item: dict[str, Any], permissions: dict[str, list[str]] | None
) -> KintoObject:
    """Return an object as it was listed."""
    pairs = [
        (name, str(principal))
        for name, principals in (permissions or {}).items()
        for principal in principals
    ]
    members = item.get("members") if opened.kind == "group" else None
    return KintoObject(
        opened.kind,
        opened.parent_uri,
        item["id"],
        item["last_modified"],
        item.get("deleted") is True,
        item,
        pairs,
        [str(member) for member in members] if isinstance(members, list) else [],
    )
