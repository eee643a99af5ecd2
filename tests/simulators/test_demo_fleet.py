"""The demo fleet comes in by the front door, goes on after a stop, and only its own seed knows who is ill."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from devices import catalogue
from simulators.ailments import FAULTS
from simulators.broker import Broker, anonymous
from simulators.demo import AUTO, Demo, Ground, ill_unit, made_of, register
from simulators.door import Door, DoorError
from simulators.pace import FLAT_OUT
from simulators.said import MAX_BYTES, Said, arrays
from simulators.sender import Sender
from simulators.town import ENGINEERS, home, household
from simulators.voyage import MEMORY, Voyage
from tests.simulators.conftest import House

NOW_MS = 1_763_800_020_000
DAY_MS = 86_400_000
NOWHERE = Broker(host="127.0.0.1", port=9)


def a_demo(**facts: object) -> Demo:
    known = {"api": "", "broker": NOWHERE, "tenant": "demo", "devices": 6, "days": 1.0}
    return Demo(**{**known, "seed": 3, "fault": "auto", **facts})


def a_voyage(demo: Demo, newest_ms: dict[str, int], start_ms: int | None = None) -> Voyage:
    """What the demo starts, without a broker."""
    homes = [household(number) for number in range(1, demo.devices + 1)]
    start_ms = NOW_MS - int(demo.days * DAY_MS) if start_ms is None else start_ms
    made = made_of(demo, Ground(households=homes, start_ms=start_ms, newest_ms=newest_ms))
    senders = [Sender(anonymous("demo", each.device_id), NOWHERE, each.unit.seed) for each in made]
    return Voyage(made, senders, catalogue.load(), start_ms, FLAT_OUT, newest_ms)


async def waiting_after(demo: Demo, newest_ms: dict[str, int], until_ms: tuple[int, ...]) -> dict[str, list[Said]]:
    alive = a_voyage(demo, newest_ms)
    for end_ms in until_ms:
        alive.grow((end_ms - alive.next_ms) // 60_000 + 1)
    alive.turn(until_ms[-1] + DAY_MS)
    return {sender.identity.device: list(sender.waiting) for sender in alive.senders}


def readings_of(demo: Demo, newest_ms: dict[str, int], *until_ms: int) -> dict[str, list[Said]]:
    return asyncio.run(waiting_after(demo, newest_ms, until_ms))


@contextmanager
def living(house: House, *more: str) -> Iterator[None]:
    """The demo fleet, from the moment at which it is live until it has ended as it was asked to."""
    command = [
        sys.executable,
        "-u",
        "-m",
        "simulators.demo",
        "--api",
        house.api,
        "--broker",
        f"mqtt://{house.mqtt}",
        *more,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_for_live(process)
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()


def wait_for_live(process: subprocess.Popen[str]) -> list[dict[str, int]]:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(json.loads(line))
        if said[-1]["phase"] == "live":
            return said
    pytest.fail(f"the fleet ended with {process.wait()} before it was live")


@pytest.mark.engines
def test_the_customer_of_the_ill_unit_is_asked_and_nobody_else(house: House) -> None:
    with living(house, "--devices", "8", "--days", "8", "--seed", "11"):
        unit, fault = ill_unit(a_demo(devices=8, seed=11), 0)
        house.until(lambda: house.get("/api/questions")["questions"], f"nobody is asked about unit {unit} with {fault}")
        house.caught_up()
        asked = {question["device_id"] for question in house.get("/api/questions")["questions"]}
        assert asked == {household(unit + 1).device_id}


@pytest.mark.engines
def test_without_a_fault_nobody_is_asked_and_the_fleet_outlives_the_broker_and_itself(house: House) -> None:
    options = ("--devices", "8", "--days", "8", "--seed", "11", "--fault", "none")
    with living(house, *options):
        house.caught_up()
        head = house.get("/api/log")["head"]
        house.log.process.kill()
        house.log.start()
        house.until(lambda: house.get("/api/log")["head"] > head, "nothing comes after the broker's death")
    house.caught_up()
    before = house.get("/api/devices/fridge-001/ledger")
    with living(house, *options):
        pass
    house.caught_up()
    after = house.get("/api/devices/fridge-001/ledger")
    assert before["from"] == after["from"]
    assert before["committed"] <= after["committed"] <= before["committed"] + 5
    assert (after["refused"], after["refused_metrics"]) == (0, 0)
    assert house.get("/api/questions")["questions"] == []


def test_without_the_house_the_fleet_says_so_in_one_sentence() -> None:
    command = [sys.executable, "-m", "simulators.demo", "--api", "http://127.0.0.1:9"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert "make up" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_whoever_starts_it_on_data_of_another_demo_learns_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: Any) -> None:
        raise DoorError("PUT /api/devices/fridge-001: 409: the device has another place", 409)

    monkeypatch.setattr(Door, "put_device", taken)
    with pytest.raises(DoorError, match=r"409: .*; .*make clean"):
        register(a_demo(devices=1, seed=1), 0, lambda *_: None)


def test_the_seed_decides_who_is_ill_and_with_what() -> None:
    picked = {ill_unit(a_demo(devices=60, seed=seed), 0) for seed in range(40)}
    assert len({unit for unit, _ in picked}) > 15
    assert {fault.name for _, fault in picked} == set(AUTO)
    assert all(FAULTS[name].seen_by for name in AUTO)
    assert ill_unit(a_demo(fault="none"), 0) is None
    assert ill_unit(a_demo(fault="short_cycling"), 0)[1].name == "short_cycling"


def test_a_fleet_that_reaches_nobody_keeps_what_a_day_brings() -> None:
    async def four_days() -> list[int]:
        alive = a_voyage(a_demo(devices=3), {}, NOW_MS)
        for hour in range(4 * 24):
            alive.grow(60)
            alive.turn(NOW_MS + (hour + 1) * 3_600_000)
            for sender in alive.senders:
                sender.forget_beyond(MEMORY)
        sender = alive.senders[0]
        assert len(sender.waiting) == MEMORY
        assert sender.count.forgotten > 2.9 * 1440
        return [ts_ms for ts_ms, _ in sender.waiting]

    kept_ms = asyncio.run(four_days())
    assert kept_ms == sorted(set(kept_ms))
    assert kept_ms[-1] > NOW_MS + 4 * DAY_MS - 180_000


def test_every_class_and_region_has_two_engineers_who_could_come() -> None:
    classes = catalogue.load()
    for house in map(household, range(1, 61)):
        for family in classes[house.class_id].families:
            able = [
                slug
                for slug, engineer in ENGINEERS.items()
                if family.skill in engineer["skills"] and house.facts["region"] in engineer["regions"]
            ]
            assert len(able) >= 2, (house.device_id, family.skill)


def test_sixty_appliances_are_sixty_and_of_every_class() -> None:
    homes = [household(number) for number in range(1, 61)]
    assert len({home.device_id for home in homes}) == len({home.facts["serial"] for home in homes}) == 60
    classes = catalogue.load()
    assert {home.class_id for home in homes} == set(classes)
    assert [home.device_id for home in homes if home.facts["model"] not in classes[home.class_id].models] == []
    assert {home.facts["customer"]["language"] for home in homes} == {"en", "zh"}


def test_growing_in_pieces_says_the_same_as_growing_at_once() -> None:
    demo = a_demo()
    at_once = readings_of(demo, {}, NOW_MS)
    in_pieces = readings_of(demo, {}, NOW_MS - 40_000_000, NOW_MS - 61_000, NOW_MS)
    assert at_once == in_pieces
    assert 1400 < len(at_once["fridge-001"]) <= 1440


def test_what_the_record_holds_is_not_said_again() -> None:
    demo = a_demo()
    whole = readings_of(demo, {}, NOW_MS)["fridge-001"]
    rest = readings_of(demo, {"fridge-001": whole[-10][0]}, NOW_MS)["fridge-001"]
    assert rest == whole[-9:]


def test_arrays_keep_to_400_readings_and_64_kib_and_lose_none() -> None:
    said = readings_of(a_demo(days=2.0), {}, NOW_MS)["coldroom-004"]
    parts = list(arrays(said))
    assert all(count <= 400 and len(payload) <= MAX_BYTES for count, payload in parts)
    assert [reading["ts"] for _, payload in parts for reading in orjson.loads(payload)] == [ts_ms for ts_ms, _ in said]
    assert orjson.loads(next(arrays(said[:1]))[1]) == {"ts": said[0][0], "m": said[0][1]}


def test_a_sensor_without_a_word_is_left_out_of_its_reading() -> None:
    said = readings_of(a_demo(days=4.0), {}, NOW_MS)["fridge-001"]
    sizes = {len(measured) for _, measured in said}
    assert {11, 12} <= sizes
    assert min(sizes) > 0
    assert not any(value != value for _, measured in said for value in measured.values())


def test_the_api_is_asked_past_any_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Door("http://127.0.0.1:8080") as door:
        assert not door._client.trust_env


def test_a_fleet_that_is_registered_beside_the_demo_takes_nothing_of_it() -> None:
    demo = [household(number).facts for number in range(1, 61)]
    fleet = [home(f"f-{number}", number, "refrigerator", "dublin").facts for number in range(1, 61)]
    for theirs in ({each["serial"] for each in fleet}, {each["customer"]["email"] for each in fleet}):
        assert len(theirs) == 60
        assert theirs.isdisjoint({each["serial"] for each in demo} | {each["customer"]["email"] for each in demo})
