"""What a program can do with the registry a command can do; what was done is told with its actor."""

from typing import Any

import httpx2
import pytest
import typer
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.cli import customers, devices, sites
from tests.http.conftest import Clock


@pytest.fixture
def run(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Any:
    def request(method: str, url: str, *, timeout: float, trust_env: bool, **more: Any) -> Any:
        return client.request(method, url, **more)

    monkeypatch.setattr(httpx2, "request", request)
    app = typer.Typer()
    for command in (customers, devices, sites):
        command.register(app)

    def said(*words: str, code: int = 0) -> str:
        told = CliRunner().invoke(app, words)
        assert told.exit_code == code, told.output
        return told.output

    return said


FRIDGE = ("--class", "refrigerator", "--model", "F-200", "--serial", "S1")


def test_a_device_is_registered_corrected_given_away_and_its_history_told(run: Any, clock: Clock) -> None:
    facts = ("place=12 Canal Street", "bought_on=2026-01-31", "point=39.9,116.4,BD-09")
    assert run("devices", "register", "f1", *facts, *FRIDGE).startswith("f1: MADE, fm/demo/f1/up/")
    assert "registered with another place" in run("devices", "register", "f1", *FRIDGE, code=1)
    clock.forward(minutes=1)
    assert run("devices", "amend", "f1", "place=", "bought_on=", "point=", "region=north").startswith("f1: bought_on")
    assert run("devices", "amend", "f1", "region=north") == "f1: it is so already\n"
    assert "one of model, serial, place" in run("devices", "amend", "f1", "colour=red", code=1)
    assert "a point reads point=LATITUDE,LONGITUDE" in run("devices", "amend", "f1", "point=here", code=1)
    assert "UNKNOWN" in run("devices", "warranty", "f1")
    ann = run("customers", "add", "Ann", "--phone", "+49 30 12345").split()[1]
    clock.forward(minutes=1)
    assert run("devices", "claim", "f1", ann) == "f1: MADE -> CLAIMED\n"
    assert ann in run("devices", "owners", "f1")
    claimed, amended, registered = run("devices", "history", "f1").splitlines()
    assert claimed.startswith("2026-11-20 09:02:00+00:00\tstaff:desk\tdevice.claimed\t")
    assert "\tdevice.amended\t" in amended
    assert "fields=['bought_on', 'datum', " in amended
    assert "Canal" not in amended, "where somebody lives is not in the log"
    assert registered.endswith("device.registered\tclass_id=refrigerator")
    assert run("devices", "history", "f1", "--limit", "1").count("\n") == 1
    assert run("devices", "history", "nobody") == ""


def test_customers_and_their_households_are_kept_by_commands(run: Any) -> None:
    ann, bob = (run("customers", "add", name, "--email", f"{name}@example.org").split()[1] for name in ("Ann", "Bob"))
    assert run("customers", "add", "A.", "--email", "ann@example.org").split()[1] == ann
    assert "+49 30 1" in run("customers", "amend", ann, "--phone", "+49 30 1", "--email", "")
    assert run("customers", "list", "--text", "ann") == f"{ann}\tAnn\t\t+49 30 1\n"
    assert run("customers", "join", ann, bob) == f"{ann}\tOWNER\tAnn\n{bob}\tMEMBER\tBob\n"
    assert run("customers", "leave", ann, bob) == f"{ann}\tOWNER\tAnn\n"
    assert "an empty word is no id" in run("customers", "show", "", code=1)
    assert "no customer" in run("customers", "show", "00000000-0000-0000-0000-000000000001", code=1)


def test_a_site_keeps_what_is_not_said_of_it(run: Any) -> None:
    run("sites", "set", "Mill 3", "address=Mill Lane", "point=39.9,116.4,GCJ-02")
    told = run("sites", "set", "Mill 3", "time_zone=Europe/Berlin")
    assert all(each in told for each in ("Mill Lane", "Europe/Berlin", "116.4", "GCJ-02"))
    assert run("sites", "list") == "Mill 3\tEurope/Berlin\tMill Lane\n"
    assert "Mill Lane" in run("sites", "set", "Mill 3/cold", "address=Mill Lane"), "a name may have a stroke in it"
    assert "Mars" in run("sites", "set", "Mill 3", "time_zone=Mars", code=1)
    assert run("sites", "firm", "Cold Ltd") == run("sites", "firm") == "demo\tCold Ltd\n"
