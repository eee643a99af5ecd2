"""A simulated device does what it is told, and says what it is like."""

import numpy as np
import orjson
import pytest

from devices import catalogue
from simulators import packets
from simulators.clock import Clock
from simulators.crew import Crew
from simulators.everyday import Incident
from simulators.incidents import NONE
from simulators.mix import Made
from simulators.model import Unit
from simulators.told import REMEMBERED, Told
from simulators.twins import Twins
from tests.simulators.test_sender import Spy, run, talking, until

CLASSES = catalogue.load()
START_MS = 1_735_689_600_000
HOUR_MS = 3_600_000


def a_crew(*incidents: Incident) -> tuple[Crew, Twins]:
    unit = Unit(seed=5, habit=NONE.habit(), incidents=incidents)
    clock = Clock(seed=5, start_ms=START_MS)
    made = [Made(device_id="fridge", class_id="refrigerator", unit=unit, clock=clock)]
    crew = Crew(made, CLASSES, START_MS)
    return crew, Twins(made, crew, CLASSES)


def test_a_thermostat_that_is_told_another_temperature_holds_that() -> None:
    crew, twins = a_crew()
    told = twins.told(0)
    before_c = crew.advance(360).truth.air_c[0].mean()
    was_c = told.state["set_point_c"]
    list(twins.changed(crew.next_ms))
    ((kind, report),) = told.hear("desired", {"version": 3, "state": {"set_point_c": was_c + 2}})
    assert (kind, report["version"], report["state"]["set_point_c"]) == ("reported", 3, was_c + 2)
    spoken = crew.advance(1080)  # of the same day
    assert spoken.truth.air_c[0, -720:].mean() - before_c == pytest.approx(2, abs=0.5)
    assert crew.set_point_c(0, crew.next_ms) == was_c + 2
    assert len({incident.at_ms for _, incident in spoken.happened}) == len(spoken.happened), "no day happens twice"


def test_what_it_cannot_have_it_says_as_it_is() -> None:
    _, twins = a_crew()
    told = twins.told(0)
    told.hear("desired", {"version": 1, "state": {"set_point_c": -40, "sampling_period_s": 30, "firmware": "2.0.0"}})
    assert told.state["set_point_c"] == CLASSES["refrigerator"].set_point_c[0]
    assert told.state["sampling_period_s"] == 60
    assert told.report()[1]["firmware"] == "2.0.0"


def test_the_sampling_period_thins_what_it_says() -> None:
    crew, twins = a_crew()
    twins.told(0).hear("desired", {"version": 1, "state": {"sampling_period_s": 600}})
    measured_ms = crew.advance(600).measured_ms[0].tolist()
    said_ms = [at_ms for at_ms in measured_ms if twins.measures(0, at_ms)]
    assert 59 <= len(said_ms) <= 61
    assert np.abs(np.diff(said_ms) - 600_000).max() < 61_000


def test_a_knob_and_a_firmware_are_reported_when_they_come() -> None:
    knob = Incident(name="set_point", at_ms=START_MS + HOUR_MS, size=1.5)
    spell = Incident(
        name="firmware_tenths", at_ms=START_MS + HOUR_MS, until_ms=START_MS + 2 * HOUR_MS, metric="cabinet_temp_c"
    )
    _, twins = a_crew(knob, spell)
    told = twins.told(0)
    was_c = told.state["set_point_c"]
    assert list(twins.changed(START_MS + HOUR_MS - 1)) == []
    assert list(twins.changed(START_MS + HOUR_MS))
    assert (told.firmware, told.state["set_point_c"]) == ("1.4.3", pytest.approx(was_c + 1.5))
    assert list(twins.changed(START_MS + 2 * HOUR_MS)) == [0]
    assert told.firmware == "1.4.4"


def test_an_older_version_was_overtaken_and_the_same_one_wants_the_same_answer() -> None:
    told = Told({"a": 1}, "1", lambda _, value: value)
    newer = {"version": 2, "state": {"a": 2}}
    assert told.hear("desired", newer) == told.hear("desired", newer)
    assert told.hear("desired", {"version": 1, "state": {"a": 9}}) == []
    assert told.state == {"a": 2}


def test_a_command_is_done_once_and_answered_as_often_as_it_comes() -> None:
    told = Told({}, "1", lambda _, value: value)
    ping = {"id": "1", "name": "ping", "arguments": {"x": 1}}
    assert told.hear("command", ping) == told.hear("command", ping)
    assert told.hear("command", ping) == [("result", {"id": "1", "ok": True, "result": {"x": 1}})]
    assert told.hear("command", {"id": "2", "name": "explode"})[0][1]["ok"] is False
    for number in range(REMEMBERED):
        told.hear("command", {"id": f"more {number}", "name": "ping"})
    assert len(told.done) == REMEMBERED


def test_a_device_listens_to_its_own_topic_and_answers_there() -> None:
    async def work() -> None:
        spy = Spy()
        async with talking(spy) as sender:
            sender.twin = Told({}, "1.4.2", lambda _, value: value)
            await until(lambda: len(spy.came) >= 4, "no subscription, no report")
            assert spy.came[2] == (0x82, packets.subscribe(["fm/demo/fridge-1/down/#"], 2)[2:])
            spy.writers[0].write(packets.publish(b"fm/demo/fridge-1/down/desired", b"[nonsense", 39))
            desired = orjson.dumps({"version": 7, "state": {"sampling_period_s": 120}})
            spy.writers[0].write(packets.publish(b"fm/demo/fridge-1/down/desired", desired, 40))
            await until(lambda: (0x40, b"\x00\x28") in spy.came and len(spy.came) >= 6, "no answer")
        topic, payload, _ = packets.published(*spy.came[-2])
        assert topic == "fm/demo/fridge-1/up/reported"
        assert orjson.loads(payload) == {"version": 7, "state": {"sampling_period_s": 120}, "firmware": "1.4.2"}

    run(work())
