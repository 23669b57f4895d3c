"""One exchange as the table of differences looks at it: the request taken apart, both answers.

The items of a batch become exchanges of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from compare.comparison import Mismatch
from compare.exchanges import Request, Response


@dataclass(frozen=True)
class Case:
    """One exchange: the request, how it was sent to each server, and what they answered."""

    request: Request
    sent: Mapping[str, Any]
    sent_to_ours: Mapping[str, Any]
    reference: Response
    ours: Response
    settings: Mapping[str, str]

    @property
    def path(self) -> str:
        """Path and query as they were sent to the reference."""
        path: str = self.sent["path"]
        return path


@dataclass(frozen=True)
class Asked:
    """A request and its two answers; `status` and `json` are pairs, the reference's first."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: Any
    settings: Mapping[str, str]
    status: tuple[int, int]
    json: tuple[Any, Any]
    #: Where the answers differ; without the place in the batch.
    where: tuple[str, ...] = ()
    in_batch: bool = False
    #: What the earlier items of the same batch were.
    before: tuple[Asked, ...] = field(default=())

    @property
    def is_read(self) -> bool:
        """Whether it asks for a list, or deletes one."""
        return self.method in ("GET", "HEAD", "DELETE")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(name.strip() for name, _ in self.query)

    @property
    def failed(self) -> bool:
        """Whether the reference had an unexpected error, and we had none."""
        return self.status[0] >= 500 and self.status[1] < 500

    @property
    def data(self) -> Mapping[str, Any]:
        """The `data` of the request's body, if it is an object."""
        data = self.body.get("data") if isinstance(self.body, dict) else None
        return data if isinstance(data, dict) else {}

    @property
    def content_type(self) -> str:
        """The header as it was sent."""
        return self.headers.get("content-type", "")


def split_query(path: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return a path and its parameters."""
    where, _, query = path.partition("?")
    return where, tuple(parse_qsl(query, keep_blank_values=True))


def take_apart(case: Case, mismatches: tuple[Mismatch, ...]) -> Asked:
    """Return the exchange itself."""
    path, query = split_query(case.path)
    body = case.sent["body"].encode("latin-1")
    try:
        decoded = json.loads(body) if body else None
    except ValueError:
        decoded = None
    return Asked(
        method=case.request.method,
        path=path,
        query=query,
        headers={name.lower(): value for name, value in case.sent["headers"]},
        body=decoded,
        settings=case.settings,
        status=(case.reference.status, case.ours.status),
        json=(case.reference.json, case.ours.json),
        where=tuple(mismatch.where for mismatch in mismatches),
    )


def take_items(batch: Asked) -> list[Asked]:
    """Return the items of a batch, if it is one that can be read."""
    if batch.path != "/v1/batch" or not isinstance(batch.body, dict):
        return []
    requests = batch.body.get("requests")
    if not isinstance(requests, list) or not all(isinstance(item, dict) for item in requests):
        return []
    items: list[Asked] = []
    for place, item in enumerate(requests):
        items.append(take_item(batch, place, merge(item, batch.body.get("defaults")), tuple(items)))
    return items


def take_item(
    batch: Asked, place: int, item: Mapping[str, Any], before: tuple[Asked, ...]
) -> Asked:
    """Return one item of a batch as an exchange."""
    path, query = split_query(str(item.get("path", "")))
    given = item.get("headers")
    headers = given if isinstance(given, dict) else {}
    answers = [take_answer(body, place) for body in batch.json]
    mark = f"body.responses[{place}]."
    return Asked(
        method=str(item.get("method") or "GET"),
        path=path if path.startswith("/v1") else f"/v1{path}",
        query=query,
        headers={**batch.headers, **{name.lower(): value for name, value in headers.items()}},
        body=item.get("body"),
        settings=batch.settings,
        status=(answers[0][0] or batch.status[0], answers[1][0] or batch.status[1]),
        json=(answers[0][1], answers[1][1]),
        where=tuple(name.removeprefix(mark) for name in batch.where if name.startswith(mark)),
        in_batch=True,
        before=before,
    )


def take_answer(body: Any, place: int) -> tuple[int, Any]:
    """Return status and body of one answer inside a batch's; status 0 when there is none."""
    responses = body.get("responses") if isinstance(body, dict) else None
    if not isinstance(responses, list) or place >= len(responses):
        return 0, None
    return responses[place]["status"], responses[place]["body"]


def merge(item: Any, default: Any) -> Any:
    """Return an item of a batch with the defaults filled in (protocol, core chapter 9.1)."""
    if not isinstance(item, dict) or not isinstance(default, dict):
        return item
    merged = {**default, **item}
    return {name: merge(value, default.get(name)) for name, value in merged.items()}


def walk(value: Any) -> Iterator[Any]:
    """Yield a JSON value and all values inside it."""
    yield value
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for child in children:
            yield from walk(child)
