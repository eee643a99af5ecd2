"""The twin and its commands for programs: versions, refusals, repeats, pages."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from api.http.app import staff_app
from api.http.house import House
from tests.conftest import Database
from tests.http.conftest import BASE, a_device_body
from tests.http.scene import a_scene
from tests.twin.builders import a_class

TWIN, COMMANDS = "/api/devices/d1/twin", "/api/devices/d1/commands"


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    classes = {**house.catalogue, "refrigerator": a_class()}
    with TestClient(staff_app(replace(house, catalogue=classes)), base_url=BASE, follow_redirects=False) as client:
        client.put("/api/devices/d1", json=a_device_body(serial="S9"))
        yield client


def desire(client: TestClient, version: int, **state: Any) -> Any:
    return client.patch(TWIN, json={"state": state}, headers={"If-Match": f'"{version}"'})


def send(client: TestClient, key: str | None = None, **body: Any) -> Any:
    return client.post(COMMANDS, json={"name": "ping", **body}, headers={"Idempotency-Key": key or str(uuid4())})


def test_a_twin_is_empty_until_somebody_desires_something(client: TestClient) -> None:
    answer = client.get(TWIN)
    assert (answer.headers["ETag"], answer.json()["desired"], answer.json()["lag"]) == ('"0"', {}, 0)
    assert {each["name"] for each in answer.json()["adjustables"]} == {
        "set_point_c",
        "eco",
        "sampling_period_s",
        "firmware",
    }
    assert client.get("/api/devices/nobody/twin").status_code == 404


def test_a_change_carries_the_version_that_was_seen(client: TestClient) -> None:
    assert client.patch(TWIN, json={"state": {"set_point_c": 4}}).json()["type"].endswith("version-missing")
    first = desire(client, 0, set_point_c=4, firmware="2.0")
    assert (first.status_code, first.headers["ETag"], first.json()["lag"]) == (200, '"1"', 1)
    stale = desire(client, 0, set_point_c=5)
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:foremend:problem:stale-version")
    assert desire(client, 1, set_point_c=4).headers["ETag"] == '"1"'  # it is so already
    gone = desire(client, 1, firmware=None).json()
    assert (gone["version"], gone["desired"], gone["desired_by"]) == (2, {"set_point_c": 4}, "staff:desk")


@pytest.mark.parametrize("state", [{"set_point_c": 40}, {"spin_rpm": 1}, {"eco": 1}, {"set_point_c": [4]}, {}])
def test_what_the_class_cannot_take_is_refused_and_changes_nothing(client: TestClient, state: dict[str, Any]) -> None:
    assert desire(client, 0, **state).status_code == 422
    assert client.get(TWIN).json()["version"] == 0


def test_a_refusal_names_the_setting_and_its_range(client: TestClient) -> None:
    problem = desire(client, 0, set_point_c=40).json()
    assert (problem["setting"], problem["detail"]) == ("set_point_c", "set_point_c: 40 is not between 2 and 8 °C")


def test_a_command_that_is_sent_twice_with_one_key_is_one(client: TestClient) -> None:
    assert client.post(COMMANDS, json={"name": "ping"}).status_code == 400
    first, again = send(client, "k", arguments={"n": 1}), send(client, "k", arguments={"n": 1})
    assert (first.status_code, first.json()) == (201, again.json())
    assert send(client, "k", arguments={"n": 2}).status_code == 422
    assert len(client.get(COMMANDS).json()["commands"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Fly"},
        {"name": ""},
        {"expires_s": 0},
        {"expires_s": 86_400 * 31},
        {"arguments": {"text": "x" * 5000}},
        {"arguments": {"text": "a\0b"}},
        {"arguments": {"n": 2**70}},
    ],
)
def test_what_is_no_command_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    answer = send(client, **body)
    assert answer.status_code == 422
    assert client.get(COMMANDS).json()["commands"] == []


def test_commands_are_listed_a_page_at_a_time_and_have_a_bound(client: TestClient) -> None:
    sent = [send(client).json()["id"] for _ in range(100)]
    assert send(client).status_code == 429
    first = client.get(COMMANDS, params={"limit": 60}).json()
    rest = client.get(COMMANDS, params={"limit": 60, "before": first["next"]}).json()
    assert [each["id"] for each in first["commands"] + rest["commands"]] == sent[::-1]
    assert rest["next"] is None
    cancelled = client.delete(f"{COMMANDS}/{sent[0]}")
    assert (cancelled.json()["state"], client.delete(f"{COMMANDS}/{sent[0]}").status_code) == ("CANCELLED", 409)
    assert [each["id"] for each in client.get(COMMANDS, params={"state": "CANCELLED"}).json()["commands"]] == [sent[0]]


def test_another_devices_command_is_not_found(client: TestClient) -> None:
    client.put("/api/devices/d2", json=a_device_body(serial="S2"))
    theirs = send(client).json()["id"]
    for method in ("GET", "DELETE"):
        assert client.request(method, f"/api/devices/d2/commands/{theirs}").status_code == 404
    assert client.get(f"{COMMANDS}/{uuid4()}").status_code == 404


def test_the_clock_and_the_firmware_of_a_device_are_known(database: Database, house: House, client: TestClient) -> None:
    scene = a_scene(database, house, client, asked=False)
    with database.connect() as conn:
        conn.execute(
            "INSERT INTO twin (device_no, tenant_id, reported, firmware_at) VALUES (%s, 'demo', %s, '2026-11-01Z')",
            [scene.device_no, '{"firmware": "1.4.2"}'],
        )
    twin = client.get("/api/devices/fridge-1/twin").json()
    assert (twin["firmware"], twin["firmware_at"]) == ("1.4.2", "2026-11-01T00:00:00Z")
    assert (twin["clock"], abs(twin["clock_offset_ms"]) < 1000) == ("RIGHT", True)
