"""Somebody with a phone before an appliance that nobody has claimed, and a stranger with another phone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from api.http.app import public_app
from api.http.house import House
from devices.model import Model
from tests.conftest import Database
from tests.http.conftest import BASE, Clock, a_device_body

GTIN = "09506000134352"
PERSON = {
    "name": "Ann Lee",
    "contact": "ann@example.org",
    "place": "12 Canal Street, kitchen",
    "bought_on": "2026-11-01",
}
SECRETS = ("Ann", "ann@example", "Canal", "2026-11-01")


@pytest.fixture
def house(house: House) -> House:
    model = Model(model="F-200", maker="Maker", title={"en": "F-200", "zh": "F-200"}, gtin=GTIN)
    fridge = replace(house.catalogue["refrigerator"], models={"F-200": model})
    return replace(house, catalogue={**house.catalogue, "refrigerator": fridge})


@pytest.fixture
def device(client: TestClient) -> dict[str, Any]:
    body = {**a_device_body(place=""), "customer": None}
    found: dict[str, Any] = client.put("/api/devices/fridge-1", json=body).json()
    return found


@pytest.fixture
def label(device: dict[str, Any]) -> str:
    return str(device["label_url"]).rpartition("/")[2]


@pytest.fixture
def secret(client: TestClient, device: dict[str, Any]) -> str:
    return str(client.post("/api/devices/fridge-1/claim/secret").json()["secret"])


def phone(house: House, address: str = "192.0.2.1") -> TestClient:
    """Somebody's: with cookies and an address of its own, and only the public pages before it."""
    app = public_app(house, frozenset({"127.0.0.1"}))
    return TestClient(app, base_url=BASE, follow_redirects=False, client=(address, 1))


@pytest.fixture
def ann(house: House) -> Iterator[TestClient]:
    with phone(house) as client:
        yield client


@pytest.fixture
def stranger(house: House) -> Iterator[TestClient]:
    with phone(house, "192.0.2.99") as client:
        yield client


def claims(client: TestClient, label: str, **fields: str) -> Any:
    return client.post(f"/claim/{label}", data={"do": "secret", **PERSON, **fields})


def begins(client: TestClient, label: str) -> str:
    """The token of the claim."""
    answer = client.post(f"/claim/{label}", data={"do": "begin"})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"].partition("?press=")[2])


def presses(database: Database, clock: Clock, *, said: object = 1, late: timedelta = timedelta()) -> None:
    """The appliance reports it, and the log receives that now; `late`: it was a while ago."""
    with database.connect("foremend_worker") as conn:
        conn.execute(
            "INSERT INTO reading_refrigerator (device_no, ts, seq, received_at, flags, extra)"
            " VALUES (1, %s, 1, %s, 0, %s)",
            [clock.now - late, clock.now, Jsonb({"button": said})],
        )


def owner_of(client: TestClient) -> object:
    return client.get("/api/devices/fridge-1").json()["customer_id"]
