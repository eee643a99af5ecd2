"""The road end to end: an appliance falls ill, its customer is asked, and nobody else is."""

import time

import pytest

from api.engines.process import wait_until
from simulators.broker import Broker
from simulators.demo import Demo, ill_unit
from simulators.town import household
from tests.road.conftest import House, Up

DEVICES, DAYS = 12, 6
SMALL = ("--devices", str(DEVICES), "--days", str(DAYS))
ASKED_WITHIN_S = 90


def _ill_device(seed: int) -> str:
    """What only the simulators know."""
    demo = Demo(
        api="", broker=Broker(host="", port=0), tenant="demo", devices=DEVICES, days=DAYS, seed=seed, fault="auto"
    )
    ill = ill_unit(demo, 0)
    assert ill is not None
    return household(ill[0] + 1).device_id


def _read(house: House) -> bool:
    log = house.get("/api/log")
    return bool(log["cursor"] == log["head"] > 0)


def _asked(house: House) -> set[str]:
    return {question["device_id"] for question in house.get("/api/questions")["questions"]}


@pytest.mark.engines
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [pytest.param(6, marks=pytest.mark.slow), 10])
def test_whichever_unit_falls_ill_its_customer_is_asked_soon_after_ready_and_nobody_else(up: Up, seed: int) -> None:
    house = up(*SMALL, "--fleet-seed", str(seed))
    while not _asked(house) and time.monotonic() < house.ready_at + ASKED_WITHIN_S:
        time.sleep(0.5)
    assert _asked(house) == {_ill_device(seed)}


@pytest.mark.slow
@pytest.mark.engines
@pytest.mark.timeout(900)
def test_a_healthy_fleet_is_left_in_peace(up: Up) -> None:
    house = up(*SMALL, "--fleet-fault", "none")
    assert wait_until(lambda: _read(house), 60)
    assert {check["name"]: check["state"] for check in house.get("/readyz")["checks"]} == dict.fromkeys(
        ("record", "schema", "worker", "cursor", "relay", "log", "log_room"), "ok"
    )
    time.sleep(5)  # five rounds of the relay
    assert house.get("/api/alerts")["alerts"] == []
    assert house.get("/api/questions")["questions"] == []
