"""A curve is the same whether it is read from readings or from aggregates, and aggregates outlive readings."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
import pytest

from ingest import aggregates, history, resolution
from ingest.model import Window
from ingest.resolution import HOUR_MS
from tests.ingest.builders import CATALOGUE, FRIDGE
from tests.ingest.conftest import Record
from tests.ingest.record import a_batch, register

DAY_MS = 24 * HOUR_MS
START_MS = 1_764_000_000_000 // HOUR_MS * HOUR_MS
METRICS = ("power_w", "cabinet_temp_c")


@pytest.fixture
def device_no(record: Record) -> int:
    with record.connect() as conn:
        conn.execute("UPDATE sealing SET sealed_to = %s", [at(START_MS)])
        return register(conn, ("demo", "d1", "refrigerator"))[0]


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, tz=UTC)


def keep(record: Record, device_no: int, ts_ms: list[int], first_seq: int = 1, **metrics: Any) -> None:
    """In pieces: the WASM server takes no statement of more than 64 KiB."""
    with record.connect("foremend_worker", autocommit=False) as conn:
        for start in range(0, len(ts_ms), 250):
            some = slice(start, start + 250)
            values = {name: value[some] if np.ndim(value) else value for name, value in metrics.items()}
            batch = a_batch(
                device_no,
                ts_ms[some],
                seq=list(range(first_seq + start, first_seq + start + len(ts_ms[some]))),
                **values,
            )
            history.keep(conn, CATALOGUE, [batch], [])
        conn.commit()


def aggregate(record: Record, now: datetime, appliance: Any = FRIDGE, *, seal: bool = True) -> None:
    with record.connect("foremend_worker", autocommit=False) as conn:
        while seal and aggregates.seal(conn, appliance, now):
            conn.commit()
        while aggregates.aggregate(conn, appliance, now)[1]:
            conn.commit()
        conn.commit()


def window(record: Record, device_no: int, from_ms: int, to_ms: int, max_points: int) -> Window:
    with record.connect("foremend_api", autocommit=False) as conn:
        conn.execute("SELECT set_config('app.tenant', 'demo', true)")
        return history.window(conn, FRIDGE, device_no, METRICS, from_ms, to_ms, max_points)


def envelope(ts_ms: Any, values: Any, from_ms: int, to_ms: int, curve: Window) -> None:
    """The curve against the readings of its span, stretch by stretch, without asking how it was cut."""
    inside = (ts_ms >= from_ms) & (ts_ms <= to_ms)
    assert bool(len(curve.ts_ms)) == bool(inside.any())
    if not inside.any():
        return
    number = np.searchsorted(curve.ts_ms, ts_ms[inside], side="right") - 1
    assert number.min() == 0
    assert sorted(set(number.tolist())) == list(range(len(curve.ts_ms)))
    for column in range(len(METRICS)):
        low, high = np.full(len(curve.ts_ms), np.nan), np.full(len(curve.ts_ms), np.nan)
        np.fmin.at(low, number, values[inside, column])
        np.fmax.at(high, number, values[inside, column])
        np.testing.assert_array_equal(curve.low[:, column], low)
        np.testing.assert_array_equal(curve.high[:, column], high)


def scattered(rng: np.random.Generator, days: int) -> tuple[Any, Any]:
    """About one reading in three minutes, with holes and with metrics that are not always said."""
    ts_ms = START_MS + np.unique(rng.integers(0, days * DAY_MS, days * 480))
    ts_ms = ts_ms[~((ts_ms > START_MS + 3 * DAY_MS) & (ts_ms < START_MS + 4 * DAY_MS))]
    values = rng.normal(100, 5, (len(ts_ms), 2))
    values[rng.random(values.shape) < 0.1] = np.nan
    values[np.isnan(values).all(axis=1), 0] = 1.0
    return ts_ms, values


@pytest.fixture(params=range(2))
def spans(request: pytest.FixtureRequest) -> tuple[np.random.Generator, list[tuple[int, int, int]]]:
    rng = np.random.default_rng(request.param)
    ends = np.sort(START_MS + rng.integers(0, 9 * DAY_MS, (12, 2)), axis=1)
    ends[:3] = START_MS - DAY_MS, START_MS + 9 * DAY_MS
    asked = [(int(a), int(b), int(points)) for (a, b), points in zip(ends, rng.integers(20, 400, 12), strict=True)]
    hole_ms = START_MS + 3 * DAY_MS + 1
    return rng, [
        *asked,
        *((from_ms, to_ms, points) for points, (from_ms, to_ms, _) in zip((1, 2, 3, 5), asked, strict=False)),
        *((START_MS + 2 * DAY_MS, START_MS + 6 * DAY_MS + minute, 1 + minute) for minute in range(3)),
        (hole_ms, hole_ms + DAY_MS - 2, 10),
        (hole_ms - HOUR_MS, hole_ms + DAY_MS + HOUR_MS, 2),
        (asked[3][1], asked[3][0], 50),
        (START_MS, START_MS, 1),
        (hole_ms, hole_ms - 1, 1),
    ]


def test_a_curve_loses_no_peak_at_its_ends_nor_of_what_came_late_or_just_now(
    record: Record, device_no: int, spans: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random readings, spans and numbers of points; the same curve before anything is aggregated, afterwards, with late
    readings in hours that were, and when these are aggregated again."""
    monkeypatch.setattr(resolution, "FEW_READINGS", 50)
    rng, asked = spans
    ts_ms, values = scattered(rng, 9)
    late = rng.random(len(ts_ms)) < 0.01
    late |= ts_ms > START_MS + 8.7 * DAY_MS  # and some that are too new to be aggregated
    said = {name: values[:, column] for column, name in enumerate(METRICS)}
    keep(record, device_no, ts_ms[~late].tolist(), **{name: each[~late] for name, each in said.items()})
    plain = [window(record, device_no, *each) for each in asked]
    aggregate(record, at(START_MS + int(8.5 * DAY_MS)))
    for each, curve in zip(asked, plain, strict=True):
        envelope(ts_ms[~late], values[~late], each[0], each[1], curve)
        same(window(record, device_no, *each), curve)
    keep(record, device_no, ts_ms[late].tolist(), **{name: each[late] for name, each in said.items()})
    curves = [window(record, device_no, *each) for each in asked]
    aggregate(record, at(START_MS + int(8.5 * DAY_MS)))
    for each, curve in zip(asked, curves, strict=True):
        envelope(ts_ms, values, each[0], each[1], curve)
        same(window(record, device_no, *each), curve)
    assert {len(curve.ts_ms) > most for curve, (_, _, most) in zip(curves, asked, strict=True)} == {False}


def same(one: Window, other: Window) -> None:
    np.testing.assert_array_equal(one.ts_ms, other.ts_ms)
    np.testing.assert_array_equal(one.low, other.low)
    np.testing.assert_array_equal(one.high, other.high)


def rows(record: Record, level: str, columns: str) -> list[tuple[Any, ...]]:
    with record.connect() as conn:
        return conn.execute(f"SELECT {columns} FROM {level}_refrigerator ORDER BY device_no, begins").fetchall()


def test_an_aggregate_is_min_max_mean_last_and_count_of_what_was_said(record: Record, device_no: int) -> None:
    ts = [START_MS + minute * 60_000 for minute in (0, 14, 15, 59)]
    keep(record, device_no, ts, power_w=[4.0, 1.0, 9.0, np.nan], cabinet_temp_c=np.nan)
    aggregate(record, at(START_MS + DAY_MS))
    columns = (
        "begins, readings, min_power_w, max_power_w, avg_power_w, last_power_w, count_power_w, count_cabinet_temp_c"
    )
    assert rows(record, "hours", columns) == [(at(START_MS), 4, 1, 9, 14 / 3, 9, 3, 0)]
    quarters = [(0, 2, 1, 4, 2.5, 1, 2, 0), (15, 1, 9, 9, 9, 9, 1, 0), (45, 1, None, None, None, None, 0, 0)]
    assert rows(record, "quarters", columns) == [(at(START_MS + m * 60_000), *rest) for m, *rest in quarters]


def test_a_late_reading_makes_its_hour_again_and_no_other(record: Record, device_no: int) -> None:
    keep(record, device_no, [START_MS + i * HOUR_MS for i in range(4)], power_w=5.0)
    aggregate(record, at(START_MS + DAY_MS))
    before = rows(record, "hours", "begins, xmin")
    keep(record, device_no, [START_MS + HOUR_MS + 1000], power_w=7.0)
    aggregate(record, at(START_MS + DAY_MS))
    after = rows(record, "hours", "begins, xmin")
    assert [old != new for old, new in zip(before, after, strict=True)] == [False, True, False, False]
    assert rows(record, "hours", "readings, max_power_w")[1] == (2, 7)


def test_a_metric_that_is_filled_in_later_is_in_the_aggregate(record: Record, device_no: int) -> None:
    keep(record, device_no, [START_MS], power_w=5.0)
    aggregate(record, at(START_MS + DAY_MS))
    keep(record, device_no, [START_MS], first_seq=2, cabinet_temp_c=4.0)
    aggregate(record, at(START_MS + DAY_MS))
    assert rows(record, "hours", "readings, max_power_w, max_cabinet_temp_c") == [(1, 5, 4)]


def test_what_is_not_over_is_not_sealed(record: Record, device_no: int) -> None:
    keep(record, device_no, [START_MS, START_MS + HOUR_MS], power_w=5.0)
    aggregate(record, at(START_MS + HOUR_MS + 299_999))
    assert rows(record, "hours", "begins") == []
    aggregate(record, at(START_MS + HOUR_MS + 300_000))
    assert rows(record, "hours", "begins") == [(at(START_MS),)]


def test_aggregates_outlive_their_readings_and_nothing_erases_them(record: Record, device_no: int) -> None:
    """Readings of ten days are forgotten but the last two; then one arrives that was under way for too long."""
    weeks = replace(FRIDGE, retention_days=8)
    ts_ms = START_MS + np.arange(0, 10 * 24 * 4) * (HOUR_MS // 4) + 1
    values = np.stack([np.random.default_rng(1).normal(100, 5, len(ts_ms)), np.arange(len(ts_ms)) * 1.0], axis=1)
    keep(record, device_no, ts_ms.tolist(), power_w=values[:, 0], cabinet_temp_c=values[:, 1])
    aggregate(record, at(START_MS + 11 * DAY_MS))
    now = at(START_MS + 16 * DAY_MS)
    whole = window(record, device_no, START_MS, START_MS + 10 * DAY_MS, 240)
    with record.connect("foremend_worker", autocommit=False) as conn:
        assert history.forget(conn, weeks, now, 0, devices=100, rows=2000) is None
        conn.commit()
    kept_ms = START_MS + 8 * DAY_MS - 2 * HOUR_MS
    with record.connect() as conn:
        assert conn.execute("SELECT min(ts) FROM reading_refrigerator").fetchone() == (
            at(kept_ms).replace(microsecond=1000),
        )
    hours = rows(record, "hours", "begins, readings, max_cabinet_temp_c")
    assert len(hours) == 240
    keep(record, device_no, [START_MS + 12345], power_w=1.0)  # judged by an older `received_at`, so not refused
    aggregate(record, now, weeks)
    assert rows(record, "hours", "begins, readings, max_cabinet_temp_c") == hours
    with record.connect() as conn:
        conn.execute("DELETE FROM reading_refrigerator WHERE ts < %s", [at(kept_ms)])
        assert conn.execute("SELECT count(*) FROM stale_hour").fetchone() == (0,)
    curve = window(record, device_no, START_MS, START_MS + 10 * DAY_MS, 240)
    envelope(ts_ms, values, START_MS, START_MS + 10 * DAY_MS, curve)
    assert len(curve.ts_ms) == len(whole.ts_ms) == 240


def test_a_tenant_sees_its_own_devices_aggregates_and_stale_hours_only(record: Record, device_no: int) -> None:
    keep(record, device_no, [START_MS], power_w=5.0)
    aggregate(record, at(START_MS + DAY_MS))
    keep(record, device_no, [START_MS + 1], power_w=5.0)
    for tenant, seen in (("demo", 1), ("other", 0)):
        with record.connect("foremend_api", autocommit=False) as conn:
            conn.execute("SELECT set_config('app.tenant', %s, true)", [tenant])
            for view in ("tenant_hours_refrigerator", "tenant_quarters_refrigerator", "tenant_stale_hour"):
                assert conn.execute(f"SELECT count(*) FROM {view}").fetchone() == (seen,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute("SELECT 1 FROM hours_refrigerator")


def test_a_class_that_reports_seldom_has_no_aggregates() -> None:
    assert [level.name for level in resolution.levels(60)] == ["hours", "quarters"]
    assert [level.name for level in resolution.levels(5)] == ["hours", "quarters", "minutes"]
    assert resolution.levels(600) == ()
