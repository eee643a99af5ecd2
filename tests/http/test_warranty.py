"""What was repaired is covered from the day on which the ticket was closed as done: on every page, and at the gate."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from api.http.house import House
from tests.conftest import Database
from tests.http.conftest import Clock
from tests.http.scene import Scene, a_scene, relay

AFTER_3_MONTHS = "2027-02-20"


@pytest.fixture
def scene(database: Database, house: House, client: TestClient) -> Scene:
    """Its refrigerator was bought so long ago that nothing else of it is covered."""
    made = a_scene(database, house, client, asked=False)
    client.patch("/api/devices/fridge-1", json={"bought_on": "2010-01-01"}, headers={"If-Match": '"1"'})
    return made


def warranty(scene: Scene) -> tuple[str, dict[str, Any]]:
    """The standing, and of what was repaired until when."""
    said = scene.client.get("/api/devices/fridge-1/warranty").json()
    return said["standing"], {each["what"]: each["until"] for each in said["covers"] if each["start"] == "repair"}


def move(scene: Scene, *states: str) -> None:
    for state in states:
        ticket = scene.ticket()
        moved = scene.client.post(
            f"/api/tickets/{ticket['ticket_id']}/transitions",
            json={"to": state, "version": ticket["version"], "reason": "said so"},
        )
        assert moved.status_code == 200, moved.text


def test_a_repair_is_covered_once_it_is_done_and_no_longer_when_it_was_not(
    scene: Scene, database: Database, house: House
) -> None:
    relay(database, house, house.clock())
    scene.answer("YES")
    move(scene, "DISPATCHED", "IN_PROGRESS", "PENDING_CONFIRMATION")
    assert warranty(scene) == ("ENDED", {})
    move(scene, "RESOLVED")
    assert warranty(scene) == ("PARTLY", {"compressor": AFTER_3_MONTHS})
    assert f"至 {AFTER_3_MONTHS}" in scene.client.get("/desk/devices/fridge-1?lang=zh").text
    assert "Partly covered" in scene.client.get("/desk/devices").text
    move(scene, "READY")
    assert warranty(scene) == ("ENDED", {}), "it is not repaired after all"


def test_the_cover_of_a_repair_ends_and_the_gate_counts_as_the_page_does(scene: Scene, clock: Clock) -> None:
    scene.client.post(scene.label_path, data={"words": "hums", "key": "k"})
    move(scene, "DISPATCHED", "IN_PROGRESS", "PENDING_CONFIRMATION", "RESOLVED")
    assert warranty(scene) == ("PARTLY", {"unspecified": AFTER_3_MONTHS})
    for days, warned in ((80, False), (20, True)):
        clock.forward(days=days)
        assert (warranty(scene)[0] == "ENDED") is warned
        scene.client.post(scene.label_path, data={"words": f"hums after {days}", "key": f"k{days}"})
        page = scene.client.get(f"/work/{scene.ticket()['ticket_id']}").text
        assert ("Its warranty has ended" in page) is warned
        move(scene, "CANCELLED")
