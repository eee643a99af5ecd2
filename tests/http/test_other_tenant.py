"""Another tenant sees and changes nothing of a tenant, by whichever route and whatever he has found out."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from api.http.app import REST, STAFF, staff_app
from api.http.house import House
from tests.conftest import Database
from tests.http.conftest import BASE
from tests.http.scene import a_scene

SECRET = re.compile(r"Ann|Canal|fridge-1|Mia|Mill")
STREAMS = re.compile(r"/live$|/metrics$|/log$")


@pytest.fixture
def ids(database: Database, house: House, client: TestClient) -> dict[str, str]:
    """What the other tenant has found out."""
    scene = a_scene(database, house, client)
    question_id = scene.question()["question_id"]
    scene.answer("YES")
    customer_id = client.get("/api/devices/fridge-1").json()["customer_id"]
    client.put("/api/devices/fridge-1/place", json={"site": "Mill 3", "gateway": None})
    sent = client.post("/api/devices/fridge-1/commands", json={"name": "ping"}, headers={"Idempotency-Key": "k"}).json()
    client.post("/api/devices/fridge-1/credentials", json={})
    return {
        "device_id": "fridge-1",
        "command_id": sent["id"],
        "customer_id": customer_id,
        "member_id": customer_id,
        "site": "Mill 3",
        "n": "1",
        "name": str(scene.ticket()["number"]),
        "ticket_id": scene.ticket()["ticket_id"],
        "question_id": question_id,
        "class_id": "refrigerator",
        "slug": "mia",
        "refusal_no": "1",
        "webhook_id": question_id,
        "delivery_id": question_id,
        "sha256": "0" * 64,
    }


@pytest.fixture
def other(house: House, ids: dict[str, str]) -> Iterator[TestClient]:
    theirs = replace(house, settings=house.settings.model_copy(update={"tenant": "other"}))
    with TestClient(staff_app(theirs), base_url=BASE, follow_redirects=False) as client:
        yield client


def test_no_look_of_another_tenant_finds_anything(other: TestClient, client: TestClient, ids: dict[str, str]) -> None:
    paths = sorted(_looks(ids))
    seen = [path for path in paths if SECRET.search(client.get(path).text)]
    assert len(seen) > 12, "what is looked for is there"
    for path in paths:
        answer = other.get(path)
        assert answer.status_code == 404 or not SECRET.search(answer.text), path
    assert other.get("/api/events", params={"subject": "fridge-1"}).json()["events"] == []


def _looks(ids: dict[str, str]) -> Iterator[str]:
    for prefix, routers in (("/api", REST), ("", STAFF)):
        for router in routers:
            for route in router.routes:
                if isinstance(route, APIRoute) and "GET" in route.methods and not STREAMS.search(route.path):
                    yield prefix + route.path.replace(":path}", "}").format(**ids)


ACTS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("PATCH", "/devices/{device_id}", {"place": "x"}),
    ("POST", "/devices/{device_id}/transitions", {"to": "RETIRED", "version": 2}),
    ("PUT", "/devices/{device_id}/place", {"site": None, "gateway": None}),
    ("POST", "/devices/{device_id}/claim/secret", None),
    ("POST", "/devices/{device_id}/claim/unlock", None),
    ("POST", "/devices/{device_id}/credentials", {"rotate": True}),
    ("DELETE", "/devices/{device_id}/credentials", None),
    ("DELETE", "/devices/{device_id}/credentials/{n}", None),
    ("PATCH", "/devices/{device_id}/twin", {"state": {"set_point_c": 4}}),
    ("POST", "/devices/{device_id}/commands", {"name": "ping"}),
    ("DELETE", "/devices/{device_id}/commands/{command_id}", None),
    ("PATCH", "/customers/{customer_id}", {"name": "x"}),
    ("PUT", "/customers/{customer_id}/household/{question_id}", {"role": "OWNER"}),
    ("POST", "/devices/mine/transitions", {"to": "CLAIMED", "customer": "{customer_id}", "version": 1}),
    ("POST", "/devices/mine/transitions", {"to": "REPLACED", "successor": "{device_id}", "version": 1}),
    ("PUT", "/devices/mine/place", {"gateway": "{device_id}", "site": None}),
    ("DELETE", "/devices/mine/commands/{command_id}", None),
]


def test_no_act_of_another_tenant_reaches_anything(other: TestClient, client: TestClient, ids: dict[str, str]) -> None:
    body = {"class_id": "refrigerator", "model": "F-200", "serial": "S1"}
    assert other.put("/api/devices/mine", json=body).status_code == 201, "a serial is taken within a tenant"
    before = [client.get(f"/api/devices/fridge-1{more}").text for more in ("", "/credentials", "/twin", "/commands")]
    for method, path, said in ACTS:
        json = {key: value.format(**ids) if isinstance(value, str) else value for key, value in (said or {}).items()}
        headers = {"If-Match": '"0"' if path.endswith("/twin") else '"1"', "Idempotency-Key": path}
        answer = other.request(method, f"/api{path}".format(**ids), json=json if said else None, headers=headers)
        assert answer.status_code == 404, (method, path, answer.text)
    assert before == [
        client.get(f"/api/devices/fridge-1{more}").text for more in ("", "/credentials", "/twin", "/commands")
    ]
    assert (
        other.post("/api/devices/mine/commands", json={"name": "ping"}, headers={"Idempotency-Key": "k"}).json()["id"]
        != ids["command_id"]
    ), "keys are a tenant's own"
