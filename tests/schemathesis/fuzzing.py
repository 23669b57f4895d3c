"""Random requests, made by schemathesis from the API description, against an app in this process.

Each operation is asked with data that fits the description and with data that does not, in two
editions of the document: as the server gives it, and as `tell_more` completes it with what leads
further in (ids of objects that exist, filters, JSON patches). No answer may be a failure of the
server, and each must have a status, a type, headers and a body that the document announces.
"""

from __future__ import annotations

import argparse
import base64
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain, product
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from werkzeug.test import Client

from kinto_lite import make_app
from kinto_lite.defaults import ANY_ADDRESS, LOOPBACK_ONLY

Json = Any
Pair = tuple[schemathesis.APIOperation, schemathesis.GenerationMode]

#: As the command line starts it on this machine; and whoever is known may forget users.
SETTINGS = {
    **ANY_ADDRESS,
    **LOOPBACK_ONLY,
    "userid_hmac_secret": "a secret of tests",
    "user-data_delete_principals": "system.Authenticated",
}
CREDENTIALS = "fuzz:api"
HEADERS = {"Authorization": "Basic " + base64.b64encode(CREDENTIALS.encode()).decode()}
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: What `default` in the document may stand for, beside refusals that are listed.
UNLISTED = (307, 404, 405, 413, 414)

SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["title"],
}
#: Editions of the document, and whether the data fits it.
ROUNDS = tuple(product((0, 1), schemathesis.GenerationMode))
PAST_MS = 1_700_000_000_000
#: When a deletion is said to have happened; the last two are out of range.
TIMESTAMPS = [0, PAST_MS, 2**63 - 1, 10**27]
#: What exists before requests are sent.
OBJECTS: dict[str, Json] = {
    "/buckets/fuzz": {"data": {}},
    "/buckets/fuzz/groups/g": {"data": {"members": ["system.Authenticated"]}},
    "/buckets/fuzz/collections/free": {"data": {}},
    "/buckets/fuzz/collections/typed": {"data": {"schema": SCHEMA}},
    "/buckets/fuzz/collections/free/records/r": {"data": {"title": "One", "tags": ["a", "b"]}},
    "/buckets/fuzz/collections/typed/records/r": {"data": {"title": "One", "n": 1}},
}
#: Values of the parameters of a path; of `id`, by the segment before it.
IDS = {
    "bucket_id": ["fuzz", "default"],
    "collection_id": ["free", "typed"],
    "principal": ["system.Authenticated", "somebody", "/buckets/fuzz/groups/g"],
    "buckets": ["fuzz", "default"],
    "groups": ["g", "new"],
    "collections": ["free", "typed", "new"],
    "records": ["r", "new"],
    "accounts": ["fuzz", "new"],
    "timestamp": ["0", "1700000000000", "9999999999999", "abc"],
}
#: Filters on lists, with what narrows their values.
FILTERS: dict[str, Json] = {
    "title": {},
    "gt_title": {},
    "min_n": {},
    "in_title": {},
    "exclude_id": {},
    "not_a.b": {},
    "has_tags": {},
    "contains_tags": {},
    "contains_any_tags": {},
    "_expected": {},
    "like_title": {"pattern": "^[a-zO*]+$"},
    "lt_last_modified": {"enum": ["0", "1", '"1700000000000"', "null"]},
}
_POINTERS = ["/data", "/data/title", "/data/tags/-", "/data/tags/0", "/permissions/read/-", ""]
_POINTER = {"type": "string", "enum": [*_POINTERS, "/permissions/write/somebody", "/data/~01"]}
JSON_PATCH = {
    "type": "array",
    "maxItems": 4,
    "items": {
        "type": "object",
        "properties": {
            "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": _POINTER,
            "from": _POINTER,
            "value": {},
        },
        "required": ["op", "path"],
        "additionalProperties": False,
    },
}


@dataclass(frozen=True)
class Finding:
    """An answer that should not be."""

    operation: str
    problem: str
    request: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.problem}\n    {self.request}"


class LastError(logging.Handler):
    """Remembers what the app last wrote about an error of its own."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the last line: the exception."""
        self.last = self.format(record).rpartition("\n")[2]


class Fuzzer:
    """An app with some objects in it, and what was found wrong with its answers."""

    def __init__(self, storage_url: str = "sqlite://") -> None:
        self.app = make_app(SETTINGS | {"storage_url": storage_url})
        self._client = Client(self.app)
        self.asked = 0
        self._log = LastError()
        logging.getLogger("kinto_lite").addHandler(self._log)
        self.statuses: dict[int, int] = {}
        self.findings: dict[tuple[str, str], Finding] = {}
        served = schemathesis.openapi.from_wsgi("/v1/__api__", self.app)
        told = schemathesis.openapi.from_dict(tell_more(served.raw_schema))
        told.app = self.app
        self._schemas = (told, served)

    def close(self) -> None:
        """Release the database."""
        logging.getLogger("kinto_lite").removeHandler(self._log)
        self.app.storage.close()

    def list_pairs(self, edition: int, mode: schemathesis.GenerationMode) -> Iterator[Pair]:
        """Yield each operation of a document: 0 is the completed one, 1 the served one."""
        for result in self._schemas[edition].get_all_operations():
            yield result.ok(), mode

    def run(self, pair: Pair, examples: int, number: int) -> None:
        """Send so many random requests; the number decides which."""
        operation, mode = pair
        self._put_objects()

        @seed(number)
        @settings(
            max_examples=examples,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: schemathesis.Case) -> None:
            self._send(case)

        # What takes nothing can get nothing wrong.
        with suppress(Unsatisfiable):
            send()

    def _send(self, case: schemathesis.Case) -> None:
        if case.method in ("DELETE", "POST"):
            self._put_objects()
        self.asked += 1
        response = case.call(headers=HEADERS)
        status = response.status_code
        self.statuses[status] = self.statuses.get(status, 0) + 1
        documented = case.operation.definition.raw["responses"]
        if str(status) not in documented and status not in UNLISTED:
            self._note(case, f"status {status} is not documented: {self._log.last}")
            return
        try:
            case.validate_response(response, checks=[] if status == 307 else CHECKS)
        except FailureGroup as group:
            for problem in group.exceptions:
                self._note(case, describe(problem))
        except Failure as problem:
            self._note(case, describe(problem))

    def _note(self, case: schemathesis.Case, problem: str) -> None:
        operation = f"{case.method} {case.operation.path}"
        key = (operation, problem.partition("\n")[0])
        if key not in self.findings:
            command = case.as_curl_command(HEADERS)
            command = command.replace("-H 'Authorization: [Filtered]'", f"-u {CREDENTIALS}")
            self.findings[key] = Finding(operation, problem, command)

    def _put_objects(self) -> None:
        for path, body in OBJECTS.items():
            answer = self._client.put(f"/v1{path}", json=body, headers=HEADERS)
            if answer.status_code not in (200, 201):
                raise RuntimeError(f"PUT {path} answers {answer.status_code}: {answer.text}")


def describe(problem: BaseException) -> str:
    """Return what is wrong, in words."""
    title = getattr(problem, "title", type(problem).__name__)
    return f"{title}: {getattr(problem, 'message', problem)}"


def tell_more(document: Json) -> Json:
    """Return the document with ids that exist, filters on lists, and JSON patches."""
    told: Json = deepcopy(document)
    for path, item in told["paths"].items():
        for parameter in item.get("parameters", []):
            name = parameter["name"]
            parameter["enum"] = IDS[path.split("/")[-2] if name == "id" else name]
        for method in ("get", "put", "post", "patch", "delete"):
            if method in item:
                item[method]["parameters"] = complete_parameters(item[method]["parameters"])
        if "patch" in item:
            item["patch"]["consumes"] = ["application/json-patch+json"]
            item["patch"]["parameters"][-1]["schema"] = JSON_PATCH
    request = told["paths"]["/batch"]["post"]["parameters"][0]["schema"]["properties"]["requests"]
    request["maxItems"] = 5
    request["items"]["properties"]["path"]["enum"] = [*OBJECTS, "/buckets/default", "/batch", "/"]
    return told


def complete_parameters(parameters: list[Json]) -> list[Json]:
    """Add filters to lists; leave out what is refused nearly always when it is random."""
    kept = [p for p in parameters if p["in"] != "header" and p["name"] != "_token"]
    is_list = any(parameter["name"] == "_limit" for parameter in kept)
    for parameter in kept:
        if parameter.get("maximum"):
            parameter.update({"maximum": PAST_MS} if is_list else {"enum": TIMESTAMPS})
    if is_list:
        text = {"in": "query", "type": "string"}
        kept += [{"name": name, **text, **more} for name, more in FILTERS.items()]
    return kept


def main(arguments: list[str]) -> int:
    """Fuzz for a while and print what was found. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz-api", description=__doc__)
    parser.add_argument("--seconds", type=float, default=80, help="how long (80)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="which requests")
    parser.add_argument("--examples", type=int, default=20, help="for an operation at a time (20)")
    parser.add_argument("--storage", default="sqlite://", help="URL of a database (in memory)")
    given_ = parser.parse_args(arguments)
    logging.getLogger("kinto_lite").propagate = False
    fuzzer = Fuzzer(given_.storage)
    fuzz(fuzzer, given_.seed, given_.examples, given_.seconds)
    fuzzer.close()
    for finding in fuzzer.findings.values():
        print(finding)
    counts = ", ".join(f"{status}: {count}" for status, count in sorted(fuzzer.statuses.items()))
    print(f"{fuzzer.asked} requests (seed {given_.seed}; {counts}),", end=" ")
    print(f"{len(fuzzer.findings)} answers that should not be")
    return 1 if fuzzer.findings else 0


def fuzz(fuzzer: Fuzzer, number: int, examples: int, seconds: float) -> None:
    """Ask every operation in turn, again and again, until the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for pair in chain.from_iterable(fuzzer.list_pairs(*each) for each in ROUNDS):
            if time.monotonic() >= end:
                return
            number += 1
            fuzzer.run(pair, examples, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
