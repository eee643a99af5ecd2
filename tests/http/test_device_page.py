"""A device's page: what a person looks for stands first, and what may be told it is told from there."""

import re
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from api.http.app import public_app
from api.http.house import House
from api.http.staff import trouble, twin
from devices import registry
from tests.conftest import Database
from tests.http.conftest import BASE, Clock
from tests.http.scene import Scene, a_scene, relay

PAGE = "/desk/devices/fridge-1"
COMMANDS = "/api/devices/fridge-1/commands"


@pytest.fixture
def scene(database: Database, house: House, client: TestClient) -> Scene:
    return a_scene(database, house, client)


def tell(client: TestClient, query: str = "", **said: object) -> str:
    """Where the form leads, or why it was refused."""
    form = {"name": "ping", "arguments": "", "expires_s": 3600, "key": str(uuid4()), **said}
    answer = client.post(f"{PAGE}/commands{query}", data={name: str(value) for name, value in form.items()})
    return answer.headers["location"] if answer.status_code == 303 else f"{answer.status_code} {answer.text}"


def test_trouble_comes_before_the_twin_and_curves_come_last_those_of_what_was_noticed_first(scene: Scene) -> None:
    page = scene.client.get(PAGE).text
    order = ["34 minutes at a time instead of 21", 'id="twin"', 'id="commands"', 'id="curves"']
    assert [page.index(part) for part in order] == sorted(page.index(part) for part in order)
    curves = page.partition('id="curves"')[2]
    shown, _, behind = curves.partition("<details>")
    assert re.findall(r"<strong>(.*?)</strong>", shown) == [
        "Minutes the compressor runs each time",
        "Cabinet temperature, in °C",
        "Power, in W",
    ]
    assert "Door open" in behind
    assert "More curves (4)" in behind


def test_what_is_over_stands_behind_what_lasts(scene: Scene, clock: Clock) -> None:
    with scene.database.connect() as conn:
        conn.execute("UPDATE alert SET condition = 'CLEARED', cleared_at = now()")
    page = scene.client.get(PAGE).text
    lasts, _, over = page.partition("What is over (alerts: 1, tickets: 0)")
    assert "No open alert, no open ticket." in lasts
    assert "34 minutes at a time" not in lasts
    assert "34 minutes at a time" in over


def test_an_open_ticket_is_seen_and_one_that_is_over_is_not_in_its_place(scene: Scene) -> None:
    scene.client.post(scene.label_path, data={"words": "hums", "key": "k"})
    number = scene.ticket()["number"]
    assert number in scene.client.get(PAGE).text.partition("What is over")[0]
    body = {"to": "CANCELLED", "version": scene.ticket()["version"], "reason": "a mistake"}
    assert scene.client.post(f"/api/tickets/{number}/transitions", json=body).status_code == 200
    lasts, _, over = scene.client.get(PAGE).text.partition("tickets: 1)")
    assert number not in lasts.partition('id="trouble"')[2]
    assert number in over


def test_a_command_from_the_page_waits_with_its_arguments_and_shows_what_came_of_it(scene: Scene) -> None:
    where = tell(scene.client, "?lang=zh", arguments="minutes=20\n\n room = kitchen ", expires_s=300)
    assert where == f"{PAGE}?lang=zh#commands"
    command = scene.client.get(COMMANDS).json()["commands"][0]
    assert (command["name"], command["arguments"]) == ("ping", {"minutes": 20, "room": "kitchen"})
    assert (command["state"], command["queued_by"]) == ("QUEUED", "staff:desk")
    page = scene.client.get(where).text
    assert "ping room=kitchen minutes=20" in page
    assert "等待设备" in page
    with scene.database.connect() as conn:
        conn.execute("UPDATE command SET state = 'SUCCEEDED', over_at = now(), result = '{\"room\": \"<b>\"}'")
    page = scene.client.get(PAGE).text
    assert "Done" in page
    assert "<b>" not in page.partition('id="commands-told"')[2]


def test_a_form_that_is_sent_twice_is_one_command_whoever_repeats_it(scene: Scene) -> None:
    page = scene.client.get(PAGE).text
    key = re.findall(r'name="key" value="([^"]+)"', page)[0]
    assert key not in scene.client.get(PAGE).text  # the next form is another command
    for _ in range(2):
        assert tell(scene.client, key=key, arguments="n=1").endswith("#commands")
    body = {"name": "ping", "arguments": {"n": 1}, "expires_s": 3600}
    assert scene.client.post(COMMANDS, json=body, headers={"Idempotency-Key": key}).status_code == 201
    assert len(scene.client.get(COMMANDS).json()["commands"]) == 1


REFUSED = (
    ({"arguments": "minutes"}, "Each line of the arguments reads NAME=VALUE, such as minutes=20."),
    ({"arguments": "minutes"}, f'<a href="{PAGE}">Back to the page</a>'),
    ({"arguments": f"{'x' * 65}=1"}, "reads NAME=VALUE"),
    ({"arguments": "n=" + "[" * 4000 + "\n" + "m=" + "x" * 4000}, "422"),
    ({"name": "Fly!"}, "small letters, digits and _, begins with a letter"),
    ({"expires_s": "0"}, "422"),
    ({"key": ""}, "422"),
)


def test_what_a_device_cannot_be_told_says_what_to_write_and_nothing_waits(scene: Scene) -> None:
    for said, why in REFUSED:  # of one house: none leaves anything behind
        answer = tell(scene.client, **said)
        assert answer.startswith("422 "), said
        assert why in answer, said
    assert scene.client.get(COMMANDS).json()["commands"] == []
    answer = scene.client.post(f"{PAGE}/twin", data={"version": 0, "setting.set_point_c": "40"})
    assert answer.status_code == 422
    assert "Set point: it takes 2 to 8 °C." in answer.text
    assert 'type="number" name="setting.set_point_c" step="any" min="2" max="8"' in scene.client.get(PAGE).text


def test_another_site_cannot_tell_a_device_and_the_public_pages_have_no_such_form(scene: Scene) -> None:
    form = {"name": "ping", "key": "k", "expires_s": "60"}
    foreign = scene.client.post(f"{PAGE}/commands", data=form, headers={"origin": "https://evil.example"})
    with TestClient(public_app(scene.house, frozenset({"127.0.0.1"})), base_url=BASE) as outside:
        public = outside.post(f"{PAGE}/commands", data=form)
    looked = scene.client.get(f"{PAGE}/commands", params=form)
    assert (foreign.status_code, public.status_code, looked.status_code) == (403, 404, 405)
    assert scene.client.get(COMMANDS).json()["commands"] == []


def test_a_device_that_is_out_of_service_has_no_forms_and_is_told_nothing(scene: Scene) -> None:
    moved = scene.client.post("/api/devices/fridge-1/transitions", json={"to": "RETIRED", "version": 1})
    assert moved.status_code == 200, moved.text
    page = scene.client.get(PAGE).text
    assert "told nothing any more" in page
    assert 'name="key"' not in page
    assert tell(scene.client).startswith("409 ")
    assert "It is out of service" in tell(scene.client)
    assert "设备已不再服役" in tell(scene.client, "?lang=zh")


def test_the_page_is_told_to_look_again_when_something_that_it_shows_has_changed(scene: Scene, clock: Clock) -> None:
    def version() -> object:
        with scene.house.looking() as conn:
            device = registry.find(conn, "demo", "fridge-1")
            return trouble.version(conn, device), twin.version(conn, device)

    seen = [version()]
    tell(scene.client)
    seen.append(version())
    scene.client.patch("/api/devices/fridge-1/twin", json={"state": {"set_point_c": 4}}, headers={"If-Match": '"0"'})
    seen.append(version())
    scene.answer("YES")
    relay(scene.database, scene.house, clock.now)
    seen.append(version())
    assert len(set(seen)) == len(seen)
