"""A class that a house wrote for itself has what every class has: catalogue, registry, pages, labels, reports."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api import schema
from api.http.app import staff_app
from api.http.house import House
from devices import catalogue
from tests.conftest import Database
from tests.devices.test_own_file import KETTLE
from tests.http.conftest import BASE

pytestmark = pytest.mark.engines


@pytest.fixture
def theirs(database: Database, house: House, tmp_path: Path) -> Iterator[TestClient]:
    (tmp_path / "kettle.toml").write_text(KETTLE, encoding="utf-8")
    classes = catalogue.load(own=tmp_path / "kettle.toml")
    with database.connect() as owner:
        schema.apply(owner, classes)
    app = staff_app(replace(house, catalogue=classes))
    with TestClient(app, base_url=BASE, follow_redirects=False) as client:
        yield client


def test_a_device_of_it_is_registered_shown_and_reported(theirs: TestClient) -> None:
    listed = theirs.get("/api/catalogue").json()["classes"]
    assert [row["title"]["zh"] for row in listed if row["class_id"] == "kettle"] == ["热水壶"]
    said = {"class_id": "kettle", "model": "K1", "serial": "0001", "customer": {"name": "Wei"}}
    assert theirs.put("/api/devices/kettle-1", json=said).status_code == 201
    page = theirs.get("/desk/devices/kettle-1?lang=zh")
    assert page.status_code == 200
    assert "热水壶" in page.text
    assert "热水壶" in theirs.get("/desk/devices?class=kettle&lang=zh").text
    label = theirs.get("/api/devices/kettle-1").json()["label_url"]
    assert "Kettle" in theirs.get(label.removeprefix(BASE)).text
    report = {"device_id": "kettle-1", "words": "It does not boil", "contact": "13800000000"}
    assert theirs.post("/api/reports", json=report, headers={"Idempotency-Key": "k"}).status_code == 201
    assert theirs.put("/api/devices/k-2", json={**said, "class_id": "kettles"}).status_code == 422
