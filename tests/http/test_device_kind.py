"""A device's page says what the catalogue knows of its model, what it was doing, and what its own metrics said."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.http.app import staff_app
from api.http.house import House
from devices import catalogue
from devices.model import FaultFamily
from tests.conftest import Database
from tests.http.conftest import BASE
from tests.http.scene import Scene, a_scene

OWN = """
[[metrics]]
class_id = "refrigerator"
name = "shelf_kg"
unit = "kg"
low = 0.0
high = 100.0
title = { en = "Weight on the shelf", zh = "搁架重量" }

[[models]]
class_id = "refrigerator"
model = "F-200"
maker = "Acme"
gtin = "06901234567892"
title = { en = "Small refrigerator", zh = "小冰箱" }
rated_power_w = 117.0
"""


@pytest.fixture
def scene(database: Database, house: House, tmp_path: Path) -> Iterator[Scene]:
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    known = replace(house, catalogue=catalogue.load(own=tmp_path / "own.toml", tenant_id="demo"))
    with TestClient(staff_app(known), base_url=BASE, follow_redirects=False) as client:
        made = a_scene(database, known, client)
        yield made


def test_the_page_names_the_model_the_regime_and_the_tenants_own_values(scene: Scene) -> None:
    with scene.database.connect() as conn:
        conn.execute(
            'UPDATE reading_refrigerator SET extra = \'{"shelf_kg": 12.5, "undeclared_a": 3}\' WHERE device_no = %s'
            " AND ts = (SELECT max(ts) FROM reading_refrigerator WHERE device_no = %s)",
            [scene.device_no, scene.device_no],
        )
    english, chinese = (scene.client.get(f"/desk/devices/fridge-1?lang={lang}").text for lang in ("en", "zh"))
    for word in ("Small refrigerator", "Acme", "GTIN 06901234567892", "117 W rated", "set to 2 to 8 °C"):
        assert word in english, word
    assert "<dt>Weight on the shelf</dt><dd>12.5 kg</dd>" in english
    assert "<dt>搁架重量</dt><dd>12.5 kg</dd>" in chinese
    assert "undeclared_a" not in english
    assert "<dt>What it was doing then</dt><dd>running <small>since" in english
    assert "<dt>当时工况</dt><dd>运行" in chinese


def test_a_model_that_nobody_described_is_said_to_be_one(scene: Scene) -> None:
    with scene.database.connect() as conn:
        conn.execute("UPDATE device SET model = 'X' WHERE device_no = %s", [scene.device_no])
    page = scene.client.get("/desk/devices/fridge-1").text
    assert "not in the catalogue" in page
    assert "150 W rated" in page, "what its class says"


def test_an_alert_that_is_a_danger_says_so(scene: Scene) -> None:
    assert '<span class="tag red">Safety</span>' not in scene.client.get("/desk/alerts").text
    fridge = scene.house.catalogue["refrigerator"]
    families: tuple[FaultFamily, ...] = tuple(replace(family, safety=True) for family in fridge.families)
    scene.house.catalogue["refrigerator"] = replace(fridge, families=families)
    assert '<span class="tag red">Safety</span>' in scene.client.get("/desk/alerts").text
