"""The REST interface for tickets, reports, webhooks and the record's own counts."""

import base64
import hashlib
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.http.app import staff_app
from api.http.house import House
from tests.conftest import Database, NatsServer
from tests.http.scene import HOURS, Scene, a_scene
from tests.http.test_report_page import a_photo

REPORT = {"device_id": "fridge-1", "words": "no longer cold"}


@pytest.fixture
def scene(database: Database, house: House, client: TestClient) -> Scene:
    return a_scene(database, house, client)


def report(scene: Scene, key: str | None = "k1", **body: Any) -> Any:
    headers = {"idempotency-key": key} if key else {}
    return scene.client.post("/api/reports", json={**REPORT, **body}, headers=headers)


def move(scene: Scene, to: str, **more: Any) -> Any:
    headers = more.pop("headers", {})
    return scene.client.post("/api/tickets/T-000001/transitions", json={"to": to, **more}, headers=headers)


def test_an_illegal_transition_lists_what_is_allowed(scene: Scene) -> None:
    scene.answer("YES")
    answer = move(scene, "RESOLVED", version=1)
    assert answer.status_code == 409
    assert answer.json()["allowed"] == ["DISPATCHED", "CANCELLED"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_change_names_the_version_that_it_saw(scene: Scene) -> None:
    scene.answer("YES")
    tag = scene.client.get("/api/tickets/T-000001").headers["etag"]
    assert move(scene, "DISPATCHED").status_code == 428
    assert move(scene, "DISPATCHED", headers={"if-match": '"77"'}).status_code == 412
    moved = move(scene, "DISPATCHED", headers={"if-match": tag}, engineer="tom")
    assert (moved.status_code, moved.json()["state"]) == (200, "DISPATCHED")
    assert moved.headers["etag"] != tag
    assert move(scene, "IN_PROGRESS", headers={"if-match": tag}).status_code == 412
    assert move(scene, "EXPLODED", version=2).status_code == 422


def test_the_engineer_sees_what_the_gate_took_in_all_the_same(scene: Scene) -> None:
    assert report(scene, serial="S-other", words="").status_code == 422
    assert report(scene, serial="S-other").status_code == 201
    assert report(scene, serial="S-third").status_code == 422  # another report under the same key
    page = f"/work/{scene.ticket()['ticket_id']}"
    assert "The serial that was read off the appliance is another one" in scene.client.get(page).text
    assert "报修人读出的序列号与登记不符" in scene.client.get(f"{page}?lang=zh").text
    assert "No customer is known" not in scene.client.get(page).text


def test_the_snapshot_that_is_downloaded_has_the_hash_that_is_shown(scene: Scene) -> None:
    scene.answer("YES")
    answer = scene.client.get("/api/tickets/T-000001/snapshot")
    sha256 = hashlib.sha256(answer.content)
    assert sha256.hexdigest() in scene.client.get(f"/work/{scene.ticket()['ticket_id']}").text
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(sha256.digest()).decode()}:"
    document = json.loads(answer.content)
    assert document["alert"]["observed"] == 34
    assert len(document["series"]["ts_ms"]) > 1000


def test_a_report_is_answered_with_its_number_and_a_repeat_with_the_same(scene: Scene) -> None:
    first, again = report(scene), report(scene)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["ticket_number"] == again.json()["ticket_number"] == "T-000001"
    assert first.json()["joined"] is again.json()["joined"] is False
    path = first.json()["follow_url"].removeprefix("http://127.0.0.1:8080")
    assert scene.client.get(path).status_code == 200


def test_the_same_key_with_another_report_is_refused(scene: Scene) -> None:
    report(scene)
    assert report(scene, words="something else").status_code == 422
    assert report(scene, key="k2", words="it hums").json()["joined"] is True


def test_a_report_with_a_photo_by_label(scene: Scene) -> None:
    photo = base64.b64encode(a_photo()).decode()
    token = scene.label_path.rpartition("/")[2]
    answer = report(scene, device_id=None, label_token=token.upper(), photo_base64=photo)
    assert answer.status_code == 201
    assert "/desk/photos/" in scene.client.get(f"/work/{scene.ticket()['ticket_id']}").text


@pytest.mark.parametrize(
    ("key", "body", "status", "slug"),
    [
        (None, {}, 400, "idempotency-key-missing"),
        ("k", {"device_id": "nobody"}, 404, "unknown-device"),
        ("k", {"device_id": None}, 422, "not-valid"),
        ("k", {"device_id": None, "label_token": "0" * 26}, 404, "unknown-device"),
        ("k", {"label_token": "0" * 26}, 422, "not-valid"),
        ("k", {"words": " "}, 422, "report-refused"),
        ("k", {"photo_base64": "no base64!"}, 422, "not-a-photo"),
        ("k", {"photo_base64": "R0lGODlh"}, 422, "not-a-photo"),
    ],
)
def test_a_report_that_cannot_be_taken_says_why(
    client: TestClient, database: Database, house: House, key: str | None, body: dict[str, Any], status: int, slug: str
) -> None:
    scene = a_scene(database, house, client, asked=False)
    answer = report(scene, key, **body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:foremend:problem:{slug}")


def test_an_engineer_is_said_once_and_changed_by_saying_it_again(scene: Scene) -> None:
    body = {"name": "Mia B.", "regions": ["west"], "skills": ["refrigeration"], "level": 3, "load_cap": 4}
    assert scene.client.put("/api/engineers/mia", json=body).status_code == 200
    assert scene.client.put("/api/engineers/noa", json=body).status_code == 201
    known = {each["slug"]: each for each in scene.client.get("/api/engineers").json()["engineers"]}
    assert known["mia"]["regions"] == ["west"]
    assert scene.client.put("/api/engineers/a.b", json=body).status_code == 422
    assert scene.client.put("/api/engineers/noa", json={**body, "level": 9}).status_code == 422


def test_a_webhooks_secret_is_told_once(scene: Scene) -> None:
    made = scene.client.post("/api/webhooks", json={"url": "https://example.org/hook", "events": ["ticket.opened"]})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    listed = scene.client.get("/api/webhooks").json()["webhooks"]
    assert [each["url"] for each in listed] == ["https://example.org/hook"]
    assert "secret" not in json.dumps(listed)
    scene.answer("YES")
    destinations = [each["destination"] for each in scene.client.get("/api/deliveries").json()["deliveries"]]
    assert destinations.count(f"webhook:{made.json()['webhook_id']}") == 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org",
        "javascript:alert(1)",
        "https://",
        "/hook",
        "https://a b",
        "https://[::1",
        "https://a:99999",
        "https://user:secret@example.org/",  # it would stand in lists
    ],
)
def test_a_webhook_needs_an_address_of_the_web(doorway: TestClient, url: str) -> None:
    assert doorway.post("/api/webhooks", json={"url": url}).status_code == 422


def test_a_stopped_webhook_is_listed_as_such(scene: Scene) -> None:
    made = scene.client.post("/api/webhooks", json={"url": "https://example.org/hook"}).json()
    path = f"/api/webhooks/{made['webhook_id']}"
    assert scene.client.patch(path, json={"active": False}).status_code == 204
    assert [each["active"] for each in scene.client.get("/api/webhooks").json()["webhooks"]] == [False]


def test_the_ledger_of_a_device_is_counted_from_the_record(scene: Scene) -> None:
    found = scene.client.get("/api/devices/fridge-1/ledger").json()
    counted = {name: found[name] for name in ("committed", "refused", "findings", "alerts")}
    assert counted == {"committed": HOURS * 60, "refused": 0, "findings": 1, "alerts": 1}
    assert found["to"] == "2026-11-20T09:00:00+00:00"


def test_the_log_says_how_far_it_was_read(house: House, nats_server: NatsServer) -> None:
    settings = house.settings.model_copy(update={"nats_url": nats_server.secret_url})
    with TestClient(
        staff_app(House(settings=settings, pool=house.pool, catalogue=house.catalogue)), base_url="http://localhost"
    ) as client:
        found = client.get("/api/log").json()
    assert (found["head"], found["cursor"]) == (nats_server.state().last_seq, 0)


def test_a_log_that_is_away_is_a_503(house: House) -> None:
    settings = house.settings.model_copy(update={"nats_url": type(house.settings.nats_url)("nats://127.0.0.1:1")})
    with TestClient(
        staff_app(House(settings=settings, pool=house.pool, catalogue=house.catalogue)), base_url="http://localhost"
    ) as client:
        assert client.get("/api/log").status_code == 503


def test_the_interface_describes_itself(doorway: TestClient) -> None:
    described = doorway.get("/api/openapi.json").json()
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert len(operations) > 15
    assert [operation for operation in operations if len(operation["summary"]) < 8] == []
