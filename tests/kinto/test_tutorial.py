"""The tutorial of the protocol, step by step, over real HTTP against a started server.

First half: one person, two devices, the personal bucket. Second half: several people who
share tasks of one collection. Each test has users and a bucket of its own, so that all of
them can use one server; the tests that kill the server start one for themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.kinto.plain_client import PlainClient, Reply
from tests.live import start_server

TASKS = "/v1/buckets/default/collections/tasks/records"
TODO = {"data": {"description": "Write a tutorial explaining Kinto", "status": "todo"}}
BOBS = {"data": {"description": "Bob's task", "status": "todo"}}
ALICES = {"data": {"description": "Alice's task", "status": "todo"}}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_server(tmp_path_factory.mktemp("tutorial")) as server:
        yield server.url


# --- sync between the devices of one person ------------------------------------------------


@pytest.fixture
def device(url: str) -> PlainClient:
    """A user nobody else is."""
    return PlainClient(url, f"user-{uuid.uuid4()}", "password")


@pytest.fixture
def task(device: PlainClient) -> Reply:
    """The answer to the first task that this user stores."""
    return device.post(TASKS, TODO)


def address(task: Reply) -> str:
    return f"{TASKS}/{task.data['id']}"


def test_posting_a_task_answers_201_with_the_task(task: Reply) -> None:
    assert task.status == 201
    assert task.data == {
        **TODO["data"],
        "id": str(uuid.UUID(task.data["id"])),
        "last_modified": int(task.etag.strip('"')),
    }


def test_whoever_posts_a_task_may_write_it(device: PlainClient, task: Reply) -> None:
    assert task.body["permissions"] == {"write": [device.user_id]}


def test_the_list_has_the_task_its_etag_and_its_total(device: PlainClient, task: Reply) -> None:
    tasks = device.get(TASKS)
    assert tasks.data == [task.data]
    assert tasks.etag == f'"{task.data["last_modified"]}"'
    assert tasks.headers["Total-Records"] == "1"


def test_patching_a_task_keeps_its_other_fields(device: PlainClient, task: Reply) -> None:
    doing = device.patch(address(task), {"data": {"status": "doing"}})
    assert doing.status == 200
    assert doing.data["status"] == "doing"
    assert doing.data["description"] == TODO["data"]["description"]
    assert doing.data["last_modified"] > task.data["last_modified"]


def test_patch_with_a_stale_etag_is_refused(device: PlainClient, task: Reply) -> None:
    doing = device.patch(address(task), {"data": {"status": "doing"}})
    refused = device.patch(address(task), {"data": {"status": "done"}}, if_match=task.etag)
    assert (refused.status, refused.body["errno"]) == (412, 114)
    assert refused.body["details"]["existing"] == doing.data
    assert device.get(address(task)).data == doing.data


def test_patch_with_the_current_etag_is_accepted(device: PlainClient, task: Reply) -> None:
    device.patch(address(task), {"data": {"status": "doing"}})
    current = device.get(address(task))
    done = device.patch(address(task), {"data": {"status": "done"}}, if_match=current.etag)
    assert (done.status, done.data["status"]) == (200, "done")


def test_deleting_with_the_current_etag_answers_the_tombstone(
    device: PlainClient, task: Reply
) -> None:
    gone = device.delete(address(task), if_match=task.etag)
    assert gone.status == 200
    assert gone.data["deleted"] is True
    assert gone.data["id"] == task.data["id"]
    assert device.get(address(task)).status == 404


def test_the_other_device_learns_of_a_deletion(device: PlainClient, task: Reply) -> None:
    gone = device.delete(address(task), if_match=task.etag)
    changes = device.get(f"{TASKS}?_since={task.etag.strip(chr(34))}")
    assert changes.data == [gone.data]
    assert changes.etag == gone.etag


def test_since_accepts_the_etag_with_its_quotes(device: PlainClient, task: Reply) -> None:
    second = device.post(TASKS, TODO)
    changes = device.get(f"{TASKS}?_since={task.etag.replace(chr(34), '%22')}")
    assert changes.data == [second.data]


def test_nothing_new_answers_304(device: PlainClient, task: Reply) -> None:
    current = device.get(TASKS).etag
    answer = device.get(f"{TASKS}?_since={current.strip(chr(34))}", if_none_match=current)
    assert (answer.status, answer.body) == (304, None)
    assert answer.etag == current


# --- sharing between people ------------------------------------------------------------------


class People(NamedTuple):
    """A server's users of the sharing story, and the bucket they share."""

    owner: PlainClient
    alice: PlainClient
    bob: PlainClient
    mary: PlainClient
    bucket: str

    @property
    def tasks(self) -> str:
        """The URL of the shared list."""
        return f"{self.bucket}/collections/tasks/records"


def meet_people(url: str, bucket: str) -> People:
    """Return the same users again, on a server that knows them already."""
    alice, bob, mary = (
        PlainClient(url, name, f"{name}password") for name in ("alice", "bob", "mary")
    )
    return People(PlainClient(url, "user", "password"), alice, bob, mary, bucket)


def gather_people(url: str, bucket: str) -> People:
    """Create the bucket and a collection where whoever is authenticated may add tasks."""
    people = meet_people(url, bucket)
    owner = people.owner
    assert owner.put(bucket, {}).status == 201
    rules = {"permissions": {"record:create": ["system.Authenticated"]}}
    assert owner.put(f"{bucket}/collections/tasks", rules).status == 201
    return people


@pytest.fixture
def people(url: str) -> People:
    return gather_people(url, f"/v1/buckets/todo-{uuid.uuid4()}")


def share_tasks(people: People) -> tuple[Reply, Reply]:
    """Alice and Bob store a task each, and let the other one read it."""
    for_alice = {"permissions": {"read": [people.alice.user_id]}}
    bobs = people.bob.post(people.tasks, {**BOBS, **for_alice})
    alices = people.alice.post(people.tasks, ALICES)
    for_bob = {"permissions": {"read": [people.bob.user_id]}}
    shared = people.alice.patch(f"{people.tasks}/{alices.data['id']}", for_bob)
    assert (bobs.status, alices.status, shared.status) == (201, 201, 200)
    return shared, bobs


def befriend(people: People, task: Reply) -> Reply:
    """Alice makes a group of Bob and Mary, and lets it read her task."""
    create_groups = {"permissions": {"group:create": ["system.Authenticated"]}}
    assert people.owner.patch(people.bucket, create_groups).status == 200
    group = f"{people.bucket}/groups/alice-friends"
    friends = {"data": {"members": [people.mary.user_id, people.bob.user_id]}}
    assert people.alice.put(group, friends).status == 201
    readers = {"permissions": {"read": [group.removeprefix("/v1")]}}
    return people.alice.patch(f"{people.tasks}/{task.data['id']}", readers)


def ids(reply: Reply) -> set[Any]:
    return {item["id"] for item in reply.data}


def test_bob_lists_his_task_and_the_one_alice_shares(people: People) -> None:
    alices, bobs = share_tasks(people)
    people.owner.post(people.tasks, TODO)
    tasks = people.bob.get(people.tasks)
    assert ids(tasks) == {alices.data["id"], bobs.data["id"]}
    assert tasks.headers["Total-Records"] == "2"


def test_the_count_of_bobs_tasks_leaves_out_what_he_may_not_read(people: People) -> None:
    share_tasks(people)
    people.owner.post(people.tasks, TODO)
    counted = people.bob.send("HEAD", people.tasks)
    assert (counted.headers["Total-Records"], counted.headers["Total-Objects"]) == ("2", "2")


def test_bob_may_read_but_not_change_the_task_alice_shares(people: People) -> None:
    alices, _ = share_tasks(people)
    path = f"{people.tasks}/{alices.data['id']}"
    assert people.bob.get(path).body == {"data": alices.data, "permissions": {}}
    assert people.bob.patch(path, {"data": {"status": "done"}}).status == 403
    assert people.alice.get(path).data == alices.data


def test_the_shared_task_shows_alice_who_may_read_it(people: People) -> None:
    alices, _ = share_tasks(people)
    assert alices.body["permissions"] == {
        "read": [people.bob.user_id],
        "write": [people.alice.user_id],
    }


def test_members_of_a_group_read_what_is_shared_with_it(people: People) -> None:
    alices, _ = share_tasks(people)
    assert befriend(people, alices).status == 200
    answer = people.mary.get(f"{people.tasks}/{alices.data['id']}")
    assert (answer.status, answer.data["description"]) == (200, "Alice's task")


def test_a_stranger_is_refused_with_403(people: People, device: PlainClient) -> None:
    alices, _ = share_tasks(people)
    befriend(people, alices)
    answer = device.get(f"{people.tasks}/{alices.data['id']}")
    assert (answer.status, answer.body["errno"]) == (403, 121)


def test_nobody_is_asked_to_authenticate(people: People, url: str) -> None:
    alices, _ = share_tasks(people)
    answer = PlainClient(url).get(f"{people.tasks}/{alices.data['id']}")
    assert (answer.status, answer.body["errno"]) == (401, 104)
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_personal_bucket_is_shared_by_its_full_url(
    url: str, device: PlainClient, task: Reply
) -> None:
    friend = PlainClient(url, f"friend-{uuid.uuid4()}", "password")
    bucket = device.get("/v1/buckets/default").data["id"]
    full = f"/v1/buckets/{bucket}/collections/tasks/records/{task.data['id']}"
    assert friend.get(full).status == 403
    device.patch(address(task), {"permissions": {"read": [friend.user_id]}})
    answer = friend.get(full)
    assert (answer.status, answer.data["status"]) == (200, "todo")


# --- a power cut in the middle ---------------------------------------------------------------


def test_all_that_was_answered_survives_a_killed_server(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        people = gather_people(server.url, "/v1/buckets/todo")
        alices, bobs = share_tasks(people)
        changed = befriend(people, alices)
        server.process.kill()
        server.process.wait()
    with start_server(tmp_path) as server:
        bob = PlainClient(server.url, "bob", "bobpassword")
        tasks = bob.get(people.tasks)
    assert sorted(tasks.data, key=str) == sorted([changed.data, bobs.data], key=str)
    assert tasks.etag == changed.etag


def test_sharing_goes_on_after_a_killed_server(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        people = gather_people(server.url, "/v1/buckets/todo")
        alices, _ = share_tasks(people)
        server.process.kill()
        server.process.wait()
    with start_server(tmp_path) as server:
        again = meet_people(server.url, people.bucket)
        changed = befriend(again, alices)
        answer = again.mary.get(f"{again.tasks}/{alices.data['id']}")
    assert answer.data == changed.data
    assert changed.data["last_modified"] > alices.data["last_modified"]


def test_a_device_syncs_on_over_a_killed_server(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        device = PlainClient(server.url, "user", "password")
        seen = device.post(TASKS, TODO).etag
        later = device.post(TASKS, TODO)
        server.process.kill()
        server.process.wait()
    with start_server(tmp_path) as server:
        device = PlainClient(server.url, "user", "password")
        changes = device.get(f"{TASKS}?_since={seen.replace(chr(34), '%22')}")
    assert changes.data == [later.data]
    assert changes.etag == later.etag
