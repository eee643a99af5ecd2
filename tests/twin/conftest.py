"""A house with its HTTP face, a worker and a relay on the real engines."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from api import database as roof
from api.http.app import staff_app
from api.http.house import House as Pages
from api.relay.twins import login_of
from api.settings import Settings
from devices import catalogue
from devices.twin import lifecycle, merge
from ingest.adapter_doors import Address, Doors
from ingest.twin.model import Down
from simulators.obedient import Obedient
from simulators.told import Told
from tests.conftest import Database, NatsServer
from tests.http.conftest import BASE
from tests.ingest.house import House, a_house
from tests.processes import relaying, working
from tests.twin.builders import a_class

_FOR_THE_TEST = (timedelta(minutes=10),)


class Desk:
    """Whoever wishes something of the device `d1`, over HTTP."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def twin(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/api/devices/d1/twin").json()
        return found

    def desires(self, version: int | None = None, **state: Any) -> Any:
        seen = self.twin()["version"] if version is None else version
        return self.client.patch("/api/devices/d1/twin", json={"state": state}, headers={"If-Match": f'"{seen}"'})

    def sends(self, name: str = "ping", *, expires_s: int = 3600, to: str = "d1", **arguments: Any) -> str:
        body = {"name": name, "arguments": arguments, "expires_s": expires_s}
        headers = {"Idempotency-Key": str(uuid4())}
        answer = self.client.post(f"/api/devices/{to}/commands", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        found: str = answer.json()["id"]
        return found

    def moves(self, to: str, **more: Any) -> None:
        seen = {"If-Match": self.client.get("/api/devices/d1").headers["ETag"]}
        answer = self.client.post("/api/devices/d1/transitions", json={"to": to, **more}, headers=seen)
        assert answer.status_code == 200, answer.text

    def command(self, command_id: str, device: str = "d1") -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/api/devices/{device}/commands/{command_id}").json()
        return found

    def commands(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get("/api/devices/d1/commands").json()["commands"]
        return found


@pytest.fixture
def house(database: Database, nats_server: NatsServer) -> Iterator[House]:
    """Nothing is said again in it only because this machine is slow: it is when a device comes back, or by hand."""
    nats_server.clear()
    with (
        patch.object(lifecycle, "AGAIN", _FOR_THE_TEST),
        patch.object(merge, "AGAIN", _FOR_THE_TEST),
        a_house(database, nats_server) as made,
    ):
        _forget_what_was_desired(nats_server)
        told = made.settings.model_copy(update={"mqtt_port": nats_server.mqtt_port})
        yield replace(made, settings=told)


def _forget_what_was_desired(nats: NatsServer) -> None:
    """By the tests before: the broker keeps it."""
    said = Settings(dsn="", nats_url=nats.secret_url)
    with closing(Doors([Address("127.0.0.1", nats.mqtt_port)], *login_of(said), lambda: None)) as doors:
        assert doors.retain([Down("fm.demo.d1.down.desired", b"")]).error is None


@pytest.fixture
def desk(house: House, tmp_path: Path) -> Iterator[Desk]:
    settings = house.settings.model_copy(update={"data": tmp_path})
    classes = {**catalogue.load(), "refrigerator": a_class()}
    with roof.pool(settings, "foremend_api", max_size=2) as pool:
        pages = Pages(settings=settings, pool=pool, catalogue=classes)
        with TestClient(staff_app(pages), base_url=BASE, follow_redirects=False) as client:
            yield Desk(client)


@contextmanager
def at_work(house: House) -> Iterator[None]:
    """A worker and a relay."""
    with working(house.settings), relaying(house.settings):
        yield


@contextmanager
def a_device(port: int, memory: Told | None = None, *, clean: bool = True, name: str = "d1") -> Iterator[Obedient]:
    device = Obedient(f"fm/demo/{name}", f"demo:{name}", memory, clean=clean).connect("127.0.0.1", port)
    assert device.subscribed.wait(60)
    try:
        yield device
    finally:
        device.close()
