"""The format of dumps: lines of JSON, a header, rows, and a footer with counts and checksums.

Reading trusts nothing: a file that is damaged, cut off, of a newer format, or not written the
way this program writes it, is refused with one line. docs/dump-format.md describes the format.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import IO, Any, NamedTuple

from kinto_lite.protocol.json_text import MAX_DEPTH, parse_json
from kinto_lite.storage.moving import (
    ListRow,
    MovedRow,
    NonceRow,
    ObjectRow,
    Refused,
    SecretRow,
    Tally,
    encode_row,
)
from kinto_lite.version import VERSION

FORMAT = 1
#: Bytes of a line. An object of this size could not have been sent to a server.
MAX_LINE_BYTES = 64 * 1024 * 1024
#: Levels of nesting of a line: what the server accepts, within an entry of the history, within
#: a line.
MAX_LINE_DEPTH = MAX_DEPTH + 10

GZIP_MAGIC = b"\x1f\x8b"

_OBJECT_START = '{"object":'
_DATA = ',"data":'
_KIND = re.compile(r"[a-z][a-z_]*\Z")
_MAX_NUMBER = 2**62


class Header(NamedTuple):
    """The first line. `bucket` is None for a dump of everything, `created` is in milliseconds."""

    bucket: str | None
    created: int


def write_dump(stream: IO[bytes], header: Header, rows: Iterable[MovedRow]) -> Tally:
    """Write a dump; return what was counted. Errors: Refused, OSError."""
    tally, digest = Tally(), sha256()

    def write(line: str) -> None:
        encoded = f"{line}\n".encode()
        if len(encoded) > MAX_LINE_BYTES:
            raise Refused(f"An object is too large for a dump: {line[:200]} ...")
        digest.update(encoded)
        stream.write(encoded)

    first = {"kinto_lite_dump": FORMAT, "version": VERSION, **header._asdict()}
    write(json.dumps(first, separators=(",", ":")))
    for row in rows:
        line = encode_row(row)
        tally.add(row, line)
        write(line)
    last = {"end": {"kinds": tally.describe(), "sha256": digest.hexdigest()}}
    stream.write(f"{json.dumps(last, separators=(',', ':'))}\n".encode())
    return tally


class DumpReader:
    """Reads a dump from a stream that can be read again from its beginning, plain or gzip."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._size = stream.seek(0, 2)
        #: What the whole dump holds, once it was read to its end.
        self.tally = Tally()
        self._sound_digest = ""
        self.header = _read_header(next(self._lines(), b""))

    @property
    def size(self) -> int:
        """Bytes of the file, packed as they are."""
        return self._size

    def rows(self, advance: Callable[[int], object] = lambda _bytes: None) -> Iterator[MovedRow]:
        """Yield all rows, from the first. A dump is only known to be sound when this ends; read
        again, lines are believed, and the file has to be the same in the end.

        `advance` is told how many bytes of the file were read since the last time.
        Errors: Refused.
        """
        lines, digest, tally, number, position = self._lines(), sha256(), Tally(), 1, 0
        digest.update(next(lines, b""))
        for line in lines:
            number += 1
            if line.startswith(b'{"end":'):
                if not self._sound_digest:
                    _check_end(line, tally, digest.hexdigest(), lines)
                    self.tally, self._sound_digest = tally, digest.hexdigest()
                if digest.hexdigest() != self._sound_digest:
                    raise Refused("The dump was changed while it was read.")
                advance(self._size - position)
                return
            digest.update(line)
            row = _read_line(line, number, None if self._sound_digest else tally)
            yield row
            if number % 1000 == 0:
                advance(self._stream.tell() - position)
                position = self._stream.tell()
        raise Refused("The dump is cut off: its last line is missing.")

    def _lines(self) -> Iterator[bytes]:
        """Yield the lines with their ends. Errors: Refused."""
        self._stream.seek(0)
        is_packed = self._stream.read(2) == GZIP_MAGIC
        self._stream.seek(0)
        source = gzip.GzipFile(fileobj=self._stream) if is_packed else self._stream
        try:
            while line := source.readline(MAX_LINE_BYTES + 1):
                if not line.endswith(b"\n"):
                    raise Refused("The dump is cut off, or has a line that is too long.")
                yield line
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise Refused(f"The dump is damaged: {error}.") from error


def _check_end(line: bytes, tally: Tally, digest: str, rest: Iterator[bytes]) -> None:
    expected = {"end": {"kinds": tally.describe(), "sha256": digest}}
    if line != f"{json.dumps(expected, separators=(',', ':'))}\n".encode():
        raise Refused("The dump is damaged: its counts or checksums do not agree.")
    if next(rest, None) is not None:
        raise Refused("The dump is damaged: something follows its last line.")


def _read_header(line: bytes) -> Header:
    try:
        first = parse_json(line, max_depth=MAX_LINE_DEPTH)
    except ValueError:
        first = None
    if not isinstance(first, dict) or type(first.get("kinto_lite_dump")) is not int:
        raise Refused("This is no dump of kinto-lite.")
    if first["kinto_lite_dump"] > FORMAT:
        raise Refused(
            f"The dump has format {first['kinto_lite_dump']}, this program reads {FORMAT}: "
            "install a newer one."
        )
    bucket, created = first.get("bucket"), first.get("created")
    if not isinstance(bucket, str | None) or type(created) is not int:
        raise Refused("The dump is damaged: its first line cannot be read.")
    return Header(bucket, created)


def _read_line(line: bytes, number: int, tally: Tally | None) -> MovedRow:
    """Return the row of a line. With a tally, it is examined and counted there.

    Errors: Refused for a line that this program would not write so.
    """
    try:
        text = line[:-1].decode("utf-8")
        if tally is not None:
            parse_json(line, max_depth=MAX_LINE_DEPTH)
        row = _read_row(text)
        if tally is not None:
            _refuse_otherwise_written(row, text)
            tally.add(row, text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"Line {number} of the dump is damaged: {str(error)[:200]}.") from None
    return row


def _refuse_otherwise_written(row: MovedRow, text: str) -> None:
    if encode_row(row) != text:
        raise ValueError("it is not written as kinto-lite writes it")
    if isinstance(row, ObjectRow):
        data = parse_json(row.data.encode("utf-8"), max_depth=MAX_LINE_DEPTH)
        if not isinstance(data, dict):
            raise ValueError("its data are no object")


def _read_row(text: str) -> MovedRow:
    if text.startswith(_OBJECT_START):
        return _read_object(text)
    ((name, fields),) = json.loads(text).items()
    if name == "list":
        indexes = tuple(map(_text, fields["indexes"]))
        place = _kind(fields["kind"]), _text(fields["parent_uri"])
        return ListRow(*place, _number(fields["last_modified"]), indexes)
    if name == "secret":
        return SecretRow(_text(fields["name"]), _text(fields["value"]))
    if name == "token":
        return NonceRow(_text(fields["value"]), _number(fields["expires"]))
    raise ValueError(f"nobody knows {name!r}")


def _read_object(text: str) -> ObjectRow:
    fields, end = _DECODER.raw_decode(text, len(_OBJECT_START))
    pairs = [
        (_text(name), _text(principal))
        for name, principals in fields.get("permissions", {}).items()
        for principal in principals
    ]
    return ObjectRow(
        _number(fields["key"]),
        _kind(fields["kind"]),
        _text(fields["parent_uri"]),
        _text(fields["id"]),
        _number(fields["last_modified"]),
        fields.get("deleted", False) is True,
        text[end + len(_DATA) : -1],
        tuple(pairs),
        tuple(map(_text, fields.get("members", ()))),
    )


_DECODER = json.JSONDecoder()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("something should be a text")
    return value


def _kind(value: Any) -> str:
    if not _KIND.match(_text(value)):
        raise ValueError("something should be the name of a kind")
    return str(value)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _MAX_NUMBER:
        raise ValueError("something should be a number")
    return value
