"""The worker on real engines: what was acknowledged is in the record or among the refusals, once."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
import pytest

from api.watch.standing import Store
from api.worker import batch, run, steps
from api.worker.batch import Intake
from api.worker.forget import Forgetting, keep_from
from api.worker.memory import Memory
from api.worker.meters import WorkerMeters
from ingest import adapter_log, history, partition, refusals
from ingest.adapter_log import Head
from ingest.adapter_wire import Wire
from ingest.errors import FencedError, LogLostError
from ingest.model import Message, Reason, RefusalFilter
from tests.ingest.builders import CATALOGUE, NOW_MS, a_message, a_reading
from tests.ingest.house import House, now_ms
from tests.ingest.record import an_intake, register
from tests.processes import wait_for, working

pytestmark = pytest.mark.engines


def test_what_was_acknowledged_is_in_the_record_or_refused_once(house: House) -> None:
    start_ms = now_ms()
    readings = [a_reading(start_ms - i * 1000, power_w=float(i)) for i in range(500)]
    with working(house.settings):
        house.publish(*readings[:250], b"no", readings[250:400], [*readings[400:], "x"])
        house.publish(a_reading(), device="stranger")
        house.publish(a_reading(), kind="mood")
        house.caught_up()
    assert house.one("SELECT count(*) FROM reading_refrigerator") == 500
    assert house.one("SELECT sum(power_w) FROM reading_refrigerator") == sum(range(500))
    assert house.refusals() == ["NOT_JSON", "NOT_A_READING", "UNKNOWN_DEVICE", "UNKNOWN_KIND"]


def test_every_step_of_a_batch_has_its_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that moves on when it is looked at: each step is as long as its looks."""
    looks = count()
    monkeypatch.setattr(steps, "perf_counter", lambda: float(next(looks)))
    meters = WorkerMeters()
    monkeypatch.setattr(run, "WorkerMeters", lambda: meters)
    with working(house.settings):
        house.publish(a_reading(now_ms()), a_reading(now_ms() + 1))
        house.caught_up()
    spent = meters.counts.steps.seconds
    batches = spent["commit"]
    assert batches > 0
    assert spent == {
        **dict.fromkeys(("look_up", "decode", "keep", "commit", "early"), batches),
        "observe": 2 * batches,  # observing, and remembering it
        **{step: spent[step] for step in ("upkeep", "read")},
    }
    assert spent["upkeep"] >= spent["read"] >= batches


def test_a_reading_sent_twice_is_kept_once_and_another_value_is_a_conflict(house: House) -> None:
    at = now_ms()
    with working(house.settings):
        house.publish(a_reading(at, power_w=1.0))
        house.caught_up()
        house.publish(a_reading(at, power_w=1.0), a_reading(at, cabinet_temp_c=4.0), a_reading(at, power_w=2.0))
        house.caught_up()
    with house.database.connect() as conn:
        rows = conn.execute("SELECT power_w, cabinet_temp_c FROM reading_refrigerator").fetchall()
    assert rows == [(1.0, 4.0)]
    assert house.refusals() == ["CONFLICT"]


def test_a_device_registered_after_its_first_message_is_known_by_its_second(house: House) -> None:
    with working(house.settings):
        house.publish(a_reading(now_ms()), device="late")
        house.caught_up()
        with house.database.connect() as conn:
            register(conn, ("demo", "late", "cold_room"))
        house.publish(a_reading(now_ms(), door_open=1), device="late")
        house.caught_up()
    assert house.refusals() == ["UNKNOWN_DEVICE"]
    assert house.one("SELECT count(*) FROM reading_cold_room") == 1


def test_the_next_worker_goes_on_where_the_last_one_stopped(house: House) -> None:
    for part in range(3):
        house.publish(*[a_reading(now_ms() - (part * 50 + i) * 1000) for i in range(50)])
        with working(house.settings):
            house.caught_up()
    assert house.one("SELECT count(*) FROM reading_refrigerator") == 150
    assert house.refusals() == []
    assert house.one("SELECT epoch FROM partition") == 3


def test_after_a_repeat_batches_are_written_with_care_for_a_while(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hopes: list[bool] = []
    keep = history.keep

    def watched(*said: Any, hopeful: bool, **more: Any) -> history.Kept:
        hopes.append(hopeful)
        return keep(*said, hopeful=hopeful, **more)

    monkeypatch.setattr(history, "keep", watched)
    monkeypatch.setattr(batch, "_WARY_BATCHES", 2)
    with house.database.connect("foremend_worker", autocommit=False) as conn:
        intake, next_seq = an_intake(conn), house.nats.state().last_seq + 1
        for seq, minute in enumerate((1, 2, 2, 3, 2, 4, 5, 6), start=next_seq):
            intake.take(_messages(seq, [a_reading(NOW_MS + minute * 1000)]))
    assert hopes == [True, True, True, False, False, False, False, False, True]
    assert house.one("SELECT count(*) FROM reading_refrigerator") == 6
    assert intake.counts.readings == 6


def test_a_batch_that_would_open_too_many_compressed_rows_is_halved_and_refuses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, sizes = history.keep, []

    def limited(conn: Any, catalogue: Any, batches: Any, *rest: Any, **more: Any) -> history.Kept:
        sizes.append(sum(map(len, batches)))
        if sizes[-1] > 2:
            raise psycopg.errors.ConfigurationLimitExceeded("tuple decompression limit exceeded by operation")
        return keep(conn, catalogue, batches, *rest, **more)

    monkeypatch.setattr(history, "keep", limited)
    with house.database.connect("foremend_worker", autocommit=False) as conn:
        intake, next_seq = an_intake(conn), house.nats.state().last_seq + 1
        intake.take(_messages(next_seq, [a_reading(NOW_MS + i * 1000) for i in range(8)]))
    assert sizes == [8, 4, 2, 2, 4, 2, 2]
    assert (intake.counts.readings, house.refusals()) == (8, [])


def test_one_message_that_the_database_will_not_take_costs_only_itself(house: House) -> None:
    with house.database.connect() as conn:
        conn.execute("ALTER TABLE reading_refrigerator ADD CHECK (power_w <> 13)")
    at = now_ms()
    house.publish(*[a_reading(at - i * 1000, power_w=13.0 if i in (0, 40, 99) else 1.0) for i in range(100)])
    with working(house.settings):
        house.caught_up()
    assert house.one("SELECT count(*) FROM reading_refrigerator") == 97
    assert house.refusals() == ["NOT_STORABLE"] * 3
    assert house.one("SELECT min(detail) FROM refusal").startswith("SQLSTATE 23514")
    assert json.loads(house.one("SELECT payload FROM refusal LIMIT 1"))["m"] == {"power_w": 13.0}


def test_a_fenced_worker_writes_nothing_and_stops(house: House) -> None:
    def fence() -> None:
        with working(house.settings) as running:
            wait_for(lambda: house.one("SELECT epoch FROM partition") == 1)
            with house.database.connect() as conn:
                conn.execute("UPDATE partition SET epoch = epoch + 1")
            house.publish(a_reading(now_ms()))
            wait_for(running.done)

    with pytest.raises(FencedError):
        fence()
    assert house.one("SELECT count(*) FROM reading_refrigerator") == 0


def test_a_second_worker_waits_until_the_first_is_gone(house: House) -> None:
    with house.database.connect("foremend_worker") as first, house.database.connect("foremend_worker") as second:
        assert partition.take(first, "first") is not None
        assert partition.take(second, "second") is None
        first.close()
        wait_for(lambda: partition.take(second, "second"))


def test_a_worker_that_is_silent_longer_than_its_lease_loses_the_partition_and_what_it_had_begun(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "LEASE", timedelta(seconds=1))
    connect, taken = house.database.connect, list[partition.Claim]()
    with connect("foremend_worker", autocommit=False) as first, connect("foremend_worker") as second:
        with first.transaction():
            claim = partition.take(first, "first")
        assert claim is not None
        partition.advance(first, claim, claim.cursor + 5, NOW_MS)  # and there it hangs, with the row in its hand
        said = second.execute("SELECT lease_until FROM partition").fetchone()
        wait_for(lambda: taken.extend(filter(None, [partition.take(second, "second")])) or taken)
        assert second.execute("SELECT %s <= clock_timestamp()", said).fetchone() == (True,), "not before"
        assert (taken[0].cursor, taken[0].epoch) == (claim.cursor, claim.epoch + 1)
        with pytest.raises(psycopg.OperationalError):
            first.commit()
    with house.database.connect("foremend_worker") as again, pytest.raises(FencedError):
        partition.advance(again, claim, claim.cursor + 5, NOW_MS)


def test_a_record_of_another_log_stops_the_worker_with_a_sentence(house: House) -> None:
    with house.database.connect() as conn:
        conn.execute("UPDATE partition SET cursor = cursor + 10")
    with pytest.raises(LogLostError, match="another log"), working(house.settings) as running:
        wait_for(running.done)


def _messages(first_seq: int, readings: list[dict[str, Any]]) -> list[Message]:
    return [a_message(reading, seq=first_seq + i) for i, reading in enumerate(readings)]


def test_a_commit_whose_answer_was_lost_is_noticed_and_learned_again(house: House) -> None:
    """The cursor moved without us: the fold then gives what observing would have given."""
    with house.database.connect("foremend_worker", autocommit=False) as conn:
        memory = Memory(CATALOGUE)
        with conn.transaction():
            claim = partition.take(conn, "me")
        assert claim is not None
        memory.stand_at(conn, claim, None)
        seq = claim.cursor + 1
        Intake(conn, memory, claim).take(_messages(seq, [a_reading(NOW_MS - 1000)]))
        engine = memory.engine
        memory.stand_at(conn, replace(claim, cursor=seq), None)
        assert memory.engine is engine
        memory.stand_at(conn, replace(claim, cursor=seq + 1), None)
        assert memory.engine is not engine
        newest = memory.engine.observe([next(history.remembered(conn, CATALOGUE["refrigerator"], seq))])
        assert newest.classes[0].newest_ms.tolist() == [NOW_MS - 1000]


@pytest.mark.parametrize(
    ("cursor", "first_young", "log_bytes", "expected"),
    [
        (900, 500, 10**9, 500),  # what is old goes
        (400, 500, 10**9, 400),  # but not what is at the cursor or above
        (900, 500, 250 * 300, 701),  # what does not fit goes earlier
        (600, 500, 250 * 300, 600),
        (900, 1001, 10**9, 900),  # all is old
    ],
)
def test_the_log_forgets_what_was_read_and_is_old_or_too_much(
    cursor: int, first_young: int, log_bytes: int, expected: int
) -> None:
    head = Head(made="", first_seq=1, last_seq=1000, messages=1000, bytes=0)
    assert keep_from(head, cursor, first_young, log_bytes) == expected


def test_a_log_of_arrays_forgets_by_what_they_take() -> None:
    head = Head(made="", first_seq=1, last_seq=1000, messages=1000, bytes=1000 * 45_000)
    assert keep_from(head, 900, 1, 45_000 * 300) == 701


@pytest.mark.parametrize(
    ("stored", "cursor", "expected"),
    [
        (700_000, 900, 1),  # roomy enough
        (701_000, 900, 102),  # down to 600,000
        (1_000_100, 900, 402),
        (1_000_100, 300, 300),  # but nothing that is not read
    ],
)
def test_a_crowded_log_forgets_what_was_read_until_it_is_roomy_again(stored: int, cursor: int, expected: int) -> None:
    head = Head(made="", first_seq=1, last_seq=1000, messages=1000, bytes=1000 * 1000)
    store = Store(stored_bytes=stored, limit_bytes=1_000_000)
    assert keep_from(head, cursor, 1, 10**9, store) == expected


def test_the_log_is_purged_below_the_cursor_and_nowhere_else(house: House) -> None:
    start = house.nats.state().last_seq
    house.publish(*[b"x"] * 20)
    forgetting = Forgetting(house.settings, CATALOGUE)
    now = datetime.now(UTC)
    assert forgetting.forget(start + 20, now) == 0
    assert forgetting.forget(start + 5, now + timedelta(hours=49)) == 4
    small = Forgetting(house.settings.model_copy(update={"log_bytes": 250 * 4}), CATALOGUE)
    assert small.forget(start + 20, now) == 12
    wire = Wire(house.nats.url)
    assert adapter_log.head(wire).messages == 4
    wire.close()


def test_the_reason_of_a_refusal_is_a_word_of_the_catalogue_of_reasons(house: House) -> None:
    with working(house.settings):
        house.publish(b"{")
        house.caught_up()
    with house.database.connect("foremend_api", autocommit=False) as conn:
        conn.execute("SELECT set_config('app.tenant', 'demo', true)")
        (refusal,) = refusals.listed(conn, RefusalFilter(), limit=10)
    assert (refusal.reason, refusal.payload, refusal.device_no) == (Reason.NOT_JSON, b"{", house.device_no)


def test_the_worker_aggregates_hours_that_are_over_and_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is an hour late comes to a sealed hour: it is aggregated at once."""
    monkeypatch.setattr("api.worker.aggregate.EVERY_S", 0.1)
    late_ms = now_ms() - 4 * 3_600_000
    with working(house.settings):
        house.publish({"ts": late_ms, "m": {"power_w": 85.0}})
        wait_for(lambda: house.one("SELECT count(*) FROM hours_refrigerator") == 1)
        wait_for(lambda: house.one("SELECT count(*) FROM stale_hour") == 0)
    assert house.one("SELECT max_power_w FROM quarters_refrigerator") == 85.0
