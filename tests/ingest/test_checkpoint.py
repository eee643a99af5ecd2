"""A worker that starts from a checkpoint remembers what one that never stopped remembers."""

import shutil
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from psycopg import Connection

from api.worker import checkpoint
from api.worker.batch import Intake
from api.worker.checkpoint import Checkpoints
from api.worker.memory import Memory, fingerprint
from ingest import partition
from ingest.adapter_log import LogReader
from ingest.errors import FencedError
from ingest.partition import Claim
from tests.ingest import tahu
from tests.ingest.builders import CATALOGUE, a_reading
from tests.ingest.edges import bd_seq, named
from tests.ingest.house import House, now_ms
from tests.ingest.record import register
from tests.processes import wait_for, working

pytestmark = pytest.mark.engines
HOUR_MS = 3_600_000


class Desk:
    """A worker's parts in the hands of a test."""

    def __init__(self, house: House, conn: Connection[Any]) -> None:
        with conn.transaction():
            claim = partition.take(conn, "me")
        assert claim is not None
        self.house, self.conn, self.claim, self.memory = house, conn, claim, Memory(CATALOGUE)
        self.memory.stand_at(conn, claim, None)
        self.intake, self.checkpoints = Intake(conn, self.memory, claim), Checkpoints(self.memory, claim)

    def read_all(self) -> None:
        head = self.house.nats.state().last_seq
        reader = self.read_from(self.memory.cursor or 0)
        while (self.memory.cursor or 0) < head:
            self.intake.take(reader.fetch(60, most=7, most_bytes=600))
            self.intake.write_early(reader.backlog())
        reader.close()

    def read_from(self, seq: int) -> LogReader:
        return LogReader(self.house.nats.url, seq)

    def another(self) -> tuple[Memory, list[str]]:
        """A worker that starts now, and what it says."""
        other = Memory(CATALOGUE)
        now: Claim = replace(self.claim, cursor=self.memory.cursor or 0)
        with structlog.testing.capture_logs() as said:
            other.stand_at(self.conn, now, self.read_from)
        return other, [entry["event"] for entry in said]


def assert_the_same(one: Memory, other: Memory, newcomer: int = 0) -> None:
    """`newcomer`: a device that was not known when it spoke, and is known when the log is read again."""
    assert one.sections().keys() == other.sections().keys()
    allowances = [memory.allowance.dump() for memory in (one, other)]
    for held in allowances:
        others = held["bucket"] // 2 != newcomer
        held["bucket"], held["missing_ns"] = held["bucket"][others], held["missing_ns"][others]
    assert len(allowances[0]["bucket"])
    assert_the_same_arrays(*allowances)
    heards = [memory.heard.dump() for memory in (one, other)]
    for held in heards:
        others = held["heard/device_no"] != newcomer
        held |= {name: array[others] for name, array in held.items()}
    assert len(heards[0]["heard/device_no"])
    assert_the_same_arrays(*heards)
    assert_the_same_arrays(one.engine.dump(), other.engine.dump())


def assert_the_same_arrays(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Whichever of the devices was met first."""
    assert ours.keys() == theirs.keys()
    orders = {
        name.partition("/")[0]: (np.argsort(ours[name]), np.argsort(theirs[name]))
        for name in ours
        if name.endswith("/device_no")
    }
    for name, array in ours.items():
        mine, its = orders.get(name.partition("/")[0], (slice(None), slice(None)))
        np.testing.assert_array_equal(array[mine], theirs[name][its], err_msg=name)


def speak(house: House, from_h: int, to_h: int) -> None:
    """Two devices through some hours, with all that makes a reading not new: late, twice, in parts, contradicting,
    bad, of a device that is not known."""
    start = now_ms() - 100 * HOUR_MS
    for hour in range(from_h, to_h):
        at = start + hour * HOUR_MS
        readings = [a_reading(at + i * 60_000, cabinet_temp_c=4.0 + i % 7 / 10, power_w=90.0) for i in range(0, 60, 2)]
        house.publish(readings, [a_reading(at + 60_000, power_w=1.0), readings[3], "bad"])
        house.publish(
            a_reading(at + 60_000, cabinet_temp_c=4.4), a_reading(at, power_w=5.0), a_reading(at - HOUR_MS // 2)
        )
        house.publish(readings[::3], device="d2")
        house.publish(a_reading(at, cabinet_temp_c=4.0), device="late")
        speak_by_alias(house, at, hour)


def speak_by_alias(house: House, at: int, hour: int) -> None:
    """The second device through an edge node too, whose aliases change their meaning on the way."""
    if hour in {10, 25, 33}:
        house.publish(tahu.a_payload(bd_seq(hour), seq=0), device="edge1", kind="sparkplug/plant/NBIRTH")
        names = ("cabinet_temp_c", "power_w") if hour > 20 else ("power_w", "cabinet_temp_c")
        births = [named(alias, name, None) for alias, name in enumerate(names, start=1)]
        house.publish(tahu.a_payload(*births), device="edge1", kind="sparkplug/plant/DBIRTH/d2")
    said = [{"alias": alias, "float_value": 4.0 + alias + hour / 100} for alias in (1, 2)]
    house.publish(
        tahu.a_payload(*said[: 1 + hour % 2], timestamp=at + 57 * 60_000),
        device="edge1",
        kind="sparkplug/plant/DDATA/d2",
    )


def test_it_goes_on_from_the_checkpoint_and_the_log_behind_it(house: House, conn: Connection[Any]) -> None:
    desk = a_desk(house, conn)
    speak(house, 20, 40)
    desk.read_all()
    with house.database.connect() as owner:
        (late,) = register(owner, ("demo", "late", "refrigerator"))  # known now, refused then
    other, said = desk.another()
    assert said == ["remembered from a checkpoint"]
    assert_the_same(other, desk.memory, newcomer=late)
    assert other.engine.dump()["refrigerator/device_no"].size == 2


def test_at_the_checkpoint_itself_no_log_is_read(house: House, conn: Connection[Any]) -> None:
    desk = a_desk(house, conn)
    other = Memory(CATALOGUE)
    other.stand_at(conn, replace(desk.claim, cursor=desk.memory.cursor), pytest.fail)
    assert_the_same(other, desk.memory)


def test_what_cannot_be_used_is_learned_from_the_record(house: House, conn: Connection[Any]) -> None:
    """Of other code; broken; behind what the log still holds; of a cursor that was not reached."""
    desk = a_desk(house, conn)
    for spoil, expected in (
        ("UPDATE checkpoint SET fingerprint = 'other'", ["learned from the record"]),
        ("UPDATE checkpoint SET seq = seq + 1000", ["learned from the record"]),
        (
            "UPDATE checkpoint SET memory = substr(memory, 1, 500)",
            ["the checkpoint cannot be read", "learned from the record"],
        ),
    ):
        with house.database.connect() as owner:
            owner.execute("CREATE TEMP TABLE kept AS TABLE checkpoint")
            owner.execute(spoil)
            other, said = desk.another()
            assert said == expected
            assert_the_same_arrays(other.engine.dump(), desk.memory.engine.dump())
            assert other.allowance.dump()["bucket"].size == 0, "they begin full"
            assert (
                other.heard.dump()["heard/device_no"].tolist() == desk.memory.heard.dump()["heard/device_no"].tolist()
            )
            owner.execute(
                "UPDATE checkpoint SET (seq, fingerprint, memory) = (SELECT seq, fingerprint, memory FROM kept)"
            )
    speak(house, 20, 21)
    desk.read_all()
    house.nats.clear()
    assert desk.another()[1] == ["the log no longer holds what came after the checkpoint", "learned from the record"]


def test_the_fingerprint_follows_the_catalogue_and_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = fingerprint(CATALOGUE)
    fridge = CATALOGUE["refrigerator"]
    assert fingerprint({**CATALOGUE, "refrigerator": replace(fridge, cadence_s=61)}) != before
    for room in ("detectors", "ingest"):
        shutil.copytree(Path(str(resources.files(room))), tmp_path / room)
    monkeypatch.setattr(resources, "files", lambda package: tmp_path.joinpath(*package.split(".")))
    assert fingerprint(dict(reversed(CATALOGUE.items()))) == before
    for file in ("detectors/level.py", "ingest/allowance.py"):
        with (tmp_path / file).open("a") as code:
            code.write("# changed\n")
        assert fingerprint(CATALOGUE) != before
        before = fingerprint(CATALOGUE)


@pytest.mark.parametrize(
    ("behind", "waited_s", "due"),
    [
        (None, 0.0, True),  # what was learned from the record
        (1000, 30.0, True),
        (999, 30.0, False),  # few are read again in no time
        (1000, 29.9, False),
        (999, 600.0, True),
        (0, 599.9, False),
    ],
)
def test_one_is_due_after_a_while_when_there_is_much_to_read_again(
    behind: int | None, waited_s: float, *, due: bool
) -> None:
    assert checkpoint.is_due(behind, waited_s, checkpoint.EVERY_S) is due


def test_writing_them_takes_a_fiftieth_of_the_time_at_most() -> None:
    assert [checkpoint.wait_s(took_s) for took_s in (0.1, 0.6, 6.0)] == [30.0, 30.0, 300.0]


def test_a_worker_writes_one_when_it_has_learned_now_and_then_and_when_it_is_stopped(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = house.nats.state().last_seq
    with working(house.settings):
        wait_for(lambda: house.one("SELECT max(seq) FROM checkpoint") == start)
        house.publish(a_reading(now_ms()))
        house.caught_up()
        assert house.one("SELECT seq FROM checkpoint") == start
    assert house.one("SELECT seq FROM checkpoint") == house.nats.state().last_seq
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.0)
    monkeypatch.setattr(checkpoint, "_FEW", 1)
    monkeypatch.setattr(checkpoint, "_SHARE", 1.0)
    with working(house.settings):
        house.publish(a_reading(now_ms()))
        wait_for(lambda: house.one("SELECT seq FROM checkpoint") == house.nats.state().last_seq)


def test_a_fenced_worker_writes_none(house: House, conn: Connection[Any]) -> None:
    desk = Desk(house, conn)
    speak(house, 0, 1)
    desk.read_all()
    with house.database.connect() as owner:
        owner.execute("UPDATE partition SET epoch = epoch + 1")
    with pytest.raises(FencedError):
        desk.checkpoints.write(conn)
    assert house.one("SELECT count(*) FROM checkpoint") == 0


def a_desk(house: House, conn: Connection[Any], models: tuple[str, str] = ("m", "m")) -> Desk:
    """It has read twenty hours of two devices and written its checkpoint."""
    with house.database.connect() as owner:
        register(owner, ("demo", "d2", "refrigerator"))
        for device_id, model in zip(("d1", "d2"), models, strict=True):
            owner.execute("UPDATE device SET model = %s WHERE device_id = %s", [model, device_id])
    desk = Desk(house, conn)
    speak(house, 0, 20)
    desk.read_all()
    desk.checkpoints.write(conn)
    return desk
