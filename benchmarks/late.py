"""What late readings cost where TimescaleDB has compressed their chunk, and what it saves: `python benchmarks/late.py`.

Real TimescaleDB in WASM (tests/timescale), so read the figures as ratios. 40 devices, ten days at one reading a minute;
per kind of batch: 40 readings, one a device, in a transaction that is rolled back; medians of nine.
"""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from devices import catalogue
from ingest import history
from ingest.model import Batch
from tests.timescale import harness

CATALOGUE = catalogue.load()
CLASS = CATALOGUE["cold_room"]
SAID = "round((4 + 2 * sin(extract(epoch FROM t) / 3600) + random() / 2)::numeric, 1)"  # as a sensor does
DEVICES, DAYS, START_MS = 40, 10, 1_764_201_600_000
KINDS = {
    "new": (30_000, "compressor_current_a"),
    "the same again": (0, "compressor_current_a"),
    "fills a column": (0, "door_open"),
}


def load(conn: Any) -> None:
    conn.execute("INSERT INTO tenant VALUES ('bench', 'Bench')")
    conn.execute(
        "INSERT INTO device (tenant_id, device_id, class_id, model, serial, label_token, registered_at)"
        " SELECT 'bench', 'd' || n, 'cold_room', 'm', n, left(md5(n::text), 16), now()"
        " FROM generate_series(1, %s) AS n",
        [DEVICES],
    )
    filled = [name for name in CLASS.metric_names if name != KINDS["fills a column"][1]]
    listed = ", ".join(f"CASE '{m}' WHEN 'compressor_current_a' THEN 85 ELSE {SAID} END" for m in filled)
    conn.execute(
        f"INSERT INTO reading_cold_room (device_no, ts, seq, received_at, {', '.join(filled)})"  # noqa: S608
        f" SELECT device_no, t, 1, t, {listed} FROM generate_series(%s::timestamptz, %s, interval '1 minute') AS t"
        " CROSS JOIN (SELECT device_no FROM device ORDER BY device_no) AS d",
        [moment(0), moment(DAYS * 1440 - 1)],
    )


def moment(minute: int) -> datetime:
    return datetime.fromtimestamp(START_MS / 1000 + 60 * minute, tz=UTC)


def took_ms(conn: Any, device_no: list[int], shift_ms: int, metric: str) -> float:
    values = np.full((DEVICES, len(CLASS.metrics)), np.nan)
    values[:, CLASS.metric_names.index(metric)] = 85.0
    batch = Batch(
        class_id=CLASS.class_id,
        device_no=np.array(device_no),
        ts_ms=np.full(DEVICES, START_MS + 3 * 86_400_000 + shift_ms),
        seq=np.full(DEVICES, 7),
        received_ms=np.full(DEVICES, START_MS + 11 * 86_400_000),
        values=values,
        flags=np.zeros(DEVICES, np.int64),
        extra=[None] * DEVICES,
    )
    begun = time.perf_counter()
    history.keep(conn, CATALOGUE, [batch], [])
    took = (time.perf_counter() - begun) * 1000
    conn.rollback()
    return took


def measure(record: harness.Timescale, said: str) -> None:
    with record.connect() as conn:
        device_no = [each for (each,) in conn.execute("SELECT device_no FROM device ORDER BY 1")]
    with record.connect("foremend_worker", autocommit=False) as conn:
        for kind, (shift_ms, metric) in KINDS.items():
            times = [took_ms(conn, device_no, shift_ms, metric) for _ in range(9)]
            print(f"{said:10} {kind:15} {median(times) / DEVICES * 1000:6.0f} us a reading")


def main() -> None:
    with harness.served() as record:
        with record.connect() as conn:
            load(conn)
        measure(record, "open")
        with record.connect() as conn:
            begun = time.perf_counter()
            conn.execute("SELECT compress_chunk(chunk) FROM show_chunks('reading_cold_room') AS chunk")
            seconds = time.perf_counter() - begun
            sizes = conn.execute(
                "SELECT before_compression_total_bytes, after_compression_total_bytes"
                " FROM hypertable_compression_stats('reading_cold_room')"
            ).fetchone()
        measure(record, "compressed")
        messages, points = DEVICES * DAYS * 1440, len(CLASS.metrics) - 1
        before, after = (size / messages for size in sizes or (0, 0))
        print(f"bytes a message: {before:.0f} open, {after:.1f} compressed; a point: {after / points:.2f}")
        print(f"compressed in {seconds / messages * 1e6:.1f} us a message")


if __name__ == "__main__":
    main()
