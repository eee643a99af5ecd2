"""The catalogue over HTTP: what apps need to name and draw what an appliance says, bounded."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg_pool import ConnectionPool
from starlette.testclient import TestClient

from api import classes
from api.http.app import staff_app
from api.http.house import House
from api.settings import Settings
from tests.devices.test_own_file import OWN
from tests.http.conftest import BASE


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """Nothing of it needs a record."""
    more = '\n[[models]]\nclass_id = "refrigerator"\nmodel = "{0}"\nmaker = "Acme"\ntitle = {{ en = "x", zh = "x" }}\n'
    text = OWN + more.format("BCD-300") + more.format("A-1")
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    settings = Settings(dsn="", tenant="acme", catalogue=tmp_path / "own.toml")
    house = House(settings=settings, pool=ConnectionPool(open=False), catalogue=classes.of(settings))
    with TestClient(staff_app(house), base_url=BASE) as client:
        yield client


def test_an_app_learns_classes_metrics_families_and_the_tenants_own(client: TestClient) -> None:
    found = {each["class_id"]: each for each in client.get("/api/catalogue").json()["classes"]}
    fridge = found["refrigerator"]
    power = next(metric for metric in fridge["metrics"] if metric["name"] == "power_w")
    assert (power["unit"], power["resolution"], power["title"]["zh"]) == ("W", 0.1, "功率")
    assert [(own["name"], own["unit"], own["cadence_s"]) for own in fridge["own_metrics"]] == [("shelf_kg", "kg", 300)]
    assert (fridge["models"], fridge["rated_power_w"], fridge["levels"][0]["min_shift"]) == (4, 130.0, 2.5)
    assert {family["family_id"]: family["safety"] for family in fridge["families"]}["compressor"] is False
    assert fridge["regimes"][0]["regime"] == "defrost"
    assert found["cold_room"]["own_metrics"] == []


def test_models_come_a_page_at_a_time_with_what_holds_for_them(client: TestClient) -> None:
    first = client.get("/api/catalogue/refrigerator/models", params={"limit": 2}).json()
    assert [(each["model"], each["gtin"]) for each in first["models"]] == [("A-1", None), ("BCD-218", "06901234567892")]
    assert first["models"][1]["effective"]["on_times"][0]["on_above"] == 45.0
    rest = client.get("/api/catalogue/refrigerator/models", params={"limit": 2, "after": first["next"]}).json()
    last = client.get("/api/catalogue/refrigerator/models", params={"limit": 2, "after": rest["next"]}).json()
    assert last == {"models": [], "next": None}
    assert ([each["model"] for each in rest["models"]], rest["next"]) == (
        ["BCD-300", "Northwind KX-300"],
        "Northwind KX-300",
    )


def test_no_page_is_larger_than_its_bound_and_no_class_is_invented(client: TestClient) -> None:
    assert client.get("/api/catalogue/refrigerator/models", params={"limit": 501}).status_code == 422
    assert client.get("/api/catalogue/toaster/models").status_code == 404
