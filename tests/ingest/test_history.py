"""The record: kept once, filled where it had gaps, never overwritten, and read back the same on both engines."""

import json
from typing import Any

import numpy as np
import psycopg
import pytest

from ingest import history, layout
from ingest.decode import decode
from ingest.model import Batch, Reason, Window
from tests.ingest.builders import CATALOGUE, FRIDGE, NOW_MS, a_message, a_reading, a_source
from tests.ingest.conftest import Record, is_timescale
from tests.ingest.record import a_batch, register

MINUTE_MS = 60_000


@pytest.fixture
def device_no(record: Record) -> int:
    with record.connect() as conn:
        return register(conn, ("demo", "d1", "refrigerator"))[0]


def keep(record: Record, *batches: Batch) -> history.Kept:
    with record.connect("foremend_worker", autocommit=False) as conn:
        kept = history.keep(conn, CATALOGUE, batches, [])
        conn.commit()
    return kept


def rows(record: Record, columns: str = "ts, seq, power_w, cabinet_temp_c, flags") -> list[tuple[Any, ...]]:
    with record.connect() as conn:
        return conn.execute(f"SELECT {columns} FROM reading_refrigerator ORDER BY device_no, ts").fetchall()


def as_api(conn: psycopg.Connection[Any], tenant: str = "demo") -> None:
    conn.execute("SELECT set_config('app.tenant', %s, true)", [tenant])


def window(record: Record, device_no: int, from_ms: int, to_ms: int, max_points: int = 2000) -> Window:
    with record.connect("foremend_api", autocommit=False) as conn:
        as_api(conn)
        return history.window(conn, FRIDGE, device_no, ["power_w", "cabinet_temp_c"], from_ms, to_ms, max_points)


def test_readings_are_kept_as_they_were_said(record: Record, device_no: int) -> None:
    batch = a_batch(
        device_no,
        [NOW_MS, NOW_MS + 1],
        seq=[7, 8],
        received_ms=NOW_MS + 500,
        power_w=[85.25, np.nan],
        cabinet_temp_c=[np.nan, 99.0],
        flags=[0, 1],
        extra=['{"mode": "eco"}', None],
    )
    kept = keep(record, batch)
    assert kept.new == [batch]
    assert kept.refusals == []
    said = rows(record, "seq, power_w, cabinet_temp_c, flags, extra, extract(epoch FROM ts) * 1000, door_open")
    assert said == [
        (7, 85.25, None, 0, {"mode": "eco"}, NOW_MS, None),
        (8, None, 99.0, 1, None, NOW_MS + 1, None),
    ]


def test_hope_writes_the_same_and_fails_where_something_is_there(record: Record, device_no: int) -> None:
    """Out of order, with what only some readings say, and another device between."""
    with record.connect() as conn:
        (other,) = register(conn, ("demo", "d2", "refrigerator"))
    batch = a_batch(
        [other, device_no, device_no],
        [NOW_MS, NOW_MS + 60_000, NOW_MS],
        seq=[7, 8, 9],
        power_w=[1.0, np.nan, 3.0],
        flags=[0, 1, 0],
        extra=[None, '{"mode": "eco"}', None],
    )
    columns = "device_no, ts, seq, received_at, flags, extra, power_w, cabinet_temp_c"
    with record.connect("foremend_worker", autocommit=False) as conn:
        assert history.keep(conn, CATALOGUE, [batch], [], hopeful=True).new == [batch]
        hoped = conn.execute(f"SELECT {columns} FROM reading_refrigerator ORDER BY 1, 2").fetchall()
        conn.rollback()
    keep(record, batch)
    assert rows(record, columns) == hoped
    with record.connect("foremend_worker", autocommit=False) as conn, pytest.raises(psycopg.errors.UniqueViolation):
        history.keep(conn, CATALOGUE, [batch], [], hopeful=True)


def test_what_is_sent_again_is_not_new_and_changes_nothing(record: Record, device_no: int) -> None:
    keep(record, a_batch(device_no, [NOW_MS], seq=1, extra=['{"a": 1}']))
    before = rows(record, "*, xmin")
    kept = keep(record, a_batch(device_no, [NOW_MS, NOW_MS + 1], seq=[2, 3], extra=['{"a": 1}', None]))
    assert [batch.seq.tolist() for batch in kept.new] == [[3]]
    assert kept.refusals == []
    assert rows(record, "*, xmin")[:1] == before


def test_missing_columns_are_filled_with_their_flags_and_the_row_keeps_its_seq(record: Record, device_no: int) -> None:
    keep(record, a_batch(device_no, [NOW_MS], seq=1, power_w=85.0, extra=['{"a": 1}']))
    second = a_batch(device_no, [NOW_MS], seq=2, power_w=85.0, cabinet_temp_c=99.0, flags=[0b10001], extra=['{"b": 2}'])
    kept = keep(record, second)
    assert kept.new == []
    assert kept.refusals == []
    assert rows(record, "seq, power_w, cabinet_temp_c, flags, extra") == [(1, 85.0, 99.0, 1, {"a": 1, "b": 2})]


def test_a_different_value_is_a_conflict_and_the_stored_one_stays(record: Record, device_no: int) -> None:
    keep(record, a_batch(device_no, [NOW_MS], seq=1, power_w=85.0, extra=['{"mode": "a", "n": 1}']))
    other = a_batch(device_no, [NOW_MS], seq=2, power_w=86.0, cabinet_temp_c=4.0, extra=['{"mode": "b", "n": 1.0}'])
    kept = keep(record, other)
    assert kept.new == []
    assert rows(record, "power_w, cabinet_temp_c, extra") == [(85.0, 4.0, {"mode": "a", "n": 1})]
    said = [(each.reason, each.metric, each.topic, json.loads(each.payload)["m"]) for each in kept.refusals]
    assert said == [
        (Reason.CONFLICT, "power_w", "fm/demo/d1/up/telemetry", {"power_w": 86.0}),
        (Reason.CONFLICT, "mode", "fm/demo/d1/up/telemetry", {"mode": "b"}),
    ]
    with record.connect() as conn:
        assert conn.execute("SELECT count(*) FROM refusal WHERE reason = 'CONFLICT'").fetchone() == (2,)


def test_a_number_that_the_record_writes_otherwise_is_still_the_same(record: Record, device_no: int) -> None:
    """jsonb writes 9.2e18 without its exponent, and what is read back is a whole number beside the one said."""
    said = '{"a": 9.223372036854775e18, "b": 1e17, "c": -0.0, "d": 5e-324, "e": 9007199254740993}'
    keep(record, a_batch(device_no, [NOW_MS], seq=1, extra=[said]))
    before = rows(record, "extra, xmin")
    for seq, again in enumerate([said, said.replace("-0.0", "0"), said.replace("1e17", str(10**17))], start=2):
        assert keep(record, a_batch(device_no, [NOW_MS], seq=seq, extra=[again])).refusals == []
    other = keep(record, a_batch(device_no, [NOW_MS], seq=9, extra=['{"a": 9.223372036854774e18}']))
    assert [each.metric for each in other.refusals] == ["a"]
    assert rows(record, "extra, xmin") == before


def test_a_row_holds_no_more_undeclared_metrics_than_a_reading_may_say(record: Record, device_no: int) -> None:
    """Else messages without end could fill one row without end."""
    first, more = ({f"{letter}{i}": i for i in range(200)} for letter in "ab")
    keep(record, a_batch(device_no, [NOW_MS], seq=1, extra=[json.dumps(first)]))
    for seq in (2, 3):
        second = a_batch(device_no, [NOW_MS], seq=seq, cabinet_temp_c=4.0, extra=[json.dumps(more)])
        (refusal,) = keep(record, second).refusals
        assert (refusal.reason, refusal.metric, refusal.seq) == (Reason.TOO_MANY_KEYS, None, seq)
        assert json.loads(refusal.payload)["m"] == {f"b{i}": i for i in range(56, 200)}
    ((extra, temp),) = rows(record, "extra, cabinet_temp_c")
    assert (extra, temp) == (first | {f"b{i}": i for i in range(56)}, 4.0)


def test_a_batch_of_new_and_old_readings_says_which_were_new(record: Record, device_no: int) -> None:
    at = [NOW_MS + i * 1000 for i in range(200)]
    keep(record, a_batch(device_no, at[::2], seq=1))
    kept = keep(record, a_batch(device_no, at, seq=list(range(2, 202))))
    assert kept.new[0].ts_ms.tolist() == at[1::2]
    assert kept.new[0].seq.tolist() == list(range(3, 203, 2))


def test_every_class_has_its_own_table_and_an_old_reading_finds_its_chunk(record: Record, device_no: int) -> None:
    with record.connect() as conn:
        (room,) = register(conn, ("demo", "room", "cold_room"))
    year_ms = 365 * 24 * 60 * MINUTE_MS
    kept = keep(
        record,
        a_batch(device_no, [NOW_MS - year_ms, NOW_MS]),
        a_batch(room, [NOW_MS], class_id="cold_room", door_open=1.0),
    )
    assert sum(map(len, kept.new)) == 3
    with record.connect() as conn:
        assert conn.execute("SELECT door_open FROM reading_cold_room").fetchall() == [(1.0,)]
        if is_timescale(conn):
            chunks = conn.execute("SELECT count(*) FROM show_chunks('reading_refrigerator')").fetchone()
            assert chunks == (2,)


def test_a_short_window_is_the_readings_themselves(record: Record, device_no: int) -> None:
    keep(
        record,
        a_batch(device_no, [NOW_MS + i * 1000 for i in range(5)], power_w=[0, 1, 2, 3, 4], cabinet_temp_c=np.nan),
    )
    curve = window(record, device_no, NOW_MS + 1000, NOW_MS + 3000)
    assert curve.ts_ms.tolist() == [NOW_MS + 1000, NOW_MS + 2000, NOW_MS + 3000]
    assert curve.low[:, 0].tolist() == curve.high[:, 0].tolist() == [1, 2, 3]
    assert np.isnan(curve.low[:, 1]).all()


def test_a_long_window_is_bounded_and_loses_no_peak(record: Record, device_no: int) -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(100, 5, 3000)
    values[1234], values[2345] = 900.0, 1.0
    for start in range(0, 3000, 250):  # the WASM server takes no statement of more than 64 KiB
        ts = [NOW_MS + i * MINUTE_MS for i in range(start, start + 250)]
        keep(record, a_batch(device_no, ts, power_w=values[start : start + 250], cabinet_temp_c=4.0))
    curve = window(record, device_no, NOW_MS - 10**9, NOW_MS + 10**9, max_points=100)
    assert 90 <= len(curve.ts_ms) <= 100
    assert (curve.low <= curve.high).all()
    assert (curve.low[:, 0].min(), curve.high[:, 0].max()) == (1.0, 900.0)
    peak = curve.ts_ms[curve.high[:, 0].argmax()]
    assert peak <= NOW_MS + 1234 * MINUTE_MS < peak + 31 * MINUTE_MS
    assert (np.diff(curve.ts_ms) > 0).all()


def test_a_window_of_nothing_is_empty(record: Record, device_no: int) -> None:
    curve = window(record, device_no, NOW_MS, NOW_MS + 1)
    assert (curve.ts_ms.shape, curve.low.shape, curve.high.shape) == ((0,), (0, 2), (0, 2))


def test_newest_is_the_newest_by_the_devices_own_time(record: Record, device_no: int) -> None:
    keep(record, a_batch(device_no, [NOW_MS + 5], received_ms=NOW_MS + 10))
    keep(record, a_batch(device_no, [NOW_MS], received_ms=NOW_MS + 99, seq=2))
    with record.connect("foremend_api", autocommit=False) as conn:
        as_api(conn)
        found = history.newest(conn, FRIDGE, device_no)
        assert found is not None
        assert (found.ts_ms, found.received_ms) == (NOW_MS + 5, NOW_MS + 10)
        assert history.newest(conn, FRIDGE, device_no + 1) is None


def test_counts_are_of_the_span_asked_for(record: Record, device_no: int) -> None:
    keep(record, a_batch(device_no, [NOW_MS + i for i in range(10)]))
    with record.connect("foremend_api", autocommit=False) as conn:
        as_api(conn)
        every = history.counts(conn, FRIDGE, device_no)
        assert (every.readings, every.from_ms, every.to_ms) == (10, NOW_MS, NOW_MS + 9)
        some = history.counts(conn, FRIDGE, device_no, NOW_MS + 2, NOW_MS + 4)
        assert (some.readings, some.from_ms, some.to_ms) == (3, NOW_MS + 2, NOW_MS + 4)


def test_the_fold_gets_the_last_days_of_each_device_in_log_order(record: Record, device_no: int) -> None:
    with record.connect() as conn:
        other, _quiet = register(conn, ("demo", "d2", "refrigerator"), ("demo", "d3", "refrigerator"))
    day_ms = 24 * 60 * MINUTE_MS
    keep(record, a_batch(device_no, [NOW_MS, NOW_MS - 5 * day_ms, NOW_MS - day_ms], seq=[1, 2, 3], power_w=[1, 2, 3]))
    keep(record, a_batch(other, [NOW_MS - 9 * day_ms, NOW_MS - 10 * day_ms], seq=[4, 5], cabinet_temp_c=4.0))
    keep(record, a_batch(other, [NOW_MS], seq=6))
    with record.connect("foremend_worker") as conn:
        (batch,) = history.remembered(conn, FRIDGE, cursor=5)
    assert list(zip(batch.device_no, batch.seq, batch.ts_ms, strict=True)) == [
        (device_no, 1, NOW_MS),
        (device_no, 3, NOW_MS - day_ms),
        (other, 4, NOW_MS - 9 * day_ms),
        (other, 5, NOW_MS - 10 * day_ms),
    ]
    power = batch.values[:, FRIDGE.metric_names.index("power_w")]
    np.testing.assert_array_equal(power, [1.0, 3.0, np.nan, np.nan])
    assert batch.received_ms.tolist() == [NOW_MS] * 4


def test_what_is_observed_depends_neither_on_batches_nor_on_a_restart(record: Record, device_no: int) -> None:
    """Three messages for one `ts`, in one batch and in three: one reading, as the first of them said it."""
    with record.connect() as conn:
        (other,) = register(conn, ("demo", "d2", "refrigerator"))
    said = [{"power_w": 85.0}, {"cabinet_temp_c": 99.0, "power_w": 85.0}, {"door_open": 1.0}]
    messages = [a_message(a_reading(**metrics), seq=seq) for seq, metrics in enumerate(said, start=1)]
    observed = []
    for number, pieces in ((device_no, [messages]), (other, [[message] for message in messages])):
        found = [decode(piece, [a_source(number)] * len(piece), CATALOGUE) for piece in pieces]
        observed.append([batch for each in found for batch in keep(record, *each.batches).new])
    with record.connect("foremend_worker") as conn:
        (folded,) = history.remembered(conn, FRIDGE, cursor=3)
    power = FRIDGE.metric_names.index("power_w")
    for values in (*[batch.values for (batch,) in observed], folded.values[:1], folded.values[1:]):
        assert values.shape == (1, len(FRIDGE.metrics))
        assert np.flatnonzero(~np.isnan(values[0])).tolist() == [power]
    kept = rows(record, "seq, power_w, cabinet_temp_c, door_open, flags, filled")
    assert kept == [(1, 85.0, 99.0, 1.0, 1, 1 | 1 << FRIDGE.metric_names.index("door_open"))] * 2


def test_the_windows_plan_is_an_index_scan_with_a_bound_on_rows(record: Record, device_no: int) -> None:
    """Through the view, with its security barrier and the join: of a device's readings only those of the window."""
    with record.connect() as conn:
        others = register(conn, *[("demo", f"x{i}", "refrigerator") for i in range(20)])
    ts = [NOW_MS + i * MINUTE_MS for i in range(250)]
    for each in (device_no, *others):
        keep(record, a_batch(each, ts))
    with record.connect() as conn:
        conn.execute("ANALYZE")
    names = {"device_no": device_no, "from": "2025-11-24", "to": "2025-11-25"}
    names |= {"since": "2025-11-24", "until": "2025-11-25"}
    for text in (
        layout.window_raw("refrigerator", ("power_w",)),
        layout.newest("refrigerator"),
        layout.presses("refrigerator"),
    ):
        with record.connect("foremend_api", autocommit=False) as conn:
            as_api(conn)
            (plan,) = conn.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", names).fetchone() or ({},)
        nodes = list(_nodes(plan[0]["Plan"]))
        readings = [node for node in nodes if "device_no" in node.get("Index Cond", "") and node["Actual Rows"] > 1]
        scans = {node["Node Type"] for node in nodes if "Relation Name" in node and node["Relation Name"] != "device"}
        assert scans <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, plan
        assert all(node["Actual Rows"] <= 250 for node in [*readings, *nodes]), plan


def _nodes(node: dict[str, Any]) -> Any:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)
