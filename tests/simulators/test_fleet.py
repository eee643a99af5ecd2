"""The demo fleet comes in by the front door, goes on after a stop, and only its own seed knows who is ill."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import orjson
import pytest

from devices import catalogue
from simulators import fleet
from simulators.door import Door
from simulators.fleet import AUTO, Demo, Fleet, Ground, ill_unit
from simulators.herd import MAX_BYTES, Said, arrays
from simulators.model import FAULTS
from simulators.town import ENGINEERS, household
from tests.simulators.conftest import House

NOW_MS = 1_763_800_020_000
DAY_MS = 86_400_000


def a_demo(**facts: object) -> Demo:
    known = {"api": "", "mqtt_host": "", "mqtt_port": 1, "tenant": "demo", "devices": 6, "days": 1.0}
    return Demo(**{**known, "seed": 3, "fault": "auto", **facts})


def readings_of(demo: Demo, newest_ms: dict[str, int], *until_ms: int) -> dict[str, list[Said]]:
    homes = [household(number) for number in range(1, demo.devices + 1)]
    start_ms = NOW_MS - int(demo.days * DAY_MS)
    alive = Fleet(demo, Ground(households=homes, start_ms=start_ms, newest_ms=newest_ms))
    for end_ms in until_ms:
        alive.grow(end_ms)
    return {device_id: list(waiting) for device_id, waiting in alive._waiting.items()}


def start(house: House, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "simulators.fleet", "--api", house.api, "--mqtt", house.mqtt, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for_live(process: subprocess.Popen[str]) -> list[dict[str, int]]:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(json.loads(line))
        if said[-1]["phase"] == "live":
            return said
    pytest.fail(f"the fleet ended with {process.wait()} before it was live")


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.engines
def test_the_customer_of_the_ill_unit_is_asked_and_nobody_else(house: House) -> None:
    process = start(house, "--devices", "8", "--days", "8", "--seed", "11")
    wait_for_live(process)
    unit, fault = ill_unit(a_demo(devices=8, seed=11), 0)
    house.until(lambda: house.get("/api/questions")["questions"], f"nobody is asked about unit {unit} with {fault}")
    house.caught_up()
    asked = {question["device_id"] for question in house.get("/api/questions")["questions"]}
    assert asked == {household(unit + 1).device_id}
    stop(process)


@pytest.mark.engines
def test_without_a_fault_nobody_is_asked_and_the_fleet_outlives_the_broker_and_itself(house: House) -> None:
    options = ("--devices", "8", "--days", "8", "--seed", "11", "--fault", "none")
    process = start(house, *options)
    wait_for_live(process)
    house.caught_up()
    head = house.get("/api/log")["head"]
    house.log.process.kill()
    house.log.start()
    house.until(lambda: house.get("/api/log")["head"] > head, "nothing comes after the broker's death")
    stop(process)
    house.caught_up()
    before = house.get("/api/devices/fridge-001/ledger")
    process = start(house, *options)
    wait_for_live(process)
    stop(process)
    house.caught_up()
    after = house.get("/api/devices/fridge-001/ledger")
    assert before["from"] == after["from"]
    assert before["committed"] <= after["committed"] <= before["committed"] + 5
    assert (after["refused"], after["refused_metrics"]) == (0, 0)
    assert house.get("/api/questions")["questions"] == []


def test_without_the_house_the_fleet_says_so_in_one_sentence() -> None:
    command = [sys.executable, "-m", "simulators.fleet", "--api", "http://127.0.0.1:9"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "make up" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_the_seed_decides_who_is_ill_and_with_what() -> None:
    picked = {ill_unit(a_demo(devices=60, seed=seed), 0) for seed in range(40)}
    assert len({unit for unit, _ in picked}) > 15
    assert {fault.name for _, fault in picked} == set(AUTO)
    assert all(FAULTS[name].seen_by for name in AUTO)
    assert ill_unit(a_demo(fault="none"), 0) is None
    assert ill_unit(a_demo(fault="short_cycling"), 0)[1].name == "short_cycling"


class Post:
    """A courier whose broker is away until the clock says otherwise."""

    def __init__(self, clock: Iterator[int], begin_ms: int, away: range) -> None:
        self._clock, self._begin_ms, self._away = clock, begin_ms, away
        self.now_ms, self.sent_ms, self.longest = begin_ms, [], 0
        self.fleet: Fleet | None = None

    def tick(self) -> int:
        """Five minutes pass at each look at the clock."""
        assert self.fleet is not None
        self.now_ms = next(self._clock)
        self.longest = max(self.longest, *map(len, self.fleet._waiting.values()))
        return self.now_ms

    async def deliver(self, topic: str, payload: bytes) -> None:
        while (self.now_ms - self._begin_ms) // 3_600_000 in self._away:  # noqa: ASYNC110  nobody sets an event, time is a number
            await asyncio.sleep(0)
        said = orjson.loads(payload)
        assert len(payload) <= MAX_BYTES
        if "fridge-001" in topic:
            self.sent_ms += [each["ts"] for each in (said if isinstance(said, list) else [said])]


def test_it_lives_for_days_and_waits_for_the_broker_with_a_bounded_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four days, a reading a minute; the broker is away for 40 hours of them."""
    homes = [household(number) for number in range(1, 4)]
    alive = Fleet(a_demo(devices=3), Ground(households=homes, start_ms=NOW_MS, newest_ms={}))
    post = Post(iter(range(NOW_MS, NOW_MS + 4 * DAY_MS, 300_000)), NOW_MS, range(20, 60))
    post.fleet = alive
    monkeypatch.setattr(fleet, "_now_ms", post.tick)
    monkeypatch.setattr(fleet, "_TICK_S", 0)
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(alive.live(post))  # type: ignore[arg-type]
    assert fleet.LONGEST_QUEUE <= post.longest <= fleet.LONGEST_QUEUE + 5
    assert post.sent_ms == sorted(set(post.sent_ms))
    gaps = [(ms - NOW_MS) // 3_600_000 for ms, after in pairwise(post.sent_ms) if after - ms > 3_600_000]
    assert gaps in ([19], [20]), "only what did not fit is missing: the first 16 of the 40 hours"
    assert post.sent_ms[-1] > NOW_MS + 4 * DAY_MS - 900_000
    assert len(post.sent_ms) > 4 * 1440 - 17 * 60 - 60


def test_every_class_and_region_has_two_engineers_who_could_come() -> None:
    classes = catalogue.load()
    for home in map(household, range(1, 61)):
        for family in classes[home.class_id].families:
            able = [
                slug
                for slug, engineer in ENGINEERS.items()
                if family.skill in engineer["skills"] and home.facts["region"] in engineer["regions"]
            ]
            assert len(able) >= 2, (home.device_id, family.skill)


def test_sixty_appliances_are_sixty_and_of_every_class() -> None:
    homes = [household(number) for number in range(1, 61)]
    assert len({home.device_id for home in homes}) == len({home.facts["serial"] for home in homes}) == 60
    assert {home.class_id for home in homes} == set(catalogue.load())
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
