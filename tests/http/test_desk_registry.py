"""The desk sees a device's life and warranty, narrows the list by them, and moves a device with a button."""

import pytest
from starlette.testclient import TestClient

from api.http.house import House
from tests.conftest import Database
from tests.http.conftest import Clock, a_device_body
from tests.http.scene import a_scene


@pytest.fixture
def fleet(client: TestClient) -> TestClient:
    client.put("/api/devices/fridge-1", json=a_device_body(bought_on="2026-01-31"))
    client.put("/api/devices/fridge-2", json=a_device_body(serial="S2", model="F-300", bought_on="2015-01-31"))
    client.put("/api/devices/room-1", json={"class_id": "cold_room", "model": "W", "serial": "1"})
    return client


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", {"fridge-1", "fridge-2", "room-1"}),
        ("class=cold_room", {"room-1"}),
        ("state=CLAIMED&class=", {"fridge-1", "fridge-2"}),
        ("model=F-300", {"fridge-2"}),
        ("text=ROOM", {"room-1"}),
        ("site=Mill+3", set()),
        ("state=nonsense", {"fridge-1", "fridge-2", "room-1"}),
    ],
)
def test_the_list_is_narrowed_by_what_devices_are(fleet: TestClient, asked: str, found: set[str]) -> None:
    page = fleet.get(f"/desk/devices?{asked}").text
    assert {name for name in ("fridge-1", "fridge-2", "room-1") if f"/desk/devices/{name}" in page} == found


def test_the_list_says_state_and_warranty_in_both_languages(fleet: TestClient) -> None:
    english, chinese = fleet.get("/desk/devices").text, fleet.get("/desk/devices?lang=zh").text
    for word in ("Claimed", "Made", "Covered", "Ended", "Not known"):
        assert word in english
    for word in ("已认领", "已出厂", "在保", "已过保", "未知"):
        assert word in chinese


def test_a_devices_page_says_what_is_covered_until_when_and_why(fleet: TestClient) -> None:
    page = fleet.get("/desk/devices/fridge-1").text
    assert "until 2027-01-31" in page
    assert "12 months from the invoice, 2026-01-31" in page
    said = fleet.get("/api/devices/fridge-1/warranty").json()
    assert (said["standing"], said["today"]) == ("COVERED", "2026-11-20")
    assert [(each["what"], each["until"], each["start"]) for each in said["covers"]] == [
        ("whole_unit", "2027-01-31", "invoice"),
        ("compressor", "2029-01-31", "invoice"),
    ]
    assert fleet.get("/api/devices/fridge-2/warranty").json()["standing"] == "ENDED"
    assert fleet.get("/api/devices/room-1/warranty").json()["standing"] == "UNKNOWN"


def test_a_button_moves_a_device_with_the_version_that_the_page_showed(fleet: TestClient) -> None:
    def press(to: str, version: int) -> int:
        return fleet.post("/desk/devices/fridge-1/move", data={"to": to, "version": version}).status_code

    assert 'value="RETIRED"' in fleet.get("/desk/devices/fridge-1").text
    assert press("RETIRED", 1) == 303
    page = fleet.get("/desk/devices/fridge-1").text
    assert "Retired" in page
    assert 'value="RETIRED"' not in page
    assert press("ACTIVE", 1) == 412
    assert press("RETIRED", 2) == 409
    assert press("RESOLD", 2) == 303
    page = fleet.get("/desk/devices/fridge-1").text
    assert "Earlier owner" in page
    assert "Ann" in page


def test_a_report_on_what_is_out_of_warranty_is_taken_and_says_so(
    database: Database, house: House, client: TestClient, clock: Clock
) -> None:
    scene = a_scene(database, house, client, asked=False)
    tag = client.get("/api/devices/fridge-1").headers["etag"]
    client.patch("/api/devices/fridge-1", json={"bought_on": "2015-01-31"}, headers={"if-match": tag})
    assert client.post(scene.label_path, data={"words": "hums", "key": "k"}).status_code == 200
    with database.connect() as conn:
        (steps,) = conn.execute("SELECT steps FROM report").fetchone() or ([],)
    assert {"step": "warranty", "outcome": "warn", "code": "WARRANTY_ENDED"} in steps


def test_a_devices_page_says_who_changed_what_of_it_last(client: TestClient) -> None:
    client.put("/api/devices/fridge-1", json=a_device_body())
    client.patch("/api/devices/fridge-1", json={"region": "south"}, headers={"If-Match": '"1"'})
    for language, words in (("en", ("Facts corrected", "desk")), ("zh", ("资料已更正", "服务台"))):
        page = client.get(f"/desk/devices/fridge-1?lang={language}").text
        assert f"{words[0]}<br><small>{words[1]}</small>" in page


def test_another_device_takes_over_its_label_by_a_form(fleet: TestClient) -> None:
    form = {"successor": " room-1 ", "version": "1"}
    assert "/desk/devices/fridge-1/replace" in fleet.get("/desk/devices/fridge-1").text
    for wrong, status, words in (("fridge-1", 409, "是同一台设备"), ("nobody", 404, "没有登记设备 nobody")):
        answer = fleet.post("/desk/devices/fridge-1/replace?lang=zh", data={**form, "successor": wrong})
        assert (answer.status_code, words in answer.text) == (status, True)
    assert fleet.post("/desk/devices/fridge-1/replace", data=form).status_code == 303
    page = fleet.get("/desk/devices/fridge-1").text
    assert ("room-1" in page, "/desk/devices/fridge-1/replace" in page) == (True, False)
    assert "Ann" in fleet.get("/desk/devices/room-1").text
