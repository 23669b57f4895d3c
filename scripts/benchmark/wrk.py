"""The load: a Lua script for `wrk` with the requests of a plan, and its results.

`wrk` sends the prepared requests in turn, as fast as the answers come, over connections that
stay open. Each of its threads begins at another place of the list.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmark.client import BenchmarkError, NoAnswerError, RefusedError
from scripts.benchmark.plans import Call, Plan

MARK = "BENCHMARK "
#: How long wrk waits for one answer: a slow server is slow, not broken.
ANSWER_SECONDS = 60

SCRIPT = """
local calls = {
%(calls)s
}
local headers = {
%(headers)s
}
local prepared, position, threads = {}, 0, 0

function setup(thread)
  thread:set("offset", threads * 37)
  threads = threads + 1
end

function init(args)
  for index, call in ipairs(calls) do
    prepared[index] = wrk.format(call[1], call[2], headers, call[3])
  end
  position = offset
end

function request()
  position = position %% #prepared + 1
  return prepared[position]
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    '%(mark)s{"requests":%%d,"microseconds":%%d,"status_errors":%%d,"socket_errors":%%d,' ..
    '"p50":%%d,"p99":%%d}',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Load:
    """What `wrk` saw: complete answers, the time it ran, latencies at two percentiles."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return self.requests / self.seconds


def run_wrk(wrk: str, plan: Plan, port: int, connections: int, seconds: int, folder: Path) -> Load:
    """Send the requests of a plan for so long. Errors: BenchmarkError, also for a refusal."""
    script = folder / "load.lua"
    script.write_text(write_script(plan), "utf-8")
    threads = min(2, connections)
    command = [wrk, f"-t{threads}", f"-c{connections}", f"-d{seconds}s"]
    command += ["--timeout", f"{ANSWER_SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    finished = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=seconds + ANSWER_SECONDS,
        check=False,
    )
    return parse_output(finished.stdout + finished.stderr)


def write_script(plan: Plan) -> str:
    """Return the Lua script for a plan."""
    calls = ",\n".join(write_call(call) for call in plan.calls)
    return SCRIPT % {"calls": calls, "headers": write_headers(plan.headers), "mark": MARK}


def write_call(call: Call) -> str:
    """Return a Lua table of method, path and body."""
    parts = [quote_lua(call.method), quote_lua(call.path)]
    if call.body is not None:
        parts.append(quote_lua(call.body))
    return f"  {{{', '.join(parts)}}}"


def write_headers(headers: Mapping[str, str]) -> str:
    """Return the entries of a Lua table of headers."""
    entries = (f"  [{quote_lua(name)}] = {quote_lua(value)}" for name, value in headers.items())
    return ",\n".join(entries)


def quote_lua(text: str) -> str:
    """Return a Lua string literal; what is not plain ASCII is written as numbers."""
    return '"' + "".join(quote_byte(byte) for byte in text.encode()) + '"'


def quote_byte(byte: int) -> str:
    """Return a byte as it stands in a Lua string literal."""
    if 32 <= byte < 127 and byte not in b'"\\':
        return chr(byte)
    return f"\\{byte:03}"


def parse_output(text: str) -> Load:
    """Return the result that `wrk` printed.

    Errors: BenchmarkError when there is none or a connection broke; NoAnswerError when no answer
    came; RefusedError when an answer was a refusal.
    """
    lines = [line for line in text.splitlines() if line.startswith(MARK)]
    if not lines:
        raise BenchmarkError(f"wrk gave no result: {text.strip()[-300:]}")
    found = json.loads(lines[-1].removeprefix(MARK))
    if found["status_errors"]:
        raise RefusedError(found["status_errors"], found["requests"])
    if found["socket_errors"]:
        raise BenchmarkError(f"{found['socket_errors']} connections broke or timed out")
    if not found["requests"]:
        raise NoAnswerError("no answer came in this time")
    return Load(
        requests=found["requests"],
        seconds=found["microseconds"] / 1e6,
        p50_ms=found["p50"] / 1e3,
        p99_ms=found["p99"] / 1e3,
    )
