"""What a curve costs: `python benchmarks/window.py [--devices N] [--days N] [--timescale]`.

A record of its own in which devices spoke in turn once a minute, so that neighbours in a curve are far apart on disk;
then curves of some of them through the tenant's view, cold (the server just started, its files in the system's cache)
and warm. With `--timescale`: in TimescaleDB as the tests have it (tests/timescale), warm, open and then compressed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psycopg

sys.path.insert(0, str(Path(__file__).parents[1]))

from api import schema
from api.bench.house import CLASS_ID
from api.engines import account as accounts
from api.engines.postgres import Postgres
from devices import catalogue
from ingest import aggregates, history, layout_aggregates
from tests.timescale import harness

CATALOGUE = catalogue.load()
CLASS = CATALOGUE[CLASS_ID]
DAY_MS = 86_400_000
Connect = Callable[[str], AbstractContextManager[psycopg.Connection[Any]]]


def load(conn: psycopg.Connection[Any], devices: int, end: datetime, days: int) -> None:
    """Minute by minute, device by device, as the log would bring them."""
    conn.execute("INSERT INTO tenant VALUES ('bench', 'Bench')")
    conn.execute(
        "INSERT INTO device (tenant_id, device_id, class_id, model, serial, label_token, registered_at)"
        " SELECT 'bench', 'd' || n, %s, 'm', n, left(md5(n::text), 16), now() FROM generate_series(1, %s) AS n",
        [CLASS_ID, devices],
    )
    values = ", ".join(
        f"sin(extract(epoch FROM t) / 3600 + device_no + {i}) * 10 + random()" for i in range(len(CLASS.metrics))
    )
    conn.execute("UPDATE sealing SET sealed_to = %s WHERE class_id = %s", [end - timedelta(days=days), CLASS_ID])
    for day in range(days):
        begin = end - timedelta(days=days - day)
        conn.execute(
            f"INSERT INTO reading_{CLASS_ID} (device_no, ts, seq, received_at, {', '.join(CLASS.metric_names)})"  # noqa: S608
            f" SELECT device_no, t, 1, t, {values}"
            " FROM generate_series(%s::timestamptz, %s::timestamptz - interval '1 s', interval '1 minute') AS t"
            " CROSS JOIN (SELECT device_no FROM device ORDER BY device_no) AS d",
            [begin, begin + timedelta(days=1)],
        )


def aggregate(connect: Connect, end: datetime) -> tuple[int, float]:
    """All hours, as the worker does: how many, and seconds of it."""
    done, begun = 0, time.perf_counter()
    with connect("foremend_worker") as conn:
        while aggregates.seal(conn, CLASS, end + timedelta(minutes=5)):
            more = True
            while more:
                with conn.transaction():
                    hours, more = aggregates.aggregate(conn, CLASS, end)
                done += hours
    return done, time.perf_counter() - begun


def took_ms(connect: Connect, device_no: int, end: datetime, days: int) -> tuple[float, int]:
    """One curve of all metrics, on a connection of its own; how many stretches it has."""
    to_ms = int(end.timestamp() * 1000) - 1
    with connect("foremend_api") as conn:
        conn.execute("SELECT set_config('app.tenant', 'bench', false)")
        begun = time.perf_counter()
        window = history.window(conn, CLASS, device_no, CLASS.metric_names, to_ms - days * DAY_MS + 1, to_ms, 1500)
        return (time.perf_counter() - begun) * 1000, len(window.ts_ms)


def report(connect: Connect, restart: Callable[[], None] | None, devices: int, end: datetime, most: int) -> None:
    asked = np.linspace(1, devices, 9).astype(int).tolist()
    for days in (1, 7, 14, 30, 90, 365):
        if days > most:
            continue
        cold = []
        for device_no in asked[:3] if restart else []:
            restart()
            cold.append(took_ms(connect, device_no, end, days)[0])
        took_ms(connect, asked[0], end, days)
        warm = [took_ms(connect, device_no, end, days) for device_no in asked for _ in range(2)]
        said = f"cold {median(cold):6.1f} ms, " if cold else ""
        times = [each for each, _ in warm]
        print(f"{days:4} days: {said}warm {median(times):6.1f} ms (to {max(times):.1f}), {warm[0][1]} stretches")


def sizes(conn: psycopg.Connection[Any], messages: int) -> str:
    """Bytes a message, indexes included."""
    names = ["reading_" + CLASS_ID, *layout_aggregates.tables({CLASS_ID: CLASS})]
    found = conn.execute("SELECT name, pg_total_relation_size(name) FROM unnest(%s::text[]) AS name", [names])
    return "bytes a message: " + ", ".join(f"{name} {size / messages:.0f}" for name, size in found)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--timescale", action="store_true")
    asked = parser.parse_args()
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    (on_timescale if asked.timescale else on_postgres)(asked.devices, asked.days, end)


def on_postgres(devices: int, days: int, end: datetime) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="foremend-window-") as folder:
        accounts.prepare(Path(folder), accounts.choose())
        server = Postgres(Path(folder) / "record")
        server.start()

        def connect(role: str) -> psycopg.Connection[Any]:
            return psycopg.connect(server.dsn, user=role, autocommit=True)

        def restart() -> None:
            server.stop()
            server.start()

        try:
            with connect("postgres") as conn:
                schema.apply(conn, CATALOGUE)
            compare(connect, restart, devices, days, end)
        finally:
            server.stop()


def on_timescale(devices: int, days: int, end: datetime) -> None:
    with harness.served() as record:
        compare(record.connect, None, devices, days, end)
        with record.connect() as conn:
            for name in [f"reading_{CLASS_ID}", *layout_aggregates.tables({CLASS_ID: CLASS})]:
                conn.execute("SELECT compress_chunk(chunk) FROM show_chunks(%s::regclass) AS chunk", [name])
        print("compressed:")
        report(record.connect, None, devices, end, days)


def compare(connect: Connect, restart: Callable[[], None] | None, devices: int, days: int, end: datetime) -> None:
    with connect("postgres") as conn:
        load(conn, devices, end, days)
        conn.execute("VACUUM ANALYZE")
    report(connect, restart, devices, end, days)
    hours, seconds = aggregate(connect, end)
    print(f"{hours} hours of a device aggregated, {seconds / hours * 1e6:.0f} us each")
    with connect("postgres") as conn:
        conn.execute("VACUUM ANALYZE")
        print(sizes(conn, devices * days * 1440) if restart else "")
    report(connect, restart, devices, end, days)


if __name__ == "__main__":
    main()
