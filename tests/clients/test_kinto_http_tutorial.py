"""The tutorial once more, told by kinto_http, the Python client of the protocol."""

from __future__ import annotations

import uuid
from typing import NamedTuple

import pytest
from kinto_http import Client, KintoException
from kinto_http.patch_type import BasicPatch

from tests.clients.conftest import MakeClient

TODO = {"description": "Write a tutorial explaining Kinto", "status": "todo"}


def get_user_id(client: Client) -> str:
    user_id = client.server_info()["user"]["id"]
    assert isinstance(user_id, str)
    return user_id


# --- sync ------------------------------------------------------------------------------------


def test_a_new_task_has_an_id_a_timestamp_and_a_writer(client: Client) -> None:
    task = client.create_record(data=TODO)
    assert task["permissions"] == {"write": [get_user_id(client)]}
    assert client.get_records() == [task["data"]]
    assert client.get_records_timestamp() == str(task["data"]["last_modified"])


def test_a_patch_keeps_what_it_does_not_name(client: Client) -> None:
    task = client.create_record(data=TODO)["data"]
    doing = client.patch_record(id=task["id"], data={"status": "doing"})["data"]
    assert doing["description"] == TODO["description"]
    assert doing["status"] == "doing"


def test_a_stale_device_is_told_what_there_is(client: Client) -> None:
    task = client.create_record(data=TODO)["data"]
    doing = client.patch_record(id=task["id"], data={"status": "doing"})["data"]
    with pytest.raises(KintoException) as refusal:
        client.patch_record(id=task["id"], data={"status": "done"}, if_match=task["last_modified"])
    assert refusal.value.response.status_code == 412
    assert refusal.value.response.json()["details"]["existing"] == doing
    assert client.get_record(id=task["id"])["data"] == doing


def test_the_other_device_fetches_only_what_changed(client: Client) -> None:
    kept, changed, gone = (client.create_record(data=TODO)["data"] for _ in range(3))
    since = client.get_records_timestamp()
    client.patch_record(id=changed["id"], data={"status": "done"})
    client.delete_record(id=gone["id"])
    changes = {one["id"]: one for one in client.get_records(_since=since)}
    assert changes.keys() == {changed["id"], gone["id"]}
    assert changes[gone["id"]]["deleted"] is True
    assert kept["id"] not in changes


def test_nothing_new_is_an_empty_list(client: Client) -> None:
    client.create_record(data=TODO)
    since = client.get_records_timestamp()
    assert client.get_records(_since=since, if_none_match=since) == []


# --- sharing ---------------------------------------------------------------------------------


class People(NamedTuple):
    """The users of the sharing story; their clients look at the shared list."""

    owner: Client
    alice: Client
    bob: Client
    mary: Client


@pytest.fixture
def people(make_client: MakeClient) -> People:
    bucket = f"todo-{uuid.uuid4()}"
    owner, alice, bob, mary = (
        make_client(name).clone(bucket=bucket) for name in ("user", "alice", "bob", "mary")
    )
    owner.create_bucket()
    owner.create_collection(permissions={"record:create": ["system.Authenticated"]})
    return People(owner, alice, bob, mary)


def share_tasks(people: People) -> tuple[str, str]:
    """Alice and Bob store a task each and let the other one read it; returns the ids."""
    for_alice = {"read": [get_user_id(people.alice)]}
    bobs = people.bob.create_record(data={**TODO, "of": "bob"}, permissions=for_alice)
    alices = people.alice.create_record(data={**TODO, "of": "alice"})
    for_bob = BasicPatch(permissions={"read": [get_user_id(people.bob)]})
    people.alice.patch_record(id=alices["data"]["id"], changes=for_bob)
    return alices["data"]["id"], bobs["data"]["id"]


def befriend(people: People, task_id: str) -> None:
    """Alice makes a group of Bob and Mary, and lets it read her task."""
    rules = BasicPatch(permissions={"group:create": ["system.Authenticated"]})
    people.owner.patch_bucket(changes=rules)
    members = [get_user_id(people.bob), get_user_id(people.mary)]
    group = people.alice.create_group(id="alice-friends", data={"members": members})
    assert group["data"]["members"] == members
    bucket = people.owner.get_bucket()["data"]["id"]
    readers = BasicPatch(permissions={"read": [f"/buckets/{bucket}/groups/alice-friends"]})
    people.alice.patch_record(id=task_id, changes=readers)


def test_each_sees_his_own_and_what_is_shared(people: People) -> None:
    alices, bobs = share_tasks(people)
    people.owner.create_record(data=TODO)
    assert {task["id"] for task in people.bob.get_records()} == {alices, bobs}
    assert {task["id"] for task in people.alice.get_records()} == {alices, bobs}
    assert len(people.owner.get_records()) == 3


def test_friends_read_by_their_group(people: People) -> None:
    alices, _ = share_tasks(people)
    befriend(people, alices)
    assert people.mary.get_record(id=alices)["data"]["of"] == "alice"


def test_strangers_are_refused(people: People, make_client: MakeClient) -> None:
    alices, _ = share_tasks(people)
    befriend(people, alices)
    bucket = people.owner.get_bucket()["data"]["id"]
    with pytest.raises(KintoException) as refusal:
        make_client("stranger").clone(bucket=bucket).get_record(id=alices)
    assert refusal.value.response.status_code == 403


def test_nobody_is_refused(people: People, url: str) -> None:
    alices, _ = share_tasks(people)
    bucket = people.owner.get_bucket()["data"]["id"]
    with pytest.raises(KintoException) as refusal:
        Client(server_url=url, bucket=bucket, collection="tasks").get_record(id=alices)
    assert refusal.value.response.status_code == 401


def test_a_personal_task_is_shared_by_the_full_bucket_id(
    client: Client, make_client: MakeClient
) -> None:
    friend = make_client("friend")
    task = client.create_record(data=TODO, permissions={"read": [get_user_id(friend)]})["data"]
    bucket = client.get_bucket()["data"]["id"]
    assert friend.clone(bucket=bucket).get_record(id=task["id"])["data"] == task
