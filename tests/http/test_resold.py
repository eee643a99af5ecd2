"""A device changes hands: whoever had it finds nothing behind his links, whoever has it sees nothing of him."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from api.http.house import House
from api.relay.letters import Letter, NoPartError
from devices import registry
from ledger import outbox
from tests.conftest import Database
from tests.http.conftest import Clock
from tests.http.scene import Scene, a_finding, a_scene, events, relay

BOB = {"name": "Bob", "language": "en", "time_zone": "Europe/Berlin", "phone": "+49 30 222"}


@pytest.fixture
def scene(database: Database, house: House, client: TestClient) -> Scene:
    return a_scene(database, house, client)


def move(scene: Scene, to: str, **more: Any) -> Any:
    version = scene.client.get("/api/devices/fridge-1").json()["version"]
    body = {"to": to, "version": version, **more}
    return scene.client.post("/api/devices/fridge-1/transitions", json=body)


def bob(scene: Scene) -> str:
    return str(scene.client.post("/api/customers", json=BOB).json()["customer_id"])


def report(scene: Scene) -> str:
    """The follow page of whoever scanned the label and reported."""
    page = scene.client.post(scene.label_path, data={"words": "Ann says it hums", "key": "k"}).text
    return "/t/" + page.split("/t/")[1].split('"')[0]


def test_the_old_owners_question_ends_with_the_sale(scene: Scene) -> None:
    path = scene.question_path()
    assert scene.client.get(path).status_code == 200
    assert move(scene, "RESOLD").json()["state"] == "RESOLD"
    assert scene.client.get(path).status_code == 404
    assert scene.answer("YES", path).status_code == 404
    assert scene.question()["state"] == "WITHDRAWN"
    assert scene.client.get("/api/tickets").json()["tickets"] == []


@pytest.mark.parametrize("by_answer", [True, False])
def test_the_old_owners_follow_page_ends_with_the_sale(scene: Scene, clock: Clock, *, by_answer: bool) -> None:
    follow = "/t/" + scene.answer("YES").text.split("/t/")[1].split('"')[0] if by_answer else report(scene)
    clock.forward(minutes=1)
    assert scene.client.get(follow).status_code == 200
    move(scene, "RESOLD", customer=bob(scene))
    assert scene.client.get(follow).status_code == 404
    assert scene.client.post(follow, data={"do": "cancel", "version": 1}).status_code == 404


def test_the_old_owner_is_told_nothing_more_about_his_ticket(scene: Scene, database: Database) -> None:
    scene.client.patch(
        f"/api/customers/{scene.question()['customer_id']}",
        json={"email": "ann@example.org"},
        headers={"if-match": '"1"'},
    )
    scene.answer("YES")
    scene.press("accept")
    told = len(scene.client.get("/api/deliveries").json()["deliveries"])
    assert told > 0
    move(scene, "RESOLD", customer=bob(scene))
    scene.press("en_route")
    after = scene.client.get("/api/deliveries").json()["deliveries"]
    assert [each for each in after[:-told] if each["destination"].startswith("email")] == []
    assert len(events(database, "visit.en_route")) == 1


def test_the_new_owner_is_asked_and_learns_nothing_of_the_old_one(
    scene: Scene, database: Database, house: House, clock: Clock
) -> None:
    report_words = "Ann says it hums"
    move(scene, "RESOLD", customer=bob(scene))
    clock.forward(hours=15)  # tomorrow in Berlin: a device has one question a day
    a_finding(scene, clock.now)
    relay(database, house, clock.now)
    question = scene.question()
    assert (question["state"], question["customer_id"]) == ("OPEN", bob(scene))
    path = scene.question_path()
    page = scene.client.get(path).text
    for word in ("Ann", "Canal", report_words):
        assert word not in page
    label = scene.client.get(scene.label_path).text
    assert "12 C" not in label


def test_a_link_that_was_minted_for_a_ticket_of_the_old_owner_after_the_sale_is_dead_too(
    scene: Scene, clock: Clock
) -> None:
    """Such as one in a letter that waited for a mail server."""
    question_path = scene.question_path()
    scene.answer("YES", question_path)
    move(scene, "RESOLD", customer=bob(scene))
    clock.forward(minutes=5)
    assert scene.client.post(f"{question_path}/follow").status_code == 404


def test_a_letter_that_waited_while_the_device_was_sold_is_not_written(
    database: Database, house: House, client: TestClient, clock: Clock
) -> None:
    scene = a_scene(database, house, client, asked=False)
    owner = client.get("/api/devices/fridge-1").json()["customer_id"]
    client.patch(f"/api/customers/{owner}", json={"email": "ann@example.org"}, headers={"if-match": '"1"'})
    relay(database, house, clock.now)
    settings = house.settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:1")})

    def write() -> str:
        with database.connect("foremend_relay", autocommit=False) as conn:
            (letter,) = [each for each in outbox.listed(conn) if each.destination == f"email:{owner}"]
            customer = registry.customer(conn, "demo", UUID(owner))
            assert customer is not None
            facts = {"delivery": letter, "customer": customer, "settings": settings, "catalogue": house.catalogue}
            return Letter(**facts, now=clock.now).write(conn).to

    assert write() == "ann@example.org"
    move(scene, "RESOLD", customer=bob(scene))
    with pytest.raises(NoPartError):
        write()


def test_a_retired_device_is_heard_and_raises_no_question(
    database: Database, house: House, client: TestClient, clock: Clock
) -> None:
    scene = a_scene(database, house, client, asked=False)
    move(scene, "ACTIVE")
    assert move(scene, "RETIRED", reason="scrapped").json()["state"] == "RETIRED"
    relay(database, house, clock.now)
    assert client.get("/api/questions").json()["questions"] == []
    (alert,) = client.get("/api/alerts").json()["alerts"]
    assert (alert["condition"], alert["waits_for"]) == ("ACTIVE", "OUT_OF_SERVICE")
    assert client.get("/api/devices/fridge-1/ledger").json()["committed"] > 1000
    move(scene, "ACTIVE")
    clock.forward(days=1)
    a_finding(scene, clock.now)
    relay(database, house, clock.now)
    assert client.get("/api/alerts").json()["alerts"][0]["waits_for"] != "OUT_OF_SERVICE"


def test_a_member_of_the_household_opens_a_link_until_he_leaves_it(scene: Scene, database: Database) -> None:
    owner = scene.question()["customer_id"]
    member = bob(scene)
    url = f"/api/customers/{owner}/household/{member}"
    joined = scene.client.put(url, json={"role": "MEMBER"}).json()["members"]
    assert [(each["name"], each["role"]) for each in joined] == [("Ann", "OWNER"), ("Bob", "MEMBER")]
    path = scene.question_path()
    with database.connect() as conn:
        conn.execute("UPDATE link SET recipient = %s", [f"customer:{member}"])
    assert scene.client.get(path).status_code == 200
    assert scene.client.delete(url).status_code == 204
    assert scene.client.get(path).status_code == 404
    assert [each["subject_id"] for each in events(database, "household.left")] == [owner]


def test_whoever_scans_the_label_of_a_replaced_device_reports_on_its_successor(scene: Scene) -> None:
    said = {"class_id": "refrigerator", "model": "F-300", "serial": "S9"}
    scene.client.put("/api/devices/fridge-2", json=said)
    assert move(scene, "REPLACED").status_code == 422
    answer = move(scene, "REPLACED", successor="fridge-2")
    assert (answer.json()["state"], answer.json()["allowed"]) == ("REPLACED", [])
    assert "F-300" in scene.client.get(scene.label_path).text
    assert scene.client.get("/api/devices/fridge-2").json()["label_url"].endswith(scene.label_path)


def test_an_illegal_move_says_what_is_allowed_and_a_stale_one_what_holds(scene: Scene) -> None:
    move(scene, "RETIRED")
    refused = move(scene, "CLAIMED", customer=bob(scene))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:foremend:problem:device-owned")
    refused = move(scene, "RETIRED")
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["ACTIVE", "RESOLD", "REPLACED"])
    url = "/api/devices/fridge-1/transitions"
    assert scene.client.post(url, json={"to": "ACTIVE"}).status_code == 428
    assert scene.client.post(url, json={"to": "ACTIVE"}, headers={"if-match": '"1"'}).status_code == 412


def test_who_owned_it_when_is_kept(scene: Scene, clock: Clock) -> None:
    clock.forward(days=3)
    move(scene, "RESOLD", customer=bob(scene))
    before, after = scene.client.get("/api/devices/fridge-1/ownership").json()["ownership"]
    assert before["until"] == after["since"]
    assert after["until"] is None
    assert after["customer_id"] == bob(scene)
