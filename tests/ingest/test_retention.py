"""Readings have a retention: what is older when it comes is refused, what grows older is forgotten bit by bit."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from api.worker.forget import Forgetting
from ingest import history
from ingest.decode import decode
from ingest.model import Reason
from tests.conftest import Database
from tests.ingest.builders import CATALOGUE, FRIDGE, NOW_MS, a_message, a_reading, a_source
from tests.ingest.conftest import Record
from tests.ingest.record import a_batch, register

DAY_MS = 86_400_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, tz=UTC)
WEEKS = {"refrigerator": replace(FRIDGE, retention_days=14)}


@pytest.mark.parametrize("careful", [False, True])
def test_what_is_older_than_its_class_keeps_readings_is_refused_and_its_neighbours_live(*, careful: bool) -> None:
    at = [NOW_MS - 14 * DAY_MS - 1, NOW_MS - 14 * DAY_MS, NOW_MS]
    sent = [a_reading(ts, power_w=85.5, mood="cold", off=None) for ts in at]
    messages = [a_message(sent, seq=7), a_message(sent[0], seq=8, received_ms=NOW_MS - 1)]
    found = decode(messages, [a_source()] * 2, WEEKS, careful=careful)
    assert [(batch.seq.tolist(), batch.ts_ms.tolist()) for batch in found.batches] == [([7, 7, 8], [*at[1:], at[0]])]
    (late,) = found.refusals
    assert (late.seq, late.reason, late.ts_ms, late.metric) == (7, Reason.TOO_LATE, at[0], None)
    assert orjson.loads(late.payload) == {"ts": at[0], "m": {"power_w": 85.5, "mood": "cold"}}
    assert decode([a_message(sent, seq=7)], [a_source()], CATALOGUE, careful=careful).refusals == []


@pytest.fixture
def devices(record: Record) -> list[int]:
    with record.connect() as conn:
        devices = register(conn, *[("demo", f"d{i}", "refrigerator") for i in range(3)])
        (room,) = register(conn, ("demo", "room", "cold_room"))
    ages = [0, 13, 15, 16, 17]
    with record.connect("foremend_worker", autocommit=False) as conn:
        for device_no in devices:
            ts = sorted(NOW_MS - age * DAY_MS for age in ages)
            history.keep(conn, CATALOGUE, [a_batch(device_no, ts)], [])
        history.keep(conn, CATALOGUE, [a_batch(room, [NOW_MS - 30 * DAY_MS], class_id="cold_room", door_open=1.0)], [])
        conn.commit()
    return devices


def ages(record: Record) -> list[tuple[int, list[int]]]:
    """Of each device, in days."""
    with record.connect() as conn:
        rows = conn.execute("SELECT device_no, ts FROM reading_refrigerator ORDER BY device_no, ts DESC").fetchall()
        assert conn.execute("SELECT count(*) FROM reading_cold_room").fetchone() == (1,)
    found: dict[int, list[int]] = {}
    for device_no, ts in rows:
        found.setdefault(device_no, []).append((NOW - ts).days)
    return sorted(found.items())


def forget(record: Record, after: int, **bounds: Any) -> int | None:
    with record.connect("foremend_worker", autocommit=False) as conn:
        on = history.forget(conn, WEEKS["refrigerator"], NOW, after, **bounds)
        conn.commit()
    return on


def test_what_grew_too_old_is_forgotten_some_devices_and_some_rows_at_a_time(
    record: Record, devices: list[int]
) -> None:
    first, second, third = devices
    assert forget(record, 0, devices=2, rows=2) == 0  # as many as allowed: there may be more of the same
    assert ages(record) == [(first, [0, 13, 15]), (second, [0, 13, 15, 16, 17]), (third, [0, 13, 15, 16, 17])]
    assert forget(record, 0, devices=2, rows=100) == second
    assert ages(record) == [(first, [0, 13]), (second, [0, 13]), (third, [0, 13, 15, 16, 17])]
    assert forget(record, second, devices=2, rows=100) is None
    assert forget(record, 0, devices=100, rows=100) is None
    assert ages(record) == [(device_no, [0, 13]) for device_no in devices]


def test_the_worker_goes_through_all_devices_turn_by_turn(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.connect() as conn:
        devices = register(conn, *[("demo", f"d{i}", "refrigerator") for i in range(7)])
    with database.connect("foremend_worker") as conn:
        for device_no in devices:
            history.keep(conn, CATALOGUE, [a_batch(device_no, [NOW_MS - 20 * DAY_MS, NOW_MS])], [])
    monkeypatch.setattr("api.worker.forget.READINGS_AT_ONCE", {"devices": 1, "rows": 10})
    forgetting = Forgetting(database.settings(), WEEKS)
    left = []
    with database.connect("foremend_worker") as conn:
        for _ in range(3):
            forgetting.forget_readings(conn, NOW)
            left += conn.execute("SELECT count(*) FROM reading_refrigerator").fetchone() or ()
    assert left == [10, 7, 7]
