"""Who has little waiting is written before his turn, and nothing else is otherwise for it."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import Connection

from api.worker.batch import Intake
from api.worker.memory import Memory
from ingest import adapter_log, early
from ingest.adapter_log import LogReader
from ingest.errors import FencedError
from ingest.model import Message
from tests.ingest.builders import CATALOGUE, NOW_MS, a_message, a_reading, a_source, decoded
from tests.ingest.house import House
from tests.ingest.record import register
from tests.ingest.test_checkpoint import Desk, a_desk, assert_the_same, speak

FLUSH, LIVE, SPEAKER = "log.7.demo.d1.up.telemetry", "log.7.demo.d2.up.telemetry", "log.7.demo.d2.up.presence"
KNOWN = {FLUSH: a_source(1), LIVE: a_source(2), SPEAKER: a_source(2, subject=SPEAKER)}


def waiting(*subjects: str) -> list[Message]:
    return [a_message(a_reading(), seq=seq)._replace(subject=subject) for seq, subject in enumerate(subjects, 1)]


def chosen(messages: list[Message], done: frozenset[int] = frozenset()) -> list[int]:
    picked, sources = early.choose(messages, done, KNOWN.get)
    assert sources == [KNOWN[message.subject] for message in picked]
    return [message.seq for message in picked]


def test_who_has_little_waiting_goes_first_and_what_he_says_stays_in_order() -> None:
    assert chosen(waiting(FLUSH, LIVE, *[FLUSH] * 8, LIVE, *[FLUSH] * 8)) == [2, 11]


def test_where_all_have_as_much_nobody_goes_first() -> None:
    assert chosen(waiting(*[FLUSH, LIVE] * 50)) == []
    assert chosen([]) == []


def test_one_long_message_is_much() -> None:
    long = a_message([a_reading(NOW_MS - i) for i in range(300)], seq=1)
    assert chosen([long, *waiting(FLUSH, *[LIVE] * 5)[1:]]) == list(range(2, 7))


@pytest.mark.parametrize("other", [SPEAKER, "log.7.demo.d2.up.telemetry.senml"], ids=["presence", "unknown"])
def test_who_says_other_things_too_waits(other: str) -> None:
    assert chosen(waiting(*[FLUSH] * 40, LIVE, other)) == []


def test_so_many_at_once_and_next_time_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early, "MOST", 2)
    messages = waiting(*[FLUSH] * 40, *[LIVE] * 5)
    assert chosen(messages) == [41, 42]
    assert chosen(messages, frozenset({41, 42})) == [41, 42, 43, 44], "judged with what he said before"
    assert chosen(messages, frozenset({41, 42, 43, 44, 45})) == []


def test_what_is_written_is_not_written_again() -> None:
    batches = decoded(*[a_reading(NOW_MS + i) for i in range(3)]).batches
    assert [batch.seq.tolist() for batch in early.without(batches, {1, 3})] == [[2]]
    assert early.without(batches, {1, 2, 3}) == []


@pytest.fixture
def desk(house: House, conn: Connection[Any]) -> Desk:
    with house.database.connect() as owner:
        register(owner, ("demo", "d2", "refrigerator"))
    made = Desk(house, conn)
    made.intake.take(messages(1, LIVE, 0, 1))  # so that it is known
    return made


def messages(seq: int, subject: str, begin: int, end: int) -> list[Message]:
    return [
        a_message(a_reading(NOW_MS + i * 1000), seq=seq + i - begin)._replace(subject=subject)
        for i in range(begin, end)
    ]


@pytest.mark.engines
def test_he_is_in_the_record_while_the_flush_is_still_waiting(house: House, desk: Desk) -> None:
    seq = desk.claim.cursor + 1
    backlog = [*messages(seq, FLUSH, 0, 40), *messages(seq + 40, LIVE, 1, 3), *messages(seq + 42, FLUSH, 40, 50)]
    desk.intake.write_early(backlog)
    with house.database.connect() as owner:
        rows = owner.execute("SELECT d.device_id, r.seq FROM reading_refrigerator r JOIN device d USING (device_no)")
        assert sorted(rows.fetchall())[1:] == [("d2", seq + 40), ("d2", seq + 41)]
    assert house.one("SELECT cursor FROM partition") == desk.memory.cursor
    before = desk.intake.counts.readings
    for part in (backlog[:41], backlog[41:]):
        desk.intake.take(part)
    assert (desk.intake.counts.readings - before, desk.intake.counts.early) == (52, 2)
    assert house.one("SELECT count(*) FROM reading_refrigerator") == 53
    assert house.refusals() == []


@pytest.mark.engines
def test_an_hour_that_was_aggregated_is_read_from_its_readings_again(house: House, desk: Desk) -> None:
    with house.database.connect() as owner:
        owner.execute("UPDATE sealing SET sealed_to = %s", [datetime.fromtimestamp(NOW_MS / 1000 + 86_400, UTC)])
        owner.execute("DELETE FROM stale_hour")
    seq = desk.claim.cursor + 1
    desk.intake.write_early([*messages(seq, FLUSH, 0, 40), *messages(seq + 40, LIVE, 1, 3)])
    assert house.one("SELECT count(*) FROM stale_hour") == 1


@pytest.mark.engines
def test_what_was_there_before_is_compared_in_its_turn(house: House, desk: Desk) -> None:
    """A reading that contradicts what is stored, and one that is new, written early together."""
    seq = desk.claim.cursor + 1
    contradicts = a_message(a_reading(NOW_MS, power_w=1.0), seq=seq + 40)._replace(subject=LIVE)
    backlog = [*messages(seq, FLUSH, 0, 40), contradicts, *messages(seq + 41, LIVE, 1, 2)]
    desk.intake.write_early(backlog)
    assert desk.intake.counts.early == 1
    desk.intake.take(backlog)
    assert (house.refusals(), desk.intake.counts.readings) == (["CONFLICT"], 42)


@pytest.mark.engines
def test_what_a_later_message_adds_is_added_in_its_turn(house: House, desk: Desk) -> None:
    seq = desk.claim.cursor + 1
    power, temperature = [
        a_message(a_reading(NOW_MS + 9000, **{name: 1.0}), seq=seq + 40 + n)._replace(subject=LIVE)
        for n, name in enumerate(("power_w", "cabinet_temp_c"))
    ]
    backlog = [*messages(seq, FLUSH, 0, 40), power]
    desk.intake.write_early(backlog)
    assert desk.intake.counts.early == 1
    desk.intake.take([*backlog, temperature])
    assert house.one("SELECT count(*) FROM reading_refrigerator WHERE power_w + cabinet_temp_c = 2") == 1
    assert desk.intake._early == set()


@pytest.mark.engines
def test_a_worker_that_was_replaced_writes_nothing_early(house: House, desk: Desk) -> None:
    with house.database.connect() as owner:
        owner.execute("UPDATE partition SET epoch = epoch + 1")
    seq = desk.claim.cursor + 1
    with pytest.raises(FencedError):
        desk.intake.write_early([*messages(seq, FLUSH, 0, 40), *messages(seq + 40, LIVE, 1, 3)])
    assert house.one("SELECT count(*) FROM reading_refrigerator") == 1


@pytest.mark.engines
def test_what_the_database_will_not_take_early_is_refused_in_its_turn(house: House, desk: Desk) -> None:
    with house.database.connect() as owner:
        owner.execute("ALTER TABLE reading_refrigerator ADD CHECK (power_w <> 13)")
    seq = desk.claim.cursor + 1
    bad = a_message(a_reading(NOW_MS + 9000, power_w=13.0), seq=seq + 40)._replace(subject=LIVE)
    backlog = [*messages(seq, FLUSH, 0, 40), bad]
    desk.intake.write_early(backlog)
    desk.intake.take(backlog)
    assert (house.refusals(), desk.intake.counts.readings) == (["NOT_STORABLE"], 41)


def everybody_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much he has waiting, and each message by itself."""
    monkeypatch.setattr(early, "_LITTLE", math.inf)
    monkeypatch.setattr(early, "MOST", 3)
    monkeypatch.setattr(adapter_log, "_MANY", 1)
    monkeypatch.setattr(adapter_log, "_LOOK_S", 60.0)  # it ends when nothing is left to come


@pytest.mark.engines
def test_a_worker_remembers_what_it_would_remember_if_it_had_written_nothing_early(
    house: House, conn: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one reads the checkpoint, the log behind it and the record."""
    everybody_may(monkeypatch)
    desk = a_desk(house, conn)
    speak(house, 20, 40)
    desk.read_all()
    assert desk.intake.counts.early > 30
    other, said = desk.another()
    assert said == ["remembered from a checkpoint"]
    assert_the_same(other, desk.memory)


@pytest.mark.engines
def test_a_worker_that_is_killed_behind_it_has_lost_and_doubled_nothing(
    house: House, conn: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody_may(monkeypatch)
    desk = a_desk(house, conn)
    speak(house, 20, 22)
    reader = LogReader(house.nats.url, desk.memory.cursor or 0)
    desk.intake.take(reader.fetch(60, most=1, most_bytes=1))
    for _ in range(60):
        desk.intake.write_early(reader.backlog())
    assert desk.intake.counts.early > 20
    reader.close()
    written = house.one("SELECT count(*) FROM reading_refrigerator")
    desk.memory = Memory(CATALOGUE)
    desk.memory.stand_at(conn, replace(desk.claim, cursor=house.one("SELECT cursor FROM partition")), desk.read_from)
    before, desk.intake = desk.intake.counts, Intake(conn, desk.memory, desk.claim)
    desk.read_all()
    assert_the_same(desk.another()[0], desk.memory)
    readings = house.one("SELECT count(*) FROM reading_refrigerator")
    assert written < readings == before.readings + desk.intake.counts.readings
