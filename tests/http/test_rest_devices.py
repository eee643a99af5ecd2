"""The REST interface for devices: what is said twice is kept once, and what is wrong is named."""

import pytest
from starlette.testclient import TestClient

from tests.http.conftest import a_device_body


def test_a_device_is_created_once_and_answers_with_its_topic_and_label(client: TestClient) -> None:
    first = client.put("/api/devices/fridge-1", json=a_device_body())
    again = client.put("/api/devices/fridge-1", json=a_device_body())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["topic"] == "fm/demo/fridge-1/up/telemetry"
    assert "/r/" in first.json()["label_url"]
    assert client.get("/api/devices/fridge-1").json() == {**first.json(), "presence": None}


def test_other_facts_are_a_conflict_that_names_the_fact(client: TestClient) -> None:
    client.put("/api/devices/fridge-1", json=a_device_body())
    answer = client.put("/api/devices/fridge-1", json=a_device_body(model="F-300"))
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:foremend:problem:device-taken"
    assert "model" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (a_device_body(customer={"name": ""}), "#/customer/name"),
        (a_device_body(customer={"name": "Ann", "time_zone": "Mars/Base"}), "#/customer/time_zone"),
        (a_device_body(model=7), "#/model"),
        (a_device_body(serial="a\x00b"), "#/serial"),
        (a_device_body(colour="red"), "#/colour"),
        ([], "#"),
    ],
)
def test_what_is_not_valid_is_pointed_at(doorway: TestClient, body: object, pointer: str) -> None:
    answer = doorway.put("/api/devices/fridge-1", json=body)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_the_first_shift_of_a_recording_is_kept(client: TestClient) -> None:
    client.put("/api/devices/fridge-1", json=a_device_body())
    url = f"/api/devices/fridge-1/recordings/{'ab' * 32}"
    client.put(url, json={"shift_ms": 5, "keep_time": False, "facts": {"rows": 3}})
    later = client.put(url, json={"shift_ms": 9, "keep_time": False, "facts": {}})
    assert later.json() == {"sha256": "ab" * 32, "shift_ms": 5, "keep_time": False, "facts": {"rows": 3}}


def test_facts_that_the_record_cannot_keep_are_refused_not_broken(client: TestClient) -> None:
    client.put("/api/devices/fridge-1", json=a_device_body())
    url = f"/api/devices/fridge-1/recordings/{'ab' * 32}"
    answer = client.put(url, json={"shift_ms": 5, "keep_time": False, "facts": {"a": "\x00"}})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:foremend:problem:not-storable")


def test_an_unknown_device_is_a_404_problem(client: TestClient) -> None:
    answer = client.get("/api/devices/nobody")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:foremend:problem:unknown-device")
