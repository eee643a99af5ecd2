"""Credentials over HTTP: a password is in one answer and in no other; what is revoked and denied can be read."""

import csv
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from pydantic import SecretStr
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.cli import credentials as cli
from api.door.asking import Ask
from api.door.notes import Notes
from api.door.upkeep import Upkeep
from api.door.violations import Violation
from api.http.house import House
from api.settings import Settings, SignIn
from devices.credentials.model import Username
from devices.credentials.verify import Verdict
from tests.http.conftest import Clock, a_device_body

URL = "/api/devices/fridge-1/credentials"


@pytest.fixture(autouse=True)
def a_device(client: TestClient) -> None:
    client.put("/api/devices/fridge-1", json=a_device_body())


def hand_out(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post(URL, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def states(client: TestClient) -> list[str]:
    return [each["state"] for each in client.get(URL).json()["credentials"]]


def test_a_password_is_in_the_answer_and_nowhere_else(client: TestClient) -> None:
    own = hand_out(client)
    assert (own["username"], own["client_id"], own["n"]) == ("demo.fridge-1.1", "demo:fridge-1", 1)
    assert (own["publish"], own["subscribe"]) == ("fm/demo/fridge-1/up/#", "fm/demo/fridge-1/down/#")
    for page in (URL, "/api/credentials", "/desk/devices/fridge-1"):
        assert "demo.fridge-1.1" in client.get(page).text
        assert own["password"] not in client.get(page).text


def test_a_second_one_is_a_conflict_and_a_rotation_is_not(client: TestClient, clock: Clock) -> None:
    hand_out(client)
    again = client.post(URL, json={})
    assert (again.status_code, again.json()["type"]) == (409, "urn:foremend:problem:credential-issued")
    assert hand_out(client, rotate=True, grace_s=60)["n"] == 2
    assert states(client) == ["LIVE", "LIVE"]
    clock.forward(seconds=60)
    assert states(client) == ["EXPIRED", "LIVE"]
    assert client.post(URL, json={"rotate": True, "grace_s": 91 * 86_400}).status_code == 422


def test_there_is_nothing_to_rotate_without_one_and_nothing_to_revoke_that_never_was(client: TestClient) -> None:
    none = client.post(URL, json={"rotate": True})
    assert (none.status_code, none.json()["type"]) == (409, "urn:foremend:problem:nothing-to-rotate")
    assert client.delete(f"{URL}/1").json()["type"] == "urn:foremend:problem:unknown-credential"
    assert client.post("/api/devices/nobody/credentials", json={}).status_code == 404


def test_one_is_revoked_or_all_and_the_desk_has_a_button_for_it(client: TestClient) -> None:
    hand_out(client)
    hand_out(client, rotate=True)
    assert client.delete(f"{URL}/1").json() == {"revoked": [1]}
    assert 'action="/desk/devices/fridge-1/credentials/2/revoke' in client.get("/desk/devices/fridge-1").text
    pressed = client.post("/desk/devices/fridge-1/credentials/2/revoke")
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/desk/devices/fridge-1")
    assert states(client) == ["REVOKED", "REVOKED"]
    assert client.delete(URL).json() == {"revoked": []}


def test_many_are_handed_out_and_listed_page_by_page(client: TestClient) -> None:
    for number in range(2, 5):
        client.put(f"/api/devices/fridge-{number}", json=a_device_body(serial=f"S{number}"))
    first = client.post("/api/credentials", json={"limit": 3}).json()
    rest = client.post("/api/credentials", json={"limit": 3, "after": first["next"]}).json()
    assert [each["device"] for each in first["credentials"] + rest["credentials"]] == [
        f"fridge-{n}" for n in range(1, 5)
    ]
    assert rest["next"] is None
    page = client.get("/api/credentials?limit=3").json()
    last = client.get(f"/api/credentials?limit=3&after={page['next']}").json()
    assert [each["device"] for each in page["credentials"] + last["credentials"]] == [
        f"fridge-{n}" for n in range(1, 5)
    ]
    assert client.get("/api/credentials?after=x").status_code == 422


def test_what_the_broker_denied_is_on_the_devices_page_in_the_list_and_an_alarm(
    client: TestClient, house: House
) -> None:
    notes = Notes()
    at = datetime.now(UTC) - timedelta(minutes=1)
    denied = Violation(at=at, tenant_id="demo", device_id="fridge-1", published=True, topic="fm/demo/x/up/telemetry")
    notes.violated([denied, denied])
    name = Username("demo", "fridge-1", 1)
    facts = {"reply": b"", "server_id": "", "user_key": "", "said": str(name), "username": name, "password": ""}
    notes.judged(Ask(**facts, client_id="", address="192.0.2.7"), Verdict.WRONG_PASSWORD, at)
    upkeep = Upkeep(settings=house.settings, notes=notes, servers=[], logs=[])
    with psycopg.connect(house.settings.dsn, user="foremend_relay", autocommit=True) as relay:
        upkeep.turn(relay)
    for page in (URL, "/api/denials"):
        said = next(each for each in client.get(page).json()["denied"] if each["kind"] == "PUBLISH")
        assert (said["device"], said["kind"], said["times"]) == ("fridge-1", "PUBLISH", 2)
        assert said["last"] == "fm/demo/x/up/telemetry"
    page = client.get("/desk/devices/fridge-1").text
    assert "2×" in page
    assert "fm/demo/x/up/telemetry" in page
    assert "192.0.2.7, wrong password" in page
    assert "192.0.2.7, 密码错误" in client.get("/desk/devices/fridge-1?lang=zh").text
    assert 'foremend_door_total{what="publish"} 2.0' in client.get("/metrics").text


def test_open_is_for_this_machine_alone() -> None:
    assert Settings(dsn="").device_sign_in is SignIn.OPEN
    assert Settings(dsn="", mqtt_host="broker").device_sign_in is SignIn.REQUIRED
    with pytest.raises(ValueError, match="for this machine alone, not for broker"):
        Settings(dsn="", mqtt_host="broker", device_sign_in="open")


def test_the_command_writes_a_file_that_only_its_owner_may_read(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    cli.register(app)
    app.callback()(lambda: None)
    monkeypatch.setattr(
        cli, "ask", lambda _api, method, path, json=None: client.request(method, path, json=json).json()
    )
    out = tmp_path / "fleet.csv"
    done = CliRunner().invoke(app, ["credentials", "issue", "--all", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    (row,) = csv.DictReader(out.read_text().splitlines())
    assert list(row) == ["tenant", "device", "client_id", "username", "password"]
    assert row["password"] not in done.output
    assert CliRunner().invoke(app, ["credentials", "issue", "--all", "--out", str(out)]).exit_code == 1
    for command in (["list"], ["list", "fridge-1"]):
        assert "demo.fridge-1.1\tLIVE\tnever used" in CliRunner().invoke(app, ["credentials", *command]).output
    assert "revoked: 1" in CliRunner().invoke(app, ["credentials", "revoke", "fridge-1"]).output


def test_with_a_key_a_password_can_be_told_to_another_broker(house: House, client: TestClient) -> None:
    assert _seeds(house) == 0
    keyed = house.settings.model_copy(update={"credential_key": SecretStr("k" * 48)})
    client.app.state.house = replace(house, settings=keyed)  # type: ignore[attr-defined]
    passwords = [hand_out(client)["password"], hand_out(client, rotate=True)["password"]]
    client.put("/api/devices/fridge-2", json=a_device_body(serial="2"))
    passwords += [each["password"] for each in client.post("/api/credentials", json={}).json()["credentials"]]
    assert (len({*passwords}), _seeds(house)) == (3, 3)


def _seeds(house: House) -> int:
    with psycopg.connect(house.settings.dsn, user="postgres") as conn:
        (count,) = conn.execute("SELECT count(*) FROM credential_seed").fetchone() or (0,)
    return int(count)
