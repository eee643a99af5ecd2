"""The twin and its commands for programs: versions, refusals, repeats, pages."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import typer
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.cli import command as command_command
from api.cli import twin as twin_command
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


@pytest.fixture
def foremend(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A command of `foremend`, whose requests come to this house."""

    def request(method: str, url: str, **said: Any) -> Any:
        kept = {name: value for name, value in said.items() if name in {"json", "headers", "params"}}
        return client.request(method, url.removeprefix("http://127.0.0.1:8080"), **kept)

    monkeypatch.setattr("httpx2.request", request)
    app = typer.Typer()
    for command in (twin_command, command_command):
        command.register(app)
    return lambda *words: CliRunner().invoke(app, [*words])


def test_the_command_line_desires_and_shows(client: TestClient, foremend: Callable[..., Any]) -> None:
    done = foremend("twin", "set", "d1", "set_point_c=4", "eco=true", "firmware=2.0")
    assert (done.exit_code, "version 1" in done.output, "1 behind" in done.output) == (0, True, True)
    assert client.get(TWIN).json()["desired"] == {"set_point_c": 4, "eco": True, "firmware": "2.0"}
    assert foremend("twin", "set", "d1", "firmware=").exit_code == 0
    shown = foremend("twin", "show", "d1").output
    assert ("version 2" in shown, "set_point_c" in shown, "firmware  not known" in shown) == (True, True, True)
    refused = foremend("twin", "set", "d1", "set_point_c=40")
    assert (refused.exit_code, "40 is not between 2 and 8" in refused.output) == (1, True)
    assert "there is 2" in foremend("twin", "set", "d1", "eco=false", "--version", "1").output


@pytest.mark.parametrize("number", ["nan", "-inf", "1e999", "9" * 400])
def test_what_is_a_number_to_python_alone_is_refused_in_words(foremend: Callable[..., Any], number: str) -> None:
    assert "set_point_c: is a number in °C" in foremend("twin", "set", "d1", f"set_point_c={number}").output


def test_an_argument_that_json_has_no_number_for_is_a_text(client: TestClient, foremend: Callable[..., Any]) -> None:
    assert foremend("command", "send", "d1", "ping", "a=NaN", "b=1e999", "c=[-Infinity]").exit_code == 0
    (queued,) = client.get(COMMANDS).json()["commands"]
    assert queued["arguments"] == {"a": "NaN", "b": "1e999", "c": "[-Infinity]"}


def test_a_terminal_is_not_steered_by_what_a_device_says(
    client: TestClient, database: Database, foremend: Callable[..., Any]
) -> None:
    desire(client, 0, set_point_c=4)
    with database.connect() as conn:
        hostile = json.dumps({"firmware": "1\x1b]0;owned\x07\u202e", "eco\x9b": "\x1b]52;c;x\x07"})
        conn.execute("UPDATE twin SET reported = %s", [hostile])
    shown = foremend("twin", "show", "d1").output
    assert "firmware  1\\x1b]0;owned\\x07\\u202e\n" in shown
    assert not {*"\x1b\x07\x9b\u202e"} & {*shown}


def test_the_command_line_sends_lists_and_cancels(client: TestClient, foremend: Callable[..., Any]) -> None:
    sent = foremend("command", "send", "d1", "start_defrost", "minutes=20", "why=ice", "--expires", "10m")
    assert (sent.exit_code, "QUEUED" in sent.output) == (0, True)
    (queued,) = client.get(COMMANDS).json()["commands"]
    assert queued["arguments"] == {"minutes": 20, "why": "ice"}
    cancelled = foremend("command", "cancel", "d1", queued["id"])
    assert (cancelled.exit_code, "CANCELLED" in cancelled.output) == (0, True)
    assert queued["id"] in foremend("command", "list", "d1", "--state", "cancelled").output
    assert foremend("command", "list", "d1", "--state", "queued").output == ""
    assert "should read as a span" in foremend("command", "send", "d1", "ping", "--expires", "soon").output


def test_the_command_line_waits_for_what_comes_of_it(
    client: TestClient, foremend: Callable[..., Any], database: Database
) -> None:
    with database.connect() as conn:
        conn.execute(
            "CREATE FUNCTION does() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.state := 'FAILED';"
            " NEW.over_at := now(); NEW.error := 'door open'; RETURN NEW; END $$"
        )
        conn.execute("CREATE TRIGGER does BEFORE INSERT ON command FOR EACH ROW EXECUTE FUNCTION does()")
    done = foremend("command", "send", "d1", "ping", "--wait")
    assert (done.exit_code, "FAILED" in done.output, "door open" in done.output) == (1, True, True)


def test_what_waits_for_devices_is_a_metric(client: TestClient, database: Database) -> None:
    desire(client, 0, set_point_c=4)
    send(client)
    with database.connect() as conn:
        conn.execute("UPDATE twin SET desired_at = now() - interval '2 hours'")
    lines = client.get("/metrics").text.splitlines()
    assert {"foremend_twins_behind 1.0", "foremend_twins_silent 1.0"} <= set(lines)
    assert {'foremend_commands_open{state="queued"} 1.0', 'foremend_commands_open{state="sent"} 0.0'} <= set(lines)


def test_a_device_that_is_gone_is_told_nothing(client: TestClient, database: Database) -> None:
    with database.connect() as conn:
        conn.execute("UPDATE device SET state = 'RETIRED' WHERE device_id = 'd1'")
    for answer in (desire(client, 0, set_point_c=4), send(client)):
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:foremend:problem:device-gone")


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


@pytest.mark.parametrize(
    "arguments", [r'{"x": "\ud800"}', '{"x":' * 300 + "1" + "}" * 300, '{"x": 1180591620717411303424}']
)
def test_arguments_that_no_device_could_be_told_are_refused(client: TestClient, arguments: str) -> None:
    body = f'{{"name": "ping", "arguments": {arguments}}}'
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = client.post(COMMANDS, content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:foremend:problem:bad-command")
