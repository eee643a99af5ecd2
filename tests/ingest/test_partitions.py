"""Several workers share the log: each message is read by the one that has its device, and a quiet one delays nobody."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from api import partitions
from api.engines import fronts
from api.engines.nats import Nats
from api.engines.nats_request import request
from api.engines.nats_streams import spread
from api.engines.ports import free_port
from api.partitions import PartitionsFixedError
from api.worker import run as worker
from api.worker.memory import Memory
from ingest import partition, slots
from ingest.adapter_log import Head
from ingest.adapter_wire import Wire
from ingest.errors import FencedError, LogLostError
from ingest.partition import Claim
from ingest.slots import Span
from ingest.standing import judge
from tests.conftest import Database, NatsServer
from tests.ingest.builders import CATALOGUE, a_reading
from tests.ingest.house import House, a_house, now_ms
from tests.ingest.record import register
from tests.processes import wait_for, working

K = 3
DEVICES = [f"d{i}" for i in range(1, 13)]


@pytest.fixture(scope="module")
def shared(engines_folder: Path) -> Iterator[NatsServer]:
    engine = Nats(engines_folder / "shared", port=free_port(), mqtt_port=free_port())
    engine.start()
    yield NatsServer(engine=engine)
    engine.stop()
    shutil.rmtree(engines_folder / "shared")


@pytest.fixture
def house(database: Database, shared: NatsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Twelve refrigerators, a log spread over K slots, a record with one partition."""
    monkeypatch.setattr(worker, "_RENEW_S", 0.2)
    shared.clear()
    with a_house(database, shared) as made:
        with database.connect() as conn:
            register(conn, *[("demo", name, "refrigerator") for name in DEVICES[1:]])
        yield made


def split(house: House) -> None:
    with house.database.connect() as conn:
        partitions.check(conn, K)
        fronts.ensure_logs(house.nats.url, [], slots=K, replicas=None)
        assert partitions.spread(conn, house.nats.url, K, patience_s=60)


def cursors(house: House) -> list[int]:
    with house.database.connect() as conn:
        return [cursor for (cursor,) in conn.execute("SELECT cursor FROM partition ORDER BY first_slot")]


def caught_up(house: House) -> None:
    wait_for(lambda: set(cursors(house)) == {house.nats.state().last_seq})


def speak(house: House, at: int, devices: list[str]) -> None:
    for name in devices:
        house.publish(a_reading(at), device=name)


@pytest.mark.engines
def test_the_log_and_we_reckon_the_same_slot(shared: NatsServer) -> None:
    names = [("demo", "d1"), ("a", "b"), ("T_-9", "x" * 64), ("demo", "fridge-77"), ("ab", "c"), ("a", "bc")]
    with_wire = Wire(shared.url)
    for count in (1, 3, 7, 64, 512):
        request(shared.url, "$JS.API.STREAM.DELETE.SLOTS")
        made = {"name": "SLOTS", "subjects": ["t.>"], "storage": "memory", "num_replicas": 1}
        transform = {"src": "t.*.*.*.>", "dest": spread(count)["dest"]}
        assert "error" not in request(
            shared.url, "$JS.API.STREAM.CREATE.SLOTS", {**made, "subject_transform": transform}
        )
        for seq, (tenant_id, device_id) in enumerate(names, start=1):
            request(shared.url, f"t.{tenant_id}.{device_id}.up.telemetry")
            subject = with_wire.request("$JS.API.STREAM.MSG.GET.SLOTS", {"seq": seq})["message"]["subject"]
            assert int(subject.split(".")[1]) == slots.slot(tenant_id, device_id, count)
    request(shared.url, "$JS.API.STREAM.DELETE.SLOTS")
    with_wire.close()


@pytest.mark.engines
def test_one_partition_becomes_several_under_load_and_each_message_is_read_once(house: House) -> None:
    at = now_ms() - 100_000
    with ExitStack() as crew:
        with pytest.raises(FencedError), working(house.settings) as alone:  # noqa: PT012
            speak(house, at, DEVICES)
            split(house)
            speak(house, at + 1, DEVICES)
            wait_for(alone.done)
        for _ in range(K + 1):
            crew.enter_context(working(house.settings))
        speak(house, at + 2, DEVICES)
        house.publish(b"no", device="stranger")
        caught_up(house)
    assert house.one("SELECT count(*) FROM reading_refrigerator") == 3 * len(DEVICES)
    assert house.refusals() == ["UNKNOWN_DEVICE"]
    assert house.one("SELECT count(*) FROM partition WHERE log_made IS NOT NULL AND first_slot = last_slot") == K


@pytest.mark.engines
def test_a_partition_with_nothing_to_read_keeps_up_with_the_head(house: House) -> None:
    """Else the log could never be purged beyond the last word of its last device."""
    split(house)
    with working(house.settings), working(house.settings), working(house.settings):
        speak(house, now_ms(), DEVICES[:1] * 5)
        caught_up(house)
    assert house.one("SELECT count(DISTINCT cursor_received_at) FROM partition") == 1
    with working(house.settings):  # the next one believes that cursor, and goes on from its checkpoint
        speak(house, now_ms(), DEVICES[:1])
        wait_for(lambda: max(cursors(house)) == house.nats.state().last_seq)


@pytest.mark.engines
def test_each_partition_learns_its_own_devices_from_the_record(house: House) -> None:
    split(house)
    with working(house.settings), working(house.settings), working(house.settings):
        speak(house, now_ms(), DEVICES)
        caught_up(house)
    learned, memory = list[int](), Memory(CATALOGUE)
    with house.database.connect("foremend_worker", autocommit=False) as conn:
        for _ in range(K):
            memory.stand_at(conn, take(conn), None)  # of the last one, at the same cursor, it forgets all
            learned += memory.engine.dump()["refrigerator/device_no"].tolist()
    assert len(learned) == len(set(learned)) == len(DEVICES)


def take(conn: Connection[Any]) -> Claim:
    """As soon as the session of whoever had it is gone."""
    found: list[Claim | None] = []

    def look() -> Claim | None:
        with conn.transaction():
            found.append(partition.take(conn, "me"))
        return found[-1]

    wait_for(look)
    assert found[-1] is not None
    return found[-1]


@pytest.mark.engines
def test_the_number_of_partitions_is_fixed_once_there_are_several(house: House) -> None:
    split(house)
    with house.database.connect() as conn:
        assert partitions.spread(conn, house.nats.url, K)
        with pytest.raises(PartitionsFixedError, match="has 3 partitions and cannot get 5"):
            partitions.check(conn, 5)


@pytest.mark.engines
def test_it_is_not_split_before_its_worker_has_read_what_stands_under_other_slots(house: House) -> None:
    speak(house, now_ms(), DEVICES)
    with house.database.connect() as conn:
        assert not partitions.spread(conn, house.nats.url, K, patience_s=0)
        assert len(cursors(house)) == 1
        with working(house.settings):
            house.caught_up()
        assert partitions.spread(conn, house.nats.url, K, patience_s=0)


def test_a_log_of_other_slots_than_the_records_stops_the_worker_with_a_sentence() -> None:
    claim = Claim(epoch=1, cursor=3, log_made="today", received_ms=5, span=Span(first=0, last=0, of=3))
    head = Head(made="today", first_seq=1, last_seq=10, messages=10, bytes=0, slots=64)
    with pytest.raises(LogLostError, match="64 slots, the record over 3 partitions"):
        judge(claim, head, 5)


@pytest.mark.engines
def test_the_record_goes_on_in_a_new_log_that_begins_above_its_cursors(house: House) -> None:
    split(house)
    with ExitStack() as crew:
        for _ in range(K):
            crew.enter_context(working(house.settings))
        speak(house, now_ms(), DEVICES)
        caught_up(house)
    read = house.nats.state().last_seq
    assert request(house.nats.url, "$JS.API.STREAM.DELETE.LOG")["success"]
    with house.database.connect() as conn:
        first_seq = partition.leave_log(conn) + 1
    for _ in range(2):
        fronts.ensure_logs(house.nats.url, [], slots=K, replicas=None, first_seq=first_seq)
    assert house.nats.state().last_seq == read
    with ExitStack() as crew:
        for _ in range(K):
            crew.enter_context(working(house.settings))
        speak(house, now_ms(), DEVICES)
        caught_up(house)
    assert house.one("SELECT count(*) FROM reading_refrigerator") == 2 * len(DEVICES)
    assert (
        house.one("SELECT min(seq) FROM (SELECT seq FROM reading_refrigerator ORDER BY seq DESC LIMIT 12) AS s")
        == first_seq
    )
