"""Who observes hears once of each request, when its answer is final."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from webtest import TestApp

from kinto_lite.errors import SlowWork
from kinto_lite.hooks import Observation
from kinto_lite.model import ApiRequest
from kinto_lite.storage.base import Full

Seen = list[Observation]
AUTH = {"Authorization": "Basic dTpw"}


@pytest.fixture
def wsgi(make_wsgi: Any) -> Any:
    return make_wsgi(
        {
            "multiauth.policies": "basicauth",
            "includes": "kinto.plugins.default_bucket",
            "userid_hmac_secret": "x",
        }
    )


@pytest.fixture
def seen(wsgi: Any) -> Seen:
    """What is observed, from now on."""
    found: Seen = []
    wsgi.service.observers.append(found.append)
    return found


@pytest.fixture
def http(wsgi: Any) -> TestApp:
    return TestApp(wsgi)


def name(observation: Observation) -> tuple[str, str, int]:
    return observation.within, observation.trace.endpoint, observation.status


def test_a_request_is_observed_once_with_all_that_matters(http: TestApp, seen: Seen) -> None:
    http.put("/v1/buckets/b1", headers=AUTH)
    (one,) = seen
    assert name(one) == ("", "bucket-object", 201)
    assert one.trace.params == {"bucket_id": "b1"}
    assert one.trace.policy == "basicauth"
    assert (one.trace.user_id or "").startswith("basicauth:")
    assert one.size_bytes > 50
    assert 0 < one.seconds < 60


def test_a_refusal_is_observed_with_its_number(http: TestApp, seen: Seen) -> None:
    http.get("/v1/buckets/none", status=401)
    http.get("/v1/nothing", status=404)
    assert [(one.trace.endpoint, one.errno) for one in seen] == [
        ("bucket-object", 104),
        ("unknown", 111),
    ]


def test_redirects_have_names(http: TestApp, seen: Seen) -> None:
    http.get("/buckets", status=307)
    http.get("/v1/buckets/", status=307)
    assert [one.trace.endpoint for one in seen] == ["redirect_to_version", "unnamed"]


def test_what_cannot_be_read_is_observed(http: TestApp, seen: Seen) -> None:
    http.get("/v1/%ff", status=400)
    assert [one.status for one in seen] == [400]


def test_items_of_a_batch_are_observed_before_it(http: TestApp, seen: Seen) -> None:
    items = [{"path": "/v1/buckets"}, {"path": "/v1/nothing"}]
    http.post_json("/v1/batch", {"requests": items}, headers=AUTH)
    assert [name(one) for one in seen] == [
        ("batch", "bucket-plural", 200),
        ("batch", "unknown", 404),
        ("", "batch", 200),
    ]
    assert seen[-1].batch_size == 2
    assert len({one.request.request_id for one in seen}) == 1
    assert all(one.seconds > 0 for one in seen)


def test_the_personal_bucket_is_observed_twice(http: TestApp, seen: Seen) -> None:
    http.put("/v1/buckets/default/collections/c", headers=AUTH)
    assert [name(one) for one in seen] == [
        ("alias", "collection-object", 201),
        ("", "default_bucket_collection", 201),
    ]


def test_a_request_that_waits_for_slow_work_is_observed_once(
    wsgi: Any, http: TestApp, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    (policy,) = wsgi.service.policies
    real = policy.authenticate

    def compute(request: Any, tx: Any) -> Any:
        if "slow" not in request.done:
            raise SlowWork("slow", lambda: True, "a client")
        return real(request, tx)

    monkeypatch.setattr(policy, "authenticate", compute)
    http.get("/v1/buckets", headers=AUTH)
    assert [one.status for one in seen] == [200]


def test_what_a_failure_undid_is_not_observed(
    wsgi: Any, http: TestApp, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_call: Any) -> None:
        raise Full("no space")

    monkeypatch.setattr(wsgi.service, "finishers", [fail])
    items = [{"method": "PUT", "path": "/v1/buckets/b"}]
    http.post_json("/v1/batch", {"requests": items}, headers=AUTH, status=507)
    assert [name(one) for one in seen] == [("", "batch", 507)]


def test_an_observer_that_fails_is_logged_and_fails_no_request(
    wsgi: Any, http: TestApp, seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    wsgi.service.observers.insert(0, lambda one: 1 / 0)
    http.get("/v1/", status=200)
    assert len(seen) == 1
    (record,) = caplog.records
    assert record.levelno == logging.ERROR


def test_a_server_that_settles_later_says_when_an_answer_is_final(wsgi: Any, seen: Seen) -> None:
    request = ApiRequest("GET", "/v1/")
    answer = wsgi.respond(request)
    assert seen == []
    wsgi.report(request, answer)
    assert [one.status for one in seen] == [200]


def test_an_answer_whose_writes_are_lost_is_observed_as_that(wsgi: Any, seen: Seen) -> None:
    headers = {"authorization": AUTH["Authorization"]}
    request = ApiRequest("PUT", "/v1/buckets/b", headers=headers)
    wsgi.respond(request)
    wsgi.report(request, wsgi.refuse(request, Full("no space")))
    assert [name(one) for one in seen] == [("", "bucket-object", 507)]
