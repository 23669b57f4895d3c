"""PATCH in its three formats (protocol, part 1, chapter 3)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto_lite.errors import InvalidRequest
from kinto_lite.model import Kind
from kinto_lite.protocol.media_types import JSON, JSON_PATCH, MERGE_PATCH
from kinto_lite.protocol.patches import (
    MAX_OPERATIONS,
    Patched,
    apply_patch,
    merge,
    read_behavior,
    read_patch,
    select_members,
)

GROUP = Kind("group", "groups", "bucket", ("read", "write"))
COLLECTION = Kind("collection", "collections", "bucket", ("read", "write", "record:create"))
RECORD = Kind("record", "records", "collection", ("read", "write"))
CURRENT = {"a": 1, "o": {"x": 1, "y": 2}, "l": [1, 2], "id": "r", "last_modified": 1000}
PERMISSIONS = {"read": ["u1"], "write": ["me"]}


def patch(
    document: object,
    media_type: str = JSON,
    kind: Kind = RECORD,
    current: dict[str, object] | None = None,
) -> Patched:
    read, details = read_patch(json.dumps(document).encode(), media_type, kind)
    assert details == []
    return apply_patch(read, kind, current or CURRENT, PERMISSIONS, 10_000)


def operate(*operations: dict[str, object], kind: Kind = RECORD) -> Patched:
    return patch(list(operations), JSON_PATCH, kind)


def op(name: str, path: str, **members: object) -> dict[str, object]:
    return {"op": name, "path": path, **{key.rstrip("_"): members[key] for key in members}}


def refusal(document: object, media_type: str = JSON, kind: Kind = RECORD) -> tuple[object, str]:
    with pytest.raises(InvalidRequest) as caught:
        patch(document, media_type, kind)
    (detail,) = caught.value.details
    return detail["name"], detail["description"]


def body_errors(document: object, media_type: str) -> list[tuple[object, str]]:
    _, details = read_patch(json.dumps(document).encode(), media_type, RECORD)
    return [(detail.name, detail.description) for detail in details]


class TestPlain:
    def test_members_replace_those_of_the_same_name(self) -> None:
        patched = patch({"data": {"o": {"z": 3}, "n": None}})
        assert patched.data == {"a": 1, "o": {"z": 3}, "l": [1, 2], "n": None}

    def test_given_lists_replace_and_null_is_ignored(self) -> None:
        patched = patch({"permissions": {"read": [], "write": None}})
        assert patched.permissions == {"read": []}
        assert patched.data == {"a": 1, "o": {"x": 1, "y": 2}, "l": [1, 2]}

    @pytest.mark.parametrize("media_type", [JSON, MERGE_PATCH])
    def test_nothing_to_patch_is_refused(self, media_type: str) -> None:
        expected = ("data", "Provide at least one of data or permissions")
        assert refusal({}, media_type) == expected

    @pytest.mark.parametrize("document", [{"data": {}}, {"permissions": {}}])
    def test_an_empty_patch_changes_nothing(self, document: object) -> None:
        patched = patch(document)
        assert (len(patched.data), patched.permissions) == (3, {})

    @pytest.mark.parametrize("id", ["other", None, 5])
    def test_another_id_is_refused(self, id: object) -> None:
        expected = ("id", "Object id does not match existing object")
        assert refusal({"data": {"id": id}}) == expected

    def test_the_timestamp_of_the_client_is_handed_on(self) -> None:
        assert patch({"data": {"last_modified": 5}}).last_modified == 5
        assert patch({"data": {"last_modified": "x"}}).last_modified is None
        assert patch({"data": {"a": 1}}).last_modified is None

    def test_the_reserved_permissions_key_is_dropped(self) -> None:
        assert "__permissions__" not in patch({"data": {"__permissions__": {}}}).data

    def test_typed_fields_are_checked_after_merging_without_prefix(self) -> None:
        assert refusal({"data": {"members": [1, 2]}}, kind=GROUP) == (
            "members.0",
            "1 is not a string: {'': ''}",
        )

    def test_only_the_first_error_is_reported(self) -> None:
        document = {"data": {"cache_expires": "x", "schema": 5}}
        assert refusal(document, kind=COLLECTION)[0] == "schema"

    def test_a_group_without_members_gets_an_empty_list(self) -> None:
        current = {"id": "g", "last_modified": 1}
        assert patch({"permissions": {}}, JSON, GROUP, current).data == {"members": []}

    def test_the_body_is_checked_like_any_envelope(self) -> None:
        assert body_errors({"permissions": {"fly": []}}, JSON)[0][0] == "permissions"
        assert body_errors({"data": None}, MERGE_PATCH)[0][0] == "data"


class TestMerge:
    def test_objects_merge_and_null_removes(self) -> None:
        patched = patch({"data": {"o": {"x": None, "z": 3}, "a": None, "q": None}}, MERGE_PATCH)
        assert patched.data == {"o": {"y": 2, "z": 3}, "l": [1, 2]}

    def test_parameters_of_the_media_type_do_not_matter(self) -> None:
        patched = patch({"data": {"a": None}}, f"{MERGE_PATCH}; charset=utf-8")
        assert "a" not in patched.data

    def test_null_as_id_or_timestamp_has_no_effect(self) -> None:
        patched = patch({"data": {"id": None, "last_modified": None}}, MERGE_PATCH)
        assert patched.last_modified is None

    def test_null_empties_a_list_of_principals(self) -> None:
        patched = patch({"permissions": {"read": None, "write": ["b"]}}, MERGE_PATCH)
        assert patched.permissions == {"read": [], "write": ["b"]}

    def test_removing_members_leaves_an_empty_group(self) -> None:
        assert patch({"data": {"members": None}}, MERGE_PATCH, GROUP).data["members"] == []

    @pytest.mark.parametrize(
        ("target", "change", "result"),
        [
            ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
            ({"a": [1]}, {"a": {"b": None}}, {"a": {}}),
            ({}, {"n": {"m": {"k": None, "j": 1}}}, {"n": {"m": {"j": 1}}}),
            ({"a": {"b": 1}}, {"a": [None]}, {"a": [None]}),
            ({"a": {"b": 1}}, {"a": "x"}, {"a": "x"}),
            ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ],
    )
    def test_it_follows_rfc_7396(self, target: object, change: object, result: object) -> None:
        assert merge(target, change) == result

    def test_great_depth_is_merged(self) -> None:
        deep = json.loads('{"a":' * 445 + "1" + "}" * 445)
        assert merge(deep, deep) == deep


class TestJsonPatch:
    @pytest.mark.parametrize(
        ("document", "expected"),
        [
            ({"a": 1}, ("", "\"{'a': 1}\" is not iterable")),
            (
                [1],
                ("0", '"1" is not a mapping type: Does not implement dict-like functionality.'),
            ),
            ([{"path": "/data/a"}], ("0.op", "Required")),
            ([{"op": "add"}], ("0.path", "Required")),
            ([{"op": "add", "path": ""}], ("0.path", "Required")),
            ([{"op": 1, "path": "/a"}], ("0.op", "1 is not a string: {'op': ''}")),
            ([{"op": "add", "path": 1}], ("0.path", "1 is not a string: {'path': ''}")),
            ([{"op": "add", "path": "a"}], ("0.path", "String does not match expected pattern")),
            (
                [{"op": "copy", "path": "/a", "from": "b"}],
                ("0.from", "String does not match expected pattern"),
            ),
            (
                [{"op": "fly", "path": "/a"}],
                ("0.op", '"fly" is not one of test, add, remove, replace, move, copy'),
            ),
            (
                [{"op": "add", "path": "/a", "x": 1}],
                ("0", "Unrecognized keys in mapping: \"{'x': 1}\""),
            ),
        ],
    )
    def test_malformed_operations_are_named(
        self, document: object, expected: tuple[str, str]
    ) -> None:
        assert body_errors(document, JSON_PATCH) == [expected]

    def test_an_absent_body_is_no_list_of_operations(self) -> None:
        _, (detail,) = read_patch(b"", JSON_PATCH, RECORD)
        assert detail.description == '"{}" is not iterable'

    def test_the_number_of_operations_is_bounded(self) -> None:
        document = [op("add", "/data/a", value=1)] * (MAX_OPERATIONS + 1)
        expected = f"Number of operations is limited to {MAX_OPERATIONS}"
        assert body_errors(document, JSON_PATCH) == [("", expected)]

    def test_operations_apply_in_order(self) -> None:
        patched = operate(
            op("test", "/data/o/x", value=1),
            op("add", "/data/l/-", value=3),
            op("add", "/data/l/0", value=0),
            op("replace", "/data/a", value=[1]),
            op("move", "/data/moved", from_="/data/o"),
            op("copy", "/data/copied", from_="/data/moved/y"),
            op("add", "/data/s~1t~0", value=True),
        )
        assert patched.data == {
            "a": [1],
            "l": [0, 1, 2, 3],
            "moved": {"x": 1, "y": 2},
            "copied": 2,
            "s/t~": True,
        }
        assert patched.permissions == {}

    def test_arguments_are_not_changed(self) -> None:
        before = json.dumps([CURRENT, PERMISSIONS])
        operate(op("remove", "/data/o/x"), op("remove", "/permissions/read/u1"))
        assert json.dumps([CURRENT, PERMISSIONS]) == before

    def test_a_copy_is_independent(self) -> None:
        patched = operate(
            op("copy", "/data/c", from_="/data/o"), op("replace", "/data/c/x", value=9)
        )
        assert patched.data["o"] == {"x": 1, "y": 2}

    @pytest.mark.parametrize(
        "operation",
        [
            op("test", "/data/a", value=2),
            op("test", "/data/a", value=True),
            op("test", "/data/a"),
            op("remove", "/data/absent"),
            op("replace", "/data/absent", value=1),
            op("remove", "/data/l/9"),
            op("add", "/data/l/9", value=1),
            op("add", "/data/l/" + "9" * 5000, value=1),
            op("add", "/data/x"),
            op("add", "/data/~2", value=1),
            op("add", "/foo/bar", value=1),
            op("add", "/data/a/b", value=1),
            op("move", "/data/x"),
            op("copy", "/data/x"),
            op("copy", "/data/x", from_="/data/absent"),
            op("copy", "/data/x", from_="/data/l/-"),
            op("move", "/data/o/z", from_="/data/o"),
            op("remove", "/data"),
            op("replace", "/data", value=[1]),
            op("remove", "/permissions"),
            op("replace", "/permissions", value=5),
            op("add", "/permissions/read"),
            op("add", "/permissions/read/a/b"),
            op("remove", "/permissions/read/nobody"),
        ],
    )
    def test_an_operation_that_fails_is_refused(self, operation: dict[str, object]) -> None:
        name, description = refusal([operation], JSON_PATCH)
        assert name is None
        assert description.startswith("JSON Patch operation failed: ")
        assert len(description) < 400

    def test_paths_elsewhere_change_nothing(self) -> None:
        assert operate(op("add", "/foo", value=1)).data["a"] == 1

    def test_all_attributes_can_be_replaced(self) -> None:
        patched = operate(op("add", "/data", value={"n": 1}))
        assert (patched.data, patched.last_modified) == ({"n": 1}, None)

    def test_id_and_timestamp_can_be_tested_and_removed(self) -> None:
        patched = operate(
            op("test", "/data/id", value="r"),
            op("remove", "/data/id"),
            op("remove", "/data/last_modified"),
        )
        assert patched.data == {"a": 1, "o": {"x": 1, "y": 2}, "l": [1, 2]}

    def test_another_id_is_refused(self) -> None:
        document = [op("replace", "/data/id", value="other")]
        assert refusal(document, JSON_PATCH)[0] == "id"

    def test_copies_of_copies_are_bounded(self) -> None:
        document = [op("copy", f"/data/c{index}", from_="/data") for index in range(60)]
        assert "bytes are copied" in refusal(document, JSON_PATCH)[1]

    def test_the_result_is_bounded(self) -> None:
        document = [op("add", f"/data/c{index}", value="x" * 4000) for index in range(3)]
        assert "10000 bytes" in refusal(document, JSON_PATCH)[1]

    def test_the_depth_of_the_result_is_bounded(self) -> None:
        deep = json.loads('{"a":' * 300 + "1" + "}" * 300)
        bottom = "/data/o" + "/a" * 300
        document = [op("add", "/data/o", value=deep), op("add", bottom, value=deep)]
        assert "levels of nesting" in refusal(document, JSON_PATCH)[1]


class TestPermissionsOfJsonPatch:
    def test_a_principal_is_added_without_value(self) -> None:
        patched = operate(op("add", "/permissions/read/u2"))
        assert patched.permissions == {"read": ["u1", "u2"]}

    def test_a_given_value_is_ignored(self) -> None:
        patched = operate(op("add", "/permissions/read/u2", value={"x": 1}))
        assert patched.permissions == {"read": ["u1", "u2"]}

    def test_slashes_in_a_principal_are_escaped(self) -> None:
        patched = operate(op("add", "/permissions/read/~1buckets~1b~1groups~1g"))
        assert patched.permissions == {"read": ["u1", "/buckets/b/groups/g"]}

    def test_a_principal_is_removed(self) -> None:
        assert operate(op("remove", "/permissions/read/u1")).permissions == {"read": []}

    @pytest.mark.parametrize("members", [{}, {"value": "u1"}, {"value": "other"}])
    def test_a_present_principal_tests_well(self, members: dict[str, object]) -> None:
        assert operate(op("test", "/permissions/read/u1", **members)).permissions == {}

    def test_principals_move_between_permissions(self) -> None:
        patched = operate(op("move", "/permissions/write/u1", from_="/permissions/read/u1"))
        assert patched.permissions == {"read": [], "write": ["me", "u1"]}

    @pytest.mark.parametrize("value", [{"k1": 1, "k2": None}, ["k1", "k2"]])
    def test_a_whole_list_is_replaced(self, value: object) -> None:
        patched = operate(op("replace", "/permissions/read", value=value))
        assert patched.permissions == {"read": ["k1", "k2"]}

    def test_every_known_permission_is_present(self) -> None:
        patched = operate(op("add", "/permissions/record:create/u2"), kind=COLLECTION)
        assert patched.permissions == {"record:create": ["u2"]}

    def test_removing_a_whole_list_empties_it(self) -> None:
        assert operate(op("remove", "/permissions/read")).permissions == {"read": []}

    def test_lists_that_a_replacement_of_all_leaves_out_stay(self) -> None:
        patched = operate(op("replace", "/permissions", value={"read": {"z": 1}}))
        assert patched.permissions == {"read": ["z"]}

    def test_an_unknown_permission_is_refused(self) -> None:
        document = [op("add", "/permissions/fly", value={"u": "u"})]
        expected = ("permissions", '"fly" is not one of read, write')
        assert refusal(document, JSON_PATCH) == expected

    def test_null_as_a_list_empties_it(self) -> None:
        patched = operate(op("replace", "/permissions/read", value=None))
        assert patched.permissions == {"read": []}

    @pytest.mark.parametrize("value", ["text", 5, [1], [""], {"": 1}])
    def test_a_list_of_something_else_is_refused(self, value: object) -> None:
        document = [op("replace", "/permissions/read", value=value)]
        name, _ = refusal(document, JSON_PATCH)
        assert str(name).startswith("permissions.read")


class TestResponseBehavior:
    @pytest.mark.parametrize(
        ("header", "behavior"),
        [(None, "full"), ("", "full"), ("full", "full"), ("light", "light"), ("diff", "diff")],
    )
    def test_known_values_are_read(self, header: str | None, behavior: str) -> None:
        assert read_behavior(header) == (behavior, [])

    @pytest.mark.parametrize("header", ["Light", "quiet"])
    def test_other_values_are_refused(self, header: str) -> None:
        (detail,) = read_behavior(header)[1]
        assert detail == (
            "Response-Behavior",
            "header",
            f'"{header}" is not one of full, light, diff',
        )

    def select(self, behavior: str, document: object, media_type: str = JSON) -> object:
        patched = patch(document, media_type)
        after = {**patched.data, "id": "r", "last_modified": 2000}
        return select_members(behavior, patched, CURRENT, after)

    def test_light_shows_the_named_members_that_changed(self) -> None:
        document = {"data": {"a": 2, "l": [1, 2], "n": 1, "q": None}}
        assert self.select("light", document) == {"a": 2, "n": 1}

    def test_diff_shows_what_is_stored_other_than_submitted(self) -> None:
        document = {"data": {"a": 2, "last_modified": 1}}
        assert self.select("diff", document) == {"last_modified": 2000}

    def test_a_json_patch_names_all_members(self) -> None:
        document = [op("add", "/data/n", value=1)]
        assert self.select("light", document, JSON_PATCH) == {"n": 1, "last_modified": 2000}
        assert self.select("diff", document, JSON_PATCH) == {"last_modified": 2000}

    def test_a_member_that_a_merge_patch_removes_is_left_out(self) -> None:
        assert self.select("light", {"data": {"a": None, "l": 5}}, MERGE_PATCH) == {"l": 5}

    def test_an_object_merged_into_an_object_is_not_shown(self) -> None:
        document = {"data": {"o": {"z": 2}, "new": {"z": 2}}}
        assert self.select("light", document, MERGE_PATCH) == {"new": {"z": 2}}


POINTERS = st.lists(
    st.sampled_from(["data", "permissions", "read", "u1", "a", "o", "l", "x", "0", "-", "", "~"]),
    min_size=1,
    max_size=4,
).map(lambda parts: "/" + "/".join(parts))
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["test", "add", "remove", "replace", "move", "copy"]), "path": POINTERS},
    optional={"from": POINTERS, "value": st.sampled_from([1, None, {}, [], {"x": {}}, "s"])},
)


@given(st.lists(OPERATIONS, max_size=6))
def test_any_operations_are_applied_or_refused(operations: list[dict[str, object]]) -> None:
    read, _ = read_patch(json.dumps(operations).encode(), JSON_PATCH, RECORD)
    try:
        patched = apply_patch(read, RECORD, CURRENT, PERMISSIONS, 10_000)
    except InvalidRequest as refused:
        details = refused.details
    else:
        details = [json.dumps(patched.data)]
    assert len(details) == 1
