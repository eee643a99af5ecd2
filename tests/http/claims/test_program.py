"""Claims by program, cards and locks from the command line."""

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
import typer
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.cli import claim as command
from tests.conftest import Database
from tests.http.claims.conftest import claims, presses
from tests.http.conftest import BASE, Clock


def test_programs_claim_too(client: TestClient, secret: str, database: Database, clock: Clock) -> None:
    body = {"secret": secret, "customer": {"name": "Ann", "phone": "+49 30 1"}, "place": "kitchen"}
    path = "/api/devices/fridge-1/claim"
    assert client.post(path, json=body).status_code == 400
    key = {"Idempotency-Key": "k"}
    wrong = client.post(path, json={**body, "secret": "wrong"}, headers=key)
    assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:foremend:problem:wrong-secret")
    assert client.get(path).json()["wrong_secrets"] == 1
    both = [client.post(path, json=body, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in both] == [201, 201]
    assert both[0].json()["customer_id"] == both[1].json()["customer_id"]
    assert client.get(both[1].json()["owner_url"].removeprefix(BASE)).status_code == 200
    taken = client.post(path, json=body, headers={"Idempotency-Key": "l"})
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:foremend:problem:owned")
    assert client.get(path).json()["secret"]["spent_at"] is not None


def test_programs_claim_by_a_press(
    client: TestClient, device: dict[str, Any], database: Database, clock: Clock
) -> None:
    begun = client.post("/api/devices/fridge-1/claim/press").json()
    body = {"token": begun["token"], "customer": {"name": "Ann", "phone": "+49 30 1"}}
    key = {"Idempotency-Key": "k"}
    assert client.post("/api/devices/fridge-1/claim", json=body, headers=key).status_code == 409
    clock.forward(seconds=5)
    presses(database, clock, said=True)
    assert client.post("/api/devices/fridge-1/claim", json=body, headers=key).status_code == 201


def test_commands_print_cards_and_open_locks(
    client: TestClient,
    device: dict[str, Any],
    label: str,
    stranger: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(httpx2, "request", lambda method, url, json=None, **_: client.request(method, url, json=json))
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    told = CliRunner().invoke(app, ["claim", "secret", "fridge-1"])
    assert re.fullmatch(r"fridge-1\t([0-9a-z]{4}-){3}[0-9a-z]{4}\n", told.output)
    out = tmp_path / "cards.pdf"
    assert CliRunner().invoke(app, ["claim", "secret", "fridge-1", "--out", str(out)]).output == f"{out}: 1 card\n"
    assert out.read_bytes().startswith(b"%PDF")
    assert out.stat().st_mode & 0o077 == 0
    for n in range(5):
        claims(stranger, label, secret=f"wrong-{n}")
    assert "locked until" in CliRunner().invoke(app, ["claim", "show", "fridge-1"]).output
    assert CliRunner().invoke(app, ["claim", "unlock", "fridge-1"]).output == "fridge-1: open\n"
    assert "0 wrong secrets" in CliRunner().invoke(app, ["claim", "show", "fridge-1"]).output
    lost = tmp_path / "nowhere" / "cards.pdf"
    before = client.get("/api/devices/fridge-1/claim").json()
    assert CliRunner().invoke(app, ["claim", "secret", "fridge-1", "--out", str(lost)]).exit_code == 1
    assert client.get("/api/devices/fridge-1/claim").json() == before
