"""Random messages in random pieces, valid and broken, over real sockets, with each of the parsers.

Whatever is sent: each whole request before the first broken one has one answer, in order; a
refusal that ends the connection ends it; the server serves others, logs nothing and does not
grow. A seed makes a failure repeatable.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live import Server
from tests.server.wire import Response, connect, exchange, read_next

METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
SECONDS = 8.0
MAX_GROWTH_BYTES = 40_000_000
#: What may stand anywhere by mistake, or on purpose.
DIRT = [
    b"\0",
    b"\n",
    b"\r",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b":",
    b"\xff",
    b"0\r\n\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"Upgrade: x\r\nConnection: upgrade\r\n",
    b"Expect: 100-continue\r\n",
    b"Host: other\r\n",
    b"HTTP/1.1",
    b"GET /",
    b"fffffffffffffffff",
    b"\x16\x03\x01",
]
EXTRA_HEADERS = [
    "X-A: b",
    "X-Empty:",
    "Accept: */*",
    "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
    "Upgrade: websocket\r\nConnection: upgrade",
    "Connection: keep-alive",
    "X_Y: z",
]


@dataclass(frozen=True)
class Sent:
    """A valid request, and what the server says of it."""

    data: bytes
    method: str
    path: str
    body: str


def make_request(dice: random.Random, number: int, methods: Sequence[str] = METHODS) -> Sent:
    """Return one of the many ways to write a request."""
    method, path = dice.choice(methods), f"/{number}"
    headers = ["Host: localhost", *dice.sample(EXTRA_HEADERS, dice.randrange(3))]
    connections = [header for header in headers if "onnection:" in header]
    headers = [header for header in headers if header not in connections[1:]]
    dice.shuffle(headers)
    body = bytes(dice.choices(b"abc\r\n0 ", k=dice.choice([0, 0, 1, 7, 300])))
    framed = body
    if method not in ("GET", "HEAD") or dice.random() < 0.2:
        if dice.random() < 0.5:
            headers.append(f"Content-Length: {len(body)}")
        else:
            headers.append("transfer-encoding: chunked")
            framed = make_chunks(dice, body)
    else:
        framed = body = b""
    target = dice.choice(["", "http://other:81"]) + path
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *headers, "", ""])
    return Sent(head.encode() + framed, method, path, body.decode())


def make_chunks(dice: random.Random, body: bytes) -> bytes:
    """Return a body in chunks, with the decoration that they may have."""
    chunks = b""
    while body:
        size = dice.randint(1, len(body))
        decoration = dice.choice([b"", b";a=b", b';a="bc"'])
        chunks += b"%x%s\r\n%s\r\n" % (size, decoration, body[:size])
        body = body[size:]
    return chunks + b"0\r\n" + dice.choice([b"", b"X-Last: 3\r\nHost: evil\r\n"]) + b"\r\n"


def soil(dice: random.Random, data: bytes) -> bytes:
    """Return bytes with a mistake in them."""
    begin = dice.randrange(len(data))
    end = min(len(data), begin + dice.choice([0, 0, 1, 2, 20]))
    return data[:begin] + dice.choice(DIRT) + data[end:]


def send_in_pieces(dice: random.Random, connection: socket.socket, data: bytes) -> None:
    """Send bytes in a few pieces, which mostly arrive one by one."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    cuts = sorted(dice.choices(range(len(data)), k=dice.choice([0, 0, 1, 3, 10])))
    for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        connection.sendall(data[begin:end])
    connection.shutdown(socket.SHUT_WR)


def read_all(connection: socket.socket, methods: list[str]) -> list[Response]:
    """Return the responses up to the end of the connection; it must end between two of them."""
    found: list[Response] = []
    with connection.makefile("rb") as stream:
        while stream.peek(1):
            method = methods[len(found)] if len(found) < len(methods) else ""
            response = read_next(stream, method)
            if response.status != 100:
                found.append(response)
    return found


def check_answers(sent: list[Sent], answers: list[Response]) -> None:
    """Each request has the answer that belongs to it."""
    for each, answer in zip(sent, answers, strict=False):
        assert answer.status == 200, each
        if each.method != "HEAD":
            seen = answer.json
            assert (seen["method"], seen["path"], seen["body"]) == (
                each.method,
                each.path,
                each.body,
            )
            assert seen["headers"]["host"] in ("localhost", "other:81")


def talk(dice: random.Random, port: int) -> None:
    """Be one client."""
    sent = [make_request(dice, number) for number in range(dice.choice([1, 1, 2, 5, 40, 400]))]
    data = b"".join(each.data for each in sent)
    broken = b""
    if dice.random() < 0.6:
        broken = soil(dice, make_request(dice, 1000, ["GET", "PUT"]).data)
    with connect(port) as connection:
        try:
            send_in_pieces(dice, connection, data + broken)
        except (BrokenPipeError, ConnectionResetError):
            assert broken
        answers = read_all(connection, [each.method for each in sent])
    assert len(answers) >= len(sent)
    assert broken or len(answers) == len(sent)
    check_answers(sent, answers)
    for answer in answers[:-1]:
        assert answer.all("connection") != ["close"]
    assert {answer.status for answer in answers} <= {200, 400, 405, 408, 413, 431}


def measure_memory(server: Server) -> int:
    """Return how many bytes of memory the process has."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    (size,) = [line for line in lines if line.startswith("VmRSS")]
    return int(size.split()[1]) * 1024


@pytest.mark.parametrize("seed", [1, 2])
def test_random_messages_get_their_answers_or_a_refusal(tiny: Server, seed: int) -> None:
    dice = random.Random(seed)
    exchange(tiny.port, "GET / HTTP/1.1")
    before = len(tiny.errors())
    end = time.monotonic() + SECONDS / 2
    rounds = 0
    while rounds < 5 or time.monotonic() < end:
        state = dice.getstate()
        try:
            talk(dice, tiny.port)
        except AssertionError as error:
            error.add_note(f"seed {seed}, round {rounds}: {hash(state)}")
            raise
        rounds += 1
    assert exchange(tiny.port, "GET / HTTP/1.1").status == 200
    assert tiny.errors()[before:] == ""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_clients_that_vanish_leave_nothing_behind(tiny: Server) -> None:
    dice = random.Random(3)
    exchange(tiny.port, "GET / HTTP/1.1")
    before = measure_memory(tiny)
    for _ in range(300):
        data = b"".join(make_request(dice, number).data for number in range(20))
        with connect(tiny.port) as connection:
            connection.sendall(data[: dice.randrange(len(data))])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert exchange(tiny.port, "GET / HTTP/1.1").status == 200
    assert measure_memory(tiny) - before < MAX_GROWTH_BYTES
