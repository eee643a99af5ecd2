"""What a batch costs PostgreSQL, written in hope and with care: `python benchmarks/write.py`.

CPU time of the backend, batches of 4,000 rows of 1,000 devices, in turn, on engines of its own.
"""

from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import psycopg

from api.bench.house import CLASS_ID, house
from api.bench.processes import cpu_s
from devices import catalogue
from ingest import store
from ingest.model import Batch

CLASS = catalogue.load()[CLASS_ID]
DEVICES, ROWS, BATCHES, ROUNDS = 1000, 4000, 20, 5
START_MS = 1_764_000_000_000
Write = Callable[[psycopg.Connection[Any], Batch], object]
WAYS: dict[str, Write] = {
    "with care (ON CONFLICT)": lambda conn, batch: store.insert(conn, CLASS, batch),
    "in hope (plain, in the key's order)": lambda conn, batch: store.append(conn, CLASS, batch),
}


def batch(number: int) -> Batch:
    turn = np.repeat(np.arange(ROWS // DEVICES), DEVICES)
    ts_ms = START_MS + (number * (ROWS // DEVICES) + turn) * 10
    return Batch(
        class_id=CLASS_ID,
        device_no=np.tile(np.arange(1, DEVICES + 1), ROWS // DEVICES),
        ts_ms=ts_ms,
        seq=1 + number * ROWS + np.arange(ROWS),
        received_ms=ts_ms,
        values=np.random.default_rng(number).normal(4.0, 1.0, (ROWS, len(CLASS.metrics))),
        flags=np.zeros(ROWS, np.int64),
        extra=[None] * ROWS,
    )


def measure(conn: psycopg.Connection[Any], write: Write, first: int) -> float:
    """Microseconds a row."""
    begin_s = cpu_s(conn.info.backend_pid)
    for number in range(first, first + BATCHES):
        with conn.transaction():
            write(conn, batch(number))
    return (cpu_s(conn.info.backend_pid) - begin_s) / (BATCHES * ROWS) * 1e6


def main() -> None:
    took: dict[str, list[float]] = {name: [] for name in WAYS}
    with house() as ours:
        ours.register(DEVICES)
        with psycopg.connect(ours.postgres.dsn, user="foremend_worker") as conn:
            conn.execute("SET synchronous_commit = off")
            conn.commit()
            for turn in range(ROUNDS):
                for place, (name, write) in enumerate(WAYS.items()):
                    took[name].append(measure(conn, write, (turn * len(WAYS) + place) * BATCHES))
    for name, each in took.items():
        print(f"{name:38} {median(each):5.2f} us a row (from {min(each):.2f} to {max(each):.2f})")


if __name__ == "__main__":
    main()
