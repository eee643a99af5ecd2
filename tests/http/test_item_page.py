"""`/01/{gtin}/21/{serial}`: the same report page behind the product's code, which shows less than a label does."""

import re
from dataclasses import replace
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from api.http.app import staff_app
from api.http.house import House
from api.http.pace import Pace
from devices.model import Model
from tests.conftest import Database
from tests.http.scene import Scene, a_scene, events

GTIN = "09506000134352"
SERIAL = "S/1%?"


@pytest.fixture
def house(house: House) -> House:
    model = Model(model="F-200", maker="Maker", title={"en": "F-200", "zh": "F-200"}, gtin=GTIN)
    fridge = replace(house.catalogue["refrigerator"], models={"F-200": model})
    return replace(house, catalogue={**house.catalogue, "refrigerator": fridge})


@pytest.fixture
def scene(database: Database, house: House, client: TestClient) -> Scene:
    scene = a_scene(database, house, client)
    with database.connect() as conn:
        conn.execute("UPDATE device SET serial = %s", [SERIAL])
    return scene


def link(scene: Scene) -> str:
    url: str = scene.client.get("/api/devices/fridge-1").json()["gs1_url"]
    return url.removeprefix("http://127.0.0.1:8080")


def test_the_link_of_a_device_names_its_model_and_serial(scene: Scene) -> None:
    assert link(scene) == f"/01/{GTIN}/21/{quote(SERIAL, safe='')}"


def test_it_leads_to_the_report_page_and_shows_less_than_the_label(scene: Scene) -> None:
    page = scene.client.get(link(scene)).text
    assert "Refrigerator" in page
    assert "F-200" in page
    token = scene.label_path.rpartition("/")[2]
    for secret in ("12 C", "Canal", "Ann", "+49", "fridge-1", token, token[:5]):
        assert secret not in page


@pytest.mark.parametrize("gtin", ["9506000134352", GTIN])
def test_a_shorter_number_is_the_same_product(scene: Scene, gtin: str) -> None:
    assert scene.client.get(f"/01/{gtin}/21/{quote(SERIAL, safe='')}").status_code == 200


def test_the_form_and_the_other_language_stay_with_the_same_appliance(scene: Scene) -> None:
    page = scene.client.get(link(scene)).text
    (form,) = re.findall(r'action="([^"]+)"', page)
    assert "Your ticket is" in scene.client.post(form, data={"words": "hums", "key": "k"}).text
    (switch,) = re.findall(r'<a href="([^"]+)" lang="zh"', page)
    assert scene.client.get(switch).status_code == 200
    (claim,) = re.findall(r'href="(/claim/[^"]+)"', page)
    (form,) = re.findall(r'action="([^"]+)"', scene.client.get(claim).text)
    assert scene.client.post(form, data={"do": "secret", "name": "E", "contact": "e@x.example"}).status_code == 409


def test_a_report_by_it_opens_a_ticket_and_is_no_yes(scene: Scene) -> None:
    """Whoever may have guessed the serial does not answer the question that its owner was asked."""
    page = scene.client.post(link(scene), data={"words": "no longer cold", "key": "k"})
    assert "Your ticket is T-000001." in page.text
    assert scene.ticket()["source"] == "report"
    assert scene.question()["state"] == "OPEN"
    assert events(scene.database, "ticket.opened")[0]["actor"] == "label:fridge-1"
    assert "by the product&#39;s code" in scene.client.get(f"/work/{scene.ticket()['ticket_id']}").text


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (f"/01/{GTIN}/21/S9", "No appliance with this number"),
        (f"/01/{GTIN}/21/{'S' * 300}", "No appliance with this number"),
        (f"/01/{GTIN}/21/%00", "No appliance with this number"),
        ("/01/00000000000000/21/S1", "No appliance with this number"),
        ("/01/09506000134353/21/S1", "its last digit does not fit"),
        ("/01/x/21/S1", "its last digit does not fit"),
    ],
)
def test_what_we_do_not_know_is_a_plain_page_that_says_what_to_do(scene: Scene, path: str, sentence: str) -> None:
    for answer in (scene.client.get(path), scene.client.post(path, data={"words": "x"})):
        assert answer.status_code == 404
        assert sentence in answer.text
        assert 'href="/r/"' in answer.text


def test_who_tries_serial_after_serial_waits_and_others_do_not(scene: Scene, house: House) -> None:
    seconds = [0.0]
    pace = Pace(per_minute=10, burst=30, clock=lambda: seconds[0])
    app = staff_app(replace(house, item_pace=pace))
    with (
        TestClient(app, base_url="http://127.0.0.1:8080", client=("10.0.0.9", 1)) as guesser,
        TestClient(app, base_url="http://127.0.0.1:8080", client=("10.0.0.8", 1)) as other,
    ):
        tried = [guesser.get(f"/01/{GTIN}/21/S{n}").status_code for n in range(32)]
        assert tried == [404] * 30 + [429] * 2
        assert guesser.get(link(scene)).status_code == 429
        assert other.get(link(scene)).status_code == 200
        seconds[0] += 6
        assert guesser.get(link(scene)).status_code == 200
