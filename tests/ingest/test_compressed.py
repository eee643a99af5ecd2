"""Chunks that TimescaleDB has compressed: they answer the same, take what is late, and are dropped in the end."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
import pytest

from api import schema
from api.doctor import record as doctor
from api.watch.checks import State
from api.worker.batch import is_about_content
from ingest import history
from ingest.model import Reason
from tests.ingest.builders import CATALOGUE, FRIDGE, NOW_MS
from tests.ingest.record import a_batch, register
from tests.timescale.harness import Timescale

pytestmark = pytest.mark.timescale
MINUTE_MS = 60_000
DEVICES, EACH = 40, 60  # a compressed batch is all of a device's rows here, in a chunk of thousands a thousand of them
AT = [NOW_MS + i * MINUTE_MS for i in range(EACH)]
LIMIT = "timescaledb.max_tuples_decompressed_per_dml_transaction"


@pytest.fixture
def devices(timescale_server: Timescale) -> list[int]:
    timescale_server.clear()
    with timescale_server.connect() as conn:
        return register(conn, *[("demo", f"d{i}", "refrigerator") for i in range(DEVICES)])


@pytest.fixture
def record(timescale_server: Timescale, devices: list[int]) -> Iterator[Timescale]:
    with timescale_server.connect("foremend_worker", autocommit=False) as conn:
        for number, device_no in enumerate(devices):
            power = np.arange(EACH) + number * 1.0
            history.keep(conn, CATALOGUE, [a_batch(device_no, AT, power_w=power)], [])
        conn.commit()
    yield timescale_server
    timescale_server.clear()


def run_jobs(record: Timescale, procedure: str) -> None:
    """What TimescaleDB's background workers do; the WASM server has none."""
    with record.connect() as conn:
        jobs = conn.execute(
            "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = %s", [procedure]
        ).fetchall()
        conn.execute("SET ROLE foremend_owner")
        for (job,) in jobs:
            conn.execute("CALL run_job(%s)", [job])


def compressed(record: Timescale) -> list[bool]:
    with record.connect() as conn:
        rows = conn.execute(
            "SELECT is_compressed FROM timescaledb_information.chunks WHERE hypertable_name = 'reading_refrigerator'"
        ).fetchall()
    return [each for (each,) in rows]


def everything(record: Timescale) -> list[tuple[Any, ...]]:
    with record.connect() as conn:
        return conn.execute("SELECT * FROM reading_refrigerator ORDER BY device_no, ts").fetchall()


def test_an_old_chunk_is_compressed_by_its_job_and_answers_the_same(record: Timescale, devices: list[int]) -> None:
    def curve() -> Any:
        with record.connect("foremend_api", autocommit=False) as conn:
            conn.execute("SELECT set_config('app.tenant', 'demo', true)")
            return history.window(conn, FRIDGE, devices[3], ["power_w"], AT[0], AT[-1], 20)

    before, curve_before = everything(record), curve()
    assert compressed(record) == [False]
    run_jobs(record, "policy_compression")
    assert compressed(record) == [True]
    assert everything(record) == before
    after = curve()
    assert after.ts_ms.tolist() == curve_before.ts_ms.tolist()
    assert after.high.tolist() == curve_before.high.tolist()


@pytest.fixture
def closed(record: Timescale) -> Timescale:
    run_jobs(record, "policy_compression")
    assert compressed(record) == [True]
    return record


def opened(record: Timescale, batch: Any) -> tuple[history.Kept, bool]:
    """What is kept of it where no compressed row may be opened, and whether that was in the way."""
    with record.connect("foremend_worker", autocommit=False) as conn:
        conn.execute(f"SET LOCAL {LIMIT} = 1")
        try:
            kept = history.keep(conn, CATALOGUE, [batch], [])
        except psycopg.errors.ConfigurationLimitExceeded as error:
            conn.rollback()
            halved = is_about_content(error)  # and nobody waits for what will never be taken as a whole
        else:
            conn.commit()
            return kept, False
    with record.connect("foremend_worker", autocommit=False) as conn:
        conn.execute(f"SET LOCAL {LIMIT} = 0")
        kept = history.keep(conn, CATALOGUE, [batch], [])
        conn.commit()
    return kept, halved


def test_late_readings_are_kept_in_a_compressed_chunk_without_opening_it(closed: Timescale, devices: list[int]) -> None:
    before = everything(closed)
    late = a_batch(devices, [AT[7] + 1] * DEVICES, seq=2, power_w=5.0)
    kept, was_opened = opened(closed, late)
    assert (len(kept.new[0]), kept.refusals, was_opened) == (DEVICES, [], False)
    assert len(everything(closed)) == len(before) + DEVICES
    with closed.connect("foremend_worker", autocommit=False) as conn:
        history.keep(conn, CATALOGUE, [a_batch(devices, [AT[8] + 1] * DEVICES, seq=3)], [], hopeful=True)


def test_the_same_again_changes_nothing_in_a_compressed_chunk_and_does_not_open_it(
    closed: Timescale, devices: list[int]
) -> None:
    before = everything(closed)
    kept, was_opened = opened(closed, a_batch(devices, [AT[7]] * DEVICES, seq=2, power_w=np.arange(DEVICES) + 7.0))
    assert (kept.new, kept.refusals, was_opened) == ([], [], False)
    assert everything(closed) == before
    with closed.connect("foremend_worker", autocommit=False) as conn, pytest.raises(psycopg.errors.UniqueViolation):
        history.keep(conn, CATALOGUE, [a_batch(devices, [AT[7]] * DEVICES, seq=3)], [], hopeful=True)


def test_a_different_value_is_a_conflict_in_a_compressed_chunk_too(closed: Timescale, devices: list[int]) -> None:
    before = everything(closed)
    kept, was_opened = opened(closed, a_batch(devices[:3], [AT[7]] * 3, seq=2, power_w=[-1.0, 8.0, -1.0]))
    assert [(each.reason, each.device_no) for each in kept.refusals] == [
        (Reason.CONFLICT, devices[0]),
        (Reason.CONFLICT, devices[2]),
    ]
    assert (kept.new, was_opened) == ([], False)
    assert everything(closed) == before


def test_partial_messages_merge_in_a_compressed_chunk_and_more_than_may_be_opened_at_once_is_halved(
    closed: Timescale, devices: list[int]
) -> None:
    batch = a_batch(
        devices, [AT[7]] * DEVICES, seq=2, power_w=np.nan, cabinet_temp_c=4.0, extra=['{"mode": "eco"}'] * DEVICES
    )
    kept, was_opened = opened(closed, batch)
    assert (kept.new, kept.refusals, was_opened) == ([], [], True)
    with closed.connect() as conn:
        rows = conn.execute(
            "SELECT power_w, cabinet_temp_c, extra, seq FROM reading_refrigerator WHERE ts = %s ORDER BY device_no",
            [datetime.fromtimestamp(AT[7] / 1000, UTC)],
        ).fetchall()
    assert rows == [(7.0 + number, 4.0, {"mode": "eco"}, 1) for number in range(DEVICES)]
    run_jobs(closed, "policy_compression")  # what was opened is compressed again
    assert len(everything(closed)) == DEVICES * EACH


def test_chunks_that_are_older_than_their_class_keeps_them_are_dropped_and_hours_stay(record: Timescale) -> None:
    """The readings are a year old."""
    weeks = {**CATALOGUE, "refrigerator": replace(FRIDGE, retention_days=14)}
    with record.connect() as conn:
        conn.execute(
            "INSERT INTO hours_refrigerator (device_no, begins, readings) VALUES (1, to_timestamp(%s), 60)",
            [AT[0] / 1000],
        )
    run_jobs(record, "policy_retention")
    assert len(everything(record)) == DEVICES * EACH
    try:
        with record.connect() as conn:
            schema.apply(conn, weeks)
        run_jobs(record, "policy_retention")
    finally:
        with record.connect() as conn:
            schema.apply(conn, CATALOGUE)
    assert everything(record) == []
    with record.connect() as conn:
        assert conn.execute("SELECT count(*) FROM hours_refrigerator").fetchone() == (1,)


def test_a_changed_row_of_the_catalogue_is_a_changed_job_and_an_unchanged_one_is_none(record: Timescale) -> None:
    with record.connect() as conn:
        before = jobs(conn)
        assert len(before) == 2 * 3 * len(CATALOGUE)
        schema.apply(conn, CATALOGUE)
        assert jobs(conn) == before
        try:
            schema.apply(conn, {**CATALOGUE, "refrigerator": replace(FRIDGE, compress_after_days=30)})
            changed = {key for key, job in jobs(conn).items() if before[key] != job}
        finally:
            schema.apply(conn, CATALOGUE)
    assert changed == {(f"{kind}_refrigerator", "policy_compression") for kind in ("reading", "hours", "quarters")}


def jobs(conn: psycopg.Connection[Any]) -> dict[tuple[str, str], tuple[int, str]]:
    """Number and settings by table and procedure."""
    rows = conn.execute(
        "SELECT hypertable_name, proc_name, job_id, config::text FROM timescaledb_information.jobs"
        " WHERE hypertable_name IS NOT NULL"
    )
    return {(table, procedure): (job, config) for table, procedure, job, config in rows}


def test_the_doctor_says_whether_the_jobs_can_run(record: Timescale) -> None:
    with record.connect("foremend_relay") as conn:
        found = doctor._jobs(conn, "TimescaleDB is in use")
    with record.connect() as conn:
        conn.execute("ALTER ROLE foremend_owner NOLOGIN")
    try:
        with record.connect("foremend_relay") as conn:
            without = doctor._jobs(conn, "TimescaleDB is in use")
    finally:
        with record.connect() as conn:
            conn.execute("ALTER ROLE foremend_owner LOGIN")
    assert (found.name, found.state, found.sentence) == (
        "timescale",
        State.OK,
        f"TimescaleDB is in use; {6 * len(CATALOGUE)} jobs compress and forget readings.",
    )
    assert without.state is State.FAILED
