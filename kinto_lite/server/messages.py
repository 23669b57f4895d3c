"""One message after the other on its way in: gathers what the parser tells, within the limits.

A message that breaks a limit of size becomes a refusal. Leaves time, and the way out, to
`connections`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kinto_lite.model import ApiRequest
from kinto_lite.server.limits import MAX_HEADERS, Limits
from kinto_lite.server.parsers import Parser, load_best
from kinto_lite.server.refusals import (
    Refusal,
    bad_host,
    head_too_large,
    not_http,
    too_large,
    unknown_method,
)
from kinto_lite.server.requests import Origin, build_request, header_name

#: Of the header `Expect`: the client waits before it sends a body.
LEAVE = "100-continue"

_kit = load_best()


class Message(NamedTuple):
    """A request, or why there is none; and what the response must say about the connection."""

    content: ApiRequest | Refusal
    method: str
    #: The value of the header `Connection`, "" where the version says it.
    connection: str = ""


class Reader:
    """Reads the messages of one connection; `on_message` gets each, in order.

    `client` is the address of the other side; `on_wait` is called when the client waits for
    leave to send a body.
    """

    __slots__ = (
        "_client",
        "_connection",
        "_header_count",
        "_headers",
        "_is_replay",
        "_is_upgrade",
        "_limits",
        "_method",
        "_on_message",
        "_on_wait",
        "_origin",
        "_parser",
        "_pieces",
        "_refusal",
        "_url",
        "count",
        "has_head",
        "is_inside",
        "size",
    )

    def __init__(
        self,
        origin: Origin,
        limits: Limits,
        client: str,
        on_message: Callable[[Message], None],
        on_wait: Callable[[], None],
    ) -> None:
        self._origin = origin
        self._limits = limits
        self._client = client
        self._on_message = on_message
        self._on_wait = on_wait
        self._parser: Parser = _kit.make(self)
        self._method = self._connection = ""
        self._is_upgrade = self._is_replay = False
        #: What was raised while the parser called, which may wrap it.
        self._refusal: Refusal | None = None
        #: Whether a message has begun and not ended; whether its headers have ended.
        self.is_inside = self.has_head = False
        #: Messages that have begun, and bytes of the body of the last one, so far.
        self.count = self.size = 0

    def feed(self, data: bytes) -> None:
        """Read what has arrived.

        Errors: Refusal, after which nothing more of this connection can be read.
        """
        while data:
            try:
                self._parser.feed_data(data)
                return
            except _kit.upgrade as upgrade:
                data = self._decline() + data[upgrade.args[0] :]
            except _kit.failed:
                if self._refusal is None:
                    raise
                raise self._refusal from None
            except _kit.unknown_method:
                raise unknown_method() from None
            except _kit.malformed:
                raise not_http(self.has_head) from None

    def _decline(self) -> bytes:
        """Go on with HTTP/1.1 though the client offers another protocol (curl does, for HTTP/2).

        The parser ends at such a message before its body: another one reads that, after a head
        that says the same about it. Return that head.
        """
        if self._method == "CONNECT":
            raise unknown_method()
        body = f"Content-Length: {self._headers.get('content-length', '0')}"
        if "transfer-encoding" in self._headers:
            body = "Transfer-Encoding: chunked"
        self._is_upgrade, self._is_replay = False, True
        self._parser = _kit.make(self)
        return f"POST / HTTP/1.1\r\n{body}\r\n\r\n".encode("latin-1")

    # What the parser tells.

    def on_message_begin(self) -> None:
        """Begin."""
        if self._is_replay:
            return
        self.is_inside, self.has_head = True, False
        self.count += 1
        self._url = b""
        self._headers: dict[str, str] = {}
        self._header_count = 0
        self._pieces: list[bytes] = []
        self.size = 0

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        if not self.has_head:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; repeated ones are joined by a comma. Those after a body are left out:
        a proxy in front may not have looked at them."""
        if self.has_head:
            return
        headers, key, text = self._headers, header_name(name), value.decode("latin-1").strip(" \t")
        self._header_count += 1
        if self._header_count > MAX_HEADERS:
            raise self._note(head_too_large())
        if key in headers:
            headers[key] = f"{headers[key]},{text}"
        elif key:
            headers[key] = text

    def on_headers_complete(self) -> None:
        """Refuse what could be read in two ways."""
        if self._is_replay:
            self._is_replay = False
            return
        self.has_head = True
        parser, headers = self._parser, self._headers
        self._method = parser.get_method().decode("latin-1")
        self._is_upgrade = parser.should_upgrade()
        is_current = parser.get_http_version() == "1.1"
        self._connection = "close"
        if parser.should_keep_alive():
            self._connection = "" if is_current else "keep-alive"
        if not is_current:
            self._check_old(parser.get_http_version())
        elif "host" not in headers:
            raise self._note(bad_host())
        if "content-length" in headers or "transfer-encoding" in headers:
            self._check_body(headers, is_current and headers.get("expect", "").lower() == LEAVE)

    def _check_old(self, version: str) -> None:
        """Refuse versions that are not spoken, and those of the old one that know no chunks."""
        if version != "1.0" or "transfer-encoding" in self._headers:
            raise self._note(not_http(has_head=False))

    def _check_body(self, headers: dict[str, str], waits: bool) -> None:
        """Refuse a body that is announced as far too large, before it is sent."""
        limits = self._limits
        coding = headers.get("transfer-encoding", "chunked")
        if ("content-length" in headers and "transfer-encoding" in headers) or (
            coding.lower() != "chunked"
        ):
            # A proxy in front may believe the other one: this is how requests are smuggled.
            raise self._note(not_http(has_head=False))
        length = int(headers.get("content-length", "0")[:18])
        if length > (limits.max_body_bytes if waits else limits.bound):
            raise self._note(too_large(limits.max_body_bytes, closes=True))
        if waits:
            self._on_wait()

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body, or throw it away when there is too much of it."""
        self.size += len(piece)
        if self.size <= self._limits.max_body_bytes:
            self._pieces.append(piece)
            return
        self._pieces.clear()
        if self.size > self._limits.bound:
            raise self._note(too_large(self._limits.max_body_bytes, closes=True))

    def on_message_complete(self) -> None:
        """Hand on what is whole."""
        if self._is_upgrade:
            return
        self.is_inside = self.has_head = False
        self._on_message(Message(self._build(), self._method, self._connection))

    def _build(self) -> ApiRequest | Refusal:
        if self.size > self._limits.max_body_bytes:
            return too_large(self._limits.max_body_bytes, closes=False)
        body = b"".join(self._pieces) if self._pieces else b""
        try:
            return build_request(
                self._method, self._url, self._headers, body, self._origin, self._client
            )
        except Refusal as refusal:
            raise self._note(refusal) from None

    def _note(self, refusal: Refusal) -> Refusal:
        self._refusal = refusal
        return refusal
