"""What a stranger's, a cut off or a damaged dump can do: be refused in one line, no more."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from kinto_lite.commands import dump_format
from kinto_lite.commands.dump_format import DumpReader
from kinto_lite.storage.moving import Refused, Tally
from tests.moving.conftest import Runner

#: Bytes of a dump that are damaged one at a time.
SAMPLES = 150


def read(content: bytes) -> list[object]:
    """Read a dump to its end."""
    return list(DumpReader(BytesIO(content)).rows())


def sign(lines: list[bytes]) -> bytes:
    """A dump of these lines whose footer is right, as an attacker would make it."""
    body = b"".join(line + b"\n" for line in lines)
    tally = Tally()
    end = {"end": {"kinds": tally.describe(), "sha256": hashlib.sha256(body).hexdigest()}}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"


@pytest.fixture
def content(dump: Path) -> bytes:
    """A sound dump."""
    return dump.read_bytes()


def test_a_sound_dump_is_read(content: bytes) -> None:
    assert len(read(content)) == len(content.splitlines()) - 2


def test_every_damaged_byte_is_noticed(content: bytes) -> None:
    chance = random.Random(3)
    edges = [0, 1, len(content) // 2, len(content) - 2, len(content) - 1]
    for place in edges + [chance.randrange(len(content)) for _ in range(SAMPLES)]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << chance.randrange(8)
        with pytest.raises(Refused):
            read(bytes(damaged))


def test_every_missing_end_is_noticed(content: bytes) -> None:
    chance = random.Random(4)
    for size in [0, 1, len(content) - 1, *(chance.randrange(len(content)) for _ in range(30))]:
        with pytest.raises(Refused):
            read(content[:size])


def means_the_same(packed: bytes, content: bytes) -> bool:
    """Tell whether a bit was damaged that says nothing: the last byte before the checksum of gzip
    has some that only fill it up."""
    try:
        return gzip.decompress(packed) == content
    except (OSError, EOFError, zlib.error):
        return False


def test_damage_of_a_packed_dump_is_noticed(content: bytes) -> None:
    packed, chance = gzip.compress(content), random.Random(5)
    # The ten bytes of its header hold a date and a name, which mean nothing.
    for place in [chance.randrange(10, len(packed)) for _ in range(SAMPLES)]:
        damaged = bytearray(packed)
        damaged[place] ^= 1 << chance.randrange(8)
        if not means_the_same(bytes(damaged), content):
            with pytest.raises(Refused):
                read(bytes(damaged))
    for size in (20, len(packed) // 2, len(packed) - 1):
        with pytest.raises(Refused):
            read(packed[:size])


def test_lines_in_another_order_are_noticed(content: bytes) -> None:
    lines = content.splitlines(keepends=True)
    lines[5], lines[6] = lines[6], lines[5]
    with pytest.raises(Refused, match="checksums"):
        read(b"".join(lines))


def test_what_follows_the_last_line_is_noticed(content: bytes) -> None:
    with pytest.raises(Refused, match="follows its last line"):
        read(content + b"\n")


def test_a_newer_format_is_refused(content: bytes) -> None:
    newer = content.replace(b'"kinto_lite_dump":1', b'"kinto_lite_dump":2', 1)
    with pytest.raises(Refused, match="install a newer one"):
        read(newer)


PLACE = b'"key":1,"kind":"bucket","parent_uri":"","id":"b","last_modified":1'
BAD_OBJECTS = (
    b'{"object":1,"data":{}}',
    b'{"object":[],"data":{}}',
    b'{"object":{},"data":{}}',
    b'{"object":{%s}}' % PLACE,
    b'{"object":{%s},"data":{}}' % PLACE.replace(b"1", b"1.5"),
    b'{"object":{%s},"data":{}}' % PLACE.replace(b"1", b"-1"),
    b'{"object":{%s},"data":{}}' % PLACE.replace(b"bucket", b"b;"),
    b'{"object":{%s},"data":{}}' % PLACE.replace(b'"b"', b'"\\ud800"'),
    b'{"object":{%s},"data":[]}' % PLACE,
    b'{"object":{%s},"data":{"x":NaN}}' % PLACE,
    b'{"object":{%s},"data":{},"data":{}}' % PLACE,
    b'{"object":{%s},"data":{}}' % (PLACE + b',"key":1'),
    b'{"object":{%s},"data":{}}' % (PLACE + b',"permissions":{"read":"x"}'),
    b'{"object":{%s},"data":{}}' % (PLACE + b',"members":7'),
    b'{"object": {%s},"data":{}}' % PLACE,
    b'{"object":' + b"[" * 100_000,
)
BAD_LINES = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"list":{"kind":"bucket","parent_uri":"","last_modified":1}}',
    b'{"list":{"kind":"bucket","parent_uri":"","last_modified":1,"indexes":"x"}}',
    b'{"list":{"kind":"bucket","parent_uri":"","last_modified":1,"indexes":[1]}}',
    b'{"secret":{"name":"x"}}',
    b'{"token":{"value":"x","expires":1e300}}',
    b'{"unknown":{}}',
    b"\xff\xfe",
    b"[" * 100_000,
)


@pytest.mark.parametrize("line", [*BAD_OBJECTS, *BAD_LINES])
def test_a_line_that_is_no_row_is_refused_even_with_a_right_footer(line: bytes) -> None:
    header = b'{"kinto_lite_dump":1,"version":"0.1.0","bucket":null,"created":1}'
    with pytest.raises(Refused, match="Line 2"):
        read(sign([header, line]))


def test_a_line_that_is_too_long_is_refused(
    monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(dump_format, "MAX_LINE_BYTES", 1000)
    with pytest.raises(Refused, match="too long"):
        read(content)


def test_a_dump_that_changes_between_its_two_readings_is_refused(content: bytes) -> None:
    stream = BytesIO(content)
    reader = DumpReader(stream)
    list(reader.rows())
    stream.getbuffer()[content.index(b'"n":') + 4] ^= 1
    with pytest.raises(Refused):
        list(reader.rows())


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:-10], lambda content: content.replace(b"alice", b"malice", 1)[::-1]],
)
def test_nothing_is_written_when_a_dump_is_refused(
    damage: Callable[[bytes], bytes],
    content: bytes,
    tmp_path: Path,
    run: Runner,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "bad").mkdir()
    dump = tmp_path / "bad" / "dump.jsonl"
    dump.write_bytes(damage(content))
    assert run("load", dump, "--db", tmp_path / "bad" / "new.db") == 1
    assert "Traceback" not in capsys.readouterr().err
    assert list((tmp_path / "bad").iterdir()) == [dump]


@pytest.mark.parametrize("number", [2, 8, 20])
def test_rows_that_do_not_fit_together_leave_nothing(
    number: int, content: bytes, tmp_path: Path, run: Runner
) -> None:
    lines = content.splitlines(keepends=True)
    objects = [line for line in lines if line.startswith(b'{"object"')]
    rows = [lines[0], objects[number]]
    reader_lines = [line.rstrip(b"\n") for line in rows]
    dump = tmp_path / "orphan.jsonl"
    dump.write_bytes(resign(reader_lines))
    assert run("load", dump, "--db", tmp_path / "new.db") == 1
    assert not (tmp_path / "new.db").exists()


def resign(lines: list[bytes]) -> bytes:
    """A dump of sound rows with the right footer, though rows are missing."""
    body = b"".join(line + b"\n" for line in lines)
    tally = Tally()
    for line in lines[1:]:
        tally.add(dump_format._read_line(line + b"\n", 2, None), line.decode("utf-8"))
    end = {"end": {"kinds": tally.describe(), "sha256": hashlib.sha256(body).hexdigest()}}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"
