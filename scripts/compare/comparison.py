"""Two answers to one request: do they say the same?

Compares the status, the JSON body and the headers that the protocol speaks of. Texts that a
third-party library writes are free. Leaves the judgement of what differs to `differences`.
"""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from compare.binding import UUID, Binding
from compare.exchanges import Response

ABSENT = "(absent)"
#: Bodies that describe the server rather than what it stores.
FREE_BODIES = ("/v1/__api__", "/v1/contribute.json", "/v1/__version__")
#: Lists whose timestamp is an arbitrary constant.
FREE_ETAGS = ("/v1/permissions",)
#: After these words an error text is what some library says.
FREE_TEXTS = ("Invalid JSON: ", "JSON Patch operation failed: ")
#: What every server says in its own words.
FREE_CAPABILITY = ("description", "url")
#: Texts that only have to look alike: hashes with salt, and the clock of the wall.
FREE_FORMS: Mapping[str, re.Pattern[str]] = {
    "password": re.compile(r"\$(2b|scrypt)\$.+"),
    "date": re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)?"),
}
#: Seconds between two servers that look at the same clock one after the other.
CLOCK_TOLERANCE = 3


class Mismatch(NamedTuple):
    """Where two answers differ: `status`, `header etag`, `body.data[].title` ..."""

    where: str
    reference: Any
    ours: Any


class Comparer:
    """Compares the two answers to one request, with what the session has bound so far."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding

    def compare(
        self, method: str, path: str, reference: Response, ours: Response
    ) -> list[Mismatch]:
        """Return all differences; the status alone when that differs."""
        self.binding.scope = get_list(path.partition("?")[0])
        if reference.status != ours.status:
            return [Mismatch("status", reference.status, ours.status)]
        headers = (dict_of(reference), dict_of(ours))
        if path.partition("?")[0] in FREE_ETAGS:
            for name in ("etag", "last-modified"):
                headers[0][name] = headers[1][name] = []
        found = list(self._compare_headers(headers[0], headers[1], reference))
        if reference.status not in (304, 307) and path.partition("?")[0] not in FREE_BODIES:
            found.extend(self._compare_bodies(method, path, reference, ours))
        return found

    def _compare_bodies(
        self, method: str, path: str, reference: Response, ours: Response
    ) -> Iterator[Mismatch]:
        if reference.json is None or ours.json is None:
            if reference.text != ours.text:
                yield Mismatch("body", reference.text, ours.text)
            return
        first, second = reference.json, ours.json
        if method == "DELETE" and isinstance(first.get("data"), list):
            first, second = self._order_by_id(first, 0), self._order_by_id(second, 1)
        differences = list(self._compare_json("body", first, second))
        yield from differences
        if not differences and get_escapes(reference.text) != get_escapes(ours.text):
            yield Mismatch("body escapes", get_escapes(reference.text), get_escapes(ours.text))

    def _order_by_id(self, body: Any, side: int) -> Any:
        """Return the answer to a DELETE of a list, whose order is free, in a fixed one."""
        data = body.get("data")
        if not isinstance(data, list):
            return body

        def key(one: Any) -> tuple[str, int]:
            label = self.binding.label(one["id"], side)
            return ("" if UUID.fullmatch(label) else label), one["last_modified"]

        return {**body, "data": sorted(data, key=key)}

    def _compare_json(self, where: str, first: Any, second: Any) -> Iterator[Mismatch]:
        if isinstance(first, dict) and isinstance(second, dict):
            yield from self._compare_objects(where, first, second)
        elif isinstance(first, list) and isinstance(second, list):
            yield from self._compare_arrays(where, first, second)
        elif not self._are_same(where, first, second):
            yield Mismatch(where, first, second)

    def _compare_objects(
        self, where: str, first: Mapping[str, Any], second: Mapping[str, Any]
    ) -> Iterator[Mismatch]:
        if is_schema_detail(first) and is_schema_detail(second):
            # Which fault of a schema is told, and how, is the library's affair.
            first, second = {**first, "description": ""}, {**second, "description": ""}
        if has_schema_detail(first) and has_schema_detail(second):
            first, second = {**first, "message": ""}, {**second, "message": ""}
        labels = ({}, {}) if first.keys() == second.keys() else self.binding.ids
        mine = {labels[0].get(name, name): value for name, value in first.items()}
        other = {labels[1].get(name, name): value for name, value in second.items()}
        if "status" in mine and "headers" in mine and "path" in mine:
            yield from self._compare_parts(where, dict(mine), dict(other))
            return
        for name in [*mine, *(name for name in other if name not in mine)]:
            yield from self._compare_json(
                f"{where}.{name}", mine.get(name, ABSENT), other.get(name, ABSENT)
            )

    def _compare_parts(
        self, where: str, first: dict[str, Any], second: dict[str, Any]
    ) -> Iterator[Mismatch]:
        """Compare one response inside the answer to a batch."""
        if first["status"] != second.get("status"):
            yield Mismatch(f"{where}.status", first["status"], second.get("status"))
            return
        self.binding.scope = get_list(first["path"])
        headers = [lower_names(part.pop("headers")) for part in (first, second)]
        answer = Response(first["status"], (), json.dumps(first["body"]), first["body"])
        for mismatch in self._compare_headers(headers[0], headers[1], answer):
            yield Mismatch(f"{where}.{mismatch.where}", mismatch.reference, mismatch.ours)
        for name in ("path", "body"):
            yield from self._compare_json(f"{where}.{name}", first[name], second.get(name, ABSENT))

    def _compare_arrays(
        self, where: str, first: list[Any], second: list[Any]
    ) -> Iterator[Mismatch]:
        if ".permissions" in where or where.endswith(".principals"):
            first, second = self._sort(first, 0), self._sort(second, 1)
        if len(first) != len(second):
            yield Mismatch(f"{where}[]", describe_items(first), describe_items(second))
            return
        for place, (mine, other) in enumerate(zip(first, second, strict=True)):
            # The table of differences looks at the items of a batch one by one.
            mark = f"[{place}]" if where == "body.responses" else "[]"
            yield from self._compare_json(f"{where}{mark}", mine, other)

    def _sort(self, values: list[Any], side: int) -> list[Any]:
        return sorted(values, key=lambda value: self.binding.label(str(value), side))

    def _are_same(self, where: str, first: Any, second: Any) -> bool:
        if type(first) is not type(second):
            return False
        if isinstance(first, str):
            return self._are_same_texts(where, first, second)
        if isinstance(first, int) and not isinstance(first, bool):
            return self._are_same_times(where, first, second)
        return bool(first == second)

    def _are_same_times(self, where: str, first: int, second: int) -> bool:
        if ".target." in where:
            # The history shows objects of many lists, whose timestamps have no order.
            births = [self.binding.get_birth(time) for time in (first, second)]
            return births[0] == births[1] if births[0] else first == second
        return self.binding.are_same_times(first, second)

    def _are_same_texts(self, where: str, first: str, second: str) -> bool:
        name = where.rpartition(".")[2]
        if where.startswith("body.capabilities.") and name in FREE_CAPABILITY:
            return True
        if (name == "id" or name.endswith("_id")) and self.binding.are_same_ids(first, second):
            return True
        if first == second or cut_free_text(first) == cut_free_text(second):
            return True
        form = FREE_FORMS.get(name)
        if form is not None and form.fullmatch(first) and form.fullmatch(second):
            return True
        texts = (self.binding.label(first, 0), self.binding.label(second, 1))
        return texts[0] == texts[1] or order_choices(texts[0]) == order_choices(texts[1])

    def _compare_headers(
        self,
        first: Mapping[str, list[str]],
        second: Mapping[str, list[str]],
        answer: Response,
    ) -> Iterator[Mismatch]:
        is_list = isinstance(answer.json, dict) and isinstance(answer.json.get("data"), list)
        for name, is_same in COMPARED.items():
            mine, other = first.get(name, []), second.get(name, [])
            if not mine and name.startswith("total-") and is_list:
                continue
            if name == "content-type" and answer.status == 307:
                continue
            if len(mine) != len(other):
                yield Mismatch(f"header {name}", mine or ABSENT, other or ABSENT)
            elif not all(is_same(self, a, b) for a, b in zip(mine, other, strict=True)):
                yield Mismatch(f"header {name}", mine, other)

    def are_same_words(self, first: str, second: str) -> bool:
        """Compare headers as they are, but for ids and timestamps."""
        return self.binding.label(first, 0) == self.binding.label(second, 1)

    def are_same_etags(self, first: str, second: str) -> bool:
        """Compare quoted timestamps."""
        if not all(re.fullmatch(r'"\d+"', text) for text in (first, second)):
            return first == second
        return self.binding.are_same_times(int(first.strip('"')), int(second.strip('"')))

    def are_same_sets(self, first: str, second: str) -> bool:
        """Compare lists of words, in any order."""
        return split_words(first) == split_words(second)

    def are_same_dates(self, first: str, second: str) -> bool:
        """Compare HTTP dates, with the tolerance of a shared clock."""
        dates = [email.utils.parsedate_to_datetime(text) for text in (first, second)]
        return abs((dates[0] - dates[1]).total_seconds()) <= CLOCK_TOLERANCE

    def are_same_urls(self, first: str, second: str) -> bool:
        """Compare URLs whose parameters come in any order; tokens are opaque."""
        return self._split_url(first, 0) == self._split_url(second, 1)

    def _split_url(self, url: str, side: int) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(url)
        query = parse_qs(parts.query, keep_blank_values=True)
        if "_token" in query:
            query["_token"] = ["«token»"]
        labelled = {
            name: [self.binding.label(value, side) for value in values]
            for name, values in query.items()
        }
        return self.binding.label(f"{parts.scheme}://{parts.netloc}{parts.path}", side), labelled


COMPARED: Mapping[str, Callable[[Comparer, str, str], bool]] = {
    "etag": Comparer.are_same_etags,
    "last-modified": Comparer.are_same_dates,
    "expires": Comparer.are_same_dates,
    "next-page": Comparer.are_same_urls,
    "location": Comparer.are_same_urls,
    "allow": Comparer.are_same_sets,
    "cache-control": Comparer.are_same_sets,
    "access-control-allow-headers": Comparer.are_same_sets,
    "access-control-allow-methods": Comparer.are_same_sets,
    "access-control-expose-headers": Comparer.are_same_sets,
    **dict.fromkeys(
        (
            "access-control-allow-credentials",
            "access-control-allow-origin",
            "access-control-max-age",
            "alert",
            "backoff",
            "content-security-policy",
            "content-type",
            "pragma",
            "retry-after",
            "total-objects",
            "total-records",
            "www-authenticate",
            "x-content-type-options",
        ),
        Comparer.are_same_words,
    ),
}


def is_schema_detail(value: Mapping[str, Any]) -> bool:
    """Tell whether this is one error of a schema that was sent."""
    is_detail = value.keys() == {"location", "name", "description"}
    return is_detail and str(value["name"]).endswith("schema")


def has_schema_detail(value: Mapping[str, Any]) -> bool:
    """Tell whether this is the body of an error about a schema that was sent."""
    details = value.get("details")
    return isinstance(details, list) and len(details) > 0 and is_schema_detail(details[0])


def dict_of(response: Response) -> dict[str, list[str]]:
    """Return the headers of a response by name."""
    headers: dict[str, list[str]] = {}
    for name, value in response.headers:
        headers.setdefault(name, []).append(value)
    return headers


def get_list(path: str) -> str:
    """Return the plural endpoint that a path is about, or holds the object of."""
    segments = path.strip("/").split("/")
    return "/".join(segments if len(segments) % 2 == 0 else segments[:-1])


def lower_names(headers: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the headers of a response inside a batch by name."""
    return {name.lower(): [value] for name, value in headers.items()}


def split_words(text: str) -> set[str]:
    """Return the words of a comma list, in lower case."""
    return {word.strip().lower() for word in text.split(",")}


def cut_free_text(text: str) -> str:
    """Return a text up to where a library goes on."""
    for beginning in FREE_TEXTS:
        if beginning in text:
            return text.partition(beginning)[0] + beginning
    return text


def order_choices(text: str) -> str:
    """Return a text with the items of `one of [...]` in a fixed order: they come from a set."""

    def order(match: re.Match[str]) -> str:
        return "one of [" + ", ".join(sorted(match[1].split(", "))) + "]"

    return re.sub(r"one of \[([^\]]*)\]", order, text)


def get_escapes(text: str) -> list[str]:
    """Return how characters are escaped in a JSON text, and what is not ASCII at all."""
    return sorted(set(re.findall(r"\\u[0-9a-fA-F]{4}|[^\x00-\x7f]", text)))


def describe_items(values: list[Any]) -> str:
    """Return a short text of a list of another length: the ids, where the items have them."""
    names = [value.get("id", value) if isinstance(value, dict) else value for value in values]
    return f"{len(values)} items: {names}"[:300]
