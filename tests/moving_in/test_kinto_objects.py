"""Objects of Kinto as rows, from what PostgreSQL answers; neither it nor Kinto is needed here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kinto_lite.storage.kinto_objects import KintoList, KintoObject, make_object, make_rows
from kinto_lite.storage.moving import ListRow, ObjectRow, Refused, SecretRow

pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
from kinto_lite.storage.postgres.kinto_tables import make_found, write_query

#: A row as a Kinto 26.5 on PostgreSQL 15 gave it.
COLLECTION = (
    *("/buckets/b0", "shared", 1795303588647, False),
    '{"id": "odd", "n": 1.0, "big": 10000000000000000000000, "small": 0.0000001, "t": "é"}',
    '[["write", "/buckets/b0/groups/friends"], ["write", "account:a"], ["read", "account:b"]]',
    None,
    '[["record", 1795303588700]]',
)
GROUP = (
    *("/buckets/b0", "friends", 1795303588000, False, '{"members": ["account:x"]}', None),
    *('["account:x", "account:left-behind"]', None),
)


class Source:
    """Two objects, recorded."""

    def count_objects(self) -> int:
        return 3

    def root_lists(self) -> list[KintoList]:
        return [KintoList("bucket", 7)]

    def objects(self) -> Iterator[KintoObject]:
        yield KintoObject("bucket", "", "b0", 5, False, {}, lists=[KintoList("collection", 9)])
        yield KintoObject("bucket", "", "gone", 7, True, {}, lists=[KintoList("collection", 9)])
        yield make_found("collection", *COLLECTION)

    def describe_losses(self) -> list[str]:
        return []


def make_record(text: str) -> ObjectRow:
    row = ("/buckets/b0/collections/c", "r", 5, False, text, None, None, None)
    return make_object(1, make_found("record", *row))


def test_numbers_are_written_as_kinto_answers_them() -> None:
    data = make_object(1, make_found("collection", *COLLECTION)).data
    assert data == '{"n":1.0,"big":10000000000000000000000,"small":1e-07,"t":"\\u00E9"}'


def test_members_are_those_who_have_the_principal() -> None:
    row = make_object(1, make_found("group", *GROUP))
    assert row.members == ("account:left-behind", "account:x")
    assert row.data == '{"members":["account:x"]}'


def test_permissions_are_pairs_in_order() -> None:
    row = make_object(1, make_found("collection", *COLLECTION))
    assert row.permissions[0] == ("read", "account:b")
    assert len(row.permissions) == 3


def test_secrets_and_lists_come_before_what_needs_them() -> None:
    kinds = [type(row) for row in make_rows(Source(), {"userid_hmac_secret": "x"})]
    assert kinds == [SecretRow, ListRow, ObjectRow, ListRow, ObjectRow, ObjectRow, ListRow]


def test_keys_follow_the_last_one_that_is_taken() -> None:
    rows = make_rows(Source(), {}, last_key=41)
    assert [row.key for row in rows if isinstance(row, ObjectRow)] == [42, 43, 44]


def test_a_tombstone_has_nothing_but_its_time() -> None:
    found = KintoObject("record", "/x", "r", 5, True, {"a": 1}, [("read", "x")], ["y"])
    row = make_object(3, found)
    assert row == ObjectRow(3, "record", "/x", "r", 5, True, '{"deleted":true}')


@pytest.mark.parametrize("depth", [450, 451, 900, 5000])
def test_what_is_nested_too_deeply_is_refused(depth: int) -> None:
    text = f'{{"a":{"[" * (depth - 1)}{"]" * (depth - 1)}}}'
    if depth == 450:
        assert make_record(text).data == text
        return
    with pytest.raises(Refused, match=r"/buckets/b0/collections/c/records/r cannot be"):
        make_record(text)


@pytest.mark.parametrize("number", ["1" + "0" * 309, "9" * 5000, "1" + "0" * 400 + ".5"])
def test_numbers_that_no_double_can_hold_are_refused(number: str) -> None:
    with pytest.raises(Refused, match="cannot be"):
        make_record(f'{{"a": {number}}}')


def test_the_greatest_numbers_are_kept() -> None:
    digits = "1" + "0" * 308
    assert make_record(f'{{"a": {digits}}}').data == f'{{"a":{digits}}}'


@pytest.mark.parametrize("kind", ["bucket", "group", "collection", "record", "history", "account"])
def test_queries_have_no_open_places(kind: str) -> None:
    assert "/*" not in write_query(kind)
